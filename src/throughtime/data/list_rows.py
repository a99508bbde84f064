"""Tables a row of which is a whole series, its values a list: GluonTS' JSON lines, Chronos' Parquet files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.data.dates import parse
from throughtime.data.declared import Declared, long_series, numbers_of
from throughtime.data.frequency import Frequency
from throughtime.data.written import Text
from throughtime.errors import UserError

IDS = ("unique_id", "series_id", "item_id", "ts_id")
"""Names of columns of the series' names."""

_VALUES = ("target", "y", "value", "values")
_TIMES = ("timestamp", "ds", "time", "times", "date")
_FREQUENCIES = ("freq", "frequency")


def unrolled(
    lists: Mapping[str, Sequence[Any]],
    single: Mapping[str, Text | np.ndarray],
    where: str,
    rows: np.ndarray,
    frequency: str | None,
) -> Declared | None:
    """One row of each value, in place of one of each series; None where the lists are no series.

    lists: columns of lists, by name. single: all others. frequency: as it was asked for. Series begin at `start` and go
    on as `freq` says, or have a list of times. Raises UserError where nobody says how far apart the steps are.
    """
    name = next((one for one in _VALUES if one in lists), None)
    if name is None and "start" in single and len(lists) == 1:
        name = next(iter(lists))
    if name is None:
        return None
    label = next((one for one in (*IDS, "id", "name", "series") if one in single), None)
    labels = _texts(single[label]) if label else [str(n) for n in range(len(rows))]
    names, values, of = list[str](), list[np.ndarray](), list[int]()
    for n, cells in enumerate(lists[name]):
        several = [cells] if not len(cells) or not _is_list(cells[0]) else list(cells)
        for k, one in enumerate(several):
            names.append(labels[n] if len(several) == 1 else f"{labels[n]}/{k}")
            values.append(numbers_of(["" if cell == "NaN" else cell for cell in one], where, int(rows[n])))
            of.append(n)
    clock = next((one for one in _TIMES if one in lists), None)
    step = None if clock else frequency or _frequency(single, where)
    times: list[np.ndarray] | None = None
    if "start" in single and clock is None:
        if step is None:
            raise UserError(f"{where}: series have a start and nobody says how far apart their steps are (frequency)")
        every = Frequency.of(step)
        starts = _stamps(single["start"], where, rows)
        times = [every.times(starts[n], len(one)) for n, one in zip(of, values, strict=True)]
    taken = {label, "start", *_FREQUENCIES}
    rest = {key: _texts(cells) for key, cells in single.items() if key not in taken}
    beside = {key: [texts[n] for n in of] for key, texts in rest.items()}
    left = [key for key in lists if key not in (name, clock)]
    notes = [f"rows are series, {name} their values"] + ([f"left out: {', '.join(left)}"] if left else [])
    found = long_series(
        names, times, values, [int(rows[n]) for n in of], beside, step if times is not None else None, notes
    )
    if clock:
        each = [one for n in of for one in lists[clock][n]]
        if len(each) != len(found.rows):
            raise UserError(f"{where}: lists of {clock} and {name} differ in their lengths")
        found.columns["ds"] = Text.of([str(one) for one in each])
    return found


def _is_list(cell: Any) -> bool:
    return isinstance(cell, list | tuple | np.ndarray)


def _texts(cells: Text | np.ndarray) -> list[str]:
    if isinstance(cells, Text):
        return [str(one) for one in cells.values()]
    return [f"{one:g}" if cells.dtype.kind == "f" else str(one) for one in cells]


def _stamps(cells: Text | np.ndarray, where: str, rows: np.ndarray) -> np.ndarray:
    if isinstance(cells, Text):
        return parse(cells, f"{where}, start", rows).stamps
    return cells.astype("datetime64[us]") if cells.dtype.kind == "M" else np.zeros(len(cells), "datetime64[us]")


def _frequency(single: Mapping[str, Text | np.ndarray], where: str) -> str | None:
    for name in _FREQUENCIES:
        if name in single:
            found = set(_texts(single[name]))
            if len(found) > 1:
                raise UserError(
                    f"{where}: series of several frequencies ({', '.join(sorted(found)[:4])}); read one alone"
                )
            return next(iter(found))
    return None
