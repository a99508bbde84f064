"""Columns of numbers as points in time: 20240101, 201601, years, seconds since 1970, Excel's days, decimal years."""

from __future__ import annotations

import re

import numpy as np

from throughtime.data.dates import Fields, stamps_of
from throughtime.errors import UserError

FORMS = {
    **{"steps": "whole numbers, one a step", "excel": "days as Excel counts them", "years": "years and parts of years"},
    **{"s": "seconds since 1970", "ms": "milliseconds since 1970", "us": "microseconds since 1970"},
    **{"ns": "nanoseconds since 1970", "jd": "Julian days", "mjd": "modified Julian days"},
}
"""Ways to count time that can be asked for by name, in place of directives of strptime."""

_UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
_DATED = re.compile(r"date|datum|fecha|日期|\bday\b", re.IGNORECASE)
_EPOCH = np.datetime64("1970-01-01", "us")
_ORIGINS = {
    "excel": np.datetime64("1899-12-30", "us"),
    "mjd": np.datetime64("1858-11-17", "us"),
    "jd": np.datetime64("-4713-11-24T12:00", "us"),
}
"""When days begin to be counted; see S. Urban and P. Seidelmann, Explanatory Supplement, 2013, section 3.2."""
_JULIAN = {"jd": 1_700_000, "julianday": 1_700_000, "juliandate": 1_700_000, "mjd": 0, "modifiedjulianday": 0}
"""Names of columns of Julian days, and the least they hold."""
_DIGITS = {
    14: ("%Y%m%d%H%M%S", "year, month, day and time"),
    12: ("%Y%m%d%H%M", "year, month, day, hour and minute"),
    10: ("%Y%m%d%H", "year, month, day and hour"),
    8: ("%Y%m%d", "year, month and day"),
}


def of_numbers(values: np.ndarray, name: str, where: str, form: str | None) -> tuple[np.ndarray, str, str] | None:
    """Numbers as points in time, datetime64[us], how they are written in directives of strftime, and what to say.

    values: (N,) float64, finite. name: of their column, which says whether 42370 can be a date. form: a name of FORMS
    that was asked for. None where they are whole numbers, one a step. Raises UserError for numbers that can be either.
    """
    if form == "steps":
        return None
    if form is not None:
        return _of_form(values, form, where), "", FORMS[form]
    whole = bool((values == np.round(values)).all())
    low, high = float(values.min()), float(values.max())
    if whole and low >= 1000 and (found := _digits(values.astype(np.int64))) is not None:
        return found
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        if 1e8 * scale <= low and high < 5e9 * scale and not (unit == "s" and low < 9e8 and not _named(name)):
            return _of_form(values, unit, where), "", FORMS[unit]
    julian = re.sub(r"[\W_]+", "", name.lower())
    if julian in _JULIAN and low > _JULIAN[julian] and high < 5_000_000:
        form = "mjd" if high < 1e6 else "jd"
        return _of_form(values, form, where), "", FORMS[form]
    if low >= 20_000 and high < 80_000:
        if not whole or _DATED.search(name):
            return _of_form(values, "excel", where), "", FORMS["excel"]
        raise UserError(
            f"{where}: {low:g} may be a day as Excel counts them, or the number of a step; say which with date_format: "
            "excel or steps"
        )
    if not whole and low >= 1500 and high < 2200:
        return _decimal_years(values, where), "", FORMS["years"]
    return None


def _named(name: str) -> bool:
    return bool(re.search(r"time|date|epoch|unix|\bts\b|\bds\b", name, re.IGNORECASE))


def _of_form(values: np.ndarray, form: str, where: str) -> np.ndarray:
    if form == "years":
        return _decimal_years(values, where)
    if form in _ORIGINS:  # fractions of a day are rounded to seconds
        found: np.ndarray = _ORIGINS[form] + np.round(values * 86_400).astype("timedelta64[s]").astype(
            "timedelta64[us]"
        )
        return found
    if not (np.abs(values) * _UNITS[form] < 2.5e17).all():
        raise UserError(f"{where}: {values.max():g} is too large for {FORMS[form]}")
    stamps: np.ndarray = _EPOCH + np.round(values * _UNITS[form]).astype("timedelta64[us]")
    return stamps


def _digits(values: np.ndarray) -> tuple[np.ndarray, str, str] | None:
    """Whole numbers whose digits are those of a date, all alike."""
    count = len(str(int(values.min())))
    if count != len(str(int(values.max()))):
        return None
    ways: list[tuple[Fields, str, str]] = []
    if count in _DIGITS:
        rest, fields = values, {}
        for field in ("second", "minute", "hour")[7 - count // 2 :] if count < 14 else ("second", "minute", "hour"):
            fields[field], rest = rest % 100, rest // 100
        fields |= {"day": rest % 100, "month": rest // 100 % 100, "year": rest // 10_000}
        ways.append((fields, *_DIGITS[count]))
    elif count == 6:
        year, low = values // 100, values % 100
        ways.append(({"year": year, "month": low}, "%Y%m", "year and month"))
        ways.append(({"year": year, "week": low}, "%G%V", "year and week"))
        short = values // 10_000
        full = np.where(short < 69, 2000 + short, 1900 + short)
        ways.append(({"year": full, "month": year % 100, "day": low}, "%y%m%d", "year, month and day"))
    elif count == 7:
        ways.append(({"year": values // 1000, "dayofyear": values % 1000}, "%Y%j", "year and day of the year"))
    elif count == 4:
        ways.append(({"year": values}, "%Y", "years"))
    for fields, written, said in ways:
        stamps, good = stamps_of(fields, "ymd")
        year = fields["year"]
        if (
            good.all()
            and (1500 if count == 4 else 1900) <= int(year.min())
            and int(year.max()) < 2200
            and (count != 10 or year.max() < 2100)
        ):
            return stamps, written, said
    return None


def _decimal_years(values: np.ndarray, where: str) -> np.ndarray:
    """Years with their parts: the months they lie in where they are months apart, else days."""
    different = np.unique(values)
    months = different * 12
    gaps = np.diff(months)
    if len(gaps) and gaps.min() > 0.8:
        drift = np.abs((months - months[0]) - np.concatenate([[0], np.round(gaps).cumsum()]))
        if drift.max() < 0.3:
            found: np.ndarray = (np.floor(values * 12 + 0.02).astype(np.int64) - 1970 * 12).astype("datetime64[M]")
            return found.astype("datetime64[us]")
    if len(gaps) and gaps.min() * 365.25 / 12 < 0.8:
        raise UserError(f"{where}: years with parts that are less than a day apart; give dates")
    year = np.floor(values).astype(np.int64)
    first = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    length = ((year - 1969).astype("datetime64[Y]").astype("datetime64[D]") - first).astype(np.int64)
    days: np.ndarray = first + np.round((values - year) * length).astype(np.int64)
    return days.astype("datetime64[us]")
