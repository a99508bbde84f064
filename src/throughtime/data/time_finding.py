"""Which column of a table says the time, or which several, by their names and by what they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from throughtime.data.begin_end import beginning, begins, ends, halves
from throughtime.data.counted_times import FORMS, of_numbers
from throughtime.data.date_parts import PARTS, clocks, part_of, plain_name
from throughtime.data.reading import Reading
from throughtime.data.series_table import SeriesTable
from throughtime.data.written import Text
from throughtime.errors import UserError

TIMES = ("ds", "datetime", "date", "time", "timestamp")
"""Names of columns of times whose whole numbers may also be steps, the surest first."""

_COUNTED = {
    *("year", "yr", "years", "month", "yearmonth", "yyyymm", "yyyymmdd", "yearmonthday", "period", "week", "yearweek"),
    *("quarter", "day", "dt", "ts", "t", "epoch", "unix", "unixtime", "decimaldate", "decimalyear", "datetimeutc"),
    *("unixtimestamp", "unixtime", "epochtime", "timestampms", "opentime", "closetime"),
    *("jahr", "année", "annee", "año", "ano", "anno", "jaar", "år", "datum", "fecha", "data", "zeit", "monat", "mois"),
    *("mes", "дата", "날짜", "日付", "jd", "julianday", "juliandate", "mjd", "modifiedjulianday"),
    *("日期", "时间", "年", "年份", "月份", "日期时间", "时间戳"),
}
"""Further names of columns whose numbers may be dates."""

_YEARS = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|\bFY ?'?\d\d|\d ?年")
"""Texts with a year in them."""

_TIMELY = re.compile(
    r"dat(?:e|um)|time|zeit|fecha|hora|epoch|unix|stamp|(?:^|_)ts(?:$|_)|yyyymm|日期|时间", re.IGNORECASE
)
"""What names of columns of times have in them, at least."""


def columns_of_times(table: SeriesTable, reading: Reading) -> Sequence[str]:
    """The columns that say the time, none where no column does."""
    taken = {*reading.target, *reading.id, *reading.past, *reading.future, *reading.static}
    names = [name for name in table.names if name not in taken]
    known = [name for one in TIMES for name in names if plain_name(name) == one]
    holding = [name for name in names if table.holds(name) == "times"]
    if len(holding) > 1:
        holding = [name for name in holding if not clocks(table, name)] or holding
        holding = [name for name in holding if len(table.text(name).kinds) > 1] or holding[:1]
    if holding:
        first = [name for name in known if name in holding]
        if len(holding) > 1 and not first and (one := beginning(table, holding, reading.dayfirst)) is not None:
            first = [one]
        if len(holding) > 1 and not first and not _alike(table, holding):
            shown = ", ".join(holding[:5])
            raise UserError(f"{table.where}: columns {shown} all hold times; say which is the time (time)")
        return _with_clock(table, (first or holding)[0], names)
    parts = {kind: name for name in reversed(names) if (kind := part_of(table, name))}
    if "year" in parts and (finer := _finer(parts)):
        return [parts["year"], *finer]
    for name in [*known, *(n for n in names if plain_name(n) in _COUNTED)]:
        if table.holds(name) == "numbers" and (name in known or _counts(table, name, reading)):
            return _with_clock(table, name, names)
        clock = table.text(name) if name in known else None
        if clock is not None and table.holds(name) == "texts" and not clocks(table, name):
            return [name]  # a column of times in which something else stands: reading it says what
        if clock is not None and clocks(table, name) and reading.frequency != "steps":
            raise UserError(
                f"{table.where}: column {name} holds times of the day without a day; give days, or take rows as they "
                "come (frequency steps)"
            )
    for name in table.index:
        if name in names and table.holds(name) == "numbers" and _counts(table, name, reading):
            if table.parsed(name).values.max() < 10_000:
                row = f"{table.parsed(name).values[0]:g}"
                raise UserError(
                    f"{table.where}: {name} may be years or numbers of rows ({row}, ...); name it with time, or leave "
                    "it out"
                )
            return [name]
    if "year" in parts and _numbering(table, parts["year"]):
        return [parts["year"]]
    if "month" in parts and reading.frequency != "steps":
        _refuse_short_years(table, names)
    return _by_their_looks(table, names, reading)


def _refuse_short_years(table: SeriesTable, names: Sequence[str]) -> None:
    """UserError for years of two digits beside months."""
    for name in names:
        values = table.parsed(name).values if plain_name(name) in PARTS["year"] else np.full(1, np.nan)
        if np.isfinite(values).all() and (values == np.round(values)).all() and 0 <= values.min() <= values.max() < 100:
            raise UserError(
                f"{table.where}: row {table.rows[0]}, column {name}: {values[0]:g} may be a year of two digits; write "
                "all four, or take rows as they come (frequency steps)"
            )


def _by_their_looks(table: SeriesTable, names: Sequence[str], reading: Reading) -> Sequence[str]:
    """The columns that say the time where no name is a usual one; UserError where one should and cannot."""
    timely = [name for name in names if _TIMELY.search(name) and _many_digits(table, name, reading)]
    if len(timely) > 1:
        first = [name for name in timely if begins(name)]
        if len(first) != 1:
            raise UserError(f"{table.where}: columns {', '.join(timely)} all hold times; say which is the time (time)")
        timely = first
    if timely:
        return _with_clock(table, timely[0], names)
    if reading.frequency != "steps":
        texts = [name for name in names if table.holds(name) == "texts"]
        for name in texts:
            if halves(table.text(name)) is not None or _unreadable_dates(table, name):
                return [name]
        for name in texts:
            _refuse_named(table, name)
        for name in names:
            _refuse_blank_years(table, name)
    return [name for name in names[:1] if name not in table.index and _rising_dates(table, name, reading)]


def _refuse_named(table: SeriesTable, name: str) -> None:
    """UserError for texts that are no times in a column that is named so."""
    plain, kinds = plain_name(name), table.text(name).kinds
    if len(kinds) > 1 and (plain in _COUNTED or any(plain in some for some in PARTS.values())):
        got = ", ".join(repr(kind[:20]) for kind in kinds[:2])
        raise UserError(
            f"{table.where}: column {name} says no times that could be read ({got}, ...); give dates with their year, "
            "or take rows as they come (frequency steps)"
        )


def _refuse_blank_years(table: SeriesTable, name: str) -> None:
    """UserError for years of which some rows have none, as merged cells leave them."""
    if plain_name(name) not in PARTS["year"] or table.holds(name) != "numbers":
        return
    values = table.parsed(name).values
    known = values[np.isfinite(values)]
    if len(known) < len(values) and (known == np.round(known)).all() and known.min() >= 1000 and known.max() <= 9999:
        row = table.rows[int(np.isnan(values).argmax())]
        raise UserError(
            f"{table.where}: row {row}, column {name}: the year is missing; fill it in, or take rows as they come "
            "(frequency steps)"
        )


def _alike(table: SeriesTable, names: Sequence[str]) -> bool:
    """Whether columns say the same in every row."""
    first, *rest = (table.text(name).values() for name in names)
    return all(np.array_equal(first, one) for one in rest)


def _many_digits(table: SeriesTable, name: str, reading: Reading) -> bool:
    """Whether a column holds numbers that are dates of more digits than a year."""
    return table.holds(name) == "numbers" and _counts(table, name, reading) and table.parsed(name).values.min() >= 1e5


def _numbering(table: SeriesTable, name: str) -> bool:
    """Whether numbers rise by one from row to row."""
    values = table.parsed(name).values
    return len(values) > 2 and bool((np.diff(values) == 1).all())


def _unreadable_dates(table: SeriesTable, name: str) -> bool:
    """Whether every text of a column is another one with a year in it: FY2024, FY24Q1, 2024-01-01 to 2024-01-07. What
    it is to say is refused with its row where it is read, so that no time is lost."""
    if table.holds(name) != "texts":
        return False
    kinds = table.text(name).kinds
    return len(kinds) == len(table) > 2 and all(_YEARS.search(kind) for kind in kinds)


def _rising_dates(table: SeriesTable, name: str, reading: Reading) -> bool:
    """Whether a column of any name holds rising numbers that are dates: years one after another, or more digits."""
    if table.holds(name) != "numbers" or not _counts(table, name, reading):
        return False
    values = table.parsed(name).values
    if len(values) < 3 or not (np.diff(values) > 0).all() or values.max() >= 1e8:
        return False
    return bool(values.min() >= 1e5 or (values.min() >= 1800 and values.max() <= 2100 and (np.diff(values) == 1).all()))


def _finer(parts: dict[str, str]) -> list[str]:
    """Columns that together with a year make a time."""
    if "month" in parts:
        chain = []
        for kind in ("month", "day", "hour", "minute", "second"):
            if kind not in parts:
                break
            chain.append(parts[kind])
        return chain
    return [parts[kind] for kind in ("quarter", "week", "dayofyear") if kind in parts][:1]


def _counts(table: SeriesTable, name: str, reading: Reading) -> bool:
    """Whether the numbers of a column are dates."""
    values = table.parsed(name).values
    if not np.isfinite(values).all() or table.parsed(name).bad is not None:
        return False
    if len(values) > 1 and values.min() == values.max() and not (_days(values) and _hours(table, name, table.names)):
        return False
    return (
        of_numbers(values, name, table.where, reading.date_format if reading.date_format in FORMS else None) is not None
    )


def _days(values: np.ndarray) -> bool:
    """Whether numbers could be days: 20240131."""
    return bool((values >= 1e7).all() and (values < 1e8).all())


def _hours(table: SeriesTable, name: str, names: Sequence[str]) -> list[str]:
    """Columns of hours, or of hours and minutes as one number, beside one of days."""
    return [one for one in names if one != name and part_of(table, one) in ("hour", "clock")]


def _with_clock(table: SeriesTable, name: str, names: Sequence[str]) -> Sequence[str]:
    """A column of days with that of the time of day beside it, where there is one."""
    cells = table.columns[name]
    if table.holds(name) == "numbers":
        if not _days(table.parsed(name).values):
            return [name]
    elif isinstance(cells, Text):
        if any(":" in kind and not kind.endswith(" 00:00:00") for kind in cells.kinds[:100]):
            return [name]
    elif (cells != cells.astype("datetime64[D]")).any():
        return [name]
    several = len(set(table.text(name).kinds)) < len(table)
    clock = _clock_columns(table, name, names)
    if len(clock) == 1:
        return [name, clock[0]]
    if clock and several:
        raise UserError(
            f"{table.where}: columns {', '.join(clock)} hold times of the day, column {name} the day; say which make "
            f"the time (time {name},{clock[0]})"
        )
    hours = _hours(table, name, names)
    if len(hours) == 1 and several:
        minutes = [one for one in names if part_of(table, one) == "minute"]
        return [name, hours[0], *minutes[:1]]
    return [name]


_CLOCKS = ("time", "hour", "clock", "zeit", "uhrzeit", "hora", "heure", "时间")
"""Names of columns in which 8.30 is a time of the day, not a number."""


def _clock_columns(table: SeriesTable, day: str, names: Sequence[str]) -> list[str]:
    """Columns of times of the day beside one of days: those that are named so, or any where a day has several rows; of
    a beginning and an end the beginning."""
    several = len(set(table.text(day).kinds)) < len(table)
    found = [one for one in names if one != day and (several or _named_clock(one)) and clocks(table, one)]
    found = [one for one in found if plain_name(one) in _CLOCKS or table.holds(one) != "numbers"]
    if len(found) > 1:
        named = [one for one in found if _named_clock(one)]
        found = named if len(named) == 1 else found
    first, last = [one for one in found if begins(one)], [one for one in found if ends(one)]
    return first if len(first) == len(last) == 1 and len(found) == 2 else found


def _named_clock(name: str) -> bool:
    return bool(re.search(r"time|hour|clock|uhr|zeit|hora|heure|时|hr", name, re.IGNORECASE))
