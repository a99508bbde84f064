"""Columns by name from a file or a frame, and numbers and dates from columns. Knows which row a thing stands in."""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.cells import CellsBelow
from throughtime.data.json_rows import KNOWN, SHORT, json_objects, line_columns
from throughtime.data.parquet import ParquetTable
from throughtime.data.text import is_stream, read_bounded, read_standard_input, read_text
from throughtime.errors import UserError, needed
from throughtime.storage.folder import read_file
from throughtime.storage.memory import allowance, check_memory

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "-")
"""What stands for a missing value."""

_MISSING = frozenset(MISSING)

Row = tuple[int, list[str]]
"""A row's number, as an editor counts, and its cells."""

JSON, PARQUET = (".jsonl", ".ndjson", ".json"), (".parquet", ".pq")
"""Suffixes of files that are not read as CSV."""


@dataclass(frozen=True)
class TableData:
    """Columns of one length. where: for errors. first_row: how an editor counts the first of them; 0 where that is no
    file of lines."""

    columns: Mapping[str, np.ndarray]
    where: str
    first_row: int

    def column(self, name: str, what: str) -> np.ndarray:
        """A column; UserError with the names there are."""
        if name not in self.columns:
            names = ", ".join(list(self.columns)[:20]) + (", ..." if len(self.columns) > 20 else "")
            raise UserError(f"{self.where}: no column {name!r} for {what}; there are {names}")
        return self.columns[name]

    def numbers(self, name: str, what: str) -> np.ndarray:
        """A column as float64, NaN where missing; UserError names row and column of what is no number."""
        raw = self.column(name, what)
        if raw.dtype.kind in "fiub":
            numbers = raw.astype(np.float64)
        else:
            numbers = np.empty(len(raw))
            for number, value in enumerate(raw):
                text = "" if value is None else str(value).strip()
                try:
                    numbers[number] = math.nan if text in _MISSING else float(text)
                except ValueError:
                    got = f"{text[:40]!r}"
                    raise UserError(
                        f"{self.where}: row {self.first_row + number}, column {name}: expected a number, got {got}"
                    ) from None
        if np.isinf(numbers).any():
            row = self.first_row + int(np.isinf(numbers).argmax())
            raise UserError(f"{self.where}: row {row}, column {name}: infinite; leave a missing value empty")
        return numbers

    def numeric(self, name: str) -> bool:
        """Whether a column holds numbers alone."""
        raw = self.columns[name]
        if raw.dtype.kind in "fiub":
            return True
        if raw.dtype.kind == "M":
            return False
        try:
            self.numbers(name, "")
        except UserError:
            return False
        return True


def read_table(source: Any, encoding: str = "utf-8", extra: str = "forecast", typed: bool = False) -> TableData:
    """Columns of a CSV, TSV, JSON lines or Parquet file ("-": CSV from standard input), a frame narwhals knows, or a
    mapping.

    encoding: of JSON lines. extra: what to install where frames and Parquet cannot be read. typed: values as they are,
    integers and truths too, and no numbers made of them.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        check_exists(source)
        if path.suffix.lower() in JSON:
            return json_table(read_text(path, encoding), str(path))
        if path.suffix.lower() in PARQUET:
            return _parquet(path, extra, typed)
        return _lines(source)
    if isinstance(source, dict):
        columns = {str(name): np.asarray(values) for name, values in source.items()}
        lengths = {len(values) for values in columns.values() if values.ndim == 1}
        if len(lengths) != 1 or any(values.ndim != 1 for values in columns.values()):
            raise UserError("data: the columns of a mapping must be of one length")
        return TableData(columns, "data", 0)
    return _frame(source, "data", extra, typed)


def check_exists(source: str | Path) -> None:
    """UserError for a name of no file, where it names neither standard input nor another command's output."""
    if str(source) != "-" and not is_stream(source) and not Path(source).exists():
        raise UserError(f"{source}: no such file")


LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


def delimited(text: str, separator: str, where: str) -> list[Row]:
    """The rows of a delimited text, each with the line it begins on; empty lines are none.

    A field in quotes may hold separators, line ends and doubled quotes. Between tabs quotes are often plain text: where
    all lines have equally many tabs, no field goes over a line's end, and a quote without its partner is a character.
    Raises UserError for other broken quotes.
    """
    return list(each_row(text, separator, where))


