"""How well a language model predicts, next to the simple baselines."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.tasks.text.small import TEXT
from throughtime.baselines.ngram import baselines
from throughtime.errors import UserError
from throughtime.tasks.text import score as text_score
from throughtime.tasks.text.data import Text
from throughtime.tasks.text.score import evaluate_folder


def test_the_score_is_the_mean_of_what_the_steps_give(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = trained
    model = throughtime.load(folder)
    ids = model.tokenizer.encode(TEXT[17_999:])  # the test part and the character before it
    total = 0.0
    for token, following in itertools.pairwise(ids):
        logits = model.step(int(token)).astype(np.float64)
        total += math.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[following]
    assert summary["evaluation"]["nats_per_character"] == pytest.approx(total / 2000, abs=1e-5)
    text = Text(TEXT, validation=None, blocks=None)
    train, validation = (model.tokenizer.encode(text.part(part)) for part in ("train", "validation"))
    assert (len(train), len(validation)) == (16_200, 1800)
    wanted = baselines(train, validation, ids[1:], model.tokenizer.size)
    assert summary["evaluation"]["baselines"]["ngram"]["nats_per_token"] == wanted["ngram"]["nats_per_token"]
    told, best = summary["evaluation"]["verdict"], min(wanted[name]["nats_per_token"] for name in ("unigram", "ngram"))
    assert told["gain"] == pytest.approx(1 - summary["evaluation"]["nats_per_token"] / best, abs=1e-6)
    assert told["groups"] == 40  # stretches of 50 of the 2,000 characters
    assert told["skill"] is (True if told["low"] > 0 else False if told["high"] < 0 else None)


def test_the_state_is_carried_over_the_chunks_of_a_score(
    trained: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = throughtime.load(trained[0])
    ids = model.tokenizer.encode(TEXT[:1000])
    whole = text_score.score(model.config, model.parameters, ids)
    monkeypatch.setattr(text_score, "_LOGITS", 100 * model.config.vocabulary)
    assert text_score.score(model.config, model.parameters, ids) == pytest.approx(whole, rel=1e-6)


def test_evaluating_a_folder(trained: tuple[Path, dict[str, Any]], file: Path, tmp_path: Path) -> None:
    folder, summary = trained
    again = evaluate_folder(folder, file)
    assert again["nats_per_character"] == summary["evaluation"]["nats_per_character"]
    learned = evaluate_folder(folder, file, part="train")
    assert learned["baselines"].keys() == {"uniform"}
    assert "verdict" not in learned
    assert evaluate_folder(folder, file, part="validation")["characters"] == 1800
    other = tmp_path / "other.txt"
    other.write_text(TEXT[500:1500], encoding="utf-8")
    whole = evaluate_folder(folder, other)
    assert (whole["part"], whole["characters"], whole["tokens"]) == ("all", 999, 999)
    assert "ngram" in whole["baselines"]
    with pytest.raises(UserError, match="only the text the model was trained on has it"):
        evaluate_folder(folder, other, part="test")
    with pytest.raises(UserError, match="choose from train, validation, test, all"):
        evaluate_folder(folder, file, part="tset")
    other.write_text("€", encoding="utf-8")
    with pytest.raises(UserError, match="'€'"):
        evaluate_folder(folder, other)
    other.write_text("a", encoding="utf-8")
    with pytest.raises(UserError, match=r"other\.txt: the part 'all' has 1 token, expected at least 2"):
        evaluate_folder(folder, other)


def test_a_file_is_a_file_whatever_its_name(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that sorts before a dash, which reads standard input, is no text of its own."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"\+gone: no such file"):
        evaluate_folder(trained[0], "+gone")
