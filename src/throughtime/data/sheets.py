"""Sheets as people keep them: a header somewhere, perhaps titles, comments and units above, totals and notes below."""

from __future__ import annotations

import csv
import gc
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from throughtime.data.cells import ColumnOfCells, columns_of, in_blocks
from throughtime.data.dates import plausible
from throughtime.data.table import LINE, Row, any_field, counted, each_row, table_text
from throughtime.data.written import MISSING, Text, small
from throughtime.errors import UserError, needed
from throughtime.storage.folder import opened_file
from throughtime.storage.memory import check_memory

EXCEL = (".xlsx", ".xlsm")
_SEPARATORS = ",;\t|"
_TOTALS = re.compile(
    r"(?:grand |sub-?)?(?:total|sum|mean|average|avg|median|min|max|count|std|gesamt|summe|mittelwert|somme|suma)"
    r"\b.*|合计.*|总计.*|小计.*|平均.*|(?:source|note|quelle|remark|数据来源|来源|注|备注)s?\s*[:：].*",
    re.IGNORECASE,
)
_HEAD = 60
"""Rows in which a header is looked for."""

_BLOCK = 1 << 12
"""Rows that are looked at together."""

_SNIFFED = 1 << 22
"""Characters of a text in which its separator is looked for."""


@dataclass(frozen=True)
class Sheet:
    """names: of the columns, "" where one has none. columns: those of data. rows: (N,) the number of each row. blank:
    numbers of empty rows among them. separator: of the columns. notes: what was left out."""

    names: list[str]
    columns: list[ColumnOfCells]
    rows: np.ndarray
    blank: list[int]
    separator: str
    notes: list[str]


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for garbage in circles meanwhile: over millions of cells it takes most of the time, and finds none."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def read_sheet(source: Any, header: bool = True, sheet: str | None = None) -> tuple[str, Sheet]:
    """A CSV, TSV or Excel file ("-": CSV from standard input): its name, for errors, and what stands in it.

    header: whether a row names the columns. sheet: of an Excel file, None where there is one. Raises UserError with
    the row for what is no table.
    """
    where = "standard input" if str(source) == "-" else str(source)
    if Path(str(source)).suffix.lower() in EXCEL:
        rows, separator = iter(_excel(where, sheet)), "excel"
    else:
        rows, separator = _text(source, where)
    return where, _laid_out(rows, separator, where, header)


def _text(source: Any, where: str) -> tuple[Iterator[Row], str]:
    text, size = table_text(source, where)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    separator = _separator(text)
    if separator == " ":
        lines = enumerate((found[0] for found in LINE.finditer(text)), 1)
        rows: Iterator[Row] = ((number, line.split()) for number, line in lines if line.strip())
    else:
        rows = each_row(text, separator, where)
    return counted(rows, where, size), separator


def _separator(text: str) -> str:
    """What stands between the cells: what cuts most lines into equally many."""
    head = [found[0] for found in islice(LINE.finditer(text[:_SNIFFED]), 4 * _HEAD)]
    lines = [line for line in head if line.strip() and line[0] not in "#%"][-_HEAD:]
    best, score = "", (0.0, 0)
    for sign in _SEPARATORS:
        with any_field(_SNIFFED):
            cells = Counter(len(row) for row in csv.reader(lines, delimiter=sign) if row)
        count, often = max(cells.items(), key=lambda one: (one[1], one[0]), default=(0, 0))
        if count > 1 and (often / len(lines), count) > score and often / len(lines) > 0.5:
            best, score = sign, (often / len(lines), count)
    if best:
        return best
    words = {len(line.split()) for line in lines}
    alone = not any(sign in line for line in lines for sign in _SEPARATORS)
    first = lines[0] if lines else ""
    return " " if alone and len(words) == 1 and words != {1} else max(_SEPARATORS, key=first.count)


