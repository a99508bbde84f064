"""A table that series are taken from: columns by name, of numbers, times or texts, and the row each stands in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data import frames
from throughtime.data.beside_numbers import stand_in
from throughtime.data.dates import plausible
from throughtime.data.declared import DECLARED, Declared, read_declared
from throughtime.data.json_shapes import shaped_columns
from throughtime.data.list_rows import unrolled
from throughtime.data.number_cells import Numbers, NumberStyle, quick_numbers, read_numbers
from throughtime.data.parquet import ParquetTable
from throughtime.data.reading import Reading
from throughtime.data.sheets import read_sheet, uncollected
from throughtime.data.table import JSON, PARQUET, check_exists, read_table
from throughtime.data.written import Text, small
from throughtime.errors import UserError
from throughtime.storage.memory import give_back

MANY = 100_000
"""Rows from which on memory is given back between one stage of reading and the next."""

_BLOCK = 1 << 16
"""Cells that are looked up together."""

_BINARY = (
    *(".feather", ".arrow", ".ipc", ".orc", ".xls", ".xlsb", ".ods", ".nc", ".h5", ".hdf5", ".pkl", ".pickle", ".rds"),
    *(".rdata", ".mat", ".dta", ".sav", ".sas7bdat", ".npy", ".npz", ".zip", ".7z", ".db", ".sqlite"),
)
"""Suffixes of files that hold tables and are not read."""

Cells = Text | np.ndarray
"""A column: texts, or an array of numbers or datetime64[us]."""


@dataclass
class SeriesTable:
    """columns: by name. where: for errors. rows: (N,) how an editor counts each. blank: rows that were left out for
    being empty. separator: of a file's columns. style: of numbers. zones: of columns whose times are UTC. twice: names
    that several columns have. index: columns that were a frame's index. laid_out: whether columns are made of another
    table's, under names that no file has. frequency: of the steps, where the file says it. notes: what was found so
    far."""

    columns: dict[str, Cells]
    where: str
    rows: np.ndarray
    blank: list[int] = field(default_factory=list)
    separator: str = ","
    style: NumberStyle = field(default_factory=NumberStyle)
    zones: dict[str, str] = field(default_factory=dict)
    twice: frozenset[str] = frozenset()
    index: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    laid_out: bool = False
    frequency: str | None = None
    known: dict[str, Numbers] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> list[str]:
        """Of the columns."""
        return list(self.columns)

    def column(self, name: str, what: str) -> Cells:
        """A column; UserError with the names there are."""
        if name not in self.columns:
            names = ", ".join(self.names[:20]) + (", ..." if len(self.columns) > 20 else "")
            raise UserError(f"{self.where}: no column {name!r} for {what}; there are {names}")
        if name in self.twice:
            raise UserError(f"{self.where}: two columns are named {name!r}; rename one of them")
        return self.columns[name]

    def keep(self, rows: np.ndarray) -> None:
        """Leave out all other rows. rows: (N,) bool."""
        self.columns = {n: c.some(rows) if isinstance(c, Text) else c[rows] for n, c in self.columns.items()}
        for name, cells in self.columns.items():
            if isinstance(cells, Text) and not rows.all():
                self.columns[name] = Text.of(cells.values().tolist())
        self.rows, self.known = self.rows[rows], {}

    def text(self, name: str) -> Text:
        """A column as texts, whole numbers without a point."""
        cells = self.columns[name]
        if isinstance(cells, Text):
            return cells
        kinds = np.unique(cells)
        codes = _places(cells, kinds)
        if cells.dtype.kind == "f":
            return Text(["" if np.isnan(k) else f"{int(k)}" if k == int(k) else f"{k:.17g}" for k in kinds], codes)
        return Text([str(kind).replace("T", " ").removesuffix(".000000") for kind in kinds], codes)

    def parsed(self, name: str) -> Numbers:
        """A column as numbers, as far as it holds any."""
        if name not in self.known:
            cells = self.columns[name]
            if isinstance(cells, Text):
                self.known[name] = read_numbers(cells, self.style, self.separator)
            elif cells.dtype.kind == "f":
                self.known[name] = Numbers(cells)
            else:
                self.known[name] = Numbers(np.full(len(cells), np.nan), 0, "expected a number, got a time", 0.0)
            self.known[name] = self.without_marks(self.known[name])
        return self.known[name]

    def without_marks(self, found: Numbers) -> Numbers:
        """Numbers without those that were said to stand for missing values."""
        marks = [one for mark in self.style.missing if (one := _number(mark)) is not None]
        if not marks:
            return found
        return replace(found, values=np.where(np.isin(found.values, marks), np.nan, found.values))

    def stands_in(self, name: str) -> float | None:
        """A number that is written for missing ones where it is not said what is (-999.99, 9999); None for none."""
        far = None if self.style.missing else stand_in(self.parsed(name).values)
        return far[0] if far is not None and far[1] else None

    def numbers(self, name: str, what: str) -> np.ndarray:
        """A column as float64, NaN where missing; UserError names row, cell and remedy of what is no number."""
        cells, found = self.column(name, what), self.parsed(name)
        if found.bad is not None:
            place = cells.row(found.bad) if isinstance(cells, Text) else 0
            remedy = "" if "; say" in found.why else "; mend it, or say that it stands for a missing value (missing)"
            raise UserError(f"{self.where}: row {self.rows[place]}, column {name}: {found.why}{remedy}")
        if np.isinf(found.values).any():
            row = self.rows[int(np.isinf(found.values).argmax())]
            raise UserError(f"{self.where}: row {row}, column {name}: infinite; leave a missing value empty")
        for note in (*found.notes, *self._far(name, found.values)):
            if (line := f"column {name}: {note}") not in self.notes:
                self.notes.append(line)
        return found.values

    def _far(self, name: str, values: np.ndarray) -> list[str]:
        """A line about a number that lies far from all others; UserError for one that is written for missing ones."""
        far = None if self.style.missing else stand_in(values)
        if far is None:
            return []
        rows = self.rows[values == far[0]]
        if far[1]:
            raise UserError(
                f"{self.where}: row {rows[0]}, column {name}: {far[0]:.12g} lies far from all other values, as a mark "
                f"of missing ones does; say missing {far[0]:.12g}, or missing none where it is a value"
            )
        return [
            f"{len(rows):,} values are {far[0]:.12g}, far from all others; where these are missing, say so (missing)"
        ]

    def holds(self, name: str) -> str:
        """What a column holds: "numbers", "times", "texts" or "nothing"; numbers with a slip among them are numbers."""
        cells = self.columns[name]
        if isinstance(cells, np.ndarray):
            if cells.dtype.kind == "M":
                return "times"
            return "numbers" if np.isfinite(cells).any() else "nothing"
        gone = cells.missing(self.style.missing)
        if gone.all():
            return "nothing"
        if plausible(cells, gone):
            return "times"
        found = self.parsed(name)
        return "numbers" if found.bad is None or found.share > 0.5 else "texts"


def _places(cells: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """(N,) where each cell stands among the kinds, sorted: in few bytes, a block at a time, where np.unique's inverse
    takes three arrays of eight bytes a row."""
    found = np.empty(len(cells), np.min_scalar_type(max(0, len(kinds) - 1)))
    for first in range(0, len(cells), _BLOCK):
        found[first : first + _BLOCK] = np.searchsorted(kinds, cells[first : first + _BLOCK])
    return found


def table_of(source: Any, reading: Reading) -> SeriesTable:
    """Columns of a file, a frame, a mapping, a Series or records; UserError for what is no table."""
    if isinstance(source, str | Path):
        suffix = Path(source).suffix.lower()
        check_exists(source)
        if suffix in _BINARY:
            raise UserError(f"{source}: {suffix} is not read; write it as CSV or Parquet, or give it as a frame")
        if suffix in JSON:
            return _of_json(Path(source), reading)
        if suffix in DECLARED:
            return _of_declared(read_declared(source, str(source)), str(source), reading)
        if suffix in PARQUET:
            return _of_parquet(ParquetTable(Path(source), "forecast"), str(source), reading)
        return _of_file(source, reading)
    if isinstance(source, Mapping):
        frame = frames.Frame()
        lengths = {len(cells) for cells in _columns_into(frame, source)}
        if len(lengths) != 1:
            raise UserError("data: the columns of a mapping must be of one length")
        return _framed(frame, "data", reading)
    return _of_frame(source, "data", reading)


def _of_file(source: Any, reading: Reading) -> SeriesTable:
    columns: list[tuple[str, Text]] = []
    with uncollected():
        where, sheet = read_sheet(source, reading.header, reading.sheet)
        for number, (name, column) in enumerate(zip(sheet.names, sheet.columns, strict=True), 1):
            text = column.text()
            if len(text) >= MANY:
                give_back()
            if not name and not any(text.kinds):
                continue  # as a separator at the end of every row makes one
            columns.append((name or f"column {number}", text))
    named, twice = _unique(columns)
    table = _made(named, where, sheet.rows, reading, sheet.separator)
    if len(table) >= MANY:
        give_back()
    table.blank, table.twice = sheet.blank, twice
    table.notes.extend(sheet.notes)
    if sheet.names and not sheet.names[0] and table.names[0] == "column 1":
        table.index = ("column 1",)
    return table


def _unique(columns: Sequence[tuple[str, Any]]) -> tuple[dict[str, Any], frozenset[str]]:
    """Columns by names that are all different, and the names that were not."""
    count = Counter(name for name, _ in columns)
    twice = frozenset(name for name, n in count.items() if n > 1)
    named: dict[str, Any] = {}
    for name, cells in columns:
        number, free = 2, name
        while free in named:
            free, number = f"{name} ({number})", number + 1
        named[free] = cells
    return named, twice


def _columns_into(frame: frames.Frame, columns: Mapping[Any, Any]) -> list[Cells]:
    """Columns by name into a frame; each of them, as long as it is."""
    found = []
    for name, values in columns.items():
        found.append(frames.array(values, str(name), frame))
        frame.take(str(name), found[-1])
    return found


def _of_json(path: Path, reading: Reading) -> SeriesTable:
    shaped = shaped_columns(path)
    if shaped is not None:
        return _of_declared(Declared(shaped, np.arange(len(next(iter(shaped.values()))))), str(path), reading)
    table, frame = read_table(path), frames.Frame()
    _columns_into(frame, table.columns)
    return _framed(frame, table.where, reading, table.first_row)


def _of_declared(found: Declared, where: str, reading: Reading) -> SeriesTable:
    table = _made(found.columns, where, found.rows, reading)
    table.frequency, table.laid_out = found.frequency, "unique_id" in found.columns and "y" in found.columns
    table.index = ("index",) if "index" in found.columns else ()
    table.notes.extend(found.notes)
    return table


def _of_parquet(table: ParquetTable, where: str, reading: Reading) -> SeriesTable:
    if not table.apart:
        return _of_frame(table.read(), where, reading)
    frame = frames.Frame()
    for name in table.names:
        one = frames.read_frame(table.read(name), where)
        frame.columns += one.columns
        frame.zones |= one.zones
        frame.lists |= one.lists
    return _framed(frame, where, reading)


def _of_frame(source: Any, where: str, reading: Reading) -> SeriesTable:
    return _framed(frames.read_frame(source, where), where, reading)


def _framed(frame: frames.Frame, where: str, reading: Reading, first: int = 0) -> SeriesTable:
    """first: how an editor counts the first row."""
    count = len(next((cells for _, cells in [*frame.columns, *frame.lists.items()]), ()))
    if not count:
        raise UserError(f"{where}: there are no rows")
    rows = small(first + np.arange(count))
    if frame.lists:
        found = unrolled(frame.lists, dict(frame.columns), where, rows, reading.frequency)
        if found is not None:
            return _of_declared(found, where, reading)
        frame.texts()
    named, twice = _unique(frame.columns)
    table = _made(named, where, rows, reading)
    table.zones, table.twice, table.index = frame.zones, twice, frame.index
    return table


def _made(
    columns: dict[str, Any], where: str, rows: np.ndarray, reading: Reading, separator: str = "frame"
) -> SeriesTable:
    plain = NumberStyle(reading.decimal or ".", reading.thousands, reading.missing)
    known, unsure = {}, []
    for name, cells in columns.items():
        if isinstance(cells, Text):
            found = quick_numbers(cells, plain) if separator != ";" and plain.decimal == "." else None
            if found is None:
                unsure.append(cells)
            else:
                known[name] = found
    style = NumberStyle.of(unsure, separator, reading.decimal, reading.thousands, reading.missing)
    if separator == "excel" and style.decimal is None:
        style = NumberStyle(".", reading.thousands, reading.missing)
    style = replace(style, censored=reading.censored)
    if style.decimal == "," and reading.decimal is None:
        note = ["numbers with a decimal comma"]
    else:
        note = []
    table = SeriesTable(columns, where, rows, separator=separator, style=style, notes=note)
    table.known = {name: table.without_marks(numbers) for name, numbers in known.items()}
    return table


def _number(mark: str) -> float | None:
    try:
        return float(mark)
    except ValueError:
        return None
