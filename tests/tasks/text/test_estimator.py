"""The text task from end to end, small: learn, score, write, save, load, go on."""

from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

import throughtime
from tests.tasks.text.small import FIT, SMALL, TEXT
from throughtime.cells import PLAIN
from throughtime.data import tokenizers
from throughtime.errors import UserError
from throughtime.storage.folder import read_weights
from throughtime.tasks.text.data import Text
from throughtime.tasks.text.score import evaluate_folder
from throughtime.tasks.train import train
from throughtime.training import checkpoint

DROPS = ("dropout", "embedding_dropout", "weight_dropout")


def test_it_learns_more_than_letter_frequencies(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = trained
    result = summary["evaluation"]
    assert result["part"] == "test"
    assert result["characters"] == 2000
    assert result["nats_per_character"] < result["baselines"]["unigram"]["nats_per_character"] - 0.1
    assert result["bits_per_character"] == pytest.approx(result["nats_per_character"] / math.log(2))
    assert result["perplexity"] == pytest.approx(math.exp(result["nats_per_character"]))
    assert result["baselines"]["uniform"]["nats_per_character"] == pytest.approx(math.log(len(set(TEXT))))
    assert result["baselines"]["ngram"]["order"] >= 2
    assert summary["steps"] == 60
    assert json.loads(json.dumps(summary)) == summary
    names = {"config.json", "model.safetensors", "ngram.safetensors", "tokenizer.json", "history.jsonl", "checkpoints"}
    assert {path.name for path in folder.iterdir()} == names
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert lines[-1]["evaluation"] == result
    config = json.loads((folder / "config.json").read_text())
    assert config["data"]["sha256"] == Text.of(TEXT).sha256
    assert config["parameters"] == sum(value.size for value in read_weights(folder / "model.safetensors").values())
    assert config["environment"]["threads"] == 1


def test_in_memory_saved_and_loaded_are_the_same_model(tmp_path: Path) -> None:
    model = throughtime.LanguageModel(cell=["gru", "rnn:relu"], tied=True, dropout=0.1, **SMALL).fit(TEXT, **FIT)
    written = "".join(model.write("The ", length=60, seed=1))
    assert len(written) == 60
    model.save(tmp_path)
    loaded = throughtime.load(tmp_path)
    assert "".join(loaded.write("The ", length=60, seed=1)) == written
    assert [layer.name for layer in loaded.config.layers] == ["gru", "rnn"]
    assert model.evaluate()["part"] == "test"
    assert model.evaluate("the same letters, other words")["part"] == "all"
    same = throughtime.LanguageModel(cell=["gru", "rnn:relu"], tied=True, dropout=0.1, **SMALL).fit(TEXT, **FIT)
    assert "".join(same.write("The ", length=60, seed=1)) == written


@pytest.mark.parametrize("variational", [False, True])
def test_a_run_that_goes_on_equals_one_that_was_not_stopped(tmp_path: Path, file: Path, variational: bool) -> None:
    options = {**SMALL, "layers": 2, "variational": variational, **dict.fromkeys(DROPS, 0.1)}

    def last(name: str) -> dict[str, torch.Tensor]:
        tensors, _ = checkpoint.load(tmp_path / name / "checkpoints" / "last.safetensors")
        return tensors

    throughtime.LanguageModel(**options).fit(file, tmp_path / "whole", **FIT)
    short = throughtime.LanguageModel(**options)
    step = torch.optim.AdamW.step
    count = 0

    def interrupted(self: Any, *args: Any) -> Any:
        nonlocal count
        count += 1
        if count == 33:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", interrupted)
        short.fit(file, tmp_path / "parts", **FIT)
    assert short.outcome is not None
    assert short.outcome.ended == "interrupted"
    assert short.outcome.steps in (33, 34)
    assert (tmp_path / "parts" / "model.safetensors").exists()
    throughtime.LanguageModel().fit(file, tmp_path / "parts", resume=True, quiet=True)
    whole, parts = last("whole"), last("parts")
    assert whole.keys() == parts.keys()
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name


def test_force_leaves_nothing_of_the_old_run(tmp_path: Path, file: Path) -> None:
    train("text", str(file), tmp_path, **SMALL, **FIT)
    with pytest.raises(UserError, match="there is no model yet"):
        train("text", str(file), tmp_path, force=True, **SMALL, **{**FIT, "learning_rate": 1e30})
    assert not (tmp_path / "model.safetensors").exists()
    with pytest.raises(UserError, match="there is no model yet"):
        train("text", str(file), tmp_path, quiet=True, resume=True)  # from the new run's beginning


@pytest.mark.parametrize("kind", ["bytes", "words", "bpe"])
def test_other_tokens(kind: str) -> None:
    size = {"words": 300, "bpe": 300}.get(kind)
    model = throughtime.LanguageModel(tokens=kind, vocabulary=size, **SMALL).fit(TEXT, **FIT)
    result = model.evaluate()
    assert result["characters"] == 2000
    total = result["nats_per_token"] * result["tokens"]
    assert result["nats_per_character"] == pytest.approx(total / 2000)
    if kind == "bytes":
        assert result["bits_per_byte"] == pytest.approx(result["nats_per_byte"] / math.log(2))
    assert ("unknown_tokens" in result) == (kind == "words")
    assert result["baselines"]["unigram"]["nats_per_token"] > result["nats_per_token"]
    assert "".join(model.write("The ", length=20, seed=0))


@pytest.mark.parametrize("kind", ["words", "bpe"])
@pytest.mark.parametrize("shares", [{"validation": 0.0, "holdout": 0.3}, {"validation": 0.3, "holdout": 0.0}])
def test_tokens_are_those_of_what_is_learned_alone(kind: str, shares: dict[str, float]) -> None:
    """What is validated and scored on brings no word and no piece."""
    learned, kept = "the cat sat on the mat. " * 70, "zyx zyx zyx qux! " * 42
    text = Text(learned + kept, **shares)
    options = {**FIT, "tokens": kind, "vocabulary": 290, "steps": 1, **shares}
    model = throughtime.LanguageModel(**SMALL).fit(text.text, **options).fitted()
    assert text.part("train") == (learned + kept)[: len(text.part("train"))]
    assert "zyx" not in text.part("train")
    assert model.tokenizer.to_json() == tokenizers.fit(kind, text.part("train"), 290).to_json()
    assert model.tokenizer.to_json() != tokenizers.fit(kind, text.text, 290).to_json()
    assert len(model.tokenizer.encode(" zyx")) == {"words": 1, "bpe": 4}[kind]  # unknown, or in bytes


@pytest.mark.parametrize("cell", PLAIN)
def test_every_cell_learns_and_streams(cell: str, tmp_path: Path, file: Path) -> None:
    sizes = {"P": 8} if cell == "projected_lstm" else {}
    options = {"cell": cell, "hidden": 16, "embedding": 16, "sizes": sizes, "threads": 1}
    summary = train("text", str(file), tmp_path, **options, **FIT)
    assert (
        summary["evaluation"]["nats_per_character"]
        < summary["evaluation"]["baselines"]["uniform"]["nats_per_character"] - 0.5
    )
    assert len("".join(throughtime.load(tmp_path).write("The", length=10, seed=0))) == 10


def test_a_cell_as_wide_as_its_input_wants_an_embedding_of_that_width() -> None:
    with pytest.raises(UserError, match="sru: its state is as wide as its input, 8, got 16; use --embedding 16"):
        throughtime.LanguageModel(cell="sru", hidden=16, embedding=8).fit(TEXT, steps=1)


def test_chinese() -> None:
    text = "床前明月光，疑是地上霜。举头望明月，低头思故乡。\n" * 60
    model = throughtime.LanguageModel(**SMALL).fit(text, **{**FIT, "steps": 150})
    assert model.evaluate()["nats_per_character"] < 0.5
    assert "".join(model.write("床前明", length=2, greedy=True)) == "月光"


def test_a_cell_of_the_users_own_runs_where_its_source_is_gone(tmp_path: Path, file: Path) -> None:
    source = tmp_path / "mine.py"
    source.write_text(
        "from throughtime.recurrence import *\n"
        "class Mine(Cell):\n"
        "    state = {'h': 'H', 'p': 'P'}\n"
        "    output = 'p'\n"
        "    W, U, V = Matrix('H', 'I'), Matrix('H', 'P'), Matrix('P', 'H')\n"
        "    def step(self, x, h, p):\n"
        "        h = tanh(self.W @ x + self.U @ p) + 0.5 * h\n"
        "        return h, self.V @ h\n"
    )
    folder = tmp_path / "run"
    train("text", str(file), folder, cell=f"{source}:Mine", sizes={"P": 10}, **SMALL, **FIT)
    source.unlink()
    assert len("".join(throughtime.load(folder).write("The", length=10, seed=0))) == 10
    assert evaluate_folder(folder, file)["baselines"]["unigram"]


def test_a_diverging_run_says_so_in_one_line(tmp_path: Path, file: Path) -> None:
    with pytest.raises(UserError, match=r"became (nan|inf) at step") as caught:
        train("text", str(file), tmp_path, cell="rnn:identity", **SMALL, **{**FIT, "learning_rate": 1e30})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "fit", "says"),
    [
        ({"layers": 0}, {}, "layers must be"),
        ({"hidden": -1}, {}, "hidden must be an integer from 1 to 1,048,576, or one for each layer, got -1"),
        ({"cell": "ltsm"}, {}, "choose from"),
        ({"dropout": 1.0}, {}, "share"),
        ({"tokens": "letters"}, {}, "tokens must be one of characters, bytes, words, bpe, got 'letters'"),
        ({}, {"steps": 3, "minutes": 1}, "give one budget, got minutes and steps"),
        ({}, {"steps": 0}, "steps must be an integer from 1 up, got 0"),
        ({}, {"epochs": True}, "epochs must be an integer from 1 up, got True"),
        ({}, {"holdout": 1.0}, "holdout must be a share"),
    ],
)
def test_user_errors(make: dict[str, Any], fit: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        throughtime.LanguageModel(**make).fit(TEXT, **fit)


@pytest.mark.parametrize("text", ["", "a", "ab"])
def test_texts_that_are_too_short(text: str) -> None:
    with pytest.raises(UserError, match=r"longer text|empty"):
        throughtime.LanguageModel(**SMALL).fit(text, steps=1)


def test_a_very_short_text_still_works() -> None:
    model = throughtime.LanguageModel(**SMALL).fit("hello", steps=2, quiet=True, holdout=0.0, validation=0.0)
    assert len("".join(model.write("h", length=3))) == 3
