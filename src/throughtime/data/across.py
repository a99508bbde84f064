"""Tables with a row a year and a column a month or quarter, or a row a day and a column an hour, as one series each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from throughtime.data.date_parts import part_of, plain_name
from throughtime.data.reading import Reading
from throughtime.data.series_table import SeriesTable
from throughtime.data.time_columns import find_times
from throughtime.errors import UserError

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
_HOURS = re.compile(r"(?:h|he|hr|hour|hourending|stunde|heure|hora)(\d{1,2})|(\d{1,2})(?:h|時|时|点|시)")
_CLOCKS = re.compile(r"(\d{1,2})[:.]00(?:[:.]00)?")


def across(table: SeriesTable, reading: Reading) -> tuple[SeriesTable, Reading] | None:
    """A table of twelve columns named by the months, or four by the quarters, beside one of years, or of 24 by the
    hours beside one of days, as a long one, and how that is read; None where it is none of these.

    Of other columns those of texts name the series where two rows would be of one time; the rest is left out, and told.
    """
    if reading.target or reading.past or reading.future or reading.static or len(table.names) < 5:
        return None
    years = [name for name in table.names if part_of(table, name) == "year"]
    for kind, count in (("month", 12), ("quarter", 4)):
        places = {_place(name, kind): name for name in table.names}
        columns = [places[n] for n in range(1, count + 1) if n in places]
        if len(columns) == count and len(years) == 1:
            return _long(table, reading, years, columns, f"{kind}s of the year", 12 // count, "M")
    first, columns = _hours(table.names)
    if not columns or sum(table.holds(name) == "times" for name in table.names) != 1:
        return None
    days = [name for name in table.names if table.holds(name) == "times"]
    note = "hours of the day" + (f", {columns[0]} the one that begins at 0:00" if first else "")
    return _long(table, reading, days, columns, note, 1, "h")


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


def _hours(names: Sequence[str]) -> tuple[int, list[str]]:
    """The number of the first hour, 0 or 1, and the 24 columns that are named by hours; none where these are not."""
    numbers: dict[int, str] = {}
    for name in names:
        found = _CLOCKS.fullmatch(name.strip()) or _HOURS.fullmatch(plain_name(name))
        if found:
            numbers[int(found[1] or found[2])] = name
    for first in (0, 1):
        if set(numbers) == set(range(first, first + 24)):
            return first, [numbers[n] for n in range(first, first + 24)]
    return 0, []


def _long(
    table: SeriesTable, reading: Reading, when: Sequence[str], columns: Sequence[str], what: str, width: int, unit: str
) -> tuple[SeriesTable, Reading] | None:
    """See `across`. when: the column of years or days. width, unit: of the steps between columns."""
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
    made: dict[str, np.ndarray] = {"ds": stamps, "value": values[rows, places]}
    long = SeriesTable(
        {**({"unique_id": table.text(labels[0]).some(rows)} if labels else {}), **made},
        table.where,
        table.rows[rows],
        notes=table.notes,
        laid_out=True,
    )
    left = [name for name in rest if name not in labels]
    long.notes += [
        f"columns {columns[0]} to {columns[-1]} are the {what}, column {when[0]} says which",
        *times.notes[1:],
        *([f"series: named by column {labels[0]}"] if labels else []),
        *([f"left out: {', '.join(left[:8])}{', ...' if len(left) > 8 else ''}"] if left else []),
    ]
    ids = ("unique_id",) if labels else ()
    return long, replace(reading, target=("value",), time=("ds",), id=ids, date_format=None)
