"""Series from files, frames and arrays onto one grid of time, with a line for whatever is wrong in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from throughtime.data.axis import TimeAxis
from throughtime.data.dates import parse
from throughtime.data.frequency import Frequency, infer
from throughtime.data.panel import Column, Panel
from throughtime.data.table import TableData, read_table
from throughtime.errors import UserError

IDS, TIMES = ("unique_id",), ("ds", "date", "time", "timestamp", "datetime")
"""Names by which the columns of the series' name and of the time are known, where none is given."""

Groups = list[tuple[str, np.ndarray]]
"""Of each series its name and its rows, in the order of time."""

Notes = list[str]
"""Lines about what was found on reading."""


def read_series(
    source: Any,
    target: str | Sequence[str] | None = None,
    time: str | None = None,
    id: str | None = None,
    past: Sequence[str] = (),
    future: Sequence[str] = (),
    static: Sequence[str] = (),
    frequency: str | None = None,
    dayfirst: bool | None = None,
    timezone: str | None = None,
) -> Panel:
    """Many series from a table, long (a row is one step of one series) or wide (a column is a series).

    source: a CSV, TSV or Parquet file, "-" for standard input, a frame of pandas, polars or pyarrow, a mapping of
    columns, or an array (T,) or (T, N). target: the column to forecast, of a long table (y where there is one);
    several, or none at all where no id is given, of a wide one: then every column of numbers is a series. time, id:
    columns, found by the names Nixtla's tools use (ds, unique_id) and usual ones; without a time the rows are steps.
    past, future, static: columns known up to now, known beforehand (rows after the last target give what is to come),
    and one value a series. frequency: as pandas writes it, or "steps" for rows as they come; None finds it. dayfirst:
    of dates whose year stands last; None finds it. timezone: of the clock.

    Gaps become missing values. Raises UserError with row and column for what cannot be.
    """
    if isinstance(source, np.ndarray) and source.ndim in (1, 2):
        rows = source[:, None] if source.ndim == 1 else source
        return _arrays([rows[:, n] for n in range(rows.shape[1])], [str(n) for n in range(rows.shape[1])])
    if isinstance(source, list | tuple):
        return _arrays(list(source), [str(n) for n in range(len(source))])
    table = read_table(source)
    names = list(table.columns)
    time = time or next((name for name in names if name.lower() in TIMES), None)
    id = id or next((name for name in names if name in IDS), None)
    targets = _targets(table, target, id, {time, id, *past, *future, *static})
    if time is None and frequency not in (None, "steps"):
        raise UserError(f"{table.where}: frequency {frequency} needs a column of times; name it with time")
    stamps, zone, notes = _times(table, time, dayfirst, timezone)
    labels = None if id is None else table.column(id, "the series' name")
    groups = _groups(table, labels, stamps, notes)
    step = _step(table, stamps, groups, frequency, time, notes)
    grid = [_grid(table, stamps, rows, step, name, notes, time) for name, rows in groups]
    notes[:] = _few(notes)

    def laid(raw: np.ndarray) -> Column:
        return [_lay(raw, rows, places) for (_, rows), places in zip(groups, grid, strict=True)]

    covariates = {name: laid(_covariate(table, name, "a covariate")) for name in [*past, *future]}
    fixed = {name: _static(table, name, groups) for name in static}
    values = [one for name in targets for one in laid(table.numbers(name, "the target"))]
    ids = [_id(one, name, len(targets), labels is not None) for one in targets for name, _ in groups]
    shared = [n for _ in targets for n in range(len(groups))]  # series of several targets have the rest in common
    if future:  # rows after the last target carry what is known beforehand
        values = [_trimmed(one) for one in values]
    _check_values(table, ids, values, notes)
    return Panel(
        ids,
        [_start(stamps, groups[n][1]) for n in shared],
        step,
        values,
        {name: [covariates[name][n][: len(v)] for n, v in zip(shared, values, strict=True)] for name in past},
        {name: [covariates[name][n] for n in shared] for name in future},
        {name: [column[n] for n in shared] for name, column in fixed.items()},
        targets[0] if len(targets) == 1 else "target",
        table.where,
        TimeAxis(time, step.alias, zone, "utc" if zone else "local"),
        notes,
    )


