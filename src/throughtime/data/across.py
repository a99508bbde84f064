"""Tables with a row a year and a column a month, a row a day and a column an hour, and the like, as one series each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from throughtime.data.date_parts import part_of, plain_name
from throughtime.data.reading import Reading
from throughtime.data.series_table import SeriesTable
from throughtime.data.time_columns import find_times
from throughtime.data.written import Text
from throughtime.errors import UserError

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
_HOURS = re.compile(r"(?:h|he|hr|hour|hourending|stunde|heure|hora)(\d{1,2})|(\d{1,2})(?:h|時|时|点|시)")
_CLOCKS = re.compile(r"(\d{1,2})[:.]([0-5]\d)(?:[:.]00)?|(\d\d)([0-5]\d)")
_WEEK = (
    *("mon", "tue", "wed", "thu", "fri", "sat", "sun", "mo", "di", "mi", "do", "fr", "sa", "so"),
    *("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
    *("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
)


def across(table: SeriesTable, reading: Reading) -> tuple[SeriesTable, Reading] | None:
    """A table of twelve columns named by the months, or four by the quarters, beside one of years, of 31 by the days
    beside those of months, of seven by the days of the week beside one of weeks, or of columns named by hours or parts
    of them beside one of days, as a long one, and how that is read; None where it is none of these. So are the months
    of the year one below the other beside columns named by years.

    Of other columns those of texts name the series where two rows would be of one time; the rest is left out, and told.
    """
    if reading.target or reading.past or reading.future or reading.static:
        return None
    if (found := _years(table, reading)) is not None or len(table.names) < 5:
        return found
    years = [name for name in table.names if part_of(table, name) == "year"]
    for kind, count in (("month", 12), ("quarter", 4)):
        places = {_place(name, kind): name for name in table.names}
        columns = [places[n] for n in range(1, count + 1) if n in places]
        if len(columns) == count and len(years) == 1:
            return _long(table, reading, years, columns, f"{kind}s of the year", (12 // count, "M"))
    times = [name for name in table.names if table.holds(name) == "times"]
    days = _days(table.names)
    months = [name for name in table.names if part_of(table, name) == "month"]
    when = years + months if len(years) == len(months) == 1 else times
    if days and when and len(when) == len(years + months or times):
        return _long(table, reading, when, days, "days of the month", (1, "D"))
    day = [name for name in table.names if part_of(table, name) == "day"]
    if not times and len(years) == len(months) == len(day) == 1:
        times = years + months + day
    elif len(times) != 1:
        return None
    week = _week(table.names)
    if week and len(times) == 1 and _weeks(table, reading, times[0], week[0]):
        return _long(table, reading, times, week, "days of the week", (1, "D"))
    first, width, columns = _hours(table.names)
    if not columns:
        return None
    note = f"{'hours' if width == 60 else 'parts'} of the day"
    note += f", {columns[0]} the one that begins at 0:00" if first else ""
    return _long(table, reading, times, columns, note, (width, "m"))


def _days(names: Sequence[str]) -> list[str]:
    """The 31 columns that are named by the days of a month; none where these are not."""
    found = {}
    for name in names:
        if match := re.fullmatch(r"(?:d|day|tag)?(\d{1,2})日?", plain_name(name)):
            found[int(match[1])] = name
    return [found[n] for n in range(1, 32)] if set(found) == set(range(1, 32)) else []


def _week(names: Sequence[str]) -> list[str]:
    """The seven columns one beside the other that are named by the days of the week; none where these are not."""
    which = [_weekday(name) for name in names]
    for first in range(len(names) - 6):
        days = [day for day in which[first : first + 7] if day is not None]
        if len(days) == 7 and all((b - a) % 7 == 1 for a, b in pairwise(days)):
            return list(names[first : first + 7])
    return []


def _weekday(name: str) -> int | None:
    """The day of the week that names a column, Monday 0."""
    plain = plain_name(name).removesuffix("day")
    plain = {"tues": "tue", "wednes": "wed", "thurs": "thu", "satur": "sat"}.get(plain, plain)
    return _WEEK.index(plain) % 7 if plain in _WEEK else None


def _weeks(table: SeriesTable, reading: Reading, name: str, first: str) -> bool:
    """Whether a column holds the days of that name of weeks one after another."""
    wall = find_times(table, replace(reading, time=(name,), timezone=None)).wall
    if wall is None or wall.dtype.kind != "M":
        return False
    day = wall.astype("datetime64[D]").astype(np.int64)
    return bool(((day + 3) % 7 == _weekday(first)).all() and len(np.unique(day)) > 1)


def _years(table: SeriesTable, reading: Reading) -> tuple[SeriesTable, Reading] | None:
    """A table of the months or quarters of the year one below the other, and columns named by years one after another;
    None for another one."""
    name, *columns = table.names
    years = [re.fullmatch(r"(?:X|Y|FY)?((?:19|20)\d\d)(?:\.0|年)?", one) for one in columns]
    if len(table) not in (4, 12) or not columns or not all(years):
        return None
    first = np.array([int(one[1]) for one in years if one])
    places = [_place(kind, "month" if len(table) == 12 else "quarter") for kind in table.text(name).values()]
    if table.holds(name) == "numbers":
        places = table.parsed(name).values.astype(np.int64).tolist()
    if sorted(places) != list(range(1, len(table) + 1)) or not (np.diff(first) == 1).all():
        return None
    values = np.stack([table.numbers(one, "a year") for one in columns])
    rows = np.argsort(places)
    months = (first[:, None] - 1970) * 12 + np.arange(len(table)) * (12 // len(table))
    known = np.isfinite(values[:, rows])
    made: dict[str, Text | np.ndarray] = {
        "ds": months[known].astype("datetime64[M]").astype("datetime64[us]"),
        "value": values[:, rows][known],
    }
    count = np.broadcast_to(table.rows[rows], values.shape)[known]
    long = SeriesTable(made, table.where, count, notes=table.notes, laid_out=True)
    long.notes.append(f"columns {columns[0]} to {columns[-1]} are years, the rows of {name} their parts")
    return long, replace(reading, target=("value",), time=("ds",), id=(), date_format=None)


def _place(name: str, kind: str) -> int:
    """Which month or quarter a column is named by, 0 for none."""
    plain = plain_name(name)
    if kind == "month":
        found = re.fullmatch(r"(?:m|month)(\d{1,2})|(\d{1,2})月", plain)
        if found:
            return int(found[1] or found[2])
        return next((n for n, month in enumerate(_MONTHS, 1) if plain in (month, month[:3], month[:4])), 0)
    found = re.fullmatch(r"(?:q|qtr|quarter)([1-4])|([1-4])q|第?([1-4一二三四])季度?", plain)
    digit = next((one for one in found.groups() if one), "") if found else ""
    return "一二三四".find(digit) + 1 or int(digit) if digit else 0


def _hours(names: Sequence[str]) -> tuple[int, int, list[str]]:
    """Whether the first column is named by the end of its hour or part of one, the minutes from one to the next, and
    all those columns, which fill the day; none where they do not."""
    minutes: dict[int, str] = {}
    for name in names:
        clock, hour = _CLOCKS.fullmatch(name.strip()), _HOURS.fullmatch(plain_name(name))
        if clock:
            minutes[60 * int(clock[1] or clock[3]) + int(clock[2] or clock[4])] = name
        elif hour:
            minutes[60 * int(hour[1] or hour[2])] = name
    if len(minutes) < 8 or 1440 % len(minutes):
        return 0, 0, []
    width = 1440 // len(minutes)
    named = list(minutes.values())
    if minutes.get(0) == named[-1]:  # 0:15 to 0:00
        minutes[1440] = minutes.pop(0)
    for first in (0, 1):
        places = [width * n for n in range(first, first + len(minutes))]
        if set(minutes) == set(places):
            return first, width, [minutes[place] for place in places]
    return 0, 0, []


def _long(
    table: SeriesTable, reading: Reading, when: Sequence[str], columns: Sequence[str], what: str, apart: tuple[int, str]
) -> tuple[SeriesTable, Reading] | None:
    """See `across`. when: columns of years, months, weeks or days. apart: how far columns are, and in which unit."""
    width, unit = apart
    times = find_times(table, replace(reading, time=tuple(when), timezone=None))
    if times.wall is None or not times.dated or times.instants is not None:
        return None
    rest = [name for name in table.names if name not in when and name not in columns]
    labels = list(reading.id) or [name for name in rest if table.holds(name) == "texts"]
    twice = len(np.unique(times.wall)) < len(table)
    if not reading.id and not twice:
        labels = []
    if twice and len(labels) != 1:
        if not reading.id:
            raise UserError(
                f"{table.where}: several rows are of one time ({when[0]}, columns {columns[0]} to {columns[-1]} are "
                "steps of it); say which column names the series (id)"
            )
        return None
    values = np.stack([table.numbers(name, "a step") for name in columns], 1)
    known = np.isfinite(values)
    rows, places = np.nonzero(known)
    if not len(rows):
        raise UserError(f"{table.where}: columns {columns[0]} to {columns[-1]} have no value at all")
    start = times.wall.astype(f"datetime64[{unit}]")
    stamps = (start[rows] + (width * places).astype(f"timedelta64[{unit}]")).astype("datetime64[us]")
    if what == "days of the month" and not _in_months(table, stamps, times.wall[rows], rows, len(when) > 1):
        return None
    made: dict[str, np.ndarray] = {"ds": stamps, "value": values[rows, places]}
    long = SeriesTable(
        {**({"unique_id": table.text(labels[0]).some(rows)} if labels else {}), **made},
        table.where,
        table.rows[rows],
        notes=table.notes,
        laid_out=True,
    )
    left = [name for name in rest if name not in labels]
    many = "s" if len(when) > 1 else ""
    long.notes += [
        f"columns {columns[0]} to {columns[-1]} are the {what}, column{many} {' and '.join(when)} "
        f"say{'' if many else 's'} which",
        *times.notes[1:],
        *([f"series: named by column {labels[0]}"] if labels else []),
        *([f"left out: {', '.join(left[:8])}{', ...' if len(left) > 8 else ''}"] if left else []),
    ]
    ids = ("unique_id",) if labels else ()
    return long, replace(reading, target=("value",), time=("ds",), id=ids, date_format=None)


def _in_months(table: SeriesTable, stamps: np.ndarray, start: np.ndarray, rows: np.ndarray, sure: bool) -> bool:
    """Whether days lie in the months that begin with each of start. sure: UserError for one that does not."""
    months = start.astype("datetime64[M]")
    wrong = stamps.astype("datetime64[M]") != months
    if wrong.any() and sure:
        first = int(wrong.argmax())
        raise UserError(
            f"{table.where}: row {table.rows[rows[first]]}: {months[first]} has fewer days than there are values; mend "
            "it, or name what is to be forecast (target)"
        )
    return not wrong.any() and bool((start == months).all())
