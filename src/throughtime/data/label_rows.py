"""The rows of a delimited text that holds texts and labels; what tells that a file is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from throughtime.data.json_rows import KNOWN, SHORT
from throughtime.data.label_names import LABELS, TEXTS
from throughtime.data.table import each_line, each_row
from throughtime.errors import UserError

SEPARATORS = ",;\t|"
"""Between the cells of a row."""

_SPACED = re.compile(r'"[,;|] +"|^[^",;|\n]*[,;|] +"[^"\n]*"[ ]*(?:[,;|]|$)', re.MULTILINE)
"""A field in quotes that begins behind a space."""

_EXCEL = re.compile(r"sep=(.)\n")
"""The first line that tells Excel what stands between cells."""

_BLOCK = 1 << 16


def tabbed(content: str) -> bool:
    """Whether all lines have equally many tabs, at least one."""
    counts = {line.count("\t") for line in each_line(content) if line}
    return len(counts) == 1 and counts != {0}


def separator_of(content: str, suffix: str) -> tuple[str, str]:
    """What stands between the cells of a text, and the text without a first line that says so."""
    if match := _EXCEL.match(content):
        return match.group(1), content[match.end() :]
    if suffix in (".tsv", ".tab") or tabbed(content):
        return "\t", content
    first = next((line for line in each_line(content) if line), "")
    return max(SEPARATORS, key=first.count), content


def headed(content: str) -> bool:
    """Whether the first line names a column of texts and one of labels by names that are known."""
    first = next((line for line in each_line(content) if line), "")
    if len(first) > 1000 or _EXCEL.match(content):
        return bool(_EXCEL.match(content))
    for sign in SEPARATORS:
        names = {name.strip().strip('"').lower() for name in first.split(sign)}
        if names & set(TEXTS) and names & set(LABELS):
            return True
    return False


@dataclass(frozen=True)
class Rows:
    """The rows of a delimited text, which are gone through as often as asked for: all of them take many times the
    memory of the text. first: cells of the first row. count: rows. spaced: as each_row has it."""

    content: str
    separator: str
    where: str
    first: list[str]
    count: int
    spaced: bool = False

    @classmethod
    def of(cls, content: str, separator: str, where: str) -> Rows:
        """UserError where a row is of another width than the first."""
        count, first = 0, list[str]()
        spaced = bool(_SPACED.search(content[: content.find("\n", _BLOCK) + 1 or len(content)]))
        odd: tuple[int, int] | None = None
        for number, cells in each_row(content, separator, where, spaced):
            count += 1
            if count == 1:
                first = cells
            elif len(cells) != len(first) and odd is None:
                odd = number, len(cells)
        if not count:
            raise UserError(f"{where}: the file is empty")
        if odd is not None:
            sign = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[separator]
            raise UserError(
                f"{where}: row {odd[0]} has {odd[1]} values, the first row {len(first)}; put texts that hold a {sign} "
                "in quotes"
            )
        return cls(content, separator, where, first, count, spaced)

    def column(self, place: int) -> Iterator[str]:
        """The cells of a column, from the first row on."""
        return (cells[place] for _, cells in each_row(self.content, self.separator, self.where, self.spaced))

    def columns(self, places: Sequence[int], above: int) -> tuple[list[int], list[list[str]]]:
        """The numbers of the rows, and some columns, without so many rows above; the same short cells are kept once."""
        numbers: list[int] = []
        columns: list[list[str]] = [[] for _ in places]
        known: dict[str, str] = {}
        for number, cells in islice(each_row(self.content, self.separator, self.where, self.spaced), above, None):
            numbers.append(number)
            for column, place in zip(columns, places, strict=True):
                cell = cells[place]
                column.append(cell if len(cell) > SHORT else known.setdefault(cell, cell))
            if len(known) > KNOWN:
                known.clear()
        return numbers, columns