def _targets(
    table: TableData, target: str | Sequence[str] | None, id: str | None, taken: set[str | None]
) -> Sequence[str]:
    """The columns to forecast. taken: those that are something else."""
    targets = [target] if isinstance(target, str) else list(target or ())
    names = list(table.columns)
    if not targets and (id is not None or "y" in names):
        targets = ["y"]
    if not targets:
        targets = [name for name in names if name not in taken and table.numeric(name)]
        if not targets:
            raise UserError(f"{table.where}: no column of numbers to forecast; there are {', '.join(names[:20])}")
    if twice := [name for name in targets if name in taken]:
        raise UserError(f"{table.where}: column {twice[0]} cannot be the target and something else")
    return targets


def _step(
    table: TableData, stamps: np.ndarray | None, groups: Groups, frequency: str | None, time: str | None, notes: Notes
) -> Frequency:
    """How far apart the steps are, as it is said, or as it is found."""
    chosen = Frequency.of(frequency) if frequency else None
    if stamps is None or stamps.dtype.kind != "M":
        return Frequency("steps")
    if chosen is not None:
        return chosen
    step = infer([np.unique(stamps[rows]) for _, rows in groups])
    if step is None:
        raise UserError(f"{table.where}: column {time}: no frequency is to be seen; give one, or take rows as steps")
    notes.append(f"frequency: {step}")
    return step


def _id(target: str, group: str, targets: int, labelled: bool) -> str:
    """The name of a series: of its target, of its group, or of both."""
    if not labelled and (targets > 1 or not group):
        return target
    return group if targets == 1 else f"{group} {target}"


def _check_values(table: TableData, ids: Sequence[str], values: Column, notes: Notes) -> None:
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
            numbers = np.array(one, np.float64)
        except (TypeError, ValueError):
            raise UserError(f"data: series {n} has values that are no numbers") from None
        if numbers.ndim != 1 or not len(numbers) or np.isinf(numbers).any() or not np.isfinite(numbers).any():
            raise UserError(f"data: series {n} must be (L,) finite numbers, NaN where missing, got {numbers.shape}")
        values.append(numbers)
    if not values:
        raise UserError("data: there is no series")
    return Panel(ids, [0] * len(ids), Frequency("steps"), values)


def _times(
    table: TableData, time: str | None, dayfirst: bool | None, zone: str | None
) -> tuple[np.ndarray | None, str | None, Notes]:
    if time is None:
        return None, None, []
    raw = table.column(time, "the time")
    if raw.dtype.kind == "M":
        if np.isnat(raw).any():
            row = table.first_row + int(np.isnat(raw).argmax())
            raise UserError(f"{table.where}: row {row}, column {time}: the time is missing")
        return raw, zone, []
    text = np.array([str(value).strip() for value in raw]) if raw.dtype.kind not in "fiu" else None
    if text is None or all(value.lstrip("-").isdecimal() and len(value) < 8 for value in text):
        numbers = table.numbers(time, "the time")
        whole = np.isfinite(numbers) & (numbers == np.round(numbers))
        if not whole.all():
            row = table.first_row + int(np.argmin(whole))
            raise UserError(f"{table.where}: row {row}, column {time}: a step must be a whole number or a date")
        return numbers.astype(np.int64), None, []
    return parse(text.tolist(), f"{table.where}, column {time}", table.first_row, dayfirst, zone)


