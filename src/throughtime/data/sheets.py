"""Sheets as people keep them: a header somewhere, perhaps titles, comments and units above, totals and notes below."""

from __future__ import annotations

import csv
import gc
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.cells import ColumnOfCells, columns_of, in_blocks
from throughtime.data.excel import EXCEL, excel_rows
from throughtime.data.headings import check_header, groups, has_data, is_data, levels, without_units
from throughtime.data.table import LINE, Row, any_field, counted, each_row, table_text
from throughtime.data.written import MISSING, small
from throughtime.errors import UserError

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
        rows, separator = iter(excel_rows(where, sheet)), "excel"
    else:
        rows, separator = _text(source, where)
    return where, _laid_out(rows, separator, where, header)


def _text(source: Any, where: str) -> tuple[Iterator[Row], str]:
    text, size = table_text(source, where)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    separator = _separator(text)
    if separator == " " and '"' not in text:
        lines = enumerate((found[0] for found in LINE.finditer(text)), 1)
        rows: Iterator[Row] = ((number, line.split()) for number, line in lines if line.strip())
    else:
        rows = each_row(text, separator, where, spaced=separator == " ")
    return counted(rows, where, size), separator


def _separator(text: str) -> str:
    """What stands between the cells: what cuts most lines into equally many."""
    head = [found[0] for found in islice(LINE.finditer(text[:_SNIFFED]), 4 * _HEAD)]
    lines = [line for line in head if line.strip() and line[0] not in "#%"][-_HEAD:]
    top = next((line for line in head if line.strip() and line[0] not in "#%"), "")
    best, score = "", (0.0, False, 0, False)
    for sign in _SEPARATORS:
        with any_field(_SNIFFED):
            cells = Counter(len(row) for row in csv.reader(lines, delimiter=sign) if row)
            headed = len(next(csv.reader([top], delimiter=sign), []))
        count, often = max(cells.items(), key=lambda one: (one[1], one[0]), default=(0, 0))
        own = (often / max(len(lines), 1), headed == count, count, sign != ",")  # 1,5;2,5: a comma cuts rows too
        if count > 1 and own > score and own[0] > 0.5:
            best, score = sign, own
    if best:
        return best
    first = lines[0] if lines else ""
    words = {len(line.split()) for line in lines[1:]} or {0}
    alone = not any(sign in line for line in lines for sign in _SEPARATORS)
    headed = len(first.split()) - max(words) in (0, -1)  # R leaves out the name of the rows' names
    return " " if alone and len(words) == 1 and headed and max(words) > 1 else max(_SEPARATORS, key=first.count)


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
    width, first = _beginning(head, header)
    names = [""] * width if not header else head[first][1]
    blank = _Blank(head[first][0])
    below, used = head[first + header :], 0
    body = below
    if header:
        names = [name.lstrip("#% ") if n == 0 else name for n, name in enumerate(names)]
        names, body = levels(names, below)
        names, body, used = groups(names, body, head[first - 1][1] if first else [])
        first -= used
        body = without_units(names, body, notes)
        blank.see([head[first + used], *below[: len(below) - len(body)]])
    if first:
        said = next((cell for cell in head[0][1] if cell), "")[:40]
        notes.insert(0, f"left out above the table: {first} row{'s' if first > 1 else ''} ({said!r})")
    table = _Body(chain(body, rows), names, blank)
    del head, below, body
    blocks = iter(table)
    start: list[Row] = []
    while len(start) < _HEAD and (block := next(blocks, None)) is not None:
        start += block
    if not start:
        raise UserError(f"{where}: there are no rows below the header")
    if header:
        check_header(names, start, where)
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
    """The rows of data, block by block: without comments, without the header once more, and without rows of totals and
    notes at the end."""

    def __init__(self, rows: Iterator[Row], names: list[str], blank: _Blank) -> None:
        self._rows, self._names, self._width, self._blank = rows, names, len(names), blank
        self._comments, self._below, self._again = 0, list[Row](), list[int]()

    def __iter__(self) -> Iterator[list[Row]]:
        held, begun, width = self._below, False, self._width
        for block in in_blocks(self._rows, _BLOCK):
            self._blank.see(block)
            kept = [row for row in block if row[1][0][:1] != "#" or not _comment(row[1], width)]
            self._comments += len(block) - len(kept)
            first = self._names[0]
            if any(row[1][0] == first for row in kept):
                self._again += [number for number, cells in kept if self._heads(cells)]
                kept = [row for row in kept if not self._heads(row[1])]
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

    def _heads(self, cells: list[str]) -> bool:
        """Whether a row is the header once more, as where files were put together."""
        return cells == self._names and any(self._names)

    def notes(self) -> list[str]:
        """What was left out, once all rows were asked for."""
        notes = []
        if self._again:
            several = f"{len(self._again)} times, first in" if len(self._again) > 1 else "once,"
            notes.append(f"left out: the header {several} row {self._again[0]}")
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
    lone = width > 1 and sum(map(bool, cells)) == 1 and bool(cells[0]) and not is_data(cells[0])
    words = len(cells) < width and not has_data(cells)
    return not first or bool(_TOTALS.fullmatch(first)) or lone or words


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


def _beginning(rows: list[Row], header: bool) -> tuple[int, int]:
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
        named = len(cells) > 1 and not cells[0] and count == len(cells) - 1 and not any(map(is_data, cells[1:]))
        enough = named or count >= max(2, (usual + 1) // 2) or (width == 1 and count == 1) or len(rows) - place <= 2
        if not comment and len(cells) >= width - 1 and enough:
            break
    return width, _later(rows, width, first) if header else first


_ABOVE = 12
"""Rows that tell of a table above it, at most, where a header of their own stands among them."""


def _later(rows: list[Row], width: int, first: int) -> int:
    """The place of a header below an empty line that more rows of data follow than stand above it, as where a service
    tells of a place before what was measured there; the first one where there is none."""
    for place in range(first + 1, min(first + _ABOVE, len(rows) - 3)):
        number, cells = rows[place]
        gap = number - rows[place - 1][0] > 1 + sum(cell.count("\n") for cell in rows[place - 1][1])
        named = len(cells) == width and all(cells[1:]) and not any(map(is_data, filter(None, cells)))
        below = [one for _, one in rows[place + 1 : place + 1 + _HEAD]]
        enough = len(below) >= 3 * (place - first)
        if (gap or not any(rows[place - 1][1])) and named and enough and all(len(one) == width for one in below[:3]):
            return place if all(map(has_data, below[:3])) else first
    return first


def _data_follow(rows: list[Row], width: int) -> bool:
    """Whether the next row that is no comment holds data; a comment with as many cells is a later header."""
    for _, cells in rows:
        if cells[0][:1] not in ("#", "%"):
            return has_data(cells)
        if len(cells) == width:
            return False
    return False


def _comment(cells: list[str], width: int) -> bool:
    return cells[0][:1] == "#" and cells[0].strip().lower() not in MISSING and (len(cells) != width or width == 1)
