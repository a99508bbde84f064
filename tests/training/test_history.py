"""history.jsonl: one JSON object a line."""

from __future__ import annotations

import math
from pathlib import Path

from throughtime.training.history import History, read


def test_history_keeps_finite_numbers_and_skips_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history = History(path)
    history.add(step=1, loss=math.nan)
    history.add(step=2, sample="日本\n")
    history.close()
    assert read(path) == [{"step": 1, "loss": None}, {"step": 2, "sample": "日本\n"}]
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    again = History(path, keep=1)
    again.add(step=2, loss=0.5)
    again.close()
    assert read(path) == [{"step": 1, "loss": None}, {"step": 2, "loss": 0.5}]
    History(path).close()
    assert read(path) == []