def _groups(table: TableData, labels: np.ndarray | None, stamps: np.ndarray | None, notes: Notes) -> Groups:
    """Each series' name and its rows in the order of time."""
    rows = np.arange(len(next(iter(table.columns.values()))))
    if labels is None:
        groups = [("", rows)]
    else:
        if labels.dtype.kind in "f" and np.all(labels == np.round(labels)):
            labels = labels.astype(np.int64)
        text = labels.astype(str)
        names, first, inverse = np.unique(text, return_index=True, return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        parts = np.split(order, np.bincount(inverse).cumsum()[:-1])
        groups = [(str(names[i]), parts[i]) for i in np.argsort(first)]
    if stamps is None:
        return groups
    unsorted, in_order = 0, []
    for name, places in groups:
        times = stamps[places]
        if (times[1:] <= times[:-1]).any():
            order = np.argsort(times, kind="stable")
            ordered = times[order]
            same = ordered[1:] == ordered[:-1]
            if same.any():
                k = int(same.argmax())
                a, b = (table.first_row + int(places[order[i]]) for i in (k, k + 1))
                of = f" of series {name}" if name else ""
                at = str(ordered[k]).replace("T", " ").removesuffix(".000000")
                raise UserError(f"{table.where}: rows {a} and {b}{of} are both of {at}; keep one")
            places, unsorted = places[order], unsorted + 1
        in_order.append((name, places))
    if unsorted:
        notes.append(
            f"rows put in the order of time in {unsorted} series" if labels is not None else "rows put in order"
        )
    return in_order


def _grid(
    table: TableData,
    stamps: np.ndarray | None,
    rows: np.ndarray,
    step: Frequency,
    name: str,
    notes: Notes,
    column: str | None,
) -> np.ndarray:
    """The place on the grid of each row of a series, from 0."""
    if stamps is None or (step.kind == "steps" and stamps.dtype.kind == "M"):
        return np.arange(len(rows))
    at = stamps[rows].astype(np.float64) if stamps.dtype.kind != "M" else step.index(stamps[rows])
    places = at - at[0]
    off = np.abs(places - np.round(places)) > 1e-9
    if off.any():
        row = table.first_row + int(rows[int(off.argmax())])
        time = str(stamps[rows[int(off.argmax())]]).replace("T", " ").removesuffix(".000000")
        raise UserError(
            f"{table.where}: row {row}, column {column}: {time} is not a whole number of steps ({step}) after the first"
        )
    numbers: np.ndarray = np.round(places).astype(np.int64)
    most = 50 * len(rows) + 1000
    if numbers[-1] >= most:
        raise UserError(
            f"{table.where}: series {name}: {len(rows)} rows over {numbers[-1] + 1:,} steps of {step}; "
            "give another frequency"
        )
    missing = int(numbers[-1]) + 1 - len(rows)
    if missing:
        notes.append(f"{missing} steps missing{f' in series {name}' if name else ''}, kept as missing values")
    return numbers


def _few(notes: Notes) -> Notes:
    gaps = [note for note in notes if " steps missing in series" in note]
    if len(gaps) <= 3:
        return notes
    total = sum(int(note.split()[0]) for note in gaps)
    return [n for n in notes if n not in gaps] + [
        f"{total:,} steps missing in {len(gaps)} series, kept as missing values"
    ]


def _lay(raw: np.ndarray, rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    size = int(places[-1]) + 1
    column = np.full(size, np.nan) if raw.dtype.kind == "f" else np.full(size, "", object)
    column[places] = raw[rows]
    return column


def _covariate(table: TableData, name: str, what: str) -> np.ndarray:
    """Numbers where a column is of numbers, else text."""
    table.column(name, what)
    if table.numeric(name):
        return table.numbers(name, what)
    raw = table.columns[name]
    text = [("" if value is None else str(value).strip()) for value in raw]
    kinds = set(text)
    numbers = [value for value in kinds if _is_number(value)]
    if len(numbers) > len(kinds) / 2:  # numbers with a slip among them, not categories
        return table.numbers(name, what)
    if len(kinds) > 100:
        raise UserError(f"{table.where}: column {name} has {len(kinds)} different texts, at most 100 can be categories")
    return np.array(text, object)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _static(table: TableData, name: str, groups: Groups) -> list[Any]:
    raw = _covariate(table, name, "a static covariate")
    values = []
    for series, rows in groups:
        column = raw[rows]
        present = np.isfinite(column.astype(np.float64)) if raw.dtype.kind == "f" else column != ""
        value = column[int(np.argmax(present))]  # rows may leave it empty, such as those that say what is to come
        other = present & (column != value)
        if other.any():
            row = table.first_row + int(rows[int(np.argmax(other))])
            raise UserError(f"{table.where}: row {row}, column {name}: changes within series {series}; it must not")
        values.append(value)
    return values


def _start(stamps: np.ndarray | None, rows: np.ndarray) -> Any:
    if stamps is None:
        return 0
    first = stamps[rows[0]]
    return np.datetime64(first, "us") if stamps.dtype.kind == "M" else int(first)


def _trimmed(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    return values[: len(values) - int(known[::-1].argmax())] if known.any() else values
