"""How far apart the steps of a series are: found in its time stamps, and what seasons follow from it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from throughtime.errors import UserError

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_FIRST, _END = np.datetime64("0001-01-01", "D"), np.datetime64("10000-01-01", "D")
"""The first day of a year that is written with four digits, and the day after the last one."""
_ALL = int((_END - _FIRST).astype(np.int64)) * _DAY
_UNITS = {"us": 1, "ms": 1000, "s": _SECOND, "min": 60 * _SECOND, "h": 3600 * _SECOND, "D": _DAY, "W": 7 * _DAY}
_MONTHS = {"M": 1, "Q": 3, "Y": 12, "A": 12}
_DAYS = {"": "", "S": "1", "E": "31", "BS": "BS", "BE": "BE"}
"""Of names of months, quarters and years what stands before and after the letter: the day of the month."""
_OLD = {"H": "h", "T": "min", "d": "D", "S": "s", "L": "ms", "U": "us", "min": "min", "BM": "BME", "BQ": "BQE"}
_OLD |= {"BA": "BYE", "BY": "BYE", "hourly": "h", "daily": "D", "weekly": "W", "monthly": "M", "quarterly": "Q"}
_OLD |= {"yearly": "Y", "annual": "Y", "hour": "h", "day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}
_NAMES = {
    "us": "microsecond",
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "D": "day",
    "W": "week",
}
_WEEK = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_NAMED = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _open(days: str) -> list[bool]:
    """Which days of a week, from Monday on, are those from its first to its last, "SUN-THU"."""
    first, last = (_WEEK.index(one) for one in days.split("-"))
    return [(day - first) % 7 <= (last - first) % 7 for day in range(7)]


@dataclass(frozen=True)
class Frequency:
    """The distance of two steps.

    kind: "fixed" (count: microseconds), "months", "business" (days), or "steps" (rows as they come, without a grid).
    day: of months which day they stand on: "1" to "31", where a month has it, else its last one; "BS" and "BE", the
    first and the last business day; "" that of the first step. Of business days the first and the last one of a week,
    "SUN-THU", "" for those from Monday to Friday.
    """

    kind: str
    count: int = 1
    day: str = ""

    @classmethod
    def of(cls, text: str) -> Frequency:
        """From a name as pandas writes it: h, 15min, D, B, W, MS, ME, BME, QS, YS; or steps. UserError for another."""
        if text == "steps":
            return cls("steps")
        match = re.fullmatch(r"(\d*)\s*([A-Za-z]+)(-[A-Z]{3}|-\d{1,2})?", text.strip())
        unit = match.group(2) if match else ""
        unit = _OLD.get(unit, unit)
        count = int(match.group(1) or 1) if match else 0
        week = re.fullmatch(rf"B-({'|'.join(_WEEK)})-({'|'.join(_WEEK)})", text.strip())
        if week and (days := f"{week[1]}-{week[2]}") != "MON-FRI" and sum(_open(days)) < 7:
            return cls("business", 1, days)
        if match and unit == "B" and count == 1 and not match.group(3):
            return cls("business")
        if count and unit in _UNITS:
            return cls("fixed", count * _UNITS[unit])
        months = re.fullmatch(r"(B?)([MQYA])([SE]?)", unit)
        if count and match and months and (months.group(3) or not months.group(1)):
            day = _DAYS[months.group(1) + months.group(3)]
            anchor = (match.group(3) or "-").removeprefix("-")
            if anchor.isdecimal() and not day and 1 <= int(anchor) <= 31:
                return cls("months", count * _MONTHS[months.group(2)], str(int(anchor)))
            if not anchor.isdecimal():
                return cls("months", count * _MONTHS[months.group(2)], day)
        raise UserError(f"frequency: expected a name such as h, 15min, D, B, W, MS, QS, YS or steps, got {text!r}")

    def __str__(self) -> str:
        if self.kind != "fixed":
            if self.kind != "months":
                if self.day:
                    first, last = (_NAMED[_WEEK.index(one)] for one in self.day.split("-"))
                    return f"1 day of weeks from {first} to {last}"
                return {"business": "1 business day", "steps": "1 row"}[self.kind]
            name = {1: "1 month", 3: "1 quarter", 12: "1 year"}.get(self.count, f"{self.count} months")
            days = {"": "", "1": "", "31": "", "BS": " (its first business day)", "BE": " (its last business day)"}
            return name + days.get(self.day, f" (its day {self.day})")
        unit = max((u for u in _UNITS if self.count % _UNITS[u] == 0), key=lambda u: _UNITS[u])
        number = self.count // _UNITS[unit]
        return f"{number} {_NAMES[unit]}{'s' if number > 1 else ''}"

    @property
    def alias(self) -> str:
        """Its name, as `of` reads it."""
        if self.kind != "fixed":
            ends = {day: f"{name[:-1]}M{name[-1:]}" for name, day in _DAYS.items()}
            months = f"{self.count}{ends.get(self.day, f'M-{self.day}')}"
            week = f"B-{self.day}" if self.day else "B"
            return {"business": week, "steps": "steps", "months": months}[self.kind]
        unit = max((u for u in _UNITS if self.count % _UNITS[u] == 0), key=lambda u: _UNITS[u])
        return f"{self.count // _UNITS[unit]}{unit}"

    @property
    def seasons(self) -> tuple[int, ...]:
        """Steps after which a series may repeat itself, the shortest first; empty where none is usual."""
        if self.kind == "months":
            return (12 // self.count,) if self.count in (1, 3) else ()
        if self.kind == "business":
            return (sum(self.week),)
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
            steps = np.busday_count(np.datetime64("1970-01-01"), days, self.week).astype(np.float64)
            return np.where(np.is_busday(days, self.week), steps, steps - 0.5)
        found: np.ndarray = times.astype("datetime64[us]", copy=False).view(np.int64) / self.count
        return found

    def times(self, start: np.datetime64, count: int, first: int = 0) -> np.ndarray:
        """The times of `count` steps from `start` on, datetime64[us]; a month's last day stays the last one.

        first: the step behind `start` at which they begin. UserError where there is no such time.
        """
        beyond = UserError(f"frequency: {first + count:,} steps of {self} reach beyond the calendar")
        least = {"months": 28 * _DAY * self.count, "business": _DAY}.get(self.kind, self.count)
        if (abs(first) + count) * least > _ALL:  # before anything overflows
            raise beyond
        steps, start = np.arange(first, first + count), start.astype("datetime64[us]")
        times: np.ndarray
        if self.kind == "months":
            day = start.astype("datetime64[D]")
            months = day.astype("datetime64[M]") + steps * self.count
            days = on_day(months, self.day or _rule_of(day))
            times = days.astype("datetime64[us]") + (start - day.astype("datetime64[us]"))
        elif self.kind == "business":
            day = start.astype("datetime64[D]")
            days = np.busday_offset(day, steps, roll="forward", weekmask=self.week)
            times = np.asarray(days).astype("datetime64[us]") + (start - day.astype("datetime64[us]"))
        else:
            times = start + steps * np.timedelta64(self.count, "us")
        if outside(times).any():
            raise beyond
        return times

    @property
    def week(self) -> list[bool]:
        """Of business days, which days of a week are some, from Monday on."""
        return _open(self.day or "MON-FRI")

    def fitting(self, times: list[np.ndarray]) -> Frequency:
        """Of months, those whose day is that of the series' times, datetime64[us], where they agree on one."""
        if self.kind != "months":
            return self
        return replace(self, day=_day(np.concatenate(times)) or self.day)


