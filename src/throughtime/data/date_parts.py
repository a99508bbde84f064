"""Columns that are a part of a date each: years, months, days, hours, times of the day."""

from __future__ import annotations

import re

import numpy as np

from throughtime.data.date_patterns import MONTHS
from throughtime.data.series_table import SeriesTable

PARTS = {
    "year": ("year", "yr", "yyyy", "jahr", "année", "annee", "año", "ano", "anno", "jaar", "år", "年", "年份"),
    "month": (
        "month",
        "mon",
        "mm",
        "mnth",
        "mo",
        "monthofyear",
        "seas",
        "monat",
        "mois",
        "mes",
        "mese",
        "maand",
        "月",
        "月份",
    ),
    "day": ("day", "dd", "mday", "dayofmonth", "tag", "jour", "día", "dia", "giorno", "dag", "日"),
    "hour": ("hour", "hr", "hh", "hourofday", "hourending", "he", "stunde", "heure", "hora", "ora", "时", "小时"),
    "clock": ("hhmm", "hrmn", "hrmin", "time", "timehhmm", "hourminute", "utctime", "localtime"),
    "minute": ("minute", "min", "mi", "分", "分钟"),
    "second": ("second", "sec", "ss", "秒"),
    "quarter": ("quarter", "qtr", "q", "季度"),
    "week": ("week", "weekofyear", "isoweek", "weeknumber", "周"),
    "weekday": ("weekday", "dayofweek", "dow", "星期"),
    "dayofyear": ("dayofyear", "doy", "yday"),
}
"""Names of columns that are a part of a date."""

_RANGES = {
    **{"year": (1000, 9999), "month": (1, 12), "day": (1, 31), "hour": (0, 24), "minute": (0, 59), "second": (0, 59)},
    **{"clock": (0, 2400), "quarter": (1, 4), "week": (1, 53), "weekday": (0, 7), "dayofyear": (1, 366)},
}

_WORDED = {
    "month": re.compile(r"M(0[1-9]|1[0-2])"),
    "quarter": re.compile(r"[QT]([1-4])"),
    "week": re.compile(r"(?:W|KW|Week) ?(\d{1,2})", re.IGNORECASE),
    "hour": re.compile(r"(?:HE|H|Hour) ?(\d{1,2})", re.IGNORECASE),
}
"""Parts of a date with letters before their numbers: M01, Q1, W52, HE 24."""

CLOCK = re.compile(r"\d{1,2}[:.h]\d{2}(?:[:.]\d{2}(?:\.\d+)?)?(?:\s*[ap]\.?m\.?)?", re.IGNORECASE)
"""A time of the day alone."""


def plain_name(name: str) -> str:
    """A name without case, spaces and signs."""
    return re.sub(r"[\W_]+", "", name.lower())


def part_of(table: SeriesTable, name: str) -> str | None:
    """Of a date, the part that a column is by its name and its numbers; None for no part."""
    kind = next((kind for kind, names in PARTS.items() if plain_name(name) in names), None)
    if kind is None:
        period = plain_name(name) == "period" and table.parsed(name).bad is not None
        return next((one for one in ("month", "quarter") if period and _worded(table, name, one)), None)
    found = table.parsed(name)
    values = found.values
    if found.bad is not None and kind in _WORDED:
        return kind if _worded(table, name, kind) else None
    if found.bad is not None or not np.isfinite(values).all() or (values != np.round(values)).any():
        return None
    low, high = _RANGES[kind]
    if kind == "clock" and (values.max() < 100 or (values % 100 >= 60).any()):
        return None
    return kind if low <= values.min() and values.max() <= high else None


def _worded(table: SeriesTable, name: str, kind: str) -> bool:
    """Whether all texts of a column are that part of a date."""
    numbers = [_of_words(one, kind) for one in table.text(name).kinds]
    low, high = _RANGES[kind]
    return all(one is not None and low <= one <= high for one in numbers)


def _of_words(text: str, kind: str) -> int | None:
    """The number of a part of a date that has letters, None for another text."""
    match = _WORDED[kind].fullmatch(text)
    return int(match[1]) if match else (_month_name(text) or None) if kind == "month" else None


def clocks(table: SeriesTable, name: str) -> bool:
    """Whether a column holds times of the day alone."""
    text = table.text(name)
    return bool(text.kinds) and all(CLOCK.fullmatch(kind) for kind in text.kinds)


def part(table: SeriesTable, name: str) -> np.ndarray:
    """The numbers of a column that is a part of a date, as `part_of` says."""
    found, kind = table.parsed(name), part_of(table, name)
    if found.bad is None or kind is None:
        return found.values.astype(np.int64)
    text = table.text(name)
    numbers: np.ndarray = np.array([_of_words(one, kind) for one in text.kinds], np.int64)[text.codes]
    return numbers


_SEASONS = ("DJF", "JFM", "FMA", "MAM", "AMJ", "MJJ", "JJA", "JAS", "ASO", "SON", "OND", "NDJ")
"""Three months in a row by their initials, as the NOAA writes them, each for the month in its middle."""


def _month_name(text: str) -> int:
    """The number of a month by its name, 0 for no month."""
    if text in _SEASONS:
        return _SEASONS.index(text) + 1
    return MONTHS.get(text.lower().rstrip("."), 0)
