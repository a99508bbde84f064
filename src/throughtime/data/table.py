"""Columns by name from a file or a frame, and numbers and dates from columns. Knows which row a thing stands in."""

from __future__ import annotations

import csv
import gzip
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.json_rows import json_objects
from throughtime.data.text import read_text
from throughtime.errors import UserError, needed

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "-")
"""What stands for a missing value."""

JSON, PARQUET = (".jsonl", ".ndjson", ".json"), (".parquet", ".pq")
"""Suffixes of files that are not read as CSV."""


@dataclass(frozen=True)
class TableData:
    """Columns of one length. where: for errors. first_row: how an editor counts the first of them; 0 where that is no
    file of lines."""

    columns: dict[str, np.ndarray]
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
            text = np.array([str(value).strip() if value is not None else "" for value in raw])
            text = np.where(np.isin(text, MISSING), "nan", text)
            try:
                numbers = text.astype(np.float64)
            except ValueError:
                for number, value in enumerate(text):
                    try:
                        float(value)
                    except ValueError:
                        got = f"{value[:40]!r}"
                        raise UserError(
                            f"{self.where}: row {self.first_row + number}, column {name}: expected a number, got {got}"
                        ) from None
                raise
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
        if str(source) != "-" and not path.is_file():
            raise UserError(f"{source}: no such file")
        if path.suffix.lower() in JSON:
            return json_table(read_text(path, encoding), str(path))
        if path.suffix.lower() in PARQUET:
            try:
                from pyarrow import parquet
            except ImportError:
                raise UserError(f"{source}: Parquet needs pyarrow: {needed(extra)}") from None
            try:
                return _frame(parquet.read_table(path), str(source), extra, typed)
            except (ValueError, OSError) as error:
                raise UserError(f"{source}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None
        return _lines(source, path)
    if isinstance(source, dict):
        columns = {str(name): np.asarray(values) for name, values in source.items()}
        lengths = {len(values) for values in columns.values() if values.ndim == 1}
        if len(lengths) != 1 or any(values.ndim != 1 for values in columns.values()):
            raise UserError("data: the columns of a mapping must be of one length")
        return TableData(columns, "data", 0)
    return _frame(source, "data", extra, typed)


def delimited(text: str, separator: str, where: str) -> list[tuple[int, list[str]]]:
    """The rows of a delimited text, each with the line it begins on; empty lines are none.

    A field in quotes may hold separators, line ends and doubled quotes. Between tabs quotes are often plain text: where
    all lines have equally many tabs, no field goes over a line's end, and a quote without its partner is a character.
    Raises UserError for other broken quotes.
    """
    if separator == "\t":
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line]
        if len({line.count("\t") for _, line in lines}) == 1:
            return [(number, [_unquoted(cell) for cell in line.split("\t")]) for number, line in lines]
    rows: list[tuple[int, list[str]]] = []
    begun = 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    before = csv.field_size_limit(max(len(text), 1))
    try:
        for cells in reader:
            if cells:
                rows.append((begun, cells))
            begun = reader.line_num + 1
    except csv.Error:
        raise UserError(
            f"{where}: row {begun}: a quote opens a field and is not closed before a separator; double the quotes "
            "inside a field in quotes"
        ) from None
    finally:
        csv.field_size_limit(before)
    return rows


def _unquoted(cell: str) -> str:
    inner = cell[1:-1]
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell


def objects(values: list[Any]) -> np.ndarray:
    """(N,) of Python objects; lists of one length stay lists."""
    return np.fromiter(values, dtype=object, count=len(values))


def json_table(content: str, where: str) -> TableData:
    """The columns of JSON text: objects a line, in an array, or in an object."""
    rows, first = json_objects(content, where)
    names = dict.fromkeys(name for row in rows for name in row)
    if not names:
        raise UserError(f"{where}: the objects have no keys" if rows else f"{where}: there are no rows")
    return TableData({name: objects([row.get(name) for row in rows]) for name in names}, where, first)


def _frame(source: Any, where: str, extra: str, typed: bool = False) -> TableData:
    try:
        import narwhals
    except ImportError:
        raise UserError(f"data: frames need narwhals: {needed(extra)}") from None
    try:
        frame = narwhals.from_native(source, eager_only=True)
    except TypeError:
        raise UserError(
            f"{where}: expected a file, a frame (pandas, polars, pyarrow) or arrays, got {type(source).__name__}"
        ) from None
    if not len(frame):
        raise UserError(f"{where}: there are no rows")
    columns = {}
    for name in frame.columns:
        column = frame[name]
        kind = str(column.dtype)
        if kind.startswith("Datetime") and getattr(column.dtype, "time_zone", None):
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        if kind.startswith(("Datetime", "Date")):
            columns[str(name)] = np.asarray(column.cast(narwhals.Datetime("us")).to_numpy()).astype("datetime64[us]")
        elif not typed and kind.startswith(("Int", "UInt", "Float", "Boolean", "Decimal")):
            columns[str(name)] = np.asarray(column.cast(narwhals.Float64()).to_numpy(), np.float64)
        else:
            columns[str(name)] = objects(column.to_list())
    return TableData(columns, where, 0)


def _lines(source: Any, path: Path) -> TableData:
    where = "standard input" if str(source) == "-" else str(source)
    try:
        raw = sys.stdin.buffer.read() if str(source) == "-" else path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UserError(f"{where}: row {line}: no UTF-8; convert the file") from None
    except (OSError, EOFError) as error:
        raise UserError(f"{where}: cannot be read ({error})") from None
    if "\0" in text:
        raise UserError(f"{where}: expected rows of text, the file is binary")
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    rows = delimited(text.replace("\r\n", "\n"), separator, where)
    while rows and not any(cell.strip() for cell in rows[-1][1]):
        rows.pop()
    if not rows:
        raise UserError(f"{where}: the file is empty")
    line = rows[0][0]
    for number, cells in rows:
        if number != line:
            raise UserError(f"{where}: row {line} is empty; leave it out")
        line += 1 + sum(cell.count("\n") for cell in cells)
    table = [cells for _, cells in rows]
    head = [name.strip() for name in table[0]]
    if len(table) == 1:
        raise UserError(f"{where}: there are no rows below the header")
    if all(_is_number(name) for name in head if name):
        raise UserError(f"{where}: the first row must name the columns, got {','.join(head)[:60]!r}")
    twice = {name for name in head if name and head.count(name) > 1} if len(head) < 5000 else set()
    if twice:
        raise UserError(f"{where}: two columns are named {min(twice)!r}")
    for number, row in rows:
        if len(row) != len(head):
            raise UserError(f"{where}: row {number} has {len(row)} values, the header {len(head)}")
    columns = zip(*table[1:], strict=True)
    named = {
        name or f"column {i + 1}": np.array(column, object)
        for i, (name, column) in enumerate(zip(head, columns, strict=True))
    }
    return TableData(named, where, rows[1][0])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