def _excel(where: str, sheet: str | None) -> list[Row]:
    try:
        import openpyxl
    except ImportError:
        raise UserError(f"{where}: Excel files need openpyxl: {needed('excel')}") from None
    with _excel_file(where) as (file, size):
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        except Exception as error:  # whatever a damaged archive makes of it
            raise UserError(f"{where}: cannot be read as an Excel file ({error})") from None
        names = list(book.sheetnames)
        if sheet is not None and sheet not in names:
            raise UserError(f"{where}: no sheet {sheet!r}; there are {', '.join(names[:20])}")
        full: dict[str, list[Row]] = {}
        for name in names if sheet is None else [sheet]:
            numbered = enumerate(book[name].iter_rows(values_only=True), 1)
            cells = counted(((number, [_cell(value) for value in row]) for number, row in numbered), where, size)
            if held := [row for row in cells if any(row[1])]:
                full[name] = held
        book.close()
    if len(full) > 1:
        raise UserError(f"{where}: there are sheets {', '.join(list(full)[:20])}; say which with sheet")
    return next(iter(full.values()), [])


@contextmanager
def _excel_file(where: str) -> Iterator[tuple[BinaryIO, int]]:
    """An Excel file, open, and the bytes it takes on its disk; UserError where it is no regular file, no archive, or
    where what is packed in it would take too much memory."""
    try:
        with opened_file(Path(where)) as file:
            size = os.fstat(file.fileno()).st_size
            packed = [one.file_size for one in zipfile.ZipFile(file).infolist()]
            check_memory(where, sum(packed), size)
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


def _laid_out(rows: Iterator[Row], separator: str, where: str, header: bool) -> Sheet:
    """Where the table begins and ends among the rows of a file, and its columns."""
    rows = _to_the_last(rows)
    head = list(islice(rows, 20 * _HEAD))
    if not head:
        raise UserError(f"{where}: the file is empty")
    for place, (number, cells) in enumerate(head[:_HEAD]):
        if number < _HEAD:
            head[place] = number, [cell.strip() for cell in cells]
    notes: list[str] = []
    width, first = _beginning(head, header, notes)
    names = [""] * width if not header else head[first][1]
    blank = _Blank(head[first][0])
    below = body = head[first + header :]
    if header:
        names = [name.lstrip("#% ") if n == 0 else name for n, name in enumerate(names)]
        names, body = _levels(names, below)
        body = _without_units(names, body, notes)
        blank.see([head[first], *below[: len(below) - len(body)]])
    table = _Body(chain(body, rows), len(names), blank)
    del head, below, body
    blocks = iter(table)
    start: list[Row] = []
    while len(start) < _HEAD and (block := next(blocks, None)) is not None:
        start += block
    if not start:
        raise UserError(f"{where}: there are no rows below the header")
    if header:
        _check_header(names, start, where)
    if len(names) == width - 1 and _row_names([cells for _, cells in start[:_HEAD]], width, separator):
        names = ["", *names]  # as R writes row names
    numbers, columns = _columns(chain([start], blocks), len(names), where, separator)
    between = [number for number in blank.numbers if number < numbers[-1]]
    return Sheet(names, columns, numbers, between, separator, [*notes, *table.notes()])


def _to_the_last(rows: Iterator[Row]) -> Iterator[Row]:
    """Rows up to the last one that has something in it."""
    empty: list[Row] = []
    for row in rows:
        if not row[1][0].strip() and not any(map(str.strip, row[1])):
            empty.append(row)
            continue
        if empty:
            yield from empty
            empty.clear()
        yield row


class _Blank:
    """Finds the numbers of empty lines between rows. line: which comes next. numbers: those that were found."""

    def __init__(self, line: int) -> None:
        self.line, self.numbers = line, list[int]()

    def see(self, block: list[Row]) -> None:
        """Further rows."""
        if not block:
            return
        gaps = block[0][0] != self.line or block[-1][0] - block[0][0] != len(block) - 1
        for number, cells in block if gaps else block[-1:]:
            if gaps:
                self.numbers += range(self.line, number)
            self.line = number + 1 + sum(cell.count("\n") for cell in cells)


