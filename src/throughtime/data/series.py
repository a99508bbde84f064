"""Series from files, frames and arrays onto one grid of time, with a line for whatever is wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from throughtime.data.across import across
from throughtime.data.axis import TimeAxis
from throughtime.data.frequency import Frequency
from throughtime.data.grid import Groups, Stamps, aggregated, in_order, place, rounded, settle
from throughtime.data.layout import columns_beside, find_ids, find_targets, joined, turned
from throughtime.data.panel import Column, Panel
from throughtime.data.reading import Reading
from throughtime.data.series_table import MANY, SeriesTable, table_of
from throughtime.data.time_columns import Times, find_times
from throughtime.data.written import Text, small
from throughtime.errors import UserError
from throughtime.storage.memory import give_back

Notes = list[str]
"""Lines about what was found on reading."""


def read_series(source: Any, target: str | Sequence[str] | None = None, **options: Any) -> Panel:
    """Many series from a table, long (a row is one step of one series), wide (a column is a series) or turned (a row is
    a series).

    source: a CSV, TSV, Excel or Parquet file, "-" for standard input, a frame or Series of pandas, polars or pyarrow, a
    mapping of columns, or an array (T,) or (T, N). target: the column to forecast, or several of a wide table. options:
    those of throughtime.data.reading.Reading, by name: time, id, past, future, static, frequency, ...; what is not
    given is found, and told in the panel's notes.

    Gaps become missing values. Raises UserError with row and column for what cannot be, or may be several things.
    """
    given = {name: value for name, value in options.items() if value is not None}
    return read(source, Reading(target=() if target is None else target, **given))  # type: ignore[arg-type]


def read(source: Any, reading: Reading, beside: bool = False) -> Panel:
    """`read_series`, with its options in one. beside: of a table with one target, other columns of numbers come along
    as covariates that are known up to now."""
    if isinstance(source, np.ndarray) and source.ndim in (1, 2) and source.dtype.names is None:
        rows = source[:, None] if source.ndim == 1 else source
        return _arrays([rows[:, n] for n in range(rows.shape[1])], [str(n) for n in range(rows.shape[1])])
    if isinstance(source, list | tuple):
        return _arrays(list(source), [str(n) for n in range(len(source))])
    table = table_of(source, reading)
    if table.frequency is not None and reading.frequency is None:
        reading = replace(reading, frequency=table.frequency)
    if (long := across(table, reading) or turned(table, reading)) is not None:
        table, reading = long
    times = find_times(table, reading)
    if table.blank and times.wall is None:
        raise UserError(f"{table.where}: row {table.blank[0]} is empty; leave it out")
    ids = find_ids(table, reading, times)
    targets = find_targets(table, reading, times, ids)
    if len(table) >= MANY:
        give_back()
    if beside and len(targets) == 1 and not reading.past:
        reading = replace(reading, past=columns_beside(table, reading, times, ids, targets))
    return _Reader(table, reading, times, ids, targets).panel()


@dataclass
class _Reader:
    """Rows of a table on their way to a panel."""

    table: SeriesTable
    reading: Reading
    times: Times
    ids: Sequence[str]
    targets: Sequence[str]

    def panel(self) -> Panel:
        table, reading, notes = self.table, self.reading, Notes()
        groups = _groups(table, self.ids)
        stamps = rounded(settle(table, self.times, groups, reading, notes), reading, table, notes)
        groups = in_order(table, stamps, groups, bool(self.ids), notes)
        step = stamps.frequency
        places = [place(table, stamps, name, rows, self.times, reading.aggregate, notes) for name, rows in groups]
        laid = _layer(groups, places, reading.aggregate)
        past = {name: laid(_covariate(table, name, "a covariate")) for name in reading.past}
        future = {name: laid(_covariate(table, name, "a covariate")) for name in reading.future}
        static = {name: _static(table, name, groups) for name in reading.static}
        values = [one for name in self.targets for one in laid(table.numbers(name, "the target"))]
        names = [
            _id(one, name, len(self.targets), bool(self.ids) or bool(name))
            for one in self.targets
            for name, _ in groups
        ]
        shared = [n for _ in self.targets for n in range(len(groups))]  # series of several targets share the rest
        if future:  # rows after the last target carry what is known beforehand
            values = [_trimmed(one) for one in values]
        _check_values(table, names, values, notes)
        if reading.aggregate is not None:
            _tell_ends(groups, places, notes)
        if table.blank:
            notes.append(f"{len(table.blank)} empty rows left out, the first is row {table.blank[0]}")
        return Panel(
            names,
            [_start(stamps.times, groups[n][1]) for n in shared],
            step,
            values,
            {name: [past[name][n][: len(v)] for n, v in zip(shared, values, strict=True)] for name in past},
            {name: [future[name][n] for n in shared] for name in future},
            {name: [column[n] for n in shared] for name, column in static.items()},
            self.targets[0] if len(self.targets) == 1 else "target",
            table.where,
            self._axis(stamps),
            [*self.times.notes, *table.notes, *_few(notes)],
            self.ids[0] if len(self.ids) == 1 else "unique_id",
        )

    def _axis(self, stamps: Stamps) -> TimeAxis:
        times, zone = self.times, self.times.zone
        if times.changing and stamps.clock == "utc":
            zone = "UTC"
        column = ", ".join(times.columns) if times.columns and not self.table.laid_out else None
        return TimeAxis(column, stamps.frequency.alias, zone, stamps.clock, times.written)


def _groups(table: SeriesTable, ids: Sequence[str]) -> Groups:
    """Each series' name and its rows, in the order of the file."""
    if not ids:
        return [("", np.arange(len(table)))]
    text = joined(table, ids)
    gone = text.missing()[text.codes] & np.array([kind == "" for kind in text.kinds])[text.codes]
    if gone.any():
        row = table.rows[int(gone.argmax())]
        raise UserError(f"{table.where}: row {row}, column {', '.join(ids)}: the series' name is missing; give it one")
    counts = np.bincount(text.codes, minlength=len(text.kinds))
    order = small(np.argsort(text.codes, kind="stable"))
    ends = counts.cumsum()
    found = [
        (order[end - count :], int(count), kind)
        for kind, (end, count) in enumerate(zip(ends, counts, strict=True))
        if count
    ]
    found.sort(key=lambda one: int(one[0][0]))
    return [(text.kinds[kind], rows[:count]) for rows, count, kind in found]


