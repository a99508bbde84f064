"""How long a run lasts, how far it has come, and the learning rate that goes with it."""

from __future__ import annotations

import math
from typing import Any

from throughtime.options import Json

KINDS = ("epochs", "steps", "minutes")
"""The units a budget may have."""


def learning_rate(peak: float, progress: float, step: int, warm_up: int, final_fraction: float) -> float:
    """The rate of one step: a linear warm-up over `warm_up` steps times a cosine from `peak` to its final fraction.

    progress: the share of the run that is done, 0 to 1. step: number of the step, from 0.
    """
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
    return peak * (final_fraction + (1.0 - final_fraction) * cosine) * min(1.0, (step + 1) / (warm_up + 1))


class Budget:
    """How far a run has come: of epochs and steps by counting, of minutes by the share of the time that is spent.

    A schedule in minutes follows the clock whatever the speed does, so that a machine that becomes slower or faster on
    the way changes how many steps there are, and not how the learning rate falls. What counts is all of the run's time,
    with validation and checkpoints. A run in minutes may be made of attempts: each has a schedule of its own, over all
    the time that is left or over a number of steps, whichever ends first.
    """

    def __init__(self, amount: float, unit: str, steps_per_epoch: int, attempt: int | None = None) -> None:
        """attempt: the most steps of the first attempt, of minutes; None for all that the time allows."""
        self.unit, self.amount = unit, amount
        self.seconds = 60.0 * amount if unit == "minutes" else None
        self.total: int | None = None
        if unit != "minutes":
            self.total = max(1, int(amount) * (steps_per_epoch if unit == "epochs" else 1))
        self.attempt = attempt if unit == "minutes" else None
        self.changed = False  # whether `restore` met another budget than this one
        self.first, self._since, self._done = 0, 0.0, 0.0  # step, second and share of progress of this attempt

    def progress(self, step: int, elapsed: float, reserve: float = 0.0) -> float:
        """The share of the attempt done before this step; 1 where it is over. It never falls."""
        share = self.share(step, elapsed, reserve)
        if self.total is None:
            self._done = share = max(self._done, share)
        return share

    def share(self, step: int, elapsed: float, reserve: float = 0.0) -> float:
        """The progress there would be at a step and a second, now or later."""
        if self.total is not None:
            return min(1.0, step / self.total)
        assert self.seconds is not None
        done = (elapsed - self._since) / max(1e-9, self.seconds - reserve - self._since)
        if self.attempt is not None:
            done = max(done, (step - self.first) / self.attempt)
        return min(1.0, done)

    def over(self, step: int, elapsed: float, reserve: float = 0.0) -> bool:
        """Whether the run ends before this step; with minutes `reserve` seconds are kept for what follows the loop."""
        if self.total is not None and step >= self.total:
            return True
        return self.seconds is not None and step > 0 and elapsed + reserve >= self.seconds

    def ended(self, step: int) -> bool:
        """Whether the attempt has had its steps."""
        return self.attempt is not None and step - self.first >= self.attempt

    def fits(self, steps: float, step: int, elapsed: float) -> bool:
        """Whether so many more steps fit into what is left, at the speed of this attempt."""
        if self.seconds is None:
            return False
        each = (elapsed - self._since) / max(1, step - self.first)
        return steps * each <= self.seconds - elapsed

    def begin(self, step: int, elapsed: float, steps: int) -> None:
        """Another attempt, of at most so many steps."""
        self.first, self._since, self._done, self.attempt = step, elapsed, 0.0, steps

    def to_json(self) -> dict[str, Any]:
        """What `restore` takes over."""
        values = {name: getattr(self, name) for name in ("unit", "amount", "total", "first", "attempt")}
        return {**values, "since": self._since, "done": self._done}

    def restore(self, data: dict[str, Json]) -> None:
        """Take over the state of `to_json`; of another budget the share that is done is counted anew."""
        self.first, self._since = data.get("first", 0), data.get("since", 0.0)
        self.attempt = data.get("attempt")
        if (data["unit"], data["amount"]) == (self.unit, self.amount):
            self._done = data.get("done", 0.0)
        else:
            self.changed = True
