"""A training that starts from a model takes over its recurrence, and runs no file that the folder may name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from throughtime import Classifier, Forecaster, LanguageModel, Tagger
from throughtime.storage.folder import CONFIG

CELL = """from throughtime.recurrence import Cell, Matrix, tanh


class Mine(Cell):
    state = {"h": "H"}
    W, U = Matrix("H", "I"), Matrix("H", "H", init="orthogonal")

    def step(self, x, h):
        return tanh(self.W @ x + self.U @ h)
"""
SMALL: dict[str, Any] = {"hidden": 4, "embedding": 4, "threads": 1, "steps": 2}
READER: dict[str, Any] = {**SMALL, "ensemble_size": 1}
SERIES = np.sin(np.arange(120.0))
TEXT = "the cat sat on the mat; " * 40
TEXTS = [f"a {word} film {i}" for i in range(24) for word in ("good", "bad")], ["pos", "neg"] * 24
TOKENS = [[name, "left"] for name in "abcdefghijklmnop"], [["B-PER", "O"]] * 16


@pytest.mark.parametrize(
    ("learner", "options", "old", "new"),
    [
        (LanguageModel, {**SMALL, "batch": 2, "window": 8}, (TEXT,), (TEXT + "a dog!",)),
        (Forecaster, {**SMALL, "horizon": 2, "lookback": 8, "season": 1}, (SERIES[:100],), (SERIES,)),
        (Classifier, {**READER, "linear_models": False}, TEXTS, ([f"{one} now" for one in TEXTS[0]], TEXTS[1])),
        (Tagger, READER, TOKENS, ([["in", *one] for one in TOKENS[0]], [["O", "B-LOC", "O"]] * 16)),
    ],
)
def test_the_cell_is_the_one_of_the_model(
    learner: Any, options: dict[str, Any], old: Any, new: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(CELL)
    learner(**options, cell="mine.py:Mine").fit(*old, out="old", quiet=True)
    (tmp_path / "mine.py").write_text("open('ran', 'w').close()\n" + CELL)
    model = learner(steps=1, threads=1).fit(*new, out="new", start="old", quiet=True)
    assert not (tmp_path / "ran").exists()
    assert any(name.endswith("U") for name in model.fitted().parameters)
    assert json.loads((tmp_path / "new" / CONFIG).read_text())["options"]["cell"] == "mine.py:Mine"
    learner(steps=1, threads=1).fit(*new, out="next", start="new", quiet=True, force=True, **({"seed": 1}))
    assert not (tmp_path / "ran").exists()
