"""Cells of a table, column by column as its rows come: what is the same is kept once, and none as an object."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any, overload

import numpy as np

from throughtime.data.json_rows import KNOWN
from throughtime.data.written import Text, small

_KNOWN = 1 << 16
"""Different cells of a table, in all its columns together, that are known at once."""

_BLOCK = 1 << 13
"""Rows that are taken apart at once."""

_LEAST = 64
"""Of one column, at least."""

_FEW = 1 << 12
"""Different texts up to which they are a list."""


class Packed(Sequence[str]):
    """Many texts as their bytes, one after the other; each is made when it is asked for. ends: (N + 1,) where each
    begins, and where the last ends."""

    def __init__(self, content: bytes | bytearray, ends: np.ndarray) -> None:
        self._content, self._ends = content, ends

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place = int(place) % len(self)
        return self._content[self._ends[place] : self._ends[place + 1]].decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        content = self._content
        for first in range(0, len(self), _FEW):
            ends = self._ends[first : first + _FEW + 1].tolist()
            for a, b in pairwise(ends):
                yield content[a:b].decode("utf-8", "surrogatepass")

    def some(self, places: np.ndarray) -> Packed:
        """Some of them, in the order given. places: (M,)."""
        begins, ends = self._ends[places], self._ends[places + 1]
        content = bytearray()
        for first in range(0, len(places), _FEW):
            block = slice(first, first + _FEW)
            both = zip(begins[block].tolist(), ends[block].tolist(), strict=True)
            content += b"".join(self._content[a:b] for a, b in both)
        return Packed(content, np.concatenate([[0], (ends - begins).cumsum()]))


class ColumnOfCells:
    """A column of texts that is taken in block by block. most: different cells that are known at once."""

    def __init__(self, most: int) -> None:
        self._most, self._known, self._whole = most, dict[str, int](), True
        self._content, self._ends, self._codes = bytearray(), array("q", [0]), array("i")

    def take(self, cells: Sequence[str]) -> None:
        """Further cells."""
        known = self._known
        if len(known) > self._most:
            known.clear()
            self._whole = False
        for cell in dict.fromkeys(cells):
            if cell not in known:
                known[cell] = len(self._ends) - 1
                self._content += cell.strip().encode("utf-8", "surrogatepass")
                self._ends.append(len(self._content))
        self._codes.extend(map(known.__getitem__, cells))

    def text(self) -> Text:
        """All cells that were taken, without spaces around; the column lets them go."""
        self._known = {}
        kinds = Packed(self._content, np.array(self._ends, np.int64))
        codes: np.ndarray = np.array(self._codes, np.int32)
        self._content, self._ends, self._codes = bytearray(), array("q", [0]), array("i")
        if not self._whole:
            kinds, codes = _each_once(kinds, codes)
        return Text(list(kinds) if len(kinds) <= _FEW else kinds, small(codes))


def _each_once(kinds: Packed, codes: np.ndarray) -> tuple[Packed, np.ndarray]:
    """The same cells with no text twice, in the order in which they came first."""
    hashes = np.fromiter(map(hash, kinds), np.int64, len(kinds))
    _, index, of = np.unique(hashes, return_index=True, return_inverse=True)
    first: Any = index.astype(np.int32)[of]  # of each, the first with its hash
    del hashes, index, of
    again = np.flatnonzero(first != np.arange(len(first), dtype=np.int32))
    for place in again.tolist():
        if kinds[place] != kinds[first[place]]:
            first[place] = place  # another text of the same hash
    kept = np.flatnonzero(first == np.arange(len(first), dtype=np.int32))
    if len(kept) == len(kinds):
        return kinds, codes
    number = np.zeros(len(kinds), np.int32)
    number[kept] = np.arange(len(kept), dtype=np.int32)
    return kinds.some(kept), number[first][codes]


def columns_of(width: int) -> list[ColumnOfCells]:
    """Columns that know few cells at once where they are many."""
    return [ColumnOfCells(max(_LEAST, _KNOWN // max(1, width))) for _ in range(width)]


def in_blocks(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Values as lists of that many; the last may be shorter."""
    each = iter(values)
    while block := list(islice(each, size)):
        yield block


class CellsBelow:
    """The cells of a delimited text below its first row, column by column.

    count: rows. full: those of them up to the last one that has something in it. begun: the line of the first. gap: the
    place of the first row before which a line is empty, and that line. odd: the place of the first of another width,
    its line, and its width; none from there on is kept.
    """

    def __init__(self, rows: Iterator[tuple[int, list[str]]], width: int, line: int) -> None:
        self.columns: list[list[str]] = [[] for _ in range(width)]
        self.count = self.full = self.begun = 0
        self.gap: tuple[int, int] | None = None
        self.odd: tuple[int, int, int] | None = None
        self._known: list[dict[str, str]] = [{} for _ in range(width)]
        block: list[list[str]] = []
        for number, cells in rows:
            self.count += 1
            self.begun = self.begun or number
            if any(map(str.strip, cells)):
                self.full = self.count
            if number != line and self.gap is None:
                self.gap = self.count, line
            line = number + 1 + sum(cell.count("\n") for cell in cells)
            if len(cells) != width and self.odd is None:
                self.odd = self.count, number, len(cells)
            if self.odd is None:
                block.append(cells)
                if len(block) == _BLOCK:
                    self._take(block)
        self._take(block)

    def _take(self, block: list[list[str]]) -> None:
        for column, known, cells in zip(self.columns, self._known, zip(*block, strict=True), strict=False):
            column.extend(map(known.setdefault, cells, cells))
            if len(known) > KNOWN:
                known.clear()
        block.clear()
