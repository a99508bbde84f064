"""A small sound folder of every kind of model, and what is asked of it once it is damaged."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.cli.misuse import made, make_classifier, make_forecaster, make_model, make_tagger
from tests.tasks.sequence import pairs_made

Call = Sequence[str]
"""A command's arguments; the model's folder is m, and all runs where that lies."""


@dataclass(frozen=True)
class Kind:
    """make: fills a folder with the model, m, and its data. asked: what is always called. also: of these one. files:
    those that are damaged, where not all are."""

    make: Callable[[Path], None]
    asked: Sequence[Call]
    also: Sequence[Call] = ()
    files: tuple[str, ...] = ()


def _moved(make: Callable[[Path], Path]) -> Callable[[Path], None]:
    def moved(place: Path) -> None:
        make(place).rename(place / "m")

    return moved


def _several(place: Path) -> None:
    rng = np.random.default_rng(0)
    words = {"red": "red scarlet", "blue": "blue navy", "old": "old ancient"}
    lines = []
    for _ in range(120):
        own = [label for label in words if rng.random() < 0.4]
        text = " ".join([*(str(rng.choice(words[label].split())) for label in own), "thing"])
        lines.append(json.dumps({"text": text, "label": own}))
    (place / "data.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    size = {"hidden": 8, "embedding": 8, "average": 0.0, "ensemble_size": 1}
    made("classify", place / "data.jsonl", place / "m", steps=6, **size)


def _neighbours(place: Path) -> None:
    rng = np.random.default_rng(0)
    first = rng.standard_normal(200)
    both = {"a": first, "b": np.roll(first, 2) + 0.1 * rng.standard_normal(200)}
    rows = [f"{name},2024-{1 + n // 28:02}-{1 + n % 28:02},{v:.3f}" for name, each in both.items()
            for n, v in enumerate(each)]  # fmt: skip
    (place / "series.csv").write_text("id,ds,y\n" + "\n".join(rows) + "\n", "utf-8")
    size = {"hidden": 8, "lookback": 12, "segment": 1, "horizon": 2, "neighbours": 1}
    made("forecast", place / "series.csv", place / "m", steps=4, seconds=0, **size)
    config = json.loads((place / "m" / "config.json").read_text("utf-8"))
    assert config["model"]["neighbours"] == 1, "the kind is of models that see other series"
    assert config["data"]["neighbours"]


_TINY = {name: value for name, value in pairs_made.TINY.items() if value is not None and name != "threads"}


def _pairs(task: str) -> Callable[[Path], None]:
    def make(place: Path) -> None:
        made(task, pairs_made.write(pairs_made.made(60), place), place / "m", **_TINY)

    return make


def _chat(place: Path) -> None:
    sources, targets = pairs_made.made(48)
    turns = zip(sources[::2], targets[::2], sources[1::2], targets[1::2], strict=True)
    (place / "said.jsonl").write_text("".join(json.dumps({"turns": list(one)}) + "\n" for one in turns), "utf-8")
    made("chat", place / "said.jsonl", place / "m", **_TINY)


def _imported(name: str) -> Callable[[Path], None]:
    def make(place: Path) -> None:
        from tests.interop.fixtures import calls, model_file
        from throughtime.interop.convert import convert
        from throughtime.interop.folder import save

        save(convert(model_file(name)).model, place / "m")
        lines = [json.dumps(one.tolist()) for one in np.asarray(calls(name)[0][0][0])]
        (place / "x.jsonl").write_text("\n".join(lines) + "\n", "utf-8")

    return make


def _chooser(place: Path) -> None:
    from tests.tasks.choosing.test_learn import learned
    from throughtime.storage.folder import write_files

    write_files(place / "m", learned().files())


def verbs(task: str, data: str, asked: Sequence[str], explained: Sequence[str]) -> dict[str, Any]:
    """What is asked of a task's folder: always an answer, and one other verb of each."""
    train = ["train", task, data, "--steps", "2", "--threads", "1"]
    size = ["--seconds", "0"] if task == "forecast" else []
    also = [
        ["run", "m", *asked],
        ["evaluate", "m", data, "--json"],
        ["report", "m", "--json"],
        ["explain", "m", *explained, "--json"],
        ["diagnose", "m", data, "--json"],
        [*train, "--from", "m", "--out", "new", *size, "--json"],
        ["train", task, data, "--out", "m", "--resume", "--json"],
    ]
    return {"asked": [["run", "m", *asked, *(["--json"] if task != "text" else [])]], "also": also}


_NUMBERS: list[Call] = [["predict"], ["run", "m", "x.jsonl", "--json"]]
_EXPORT: list[Call] = [["export", "m", "--to", "onnx"]]

KINDS: dict[str, Kind] = {
    "text": Kind(_moved(make_model), **verbs("text", "text.txt", ["the", "--length", "5", "--seed", "1"], ["the cat"])),
    "classify": Kind(_moved(make_classifier), **verbs("classify", "texts.csv", ["a good film"], ["a good film"])),
    "several": Kind(_several, **verbs("classify", "data.jsonl", ["red old thing"], ["red old thing"])),
    "tag": Kind(_moved(make_tagger), **verbs("tag", "slots.conll", ["fly to Rome"], ["fly to Rome"])),
    "forecast": Kind(_moved(make_forecaster), **verbs("forecast", "series.csv", [], [])),
    "neighbours": Kind(_neighbours, **verbs("forecast", "series.csv", [], [])),
    "translate": Kind(_pairs("translate"), **verbs("translate", "pairs.tsv", ["eins 12", "--nbest", "2"], ["eins"])),
    "summarize": Kind(_pairs("summarize"), **verbs("summarize", "pairs.tsv", ["eins zwei 12"], ["eins"])),
    "chat": Kind(_chat, **verbs("chat", "said.jsonl", ["eins zwei 12"], ["eins"])),
    "imported": Kind(_imported("keras-2.2.5-masked_both"), _NUMBERS, _EXPORT),
    "imported-tokens": Kind(_imported("keras-3-embedding"), _NUMBERS, _EXPORT),
    "imported-branches": Kind(_imported("keras-2.3.1-branches"), _NUMBERS, _EXPORT),
    "chooser": Kind(_chooser, [["choose"]]),
}
