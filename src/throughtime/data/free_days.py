"""Holidays of a country, as the holidays package knows them, kept with a model so that it runs without that package."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.data.frequency import Frequency
from throughtime.data.zones import to_local
from throughtime.errors import UserError, needed
from throughtime.options import Checked, option

_AHEAD = 5
"""Years beyond the data whose holidays are kept."""

_DAY = 86_400_000_000
"""Microseconds."""


def country(value: Any) -> str:
    """The code of a country, or of a part of one; ValueError for what is none by its form."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{2,3}(-[A-Z0-9]{1,4})?", value):
        raise ValueError("the code of a country, such as CN, or of a part of one, such as DE-BY")
    return value


def _days(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(day, str) for day in value):
        raise ValueError("a list of days")
    if not all(re.fullmatch(r"\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])", day) for day in value):
        raise ValueError("days such as 2024-12-25")
    np.array(value, "datetime64[D]")  # a ValueError for a day that no month has
    return tuple(value)


@dataclass(frozen=True)
class FreeDays(Checked):
    """country: CN, DE-BY, ... days: its holidays of the years from first to last, rising."""

    who = "holidays"

    country: str = option(check=country)
    first: int = option(1, at_least=1, at_most=9999)
    last: int = option(9999, at_least=1, at_most=9999)
    days: tuple[str, ...] = option((), check=_days)

    @classmethod
    def of(cls, code: str, times: np.ndarray) -> FreeDays:
        """Those of a country in the years of times, datetime64[us], and some years on. UserError for a country that
        the package does not have, or without holidays in these years."""
        years = times.astype("datetime64[Y]").astype(np.int64) + 1970
        first, end = max(1, int(years.min()) - 1), int(years.max())
        last = min(9999, end + _AHEAD)
        found = cls(code, first, last, _looked_up(code, first, last))
        if not any(first < int(day[:4]) <= end for day in found.days):
            raise UserError(f"holidays: the package knows none of {code} in {years.min()} to {end}; leave holidays out")
        return found

    def width(self, frequency: Frequency) -> int:
        """Features of a step."""
        return 3 if _fine(frequency) else 1

    def features(self, times: np.ndarray, frequency: Frequency, zone: str | None = None) -> np.ndarray:
        """(L,) datetime64[us] to (L, P) float32. Of steps up to a day: whether the day is a holiday, the next one is,
        the one before is. Of longer ones: the number of holidays in the step, a fifth each.

        zone: where times are UTC, the zone whose calendar counts. UserError where years are needed that are not kept,
        and the package is not there.
        """
        local = to_local(times, zone).astype("datetime64[D]")
        if not len(local):
            return np.zeros((0, self.width(frequency)), np.float32)
        if _fine(frequency):
            days = self._until(local[0] - 1, local[-1] + 1)
            return np.stack([np.isin(local + k, days) for k in (0, 1, -1)], 1).astype(np.float32)
        ends = np.append(local[1:], frequency.times(times[-1], 1, 1).astype("datetime64[D]"))
        days = self._until(local[0], ends[-1])
        counts = np.searchsorted(days, ends) - np.searchsorted(days, local)
        return (counts[:, None] / 5).astype(np.float32)

    def _until(self, first: np.datetime64, last: np.datetime64) -> np.ndarray:
        """The holidays between two days, with those of years that are not kept."""
        low, high = (int(day.astype("datetime64[Y]").astype(np.int64)) + 1970 for day in (first, last))
        low, high = max(low, 1), min(high, 9999)
        days = list(self.days)
        for a, b in ((low, min(high, self.first - 1)), (max(low, self.last + 1), high)):
            if a <= b:
                days += _looked_up(self.country, a, b, f"those of {self.first} to {self.last} are kept")
        return np.sort(np.array(days, "datetime64[D]"))


def _fine(frequency: Frequency) -> bool:
    return frequency.kind == "business" or (frequency.kind == "fixed" and frequency.count <= _DAY)


def _looked_up(code: str, first: int, last: int, kept: str = "") -> tuple[str, ...]:
    """The holidays of the years from first to last by the package; UserError where it is not there, or knows no such
    country. kept: what is there without it, for that error."""
    try:
        import holidays
    except ImportError:
        more = f" ({kept})" if kept else ""
        raise UserError(
            f"holidays: those of {code} from {first} to {last} need the holidays package{more}: {needed('holidays')}"
        ) from None
    name, _, part = code.partition("-")
    try:
        found = holidays.country_holidays(name, subdiv=part or None, years=range(first, last + 1))
    except NotImplementedError:
        what = f"part {part!r} of {name}" if name in holidays.list_supported_countries() else f"country {code!r}"
        raise UserError(f"holidays: the package knows no {what}; give a code such as CN, US or DE-BY") from None
    return tuple(sorted(str(day) for day in found))
