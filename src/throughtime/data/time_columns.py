"""What the columns of a table that say the time say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from throughtime.data import zones
from throughtime.data.begin_end import halves
from throughtime.data.counted_times import FORMS, of_numbers
from throughtime.data.date_parts import clocks, part, part_of
from throughtime.data.dates import TOTAL, parse, stamps_of
from throughtime.data.frequency import outside
from throughtime.data.reading import Reading
from throughtime.data.series_table import SeriesTable
from throughtime.data.time_finding import columns_of_times
from throughtime.data.written import Text
from throughtime.errors import UserError

_BUDDHIST = (2443, 2600)
"""Years that are 1900 to 2057 as the Buddhist calendar counts them."""

_BRACKETS = re.compile(r"\[([A-Za-z_]+/[A-Za-z_/]+)\]$")

_MOST = 1 << 53
"""Whole numbers from here on are rounded as float64."""


@dataclass(frozen=True)
class Times:
    """columns: that say the time, none where rows are steps. wall: (N,) datetime64[us] as the file's clock shows it, or
    int64 steps; None where rows are steps. instants: the same in UTC, where the file says so. zone: of the clock, where
    the file says it, or was asked for. changing: whether offsets change and belong to no zone that is known. written:
    how, in directives of strftime. notes: what was decided."""

    columns: tuple[str, ...]
    wall: np.ndarray | None
    instants: np.ndarray | None = None
    zone: str | None = None
    changing: bool = False
    written: str = ""
    notes: tuple[str, ...] = ()

    @property
    def dated(self) -> bool:
        """Whether there are dates."""
        return self.wall is not None and self.wall.dtype.kind == "M"


def find_times(table: SeriesTable, reading: Reading) -> Times:
    """The times of a table, as they are asked for or as they are found. UserError where they cannot be, or where
    several columns may be meant."""
    names = reading.time or columns_of_times(table, reading)
    if not names:
        note = "no column of times: rows are steps" if reading.frequency != "steps" else "rows are steps"
        return Times((), None, notes=(note,))
    for name in names:
        table.column(name, "the time")
    _drop_totals(table, names[0])
    times = _read(table, names[0], reading) if len(names) == 1 else _combined(table, names, reading)
    shown = _shown(table, names)
    if times.wall is not None and np.issubdtype(times.wall.dtype, np.datetime64) and np.isnat(times.wall).any():
        row = table.rows[int(np.isnat(times.wall).argmax())]
        raise UserError(f"{table.where}: row {row}, column {shown}: the time is missing; fill it in, or leave it out")
    _check_years(table, shown, times.wall)
    _check_years(table, shown, times.instants)
    if reading.date_format is None and times.dated:
        _check_era(table, shown, times.wall)
    said = () if table.laid_out else (f"time: column{'s' if len(names) > 1 else ''} {shown}", *times.notes)
    return Times(
        tuple(names), times.wall, times.instants, times.zone, times.changing, times.written,
        said,
    )  # fmt: skip


def _shown(table: SeriesTable, names: Sequence[str]) -> str:
    """Columns as a note names them; one whose head is empty by its place."""
    if len(names) == 1 and names[0] == "column 1" and names[0] in table.index:
        return "1, which has no name"
    return " and ".join(names) if len(names) == 2 else ", ".join(names)


def _check_years(table: SeriesTable, name: str, times: np.ndarray | None) -> None:
    """UserError for a time that no calendar has: of a year before 1 or after 9999, or a number that may be rounded."""
    if times is None:
        return
    if times.dtype.kind == "M":
        wrong, expected = outside(times), "a time of the years 1 to 9999"
    else:
        wrong, expected = np.abs(times) >= _MOST, f"the number of a step, below {_MOST:,}"
    if wrong.any():
        row = table.rows[int(wrong.argmax())]
        raise UserError(f"{table.where}: row {row}, column {name}: expected {expected}; mend it, or leave the row out")


def _check_era(table: SeriesTable, name: str, wall: np.ndarray | None) -> None:
    """UserError for years of our time as the Buddhist calendar counts them, where they could be meant."""
    if wall is None or not len(wall):
        return
    years = wall.astype("datetime64[Y]").astype(np.int64) + 1970
    if years.min() >= _BUDDHIST[0] and years.max() <= _BUDDHIST[1]:
        raise UserError(
            f"{table.where}: row {table.rows[0]}, column {name}: {years[0]} may be a year of the Buddhist calendar, "
            f"{years[0] - 543}; subtract 543, or say how dates are written (date_format) where it is meant"
        )


def _drop_totals(table: SeriesTable, name: str) -> None:
    """Leave out rows that hold a total instead of a time."""
    cells = table.columns[name]
    if not isinstance(cells, Text):
        return
    totals = np.fromiter((TOTAL.fullmatch(kind) is not None for kind in cells.kinds), bool, len(cells.kinds))
    gone = totals[cells.codes]
    if gone.any() and not gone.all():
        rows = table.rows[gone]
        table.notes.append(f"left out: {gone.sum()} rows of totals, the first in row {rows[0]}")
        table.keep(~gone)


def _read(table: SeriesTable, name: str, reading: Reading) -> Times:
    """The times that one column says."""
    cells, where = table.column(name, "the time"), f"{table.where}, column {name}"
    form = reading.date_format
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "M":
        _check_years(table, name, cells)
        zone = table.zones.get(name)
        if zone is None or np.isnat(cells).any():
            return _zoned(cells, None, reading, "")
        return _zoned(zones.to_local(cells, zone), cells, reading, "", zone)
    numbers = table.parsed(name)
    if numbers.bad is None and (form is None or form in FORMS):
        if not np.isfinite(numbers.values).all():
            row = table.rows[int(np.argmin(np.isfinite(numbers.values)))]
            raise UserError(
                f"{table.where}: row {row}, column {name}: the time is missing; fill it in, or leave it out"
            )
        counted = of_numbers(numbers.values, name, where, form)
        if counted is not None:
            stamps, written, said = counted
            note = f"column {name}: {said}"
            return _zoned(
                stamps, stamps if form in ("s", "ms") or "since" in said else None, reading, written, None, note
            )
        if form is None and part_of(table, name) == "year":
            return replace(_combined(table, [name], reading), notes=(f"column {name}: years",))
        whole = numbers.values == np.round(numbers.values)
        if not whole.all():
            row = table.rows[int(np.argmin(whole))]
            raise UserError(f"{table.where}: row {row}, column {name}: a step must be a whole number or a date")
        _check_years(table, name, numbers.values)
        return Times((name,), numbers.values.astype(np.int64), notes=(f"column {name}: whole numbers, one a step",))
    text = table.text(name)
    gone = text.missing(reading.missing)
    if gone.any():
        row = table.rows[text.row(int(gone.argmax()))]
        raise UserError(
            f"{table.where}: row {row}, column {name}: the time is missing; fill it in, or leave the row out"
        )
    if form is None and (begun := halves(text)) is not None:
        text = begun
        table.notes.append(f"column {name} says where steps begin and where they end")
    dates = parse(text, where, table.rows, reading.dayfirst, None if form in FORMS else form)
    if dates.offsets is None:
        return _zoned(dates.stamps, None, reading, dates.written, None, *dates.notes)
    instants = dates.stamps - dates.offsets.astype("timedelta64[s]")
    _check_years(table, name, instants)
    different = np.unique(dates.offsets)
    if (zone := _in_brackets(text)) is not None and reading.timezone is None:
        return Times((name,), dates.stamps, instants, zone, False, dates.written, (*dates.notes, f"time zone: {zone}"))
    if len(different) == 1:
        return _zoned(
            dates.stamps, instants, reading, dates.written, zones.offset_name(int(different[0])), *dates.notes
        )
    if reading.timezone is not None:
        return _zoned(dates.stamps, instants, reading, dates.written, reading.timezone, *dates.notes)
    _, first = np.unique(instants, return_index=True)
    zone = zones.matching(instants[first], dates.offsets[first])
    clock = [] if zone is None else [f"time zone: {zone}, or one with the same clock"]
    return Times((name,), dates.stamps, instants, zone, zone is None, dates.written, (*dates.notes, *clock))


def _in_brackets(text: Text) -> str | None:
    """The zone that stands behind every time, as in 2024-01-01T00:00+01:00[Europe/Berlin]; None where none does."""
    found = {match[1] if (match := _BRACKETS.search(kind)) else None for kind in text.kinds}
    name = found.pop() if len(found) == 1 else None
    if name is None:
        return None
    zones.zone_of(name)
    return name


def _zoned(
    wall: np.ndarray, instants: np.ndarray | None, reading: Reading, written: str, zone: str | None = None, *notes: str
) -> Times:
    """Times with the zone that was asked for, or is known."""
    if reading.timezone is not None:
        zones.zone_of(reading.timezone, "timezone")
        if instants is not None:
            return Times(
                (), zones.to_local(instants, reading.timezone), instants, reading.timezone, False, written, notes
            )
        return Times((), wall, None, reading.timezone, False, written, notes)
    return Times((), wall, instants if zone is not None else None, zone, False, written, notes)


def _combined(table: SeriesTable, names: Sequence[str], reading: Reading) -> Times:
    """The times that several columns say together."""
    kinds = [part_of(table, name) for name in names]
    if kinds[0] == "year" and all(kinds):
        fields = {str(kind): part(table, name) for kind, name in zip(kinds, names, strict=True)}
        stamps, good = stamps_of(fields, "ymd")
        if not good.all():
            row = table.rows[int(np.argmin(good))]
            raise UserError(f"{table.where}: row {row}: columns {', '.join(names)} make no date")
        return _zoned(stamps, None, reading, "")
    base = _read(table, names[0], reading)
    if base.wall is None or not base.dated:
        raise UserError(f"{table.where}: column {names[0]} holds no days to which {', '.join(names[1:])} could belong")
    shift = np.zeros(len(table), "timedelta64[us]")
    for name, kind in zip(names[1:], kinds[1:], strict=True):
        if kind in ("hour", "minute", "second"):
            unit = {"hour": "h", "minute": "m", "second": "s"}[kind]
            shift = shift + part(table, name).astype(f"timedelta64[{unit}]")
        elif kind == "clock":
            number = part(table, name)
            shift = shift + (number // 100 * 60 + number % 100).astype("timedelta64[m]")
        elif clocks(table, name):
            text = table.text(name)
            clock = parse(Text([f"2000-01-01 {one}" for one in text.kinds], text.codes), table.where, table.rows)
            shift = shift + (clock.stamps - np.datetime64("2000-01-01", "us"))
        else:
            raise UserError(
                f"{table.where}: column {name} is no part of a time; a year, a month, ... or 14:00 would be"
            )
    written = f"{base.written} %H:%M" if base.written else ""
    return _zoned(base.wall + shift, None, reading, written, None, *base.notes)