def each_row(text: str, separator: str, where: str, spaced: bool = False) -> Iterator[Row]:
    """The same one by one: all of them take many times the memory of the text. spaced: a quote opens a field behind
    spaces too."""
    if separator == "\t" and len({line.count("\t") for line in each_line(text) if line}) == 1:
        for number, line in enumerate(each_line(text), 1):
            if line:
                yield number, [_unquoted(cell) for cell in line.split("\t")]
        return
    begun = 1
    lines = (found[0] for found in LINE.finditer(text))
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=spaced)
    try:
        with any_field(len(text)):
            for cells in reader:
                if cells:
                    yield begun, cells
                begun = reader.line_num + 1
    except csv.Error:
        raise UserError(
            f"{where}: row {begun}: a quote opens a field and is not closed before a separator; double the quotes "
            "inside a field in quotes"
        ) from None


def each_line(text: str) -> Iterator[str]:
    """What stands between the line ends "\\n", of which io.StringIO would know others."""
    begin = 0
    while (end := text.find("\n", begin)) >= 0:
        yield text[begin:end]
        begin = end + 1
    yield text[begin:]


def _unquoted(cell: str) -> str:
    inner = cell[1:-1]
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell


def objects(values: list[Any]) -> np.ndarray:
    """(N,) of Python objects; lists of one length stay lists."""
    return np.fromiter(values, dtype=object, count=len(values))


_CELL = 8
"""Bytes that a cell takes, without its value."""


def json_table(content: str, where: str) -> TableData:
    """The columns of JSON text: objects a line, in an array, or in an object."""

    def check(names: int, rows: int) -> None:
        check_memory(f"{where}: {names:,} different keys", _CELL * rows * names, len(content))

    if columns := line_columns(content, check):
        check(len(columns), len(next(iter(columns.values()))))
        return TableData({name: objects(columns.pop(name)) for name in list(columns)}, where, 1)
    rows, first = json_objects(content, where)
    names = dict.fromkeys(name for row in rows for name in row)
    if not names:
        raise UserError(f"{where}: the objects have no keys" if rows else f"{where}: there are no rows")
    check(len(names), len(rows))
    return TableData({name: objects([row.get(name) for row in rows]) for name in names}, where, first)


def _frame(source: Any, where: str, extra: str, typed: bool = False) -> TableData:
    narwhals = _narwhals(extra)
    try:
        frame = narwhals.from_native(source, eager_only=True)
    except TypeError:
        raise UserError(
            f"{where}: expected a file, a frame (pandas, polars, pyarrow) or arrays, got {type(source).__name__}"
        ) from None
    of = {str(name): name for name in frame.columns}
    apart = len(of) == len(frame.columns)
    return _made(list(of), lambda name: frame[of[name]], len(frame), where, typed, typed and apart)


def _parquet(path: Path, extra: str, typed: bool) -> TableData:
    """The columns of a Parquet file, each read when it is asked for."""
    table, narwhals = ParquetTable(path, extra), _narwhals(extra)
    if not table.apart:
        return _frame(table.read(), str(path), extra, typed)

    def read(name: str) -> Any:
        return narwhals.from_native(table.read(name), eager_only=True)[name]

    return _made(table.names, read, table.count, str(path), typed, typed)


def _narwhals(extra: str) -> Any:
    try:
        import narwhals
    except ImportError:
        raise UserError(f"data: frames need narwhals: {needed(extra)}") from None
    return narwhals


def _made(
    names: list[str], column: Callable[[str], Any], count: int, where: str, typed: bool, lazily: bool
) -> TableData:
    """A table of columns of narwhals. lazily: made when they are asked for."""
    import narwhals

    if not count:
        raise UserError(f"{where}: there are no rows")
    if lazily:
        return TableData(_Asked(names, lambda name: _typed(column(name))), where, 0)
    columns = {}
    for name in names:
        cells = column(name)
        if not typed and str(cells.dtype).startswith(("Int", "UInt", "Float", "Boolean", "Decimal")):
            columns[name] = np.asarray(cells.cast(narwhals.Float64()).to_numpy(), np.float64)
        else:
            columns[name] = _typed(cells)
    return TableData(columns, where, 0)


def _typed(column: Any) -> np.ndarray:
    """A column of a frame: times as datetime64[us], all else as Python has it."""
    import narwhals

    kind = str(column.dtype)
    if kind.startswith("Datetime") and getattr(column.dtype, "time_zone", None):
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if kind.startswith(("Datetime", "Date")):
        return np.asarray(column.cast(narwhals.Datetime("us")).to_numpy()).astype("datetime64[us]")
    if kind != "String":
        return objects(column.to_list())
    found, known = np.empty(len(column), object), dict[str, str]()
    for first in range(0, len(column), _BLOCK):
        values = column[first : first + _BLOCK].to_list()
        found[first : first + _BLOCK] = [
            known.setdefault(one, one) if isinstance(one, str) and len(one) <= SHORT else one for one in values
        ]
        if len(known) > KNOWN:
            known.clear()
    return found


