"""How far apart the steps of a series are: found in its time stamps, and what seasons follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from throughtime.errors import UserError

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_UNITS = {"us": 1, "ms": 1000, "s": _SECOND, "min": 60 * _SECOND, "h": 3600 * _SECOND, "D": _DAY, "W": 7 * _DAY}
_MONTHS = {"M": 1, "MS": 1, "ME": 1, "Q": 3, "QS": 3, "QE": 3, "Y": 12, "YS": 12, "YE": 12}
_NAMES = {
    "us": "microsecond",
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "D": "day",
    "W": "week",
}


@dataclass(frozen=True)
class Frequency:
    """The distance of two steps. kind: "fixed" (count: microseconds), "months", "business" (days), or "steps" (rows as
    they come, without a grid)."""

    kind: str
    count: int = 1

    @classmethod
    def of(cls, text: str) -> Frequency:
        """From a name as pandas writes it: h, 15min, D, B, W, MS, QS, YS; or steps. UserError for another."""
        if text == "steps":
            return cls("steps")
        match = re.fullmatch(r"(\d*)([A-Za-z]+)(-[A-Z]{3})?", text.strip())
        unit = match.group(2) if match else ""
        unit = {"H": "h", "T": "min", "d": "D", "S": "s"}.get(unit, unit)
        count = int(match.group(1) or 1) if match else 0
        if unit == "B" and count == 1:
            return cls("business")
        if count and unit in _UNITS:
            return cls("fixed", count * _UNITS[unit])
        if count and unit in _MONTHS:
            return cls("months", count * _MONTHS[unit])
        raise UserError(f"frequency: expected a name such as h, 15min, D, B, W, MS, QS, YS or steps, got {text!r}")

    def __str__(self) -> str:
        if self.kind != "fixed":
            names = {"months": {1: "1 month", 3: "1 quarter", 12: "1 year"}.get(self.count, f"{self.count} months")}
            return {"business": "1 business day", "steps": "1 row"}.get(self.kind) or names[self.kind]
        unit = max((u for u in _UNITS if self.count % _UNITS[u] == 0), key=lambda u: _UNITS[u])
        number = self.count // _UNITS[unit]
        return f"{number} {_NAMES[unit]}{'s' if number > 1 else ''}"

    @property
    def alias(self) -> str:
        """Its name, as `of` reads it."""
        if self.kind != "fixed":
            return {"business": "B", "steps": "steps", "months": f"{self.count}MS"}[self.kind]
        unit = max((u for u in _UNITS if self.count % _UNITS[u] == 0), key=lambda u: _UNITS[u])
        return f"{self.count // _UNITS[unit]}{unit}"

    @property
    def seasons(self) -> tuple[int, ...]:
        """Steps after which a series may repeat itself, the shortest first; empty where none is usual."""
        if self.kind == "months":
            return (12 // self.count,) if self.count in (1, 3) else ()
        if self.kind == "business":
            return (5,)
        if self.kind == "steps":
            return ()
        if self.count < _DAY:
            per_day = _DAY // self.count if _DAY % self.count == 0 else 0
            return (per_day, 7 * per_day) if 1 < per_day <= 1440 else ()
        return {_DAY: (7,), 7 * _DAY: (52,)}.get(self.count, ())

    def index(self, times: np.ndarray) -> np.ndarray:
        """Times as whole steps since 1970, floats where they are off the grid of their own first one."""
        if self.kind == "months":
            months = times.astype("datetime64[M]").astype(np.int64)
            return (months / self.count).astype(np.float64)
        if self.kind == "business":
            days = times.astype("datetime64[D]")
            steps = np.busday_count(np.datetime64("1970-01-01"), days).astype(np.float64)
            return np.where(np.is_busday(days), steps, steps - 0.5)
        return times.astype("datetime64[us]").astype(np.int64) / self.count

    def times(self, start: np.datetime64, count: int, first: int = 0) -> np.ndarray:
        """The times of `count` steps from `start` on, datetime64[us]; a month's last day stays the last one.

        first: the step behind `start` at which they begin. UserError where there is no such time.
        """
        if (first + count) * max(self.count, _DAY if self.kind != "fixed" else 1) >= 1 << 62:
            raise UserError(f"frequency: {first + count:,} steps of {self} reach beyond the calendar")
        steps, start = np.arange(first, first + count), start.astype("datetime64[us]")
        times: np.ndarray
        if self.kind == "months":
            month = start.astype("datetime64[M]")
            months = month + steps * self.count
            offset = start - month.astype("datetime64[us]")
            if (month + 1).astype("datetime64[us]") - start <= np.timedelta64(1, "D"):
                length = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")
                times = months.astype("datetime64[us]") + (length - np.timedelta64(1, "D")).astype("timedelta64[us]")
            else:
                times = months.astype("datetime64[us]") + offset
        elif self.kind == "business":
            day = start.astype("datetime64[D]")
            days = np.busday_offset(day, steps, roll="forward")
            times = np.asarray(days).astype("datetime64[us]") + (start - day.astype("datetime64[us]"))
        else:
            times = start + steps * np.timedelta64(self.count, "us")
        return times


def infer(times: list[np.ndarray]) -> Frequency | None:
    """The frequency of series' time stamps, each sorted and without repetition, datetime64[us]; None where none fits.

    The commonest distance is taken if two thirds of all distances are multiples of it; months and business days first.
    """
    gaps = np.concatenate([np.diff(one).astype(np.int64) for one in times if len(one) > 1] or [np.zeros(0, np.int64)])
    if not len(gaps):
        return None
    values, counts = np.unique(gaps, return_counts=True)
    common = int(values[counts.argmax()])
    if 28 * _DAY <= common <= 366 * _DAY and common % (7 * _DAY):
        for count in (12, 3, 1):
            months = [one.astype("datetime64[M]").astype(np.int64) for one in times]
            steps = np.concatenate([np.diff(one) for one in months])
            if len(steps) and (steps > 0).all() and (steps % count == 0).mean() >= 2 / 3 and steps.min() == count:
                return Frequency("months", count)
    if common == _DAY:
        stamps = np.concatenate(times)
        days = stamps.astype("datetime64[D]")
        whole = (stamps - days.astype("datetime64[us]")).astype(np.int64)
        if len(stamps) >= 10 and np.is_busday(days).all() and (whole == whole[0]).all():
            return Frequency("business")
    if common > 0 and (gaps % common == 0).mean() >= 2 / 3:
        return Frequency("fixed", common)
    return None
