"""Several trainings within one budget of minutes, each from the start and with more regularization than the last."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from throughtime.options import Json
from throughtime.training.schedule import Budget

RISEN = 3
"""So many validations in a row without a better one are a rise."""

_RISE, _LATE = 1.005, 0.75
"""Validation loss so much above the best of the attempt, before so much of it is done, means learning by heart."""

_LONGER, _SHORTEST = 1.7, 0.6
"""How much longer the next attempt is, and how much of it must fit into what is left of the budget."""

_MORE = 1.1
"""How much longer one on all is than the way to the best was: there is so much more to learn."""


@dataclass
class Attempts:
    """Where a run stands in its attempts.

    most: how many there may be. whole: whether the second one is the last, and on all that there is, what was held for
    validation too: it goes as far as the first had gone where it was best. number: of the one at work, from 0. best,
    step: its lowest validation loss and where that was; last: the latest loss. worse: validations since the best one.
    """

    most: int = 1
    whole: bool = False
    number: int = 0
    best: float = math.inf
    step: int = 0
    last: float = math.inf
    worse: int = 0

    def judged(self, loss: float, step: int) -> None:
        """Take in a validation loss."""
        self.last = loss
        if loss < self.best:
            self.best, self.step, self.worse = loss, step, 0
        else:
            self.worse += 1

    def over(self, budget: Budget, done: float, step: int) -> bool:
        """Whether the attempt at work has had its steps, or learns by heart well before its end."""
        if budget.seconds is None:
            return False
        risen = self.worse >= RISEN and done < _LATE and self.last > _RISE * self.best
        return budget.ended(step) or (self.most > 1 and risen)

    def next(self, budget: Budget, step: int, elapsed: float, overall: float) -> int | None:
        """Steps of another attempt; None where the last one brought nothing, or time or attempts are used up.

        overall: the lowest validation loss of all attempts.
        """
        way = self.step - budget.first
        steps = max(1, round(_MORE * way if self.whole else _LONGER * min(step - budget.first, 1.5 * way)))
        if self.number + 1 >= self.most or self.best > overall:
            return None
        return steps if budget.fits(_SHORTEST * steps, step, elapsed) else None

    def begin(self, step: int) -> None:
        """The next attempt begins."""
        self.number, self.best, self.last, self.step, self.worse = self.number + 1, math.inf, math.inf, step, 0

    def waits(self, budget: Budget, step: int, elapsed: float, reserve: float) -> bool:
        """Whether an attempt on all is at work that has not come to its end: what was best before is kept."""
        return self.whole and self.number > 0 and budget.share(step, elapsed, reserve) < 1.0

    def last_one(self, budget: Budget, step: int, elapsed: float) -> bool:
        """Whether no other attempt will follow the one at work, as far as can be told."""
        if self.number + 1 >= self.most or budget.seconds is None:
            return True
        length = budget.attempt
        return length is None or not budget.fits(budget.first + length - step + _LONGER * length, step, elapsed)

    def to_json(self) -> dict[str, Any]:
        """Plain values; a loss that is not there yet is null."""
        return {
            name: value for name, value in asdict(self).items() if name not in ("most", "whole") and value != math.inf
        }

    def restore(self, data: dict[str, Json]) -> None:
        """Take over what `to_json` returned."""
        for name in ("number", "best", "step", "last", "worse"):
            if name in data:
                setattr(self, name, data[name])
