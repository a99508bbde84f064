"""When to measure how the gradient flows while training: as often as costs less than a twentieth of its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SHARE = 0.04
"""Of the training's time that measuring may take."""

_FIRST, _MOST = 15.0, 60
"""The first measurement is taken to cost so many steps; and of a run so many are kept apart evenly."""

Found = tuple[list[dict[str, Any]], list[str]]


class GradientMonitor:
    """Measures now and then, and remembers what that cost and what was said."""

    def __init__(self) -> None:
        self.spent, self.count = 0.0, 0
        self._last: float | None = None
        self._at, self._apart = 0.0, 0.0
        self._said: set[str] = set()
        self._possible = True

    def due(self, step: int, elapsed: float) -> bool:
        """Whether it may measure again after so many steps and seconds."""
        if not self._possible or step < 2 or elapsed < self._at + self._apart:
            return False
        cost = _FIRST * elapsed / step if self._last is None else self._last
        return self.spent + cost < SHARE * elapsed

    def take(self, measure: Callable[[], Found | None], elapsed: float) -> Found:
        """Measure: the figures, and what ails the model and was not said before."""
        began = time.perf_counter()
        found = measure()
        self._last = time.perf_counter() - began
        self.spent += self._last
        self.count, self._at = self.count + 1, elapsed
        self._apart = elapsed / _MOST  # later ones further apart, as much as the run has grown
        if found is None:
            self._possible = False
            return [], []
        figures, ailments = found
        # the same ailment has other figures every time
        fresh = [text for text in ailments if _kind(text) not in self._said]
        self._said |= {_kind(text) for text in fresh}
        return figures, fresh


def _kind(text: str) -> str:
    return "".join(c for c in text if not c.isdigit())[:40]
