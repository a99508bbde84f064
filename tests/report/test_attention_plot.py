"""The picture of an attention names its words, whichever script they are in and however often they come."""

from __future__ import annotations

import numpy as np

from throughtime.report.attention_plot import attention


def test_words_are_named_also_those_that_come_twice_and_those_the_usual_font_lacks() -> None:
    source, target = ["的", "市场", "的", "$x$"], ["ตลาด", "market", "w" * 60]
    drawn = attention(np.full((3, 4), 0.25), source, target)
    assert drawn.count(">的</text>") == 2
    for word in ("市场", "$x$", "ตลาด", "market"):
        assert f">{word}</text>" in drawn
    assert "w" * 60 not in drawn
    assert f"{'w' * 29}…" in drawn
