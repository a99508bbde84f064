"""How many lines are right, beside those that read the same from both ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def score(model: Any, lines: Sequence[str]) -> dict[str, Any]:
    """The share of lines that are right, and what echoing the line would reach."""
    right = sum(line[::-1] == answer for line, answer in zip(lines, model.predict(lines), strict=True)) / len(lines)
    echo = sum(line == line[::-1] for line in lines) / len(lines)
    return {"lines": len(lines), "accuracy": right, "baselines": {"echo": {"accuracy": echo}}}
