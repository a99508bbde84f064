"""How long a run lasts, how far it has come, and the learning rate that goes with it."""

from __future__ import annotations

import math
from typing import Any

KINDS = ("epochs", "steps", "minutes")
"""The units a budget may have."""

_EARLY = (0.01, 1 / 32, 1 / 16, 1 / 8, 1 / 4)
_LATE = (1 / 2, 3 / 4, 7 / 8, 15 / 16)
_DRIFT = 0.02


def learning_rate(peak: float, progress: float, step: int, warm_up: int, final_fraction: float) -> float:
    """The rate of one step: a linear warm-up over `warm_up` steps times a cosine from `peak` to its final fraction.

    progress: the share of the run that is done, 0 to 1. step: number of the step, from 0.
    """
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
    return peak * (final_fraction + (1.0 - final_fraction) * cosine) * min(1.0, (step + 1) / (warm_up + 1))


class Budget:
    """Turns epochs, steps or minutes into a number of steps, `total`.

    Minutes become steps by measuring: after a hundredth of the time, again at 1/32, 1/16, 1/8 and 1/4 of it, and at
    a few later points where the speed has changed by more than 2 %. What counts is the wall time, so validation and
    checkpoints are in it. Progress stays continuous where the total changes.
    """

    def __init__(self, amount: float, unit: str, steps_per_epoch: int) -> None:
        self.unit, self.amount = unit, amount
        self.seconds = 60.0 * amount if unit == "minutes" else None
        self.total: int | None = None
        if unit != "minutes":
            self.total = max(1, int(amount) * (steps_per_epoch if unit == "epochs" else 1))
        self.estimates: list[tuple[int, int]] = []  # (step, total) whenever minutes became steps
        self._knot = (0, 0.0)  # a step, and the progress there
        self._next = 0
        self.changed = False  # whether `restore` met another budget than this one
        self._since: tuple[int, float] | None = None  # step and second the speed is measured from

    def progress(self, step: int, elapsed: float) -> float:
        """The share of the run done before this step; 1 where it is over."""
        if self.total is None:
            assert self.seconds is not None
            return min(1.0, elapsed / self.seconds)
        first, done = self._knot
        return 1.0 if step >= self.total else done + (1.0 - done) * (step - first) / (self.total - first)

    def over(self, step: int, elapsed: float, reserve: float = 0.0) -> bool:
        """Whether the run ends before this step; with minutes `reserve` seconds are kept for what follows the loop."""
        if self.total is not None and step >= self.total:
            return True
        return self.seconds is not None and step > 0 and elapsed + reserve >= self.seconds

    def measure(self, step: int, elapsed: float, reserve: float = 0.0) -> None:
        """Tell the budget the time (seconds since the run began) after so many steps."""
        points = _EARLY + _LATE
        if self.seconds is None:
            return
        if self._since is None:
            self._since = (step, elapsed)  # the first step warms up, it does not count
            return
        first, start = self._since
        if self._next >= len(points) or elapsed < points[self._next] * self.seconds or step < first + 3:
            return
        while self._next < len(points) and elapsed >= points[self._next] * self.seconds:
            self._next += 1
        rest = max(0.0, self.seconds - reserve - elapsed)
        total = step + max(1, round(rest * (step - first) / (elapsed - start)))
        self._since = (step, elapsed)
        late = self._next > len(_EARLY)
        if late and self.total is not None and abs(total - self.total) <= _DRIFT * (self.total - step):
            return
        self._knot = (step, self.progress(step, elapsed))
        self.total = total
        self.estimates.append((step, total))

    def to_json(self) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "amount": self.amount,
            "total": self.total,
            "knot": list(self._knot),
            "next": self._next,
            "estimates": [list(pair) for pair in self.estimates],
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over the state of `to_json`, where the budget is still the same; a changed one starts its own count."""
        if (data["unit"], data["amount"]) == (self.unit, self.amount):
            self.total, self._knot, self._next = data["total"], (data["knot"][0], data["knot"][1]), data["next"]
            self.estimates = [(pair[0], pair[1]) for pair in data["estimates"]]
        else:
            self.changed = True
