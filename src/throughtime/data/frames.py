"""Frames, Series, indexes and arrays as columns: numbers, times or texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from throughtime.data.cells import ColumnOfCells
from throughtime.data.written import Text
from throughtime.data.zones import offset_name, zone_of
from throughtime.errors import UserError, needed

_NEEDED = "forecast"

_BLOCK, _KNOWN = 1 << 13, 1 << 14
"""Cells that are looked at together; different texts of a column that are known at once."""


@dataclass
class Frame:
    """columns: names and cells in order. zones: of those whose times are UTC. index: names of those that were the
    index. lists: further columns, whose cells are lists."""

    columns: list[tuple[str, Text | np.ndarray]] = field(default_factory=list)
    zones: dict[str, str] = field(default_factory=dict)
    index: tuple[str, ...] = ()
    lists: dict[str, list[Any]] = field(default_factory=dict)

    def take(self, name: str, cells: Text | np.ndarray) -> None:
        """A further column; nothing where its cells are lists."""
        if name not in self.lists:
            self.columns.append((name, cells))

    def texts(self) -> None:
        """Columns of lists as texts like others."""
        self.columns += [(name, Text.of([str(cell) for cell in cells])) for name, cells in self.lists.items()]
        self.lists.clear()


def read_frame(source: Any, where: str) -> Frame:
    """The columns of a frame or Series of pandas, polars or pyarrow, or of an array with named fields.

    An index of pandas that says something becomes columns; names of several levels are joined. Raises UserError for
    anything else.
    """
    if isinstance(source, np.ndarray) and source.dtype.names:
        return Frame([(name, array(source[name], name)) for name in source.dtype.names])
    frame = Frame()
    if type(source).__module__.split(".")[0] == "pandas":
        source = _of_pandas(source, frame)
    try:
        import narwhals
    except ImportError:
        raise UserError(f"data: frames need narwhals: {needed(_NEEDED)}") from None
    try:
        native = narwhals.from_native(source, eager_only=True, allow_series=True)
    except TypeError:
        raise UserError(
            f"{where}: expected a file, a frame (pandas, polars, pyarrow) or arrays, got {type(source).__name__}"
        ) from None
    except narwhals.exceptions.DuplicateError as error:
        raise UserError(f"{where}: several columns have one name ({str(error).splitlines()[0]}); rename them") from None
    if isinstance(native, narwhals.Series):
        native = native.alias(str(native.name or "y")).to_frame()
    for name in native.columns:
        frame.take(str(name), _column(native[name], str(name), where, frame))
    return frame


def _of_pandas(source: Any, frame: Frame) -> Any:
    """A frame of pandas with plain columns: its index among them, periods as their beginnings."""
    import pandas as pd

    if isinstance(source, pd.Series):
        source = source.to_frame("y" if source.name is None else str(source.name))
    if not isinstance(source, pd.DataFrame):
        return source
    source = source.copy(deep=False)
    source.columns = [
        " ".join(str(part) for part in name if str(part)) if isinstance(name, tuple) else str(name)
        for name in source.columns
    ]
    index = source.index
    if len(set(source.columns)) < len(source.columns):
        twice = next(name for name in source.columns if list(source.columns).count(name) > 1)
        raise UserError(f"data: two columns are named {twice!r}; rename one of them")
    if not isinstance(index, pd.RangeIndex) or index.name is not None:
        levels = [
            str(name) if name is not None else ("index" if index.nlevels == 1 else f"index {n + 1}")
            for n, name in enumerate(index.names)
        ]
        for n, name in reversed(list(enumerate(levels))):
            values = index.get_level_values(n)
            if name in source.columns:
                if name.startswith("index") or not _times(values):
                    continue
                name = f"index {name}"
            source.insert(0, name, values)
        frame.index = tuple(name for name in levels if name in source.columns)
    for name, kind in zip(source.columns, source.dtypes, strict=True):
        if isinstance(kind, pd.PeriodDtype):
            source = source.assign(**{name: source[name].dt.to_timestamp(how="start")})
        elif isinstance(kind, pd.DatetimeTZDtype):
            frame.zones[name] = _zone_name(str(kind.tz), name)
            source = source.assign(**{name: source[name].dt.tz_convert("UTC").dt.tz_localize(None)})
    return source.reset_index(drop=True)


def _times(values: Any) -> bool:
    return str(values.dtype).startswith(("datetime", "period"))


def _column(column: Any, name: str, where: str, frame: Frame) -> Text | np.ndarray:
    import narwhals

    kind = str(column.dtype)
    if kind.startswith(("Datetime", "Date")):
        zone = getattr(column.dtype, "time_zone", None)
        if zone:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            frame.zones[name] = _zone_name(str(zone), name)
        if getattr(column.dtype, "time_unit", "us") == "ns":
            nanoseconds = np.asarray(column.to_numpy()).astype("datetime64[ns]")
            if (nanoseconds.astype(np.int64)[~np.isnat(nanoseconds)] % 1000).any():
                raise UserError(f"{where}: column {name}: times finer than microseconds; round them")
        return np.asarray(column.cast(narwhals.Datetime("us")).to_numpy()).astype("datetime64[us]")
    if kind.startswith(("Int", "UInt", "Float", "Boolean", "Decimal")):
        return np.array(column.cast(narwhals.Float64()).to_numpy(), np.float64)
    if kind in ("String", "Categorical") or kind.startswith("Enum"):
        texts = ColumnOfCells(_KNOWN)
        for first in range(0, len(column), _BLOCK):
            block = column[first : first + _BLOCK].to_list()
            texts.take(["" if value is None else str(value) for value in block])
        return texts.text()
    return _of_objects(column.to_list(), name, frame)


def _zone_name(zone: str, column: str) -> str:
    """A zone as frames write it, as zones.zone_of reads it."""
    zone = zone.removeprefix("UTC") if zone.startswith(("UTC+", "UTC-")) else zone
    zone = "UTC" if zone in ("UTC", "Etc/UTC", "Z", "+00:00") else zone
    zone_of(zone, f"data: column {column}")
    return zone


def array(values: Any, name: str, frame: Frame | None = None) -> Text | np.ndarray:
    """An array, a list or a Series as a column: masked values are missing. UserError where it has several axes.

    frame: takes it where its cells are lists.
    """
    if isinstance(values, np.ma.MaskedArray):
        kind = "datetime64[us]" if values.dtype.kind == "M" else np.float64
        masked: Any = values.astype(kind)
        values = masked.filled(np.datetime64("NaT") if kind != np.float64 else np.nan)
    if not isinstance(values, np.ndarray):
        values = np.asarray(values.to_list() if hasattr(values, "to_list") else list(values), object)
    if values.ndim != 1:
        raise UserError(f"data: column {name} must be (T,), got {values.shape}")
    if values.dtype.kind == "M":
        found: np.ndarray = values.astype("datetime64[us]")
        return found
    if values.dtype.kind in "fiub":
        numbers: np.ndarray = values.astype(np.float64)
        return numbers
    return _of_objects(values.tolist(), name, frame or Frame())


def _of_objects(values: list[Any], name: str, frame: Frame) -> Text | np.ndarray:
    """Objects of Python: numbers, dates (which may have a zone), or anything else as text."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds and all(issubclass(kind, int | float | np.number | np.bool_) for kind in kinds):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    if kinds and all(issubclass(kind, list | tuple | np.ndarray) for kind in kinds) and None not in values:
        frame.lists[name] = values
    if kinds and all(issubclass(kind, date | np.datetime64) for kind in kinds):
        return _of_dates(values, name, frame)
    missing = ("nan", "<NA>", "NaT")
    texts = (None if value is None else str(value) for value in values)  # lists and mappings among them
    return Text.of([None if text in missing else text for text in texts])


def _of_dates(values: list[Any], name: str, frame: Frame) -> np.ndarray:
    shifts: set[timedelta] = set()
    stamps = []
    for value in values:
        shift = value.utcoffset() if isinstance(value, datetime) else None
        if shift is not None:
            value = value.replace(tzinfo=None) - shift
            shifts.add(shift)
        stamps.append(np.datetime64("NaT") if value is None else np.datetime64(value, "us"))
    if shifts:
        frame.zones[name] = offset_name(round(shifts.pop().total_seconds())) if len(shifts) == 1 else "UTC"
    return np.array(stamps, "datetime64[us]")
