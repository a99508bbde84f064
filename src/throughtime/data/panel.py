"""Many series on one grid of time, and what is known beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from throughtime.data.axis import TimeAxis
from throughtime.data.frequency import Frequency
from throughtime.errors import UserError

Column = list[np.ndarray]
"""One array for each series: float64 with NaN, or text (object) with "" where missing."""


@dataclass(frozen=True)
class Panel:
    """N series.

    ids: their names. starts: the time of each one's first value, datetime64[us], or a whole number where rows have no
    dates. frequency: of the steps. values: (L_n,) float64 each, NaN where missing. past: covariates that are known up
    to now; future: those that are known beforehand, which may reach further; both name -> one array a series. static:
    name -> a value a series. target, where: names for errors. axis: what was found out about time. notes: what
    else was found on reading. id: what the column of the names is called.
    """

    ids: list[str]
    starts: list[Any]
    frequency: Frequency
    values: Column
    past: dict[str, Column] = field(default_factory=dict)
    future: dict[str, Column] = field(default_factory=dict)
    static: dict[str, list[Any]] = field(default_factory=dict)
    target: str = "y"
    where: str = "data"
    axis: TimeAxis = field(default_factory=TimeAxis)
    notes: list[str] = field(default_factory=list)
    id: str = "unique_id"

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", replace(self.axis, frequency=self.frequency.alias))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def zone(self) -> str | None:
        """Where times are UTC, the zone whose clock counts."""
        return self.axis.zone if self.axis.clock == "utc" else None

    @property
    def dated(self) -> bool:
        """Whether rows have dates on a grid."""
        return bool(self.starts) and isinstance(self.starts[0], np.datetime64) and self.frequency.kind != "steps"

    def times(self, series: int, first: int, count: int) -> np.ndarray:
        """The times of `count` steps of a series from its step `first` on: datetime64[us], or whole numbers."""
        if not self.dated:
            start = 0 if isinstance(self.starts[series], np.datetime64) else int(self.starts[series])
            return start + first + np.arange(count)
        return self.frequency.times(self.starts[series], count, first)

    def phase(self, series: int, period: int) -> int:
        """The place in a season of so many steps of a series' first value."""
        if not self.dated:
            return int(self.starts[series]) % period if not isinstance(self.starts[series], np.datetime64) else 0
        return round(float(self.frequency.index(np.array([self.starts[series]]))[0])) % period

    def head(self, counts: Sequence[int]) -> Panel:
        """Only the first values of each series; what is known beforehand stays as long as it is."""
        cut = [one[:k] for one, k in zip(self.values, counts, strict=True)]
        past = {name: [one[:k] for one, k in zip(c, counts, strict=True)] for name, c in self.past.items()}
        return replace(self, values=cut, past=past)

    def ended(self) -> tuple[Panel, list[str]]:
        """The same where each series ends with its last observation, since what comes next comes after that; and a line
        about those that ended with blanks."""
        counts = [len(one) - int(np.isfinite(one)[::-1].argmax()) for one in self.values]
        blank = [
            f"{name} {len(v) - k:,}" for name, v, k in zip(self.ids, self.values, counts, strict=True) if k < len(v)
        ]
        if not blank:
            return self, []
        more = f" and {len(blank) - 3} more series" if len(blank) > 3 else ""
        line = f"blank {self.target} at the end: {', '.join(blank[:3])}{more}; forecasts begin after the last value"
        return self.head(counts), [line]

    def check_future(self, horizon: int) -> None:
        """UserError where something that is to be known beforehand does not reach the horizon."""
        for name, column in self.future.items():
            for n, (one, values) in enumerate(zip(column, self.values, strict=True)):
                known = len(one) - len(values)
                if known < horizon:
                    last = self.times(n, len(one) - 1, 1)[0]
                    raise UserError(
                        f"{self.where}: series {self.ids[n]}: column {name} ends at {_time(last)}, "
                        f"{max(0, known)} steps after the last {self.target}; {horizon} are needed: give them, or make "
                        "it past-only"
                    )

    def check_length(self, needed: int) -> None:
        """UserError where no series has so many steps."""
        longest = max(range(len(self)), key=lambda n: len(self.values[n]))
        if len(self.values[longest]) < needed:
            got = len(self.values[longest])
            raise UserError(
                f"{self.where}: the longest series, {self.ids[longest]}, has {got} steps, at least {needed} are "
                "needed: take a shorter horizon, or more data"
            )

    def check_counts(self) -> None:
        """UserError where a value is no count."""
        for n, one in enumerate(self.values):
            bad = np.isfinite(one) & ((one < 0) | (one != np.round(one)))
            if bad.any():
                step = int(bad.argmax())
                at = _time(self.times(n, step, 1)[0])
                raise UserError(
                    f"{self.where}: series {self.ids[n]} at {at}: {one[step]:g} is no count; choose "
                    "another distribution"
                )

    def digest(self) -> str:
        """A fingerprint of the names and values."""
        sha = hashlib.sha256("\0".join(self.ids).encode())
        for one in self.values:
            sha.update(one.tobytes())
        return sha.hexdigest()


def _time(value: Any) -> str:
    return str(value.astype("datetime64[s]")).replace("T", " ") if isinstance(value, np.datetime64) else f"step {value}"