def _clock(times: np.ndarray) -> np.ndarray:
    """Microseconds since midnight."""
    return times.astype("datetime64[us]", copy=False).view(np.int64) % _DAY


def outside(times: np.ndarray) -> np.ndarray:
    """Which of some times, datetime64, are of no year from 1 to 9999."""
    found: np.ndarray = (times < _FIRST) | (times >= _END)
    return found


def _rule_of(day: np.datetime64) -> str:
    last = (day.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    return "31" if day == last else str(int((day - day.astype("datetime64[M]")).astype(np.int64)) + 1)


def on_day(months: np.ndarray, day: str) -> np.ndarray:
    """The day of each month, datetime64[D], that a rule says."""
    first, after = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]")
    found: np.ndarray
    if day == "BS":
        found = np.busday_offset(first, 0, roll="forward")
    elif day == "BE":
        found = np.busday_offset(after, -1, roll="forward")
    else:
        found = np.minimum(first + (int(day) - 1), after - 1)
    return found


def _day(stamps: np.ndarray) -> str:
    """The rule that says on which day of their months all stamps stand, "" where none does."""
    days = stamps.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    latest = int((days - months).astype(np.int64).max()) + 1
    for day in ("1", "31", str(latest), "BS", "BE"):
        if (on_day(months, day) == days).all():
            return day
    return ""


_WEEKS = 4
"""Weeks in which a day has to be missing to be none of a week."""


def _shorter_week(times: list[np.ndarray], gaps: Counter[int]) -> str | None:
    """The first and the last day of a week, as in SUN-THU, where one to three days in a row are in no week of any
    series; None where there are such of all days, or too few weeks to tell."""
    days = [(one.astype("datetime64[D]").astype(np.int64) + 3) for one in times]
    there = np.unique(np.concatenate([one % 7 for one in days]))
    begins = [day for day in there.tolist() if (day - 1) % 7 not in there]
    if not 4 <= len(there) <= 6 or len(begins) != 1:
        return None
    weeks = min(len(np.unique((one - begins[0]) // 7)) for one in days)
    if weeks < _WEEKS or gaps[(8 - len(there)) * _DAY] < _WEEKS - 1:
        return None
    return f"{_WEEK[begins[0]]}-{_WEEK[(begins[0] + len(there) - 1) % 7]}"


def infer(times: list[np.ndarray]) -> Frequency | None:
    """The frequency of series' time stamps, each sorted and without repetition, datetime64[us]; None where none fits.

    The commonest distance is taken if two thirds of all distances are multiples of it; months and business days first.
    """
    gaps: Counter[int] = Counter()
    for one in times:  # each by itself: all distances together take more memory than the times
        values, counts = np.unique(np.diff(one).view(np.int64), return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            gaps[value] += count
    if not gaps:
        return None
    common = min(gaps, key=lambda gap: (-gaps[gap], gap))
    clock = next(_clock(one[:1])[0] for one in times if len(one))
    alike = all((_clock(one) == clock).all() for one in times)
    if common >= 28 * _DAY and alike and (day := _day(np.concatenate(times))):
        steps = np.concatenate([np.diff(one.astype("datetime64[M]").astype(np.int64)) for one in times])
        months = int(steps.min())
        if months > 0 and (steps % months == 0).mean() >= 2 / 3:
            return Frequency("months", months, day)
    enough = common == _DAY and sum(map(len, times)) >= 10 and alike and gaps[3 * _DAY]  # over a weekend
    if enough and all(np.is_busday(one.astype("datetime64[D]")).all() for one in times):
        return Frequency("business")
    if common == _DAY and alike and (week := _shorter_week(times, gaps)) is not None:
        return Frequency("business", 1, "" if week == "MON-FRI" else week)
    if common > 0 and sum(n for gap, n in gaps.items() if gap % common == 0) / gaps.total() >= 2 / 3:
        return Frequency("fixed", common)
    return None