def _layer(groups: Groups, places: list[np.ndarray], how: str | None) -> Callable[[np.ndarray], Column]:
    """What puts a column onto the grid of each series: missing where no row is."""

    def laid(raw: np.ndarray) -> Column:
        columns = []
        for (_, rows), steps in zip(groups, places, strict=True):
            size = int(steps[-1]) + 1
            column = np.full(size, np.nan) if raw.dtype.kind == "f" else np.full(size, "", object)
            if how is None:
                column[steps] = raw[rows]
            else:
                starts = np.flatnonzero(np.diff(steps, prepend=-1))
                column[steps[starts]] = aggregated(raw[rows], starts, how)
            columns.append(column)
        return columns

    return laid


def _tell_ends(groups: Groups, places: list[np.ndarray], notes: Notes) -> None:
    """Say so where the last step, or the first, of a series has far fewer rows than its others."""
    for (name, _), steps in zip(groups, places, strict=True):
        count = np.bincount(steps)
        usual = int(np.median(count[count > 0]))
        for where, have in (("first", int(count[0])), ("last", int(count[-1]))):
            if 2 * have < usual and len(count) > 2:
                of = f" of series {name}" if name else ""
                notes.append(f"the {where} step{of} is of {have} rows, others are of {usual}: it may be cut off")
                return


def _id(target: str, group: str, targets: int, labelled: bool) -> str:
    """The name of a series: of its target, of its group, or of both."""
    if not labelled:
        return target
    return group if targets == 1 else f"{group} {target}"


def _check_values(table: SeriesTable, ids: Sequence[str], values: Column, notes: Notes) -> None:
    """UserError where a series has no value at all; a note where it never changes."""
    empty = [name for name, one in zip(ids, values, strict=True) if not np.isfinite(one).any()]
    if empty:
        more = f" and {len(empty) - 1} more" if len(empty) > 1 else ""
        raise UserError(f"{table.where}: series {empty[0]}{more} has no value at all; leave it out")
    flat = [name for name, one in zip(ids, values, strict=True) if np.nanmin(one) == np.nanmax(one)]
    if flat:
        notes.append(f"constant: {', '.join(flat[:5])}{f' and {len(flat) - 5} more' if len(flat) > 5 else ''}")


def _arrays(arrays: list[Any], ids: list[str]) -> Panel:
    values = []
    for n, one in enumerate(arrays):
        try:
            masked = isinstance(one, np.ma.MaskedArray)
            numbers = one.astype(np.float64).filled(np.nan) if masked else np.array(one, np.float64)
        except (TypeError, ValueError):
            raise UserError(f"data: series {n} has values that are no numbers") from None
        if numbers.ndim != 1 or not len(numbers) or np.isinf(numbers).any() or not np.isfinite(numbers).any():
            raise UserError(f"data: series {n} must be (L,) finite numbers, NaN where missing, got {numbers.shape}")
        values.append(numbers)
    if not values:
        raise UserError("data: there is no series")
    return Panel(ids, [0] * len(ids), Frequency("steps"), values)


def _few(notes: Notes) -> Notes:
    gaps = [note for note in notes if " steps missing in series" in note]
    if len(gaps) <= 3:
        return notes
    total = sum(int(note.split()[0]) for note in gaps)
    return [n for n in notes if n not in gaps] + [
        f"{total:,} steps missing in {len(gaps)} series, kept as missing values"
    ]


def _covariate(table: SeriesTable, name: str, what: str) -> np.ndarray:
    """Numbers where a column is of numbers, even with a slip among them, else text."""
    cells = table.column(name, what)
    if not isinstance(cells, Text):
        return table.numbers(name, what)
    if table.holds(name) in ("numbers", "nothing"):
        return table.numbers(name, what)
    gone = cells.missing(table.style.missing)
    kinds = ["" if away else kind for kind, away in zip(cells.kinds, gone, strict=True)]
    if len(set(kinds)) > 100:
        raise UserError(
            f"{table.where}: column {name} has {len(set(kinds))} different texts, at most 100 can be categories"
        )
    found: np.ndarray = Text(kinds, cells.codes).values()
    return found


def _static(table: SeriesTable, name: str, groups: Groups) -> list[Any]:
    raw = _covariate(table, name, "a static covariate")
    values = []
    for series, rows in groups:
        column = raw[rows]
        present = np.isfinite(column.astype(np.float64)) if raw.dtype.kind == "f" else column != ""
        value = column[int(np.argmax(present))]  # rows may leave it empty, such as those that say what is to come
        other = present & (column != value)
        if other.any():
            row = table.rows[int(rows[int(np.argmax(other))])]
            raise UserError(f"{table.where}: row {row}, column {name}: changes within series {series}; it must not")
        values.append(value)
    return values


def _start(times: np.ndarray | None, rows: np.ndarray) -> Any:
    if times is None:
        return 0
    first = times[rows[0]]
    return np.datetime64(first, "us") if times.dtype.kind == "M" else int(first)


def _trimmed(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    return values[: len(values) - int(known[::-1].argmax())] if known.any() else values
