"""A model's folder with matrices of eight bits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import throughtime
from tests.cli.misuse import Outcome, check_refusal
from tests.tasks.check_task import CheckTask
from tests.tasks.sequence.pairs_made import TINY, made
from throughtime.storage.int8 import packed, unpacked


def test_a_small_folder_answers_by_the_rounded_weights(tmp_path: Path) -> None:
    place, small = tmp_path / "m", tmp_path / "m-int8"
    throughtime.Translator(**{**TINY, "steps": 4}).fit(*made(60), out=place, quiet=True)
    (place / "report.html").write_text("x", "utf-8")
    told = json.loads(CheckTask.captured(["export", str(place), "--to", "int8", "--json"])[0])
    assert told["file"] == str(small)
    assert sorted(file.name for file in small.iterdir()) == [
        "config.json",
        "history.jsonl",
        "model.safetensors",
        "tokenizer.json",
    ]
    whole, rounded = throughtime.load(place), throughtime.load(small)
    for name, value in unpacked(packed(whole.parameters), "here").items():
        np.testing.assert_array_equal(rounded.parameters[name], value)
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (place, small)]
    assert sizes[1] < 0.8 * sizes[0]  # a tiny model is scales and names for a good part
    assert CheckTask.captured(["run", str(small), "eins zwei 17"])[0].strip()
    out, err = CheckTask.captured(["export", str(place), "--to", "int8"], 2)
    check_refusal(Outcome(2, out, err), ["m-int8", "something already"])


def test_other_models_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text('{"format_version": 2, "task": "text"}', "utf-8")
    out, err = CheckTask.captured(["export", "m", "--to", "int8"], 2)
    check_refusal(Outcome(2, out, err), ["translate, summarize, chat", "of text"])