class _Body:
    """The rows of data, block by block: without comments, and without rows of totals and notes at the end."""

    def __init__(self, rows: Iterator[Row], width: int, blank: _Blank) -> None:
        self._rows, self._width, self._blank = rows, width, blank
        self._comments, self._below = 0, list[Row]()

    def __iter__(self) -> Iterator[list[Row]]:
        held, begun, width = self._below, False, self._width
        for block in in_blocks(self._rows, _BLOCK):
            self._blank.see(block)
            kept = [row for row in block if row[1][0][:1] != "#" or not _comment(row[1], width)]
            self._comments += len(block) - len(kept)
            end = len(kept)
            while end and _closes(kept[end - 1][1], width):
                end -= 1
            if kept and not begun:
                end = max(end, 1)
            begun = begun or end > 0
            if end:
                yield held + kept[:end]
                held.clear()
            held += kept[end:]

    def notes(self) -> list[str]:
        """What was left out, once all rows were asked for."""
        notes = []
        if self._comments:
            notes.append(f"left out: {self._comments} row{'s' if self._comments > 1 else ''} of comments")
        if left := [row for row in self._below if any(cell.strip() for cell in row[1])]:
            shown = ", ".join(
                f"row {number} ({next(c for c in cells if c.strip())[:40]!r})" for number, cells in left[:3]
            )
            notes.append(f"left out below the table: {shown}{', ...' if len(left) > 3 else ''}")
        return notes


def _closes(cells: list[str], width: int) -> bool:
    """Whether a row can be one of totals or notes, or an empty one, where no row of data follows."""
    cells = [cell.strip() for cell in cells]
    first = next((cell for cell in cells if cell), "")
    lone = width > 1 and sum(map(bool, cells)) == 1 and bool(cells[0]) and not _is_data(cells[0])
    return not first or bool(_TOTALS.fullmatch(first)) or lone


def _columns(
    blocks: Iterable[list[Row]], width: int, where: str, separator: str
) -> tuple[np.ndarray, list[ColumnOfCells]]:
    """The numbers of the rows, and their columns; UserError for a row of another width, once all are seen."""
    columns, numbers = columns_of(width), list[np.ndarray]()
    odd: Row | None = None
    for block in blocks:
        odd = odd or next((row for row in block if len(row[1]) != width), None)
        if odd is None:
            numbers.append(small(np.array([number for number, _ in block])))
            for column, cells in zip(columns, zip(*(cells for _, cells in block), strict=True), strict=True):
                column.take(cells)
    if odd is not None:
        hint = "; a decimal comma needs quotes or another separator" if separator == "," else ""
        raise UserError(f"{where}: row {odd[0]} has {len(odd[1])} values, the header {width}{hint}")
    return small(np.concatenate(numbers)) if numbers else np.zeros(0, np.int64), columns


def _row_names(rows: list[list[str]], width: int, separator: str) -> bool:
    """Whether rows begin with names or numbers of rows, for which the header has no name."""
    if any(len(cells) != width for cells in rows):
        return False
    return separator in " \t" or all(cells[0] == str(n + int(rows[0][0] == "1")) for n, cells in enumerate(rows))


