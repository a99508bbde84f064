"""The golden models: small folders of format 1 with their answers, which every later version must load and give again.

Written by version 0.1.0, whose options and names it uses; kept for the record of how the folders were made. Folders of
a format that was in use are not made anew: a change that breaks one of them breaks its users'. To make them, or some,
with the version that wrote them (data is made here, seeds are fixed, everything runs on one thread):

    python -m tests.golden.generate [CASE ...]

Each case becomes a folder format_1/CASE, without checkpoints and report, and format_1/CASE.json beside it: its task,
its inputs and its answers, numbers as they print in full. A case is refused where weights that are changed by one part
in 100,000 change a text or a label: such an answer would be no answer on another machine.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from safetensors.numpy import load_file, save_file
from throughtime.models.config import Dropout
from throughtime.runtime.folder import read_json, write_json

import throughtime
from tests.golden import data
from tests.golden.answers import ANSWERS, LABELLED, TABLE, check, scores, table
from throughtime import Classifier, Forecaster, LanguageModel, Tagger, cli
from throughtime.recurrence import Cell, Matrix, Vector, maximum, sigmoid, tanh

FORMAT = Path(__file__).with_name("format_1")
PROMPTS = ["the cat", "she didn't like the moon.\n"]
PROSE = data.prose(random.Random(0), 160)

Made = tuple[str, Any, dict[str, Any]]
"""A task, its trained model (None: the folder is written), and the inputs of its answers."""


class Mixed(Cell):
    """An update gate over a state of its own size M, and a clamped output."""

    state = {"h": "H", "m": "M"}
    W_xg, W_xm, W_hg = Matrix("M", "I"), Matrix("M", "I"), Matrix("M", "H", init="orthogonal")
    W_mh = Matrix("H", "M")
    b_g, b_h = Vector("M", init=1.0), Vector("H")

    def step(self, x, h, m):  # type: ignore[no-untyped-def]
        g = sigmoid(self.W_xg @ x + self.W_hg @ h + self.b_g)
        m = g * m + (1.0 - g) * tanh(self.W_xm @ x)
        return maximum(self.W_mh @ m + self.b_h, -0.5), m


def text(length: int = 40, steps: int = 120, **options: Any) -> Made:
    """A language model of the prose."""
    model = LanguageModel(**{"hidden": 16, "embedding": 8, "seed": 1, "threads": 1, **options})
    model.fit(PROSE, steps=steps, batch=8, window=16, learning_rate=0.02, warm_up=5, validations=2, log_every=50)
    return "text", model, {"prompts": PROMPTS, "length": length}


def forecast(series: list[np.ndarray], ahead: int | None = 9, **options: Any) -> Made:
    """A forecaster of arrays; its answers go on from other series too."""
    usual = {"horizon": 4, "hidden": 8, "embedding": 6, "seed": 1, "threads": 1}
    ids = [f"s{n}" for n in range(len(series))]
    model = Forecaster(**{**usual, **options})
    settings = {"learning_rate": 0.02, "warm_up": 5, "average": 0.9, "log_every": 50}
    model.fit(series, ids=ids, steps=150, batch=32, validation=0.2, **settings)
    others = [one[:-7] + 1.0 for one in series]
    shown = [[None if np.isnan(value) else float(value) for value in one] for one in others]
    return "forecast", model, {"series": shown, "ids": ids, "steps": ahead}


def dated(folder: Path) -> Made:
    """A forecaster of a dated table, as the command makes it, with covariates, quantiles and shifts."""
    rows = data.sales(3, 90, 14)
    (FORMAT / TABLE).write_text(rows, "utf-8")
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)  # so that no path of this machine gets into the folder
        try:
            Path(TABLE).write_text(rows, "utf-8")
            columns = "--past visitors --future sale,holiday --static town --horizon 7 --lookback 21 --validation 0.3"
            sizes = "--hidden 8 --embedding 6 --profile 7 --quantiles 0.1,0.5,0.9 --dropout 0.1 --nonnegative"
            run = "--steps 200 --batch 32 --seconds 0 --threads 1 --learning-rate 0.02 --average 0.9 --json"
            given = ["train", "forecast", TABLE, "--out", "m", *columns.split(), *sizes.split(), *run.split()]
            assert cli.invoke(given) == 0
            shutil.copytree("m", folder)
        finally:
            os.chdir(before)
    assert "shifts" in json.loads((folder / "config.json").read_text("utf-8"))["forecast"]
    return "forecast", None, {"series": None}


def linear_models(there: bool) -> Any:
    """Where they are not wanted scikit-learn is missing, as it may be: a folder then has the majority class alone."""
    missing = patch("throughtime.baselines.linear_text.find_spec", lambda name: None)
    return nullcontext() if there else missing


def classify(
    given: tuple[list[str], list[str]], stream: list[str] | None = None, steps: int = 150, **options: Any
) -> Made:
    """A classifier; asked for pairs of its own texts, and for what it never saw."""
    drop = {"input": 0.2, "between": 0.1, "output": 0.2}
    usual = {"hidden": 8, "embedding": 8, "dropout": drop, "word_dropout": 0.1, "seed": 1, "threads": 1}
    model = Classifier(**{**usual, **options})
    settings = {"learning_rate": 0.02, "warm_up": 5, "average": 0.9, "log_every": 50}
    with linear_models(model.wide):
        model.fit(*given, steps=steps, batch=16, validation=0.25, **settings)
    # no text that it learned from: where an answer is sure may be the very probability of one
    asked = [f"{one} {other}" for one, other in zip(given[0][:6], given[0][6:12], strict=True)]
    asked += ["Nobody said the soup with Ann was bad!", "", "面条不新鲜。 ok 7"]
    return "classify", model, {"texts": asked, "stream": stream or []}


def tag(with_intents: bool = True, plain: bool = False, steps: int = 150, **options: Any) -> Made:
    """A tagger; asked for pairs of its own texts, and for what it never saw."""
    tokens, tags, intents = data.commands(random.Random(5), 90)
    drop = {"input": 0.1, "between": 0.1, "output": 0.1, "variational": True}
    usual = {"hidden": 8, "embedding": 8, "dropout": drop, "rare_dropout": 0.1, "seed": 1, "threads": 1}
    model = Tagger(**{**usual, **options})
    found = data.plain_tags(tokens, tags) if plain else tags
    settings = {"learning_rate": 0.02, "warm_up": 5, "average": 0.9, "log_every": 50}
    with linear_models(model.wide):
        model.fit(tokens, found, intents if with_intents else None, steps=steps, batch=16, validation=0.25, **settings)
    asked = ["never leave the lamp in the hall on now", "make the living room 21 degrees warm", "play björk nina", ""]
    cut = [tokens[0] + tokens[2], tokens[1] + tokens[3], ["Play", "nina", "simone", "17"]]
    return "tag", model, {"texts": asked, "tokens": cut}


def started() -> Made:
    """A classifier that starts from a language model, whose tokens it reads."""
    source = LanguageModel(hidden=8, embedding=8, tokens="words", seed=1, threads=1)
    source.fit(PROSE + "\n".join(REVIEWS[0]), steps=30, batch=8, window=16)
    with tempfile.TemporaryDirectory() as place:
        source.save(place)
        return classify(REVIEWS, start=place)


REVIEWS = data.reviews(random.Random(1), 120)
LONG = data.long_reviews(random.Random(2), 60)
CHINESE = data.chinese_reviews(random.Random(3), 80)
WAVES = data.series(0, (80, 70), 12)
CELLS = ["layer_norm_lstm", "gru_reset_after", "slstm", "rnn:relu"]
GATED = ["gru", "peephole_lstm", "coupled_lstm", "layer_norm_gru", "mgu", "projected_lstm"]
LIGHT = [["indrnn", "sru", "min_gru"], ["min_lstm", "rg_lru", "rnn"]]

CASES: dict[str, Callable[[Path], Made]] = {
    "text_characters": lambda _: text(),
    "text_words": lambda _: text(
        15, tokens="words", vocabulary=30, cell="gru", layers=2, hidden=12, tied=True, dropout=0.2
    ),
    "text_bpe": lambda _: text(20, tokens="bpe", vocabulary=280, memory=20.0, hidden=8, embedding=4),
    "text_own_cell": lambda _: text(cell=Mixed(), sizes={"M": 5}),
    "text_stack": lambda _: text(cell=CELLS, hidden=6, tokens="bytes"),
    "text_gated_cells": lambda _: text(steps=400, cell=GATED, hidden=8, sizes={"P": 8}, memory=30.0),
    "text_light_cells": lambda _: text(
        cell=LIGHT[0], hidden=8, dropout=Dropout(between=0.1, weight=0.1, variational=True)
    ),
    "text_other_light_cells": lambda _: text(cell=LIGHT[1], hidden=8, dropout=Dropout(input=0.1, output=0.1)),
    "forecast_arrays": lambda _: forecast(WAVES, season=12),
    "forecast_dated": dated,
    "forecast_every": lambda _: forecast(
        WAVES, every=True, season=12, lookback=24, cell="lstm", quantiles=[0.1, 0.5, 0.9]
    ),
    "forecast_members": lambda _: forecast(
        WAVES,
        members=2,
        loss="mse",
        scaling="last",
        cell=["lstm", "gru"],
        segment=3,
        lookback=24,
        lags=[1, 12],
        profile=12,
    ),
    "forecast_student_t": lambda _: forecast(
        WAVES, distribution="student_t", scaling="level", season=12, quantiles=[0.05, 0.5, 0.95]
    ),
    "forecast_negative_binomial": lambda _: forecast(
        data.counts(1, (90, 60), 8),
        None,
        distribution="negative_binomial",
        scaling="series",
        season=8,
        nonnegative=True,
    ),
    "classify_words": lambda _: classify(REVIEWS, dropout={"input": 0.6, "between": 0.3, "output": 0.5}),
    "classify_characters": lambda _: classify(CHINESE, units="characters", cell="mgu", layers=2),
    "classify_members": lambda _: classify(REVIEWS, members=2, evidence="both", hidden=4, embedding=4, cell="min_gru"),
    "classify_sentences": lambda _: classify(
        LONG, sentences=True, wide=False, evidence="off", balanced=True, near=False, cell="gru", hidden=6
    ),
    "classify_forward": lambda _: classify(
        REVIEWS,
        ["Nobody sa", "id the soup", " was bad", "!"],
        both=False,
        pooling=["max", "mean", "attention", "last"],
        cell="sru",
    ),
    "classify_subwords": lambda _: classify(REVIEWS, units="subwords", wide=False, pooling=["max", "last"]),
    "classify_jieba": lambda _: classify(CHINESE, units=["jieba", "characters"], wide=False, cell="mgu"),
    "classify_started": lambda _: started(),
    "tag_intents": lambda _: tag(swap=0.3, seed=2, steps=220),
    "tag_entities": lambda _: tag(with_intents=False),
    "tag_plain": lambda _: tag(with_intents=False, plain=True, crf=False, both=False),
    "tag_members": lambda _: tag(members=2, stacked=True, wide=False, hidden=6, cell="mgu"),
    "tag_columns": lambda _: tag(
        steps=300, columns=["word", "shape", "place", "pair_before"], spelling=False, cell="min_gru", layers=2
    ),
}
"""Every case by its name."""


def plain(value: Any) -> Any:
    """Arrays as lists; a float32 as the shortest number that is it."""
    if isinstance(value, np.ndarray):
        return plain([*value]) if value.ndim > 1 else [float(str(one)) for one in value]
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def check_margins(folder: Path, ask: Callable[[Path], Any], expected: Any) -> None:
    """Refuse a model whose texts or labels hang on the last bits of its weights, or whose numbers jump."""
    for seed in range(5):
        with tempfile.TemporaryDirectory() as place:
            other = Path(place) / folder.name
            shutil.copytree(folder, other)
            for table in FORMAT.glob("*.csv"):
                shutil.copy(table, place)
            rng = np.random.default_rng(seed)
            weights = load_file(other / "model.safetensors")
            moved = {n: (w * (1 + 1e-5 * rng.standard_normal(w.shape))).astype(w.dtype) for n, w in weights.items()}
            save_file(moved, other / "model.safetensors")
            check(ask(other), expected, folder.name, 1e-3)


def generate(case: str) -> None:
    """Make a case's folder and its answers."""
    folder = FORMAT / case
    shutil.rmtree(folder, ignore_errors=True)
    FORMAT.mkdir(exist_ok=True)
    task, model, inputs = CASES[case](folder)
    if model is not None:
        model.save(folder)
        lines = [json.dumps(line) + "\n" for line in model.outcome.history]
        (folder / "history.jsonl").write_text("".join(lines), "utf-8")
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    (folder / "report.html").unlink(missing_ok=True)
    config = read_json(folder / "config.json")
    config["environment"] |= {"platform": "Linux", "cpu": "x86_64"}  # the rest says what answers depend on
    write_json(folder / "config.json", config)
    asked: dict[str, Callable[[Path], Any]] = {"answers": lambda at: ANSWERS[task](throughtime.load(at), inputs)}
    if case == "forecast_dated":
        asked["table"] = table
    if case == "classify_characters":
        (FORMAT / LABELLED).write_text(data.labelled(random.Random(4), CHINESE), "utf-8")
        asked["scores"] = scores
    content = {"version": throughtime.__version__, "task": task, "inputs": inputs}
    for name, ask in asked.items():
        content[name] = plain(ask(folder))
        check_margins(folder, ask, content[name])
    folder.with_suffix(".json").write_text(json.dumps(content, ensure_ascii=False) + "\n", "utf-8")


def main() -> None:
    """Make the cases that are named, or all."""
    assert throughtime.__version__ == "0.1.0", "these are the folders of version 0.1.0"
    for case in sys.argv[1:] or CASES:
        generate(case)
        size = sum(file.stat().st_size for file in (FORMAT / case).iterdir())
        print(f"{case}: {size:,} bytes, answers {(FORMAT / case).with_suffix('.json').stat().st_size:,}")


if __name__ == "__main__":
    main()