class _Asked(Mapping[str, np.ndarray]):
    """Columns of a frame, each made into objects only when it is asked for."""

    def __init__(self, names: list[str], made: Callable[[str], np.ndarray]) -> None:
        self._names, self._made = dict.fromkeys(names), made

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(name)
        return self._made(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


_BYTE, _COLUMN = 9, 400
"""Bytes of memory that a byte of a delimited text takes, itself and what its cells are kept in; and that a column
takes, without its cells."""

_ROW, _TEXT, _WEIGHED = 176, 49, 64
"""Bytes of memory that a row and a text take, without what is in them; and one of how many rows is weighed."""

_BLOCK = 1 << 13
"""Rows that are taken apart at once."""


def _lines(source: Any) -> TableData:
    where = "standard input" if str(source) == "-" else str(source)
    text, size = table_text(source, where)
    first = text[: text.find("\n")] if "\n" in text else text
    separator = max(",;\t", key=first.count)
    rows = each_row(text.replace("\r\n", "\n"), separator, where)
    del text
    line, names = next(rows, (0, []))
    check_memory(f"{where}: {len(names):,} columns", _COLUMN * len(names), size)
    cells = CellsBelow(rows, len(names), line + 1 + sum(name.count("\n") for name in names))
    head = [name.strip() for name in names]
    if not cells.full and not any(head):
        raise UserError(f"{where}: the file is empty")
    if cells.gap is not None and cells.gap[0] <= cells.full:
        raise UserError(f"{where}: row {cells.gap[1]} is empty; leave it out")
    if not cells.full:
        raise UserError(f"{where}: there are no rows below the header")
    if all(_is_number(name) for name in head if name):
        raise UserError(f"{where}: the first row must name the columns, got {','.join(head)[:60]!r}")
    twice = {name for name in head if name and head.count(name) > 1} if len(head) < 5000 else set()
    if twice:
        raise UserError(f"{where}: two columns are named {min(twice)!r}")
    if cells.odd is not None and cells.odd[0] <= cells.full:
        raise UserError(f"{where}: row {cells.odd[1]} has {cells.odd[2]} values, the header {len(head)}")
    named = {}
    for i, name in enumerate(head):
        named[name or f"column {i + 1}"] = objects(cells.columns[i][: cells.full])
        cells.columns[i] = []
    return TableData(named, where, cells.begun)


def table_text(source: Any, where: str) -> tuple[str, int]:
    """A delimited text ("-": from standard input), UTF-8 or UTF-16, packed by gzip or not; and the bytes it takes on
    its disk. Raises UserError for what is no regular file, no text, damaged, or would take too much memory."""
    raw = b""
    try:
        if str(source) == "-":
            raw = read_standard_input()
        elif is_stream(source):
            with open(source, "rb") as stream:
                raw = read_bounded(stream, where)
        else:
            raw = read_file(Path(source))
        size = len(raw)
        if raw[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
                raw = read_bounded(packed, where, allowance(size) // _BYTE)
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UserError(f"{where}: row {line}: no UTF-8; convert the file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{where}: cannot be read ({error})") from None
    if "\0" in text:
        raise UserError(f"{where}: expected rows of text, the file is binary")
    return text, size


def counted(rows: Iterable[Row], where: str, size: int) -> Iterator[Row]:
    """Rows as they come, as long as all of them together fit into the memory that a file of that size may take.

    size: bytes on its disk. Raises UserError where they do not; every 64th row is weighed.
    """
    taken, widest = 0, 0
    for number, row in enumerate(rows):
        if len(row[1]) > widest:
            widest = len(row[1])
            check_memory(f"{where}: {widest:,} columns", _COLUMN * widest, size)
        if number % _WEIGHED == 0:
            long = sum(_TEXT + len(cell) for cell in row[1] if len(cell) > 1)
            taken += _WEIGHED * (_ROW + _CELL * len(row[1]) + long)
            check_memory(where, taken if number else 0, size)
        yield row


@contextmanager
def any_field(length: int) -> Iterator[None]:
    """The csv module takes fields of any length meanwhile. length: of the text."""
    before = csv.field_size_limit(max(length, 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