def _beginning(rows: list[Row], header: bool, notes: list[str]) -> tuple[int, int]:
    """How many cells most rows have, and the place of the header, or of the first row of data."""
    widths = Counter(len(cells) for _, cells in rows[: 20 * _HEAD])
    width = max(widths, key=lambda count: (widths[count], count))
    filled = Counter(sum(map(bool, cells)) for _, cells in rows[: 20 * _HEAD] if len(cells) == width)
    usual = min(filled.most_common(1)[0][0], width)
    first = 0
    for place, (_, cells) in enumerate(rows[:_HEAD]):
        first = place
        comment = cells[0][:1] in ("#", "%") and cells[0].lower() not in MISSING
        count = sum(map(bool, cells))
        if comment and len(cells) == width > 1 and _data_follow(rows[place + 1 : _HEAD], width):
            break  # a header behind a sign of comments
        named = len(cells) > 1 and not cells[0] and count == len(cells) - 1 and not any(map(_is_data, cells[1:]))
        enough = named or count >= max(2, (usual + 1) // 2) or (width == 1 and count == 1) or len(rows) - place <= 2
        if not comment and len(cells) >= width - 1 and enough:
            break
    if first:
        said = rows[0][1][0][:40]
        notes.append(f"left out above the table: {first} row{'s' if first > 1 else ''} ({said!r})")
    return width, first


def _data_follow(rows: list[Row], width: int) -> bool:
    """Whether the next row that is no comment holds data; a comment with as many cells is a later header."""
    for _, cells in rows:
        if cells[0][:1] not in ("#", "%"):
            return _data(cells)
        if len(cells) == width:
            return False
    return False


def _data(cells: Sequence[str]) -> bool:
    """Whether a row holds a number or a date."""
    return any(_is_data(cell) for cell in cells)


def _is_data(cell: str) -> bool:
    try:
        float(cell.replace(",", ".").rstrip("% "))
    except ValueError:
        text = Text.of([cell])
        return plausible(text, text.missing())
    return cell.lower() not in MISSING


def _check_header(names: list[str], body: list[Row], where: str) -> None:
    """UserError where the row that should name the columns is one of data."""
    named = [name for name in names if name]
    shown = ",".join(names)[:60]
    ask = f"{where}: the first row must name the columns, got {shown!r}; add a row of names, or say there is no header"
    if all(_is_data(name) for name in named):
        raise UserError(ask)
    for name, below in zip(names, body[0][1], strict=False):
        texts = Text.of([name]), Text.of([below])
        if all(plausible(text, text.missing()) for text in texts):
            raise UserError(ask)


def _levels(names: list[str], body: list[Row]) -> tuple[list[str], list[Row]]:
    """Names of several rows as one, where a row below them names the index alone, as pandas writes such columns."""
    for place, (_, cells) in enumerate(body[:4]):
        if len(cells) != len(names) or _data(cells):
            break
        if place and cells[0] and not any(cells[1:]) and place + 1 < len(body) and _data(body[place + 1][1]):
            rows = [names, *(row for _, row in body[:place])]
            joined = [" ".join(filter(None, column)) for column in zip(*rows, strict=True)]
            return [cells[0], *joined[1:]], body[place + 1 :]
    return names, body


def _without_units(names: list[str], body: list[Row], notes: list[str]) -> list[Row]:
    """Without a row of units right below the header: texts where numbers stand below."""
    if len(body) < 2 or _data(body[0][1]):
        return body
    if all(re.fullmatch(r"\d+[sdn]", cell) for cell in body[0][1]):  # widths and kinds, as the USGS writes them
        notes.append(f"left out: row {body[0][0]} of the columns' widths ({', '.join(body[0][1])[:40]})")
        return body[1:]
    cells, below = body[0][1], [row for _, row in body[1:6] if len(row) == len(names)]
    over = [
        bool(cell) and cell.lower() not in MISSING and all(_is_data(row[n]) for row in below if row[n])
        for n, cell in enumerate(cells[: len(names)])
    ]
    texts = [any(row[n] and not _is_data(row[n]) for row in below) for n in range(len(names))]
    held = [bool(cell) and texts[n] for n, cell in enumerate(cells[: len(names)])]
    if below and any(over) and not any(held):
        notes.append(f"units left out: row {body[0][0]} ({', '.join(cell for cell in cells if cell)[:60]})")
        return body[1:]
    return body


def _comment(cells: list[str], width: int) -> bool:
    return cells[0][:1] == "#" and cells[0].strip().lower() not in MISSING and (len(cells) != width or width == 1)
