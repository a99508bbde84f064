"""Excel files: the cells of a sheet as texts."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from throughtime.data.table import Row, counted
from throughtime.errors import UserError, needed
from throughtime.storage.archive import check_archive
from throughtime.storage.folder import opened_file

EXCEL = (".xlsx", ".xlsm")
"""Suffixes of Excel files."""


def excel_rows(where: str, sheet: str | None) -> list[Row]:
    """The rows of a sheet, the only full one where none is named. UserError for what is no such file."""
    try:
        import openpyxl
    except ImportError:
        raise UserError(f"{where}: Excel files need openpyxl: {needed('excel')}") from None
    with _excel_file(where) as (file, size):
        try:
            full = _full(openpyxl.load_workbook(file, read_only=True, data_only=True), where, sheet, size)
        except (UserError, MemoryError):
            raise
        except Exception as error:  # whatever a damaged archive makes of it, also while its rows are read
            raise UserError(
                f"{where}: cannot be read as an Excel file ({' '.join(str(error).split())[:200]})"
            ) from None
    if len(full) > 1:
        raise UserError(f"{where}: there are sheets {', '.join(list(full)[:20])}; say which with sheet")
    return next(iter(full.values()), [])


def _full(book: Any, where: str, sheet: str | None, size: int) -> dict[str, list[Row]]:
    """Of each sheet that holds something, or of that one, its rows; a sheet may be a chart, which has none."""
    sheets = {one.title: one for one in book.worksheets}
    if sheet is not None and sheet not in sheets:
        raise UserError(f"{where}: no sheet {sheet!r}; there are {', '.join([*sheets][:20])}")
    full: dict[str, list[Row]] = {}
    for name in sheets if sheet is None else [sheet]:
        numbered = enumerate(sheets[name].iter_rows(values_only=True), 1)
        cells = counted(((number, [_cell(value) for value in row]) for number, row in numbered), where, size)
        if held := [row for row in cells if any(row[1])]:
            full[name] = held
    book.close()
    return full


@contextmanager
def _excel_file(where: str) -> Iterator[tuple[BinaryIO, int]]:
    """An Excel file, open, and the bytes it takes on its disk; UserError where it is no regular file, no archive, or
    where what is packed in it would take too much memory."""
    try:
        with opened_file(Path(where)) as file:
            size = os.fstat(file.fileno()).st_size
            check_archive(where, file, size)
            yield file, size
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{where}: cannot be read as an Excel file ({error})") from None


def _cell(value: Any) -> str:
    """A cell of Excel as text."""
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat(" ") if hasattr(value, "hour") and hasattr(value, "year") else value.isoformat())
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
