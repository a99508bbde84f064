"""Cells of a table, column by column as its rows come: what is the same is kept once, and none as an object."""

from __future__ import annotations

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

    def __init__(self, content: bytes, ends: np.ndarray) -> None:
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
        parts = []
        for first in range(0, len(places), _FEW):
            block = slice(first, first + _FEW)
            both = zip(begins[block].tolist(), ends[block].tolist(), strict=True)
            parts.append(b"".join(self._content[a:b] for a, b in both))
        content = b"".join(parts)
        return Packed(content, _ends(ends - begins, len(content)))


class ColumnOfCells:
    """A column of texts that is taken in block by block. most: different cells that are known at once.

    Blocks are kept as they come: what grows is moved about in memory, which leaves holes as large as itself.
    """

    def __init__(self, most: int) -> None:
        self._most, self._known, self._whole = most, dict[str, int](), True
        self._contents, self._lengths, self._codes = list[bytes](), list[np.ndarray](), list[np.ndarray]()
        self._count = 0

    def take(self, cells: Sequence[str]) -> None:
        """Further cells."""
        known = self._known
        if len(known) > self._most:
            known.clear()
            self._whole = False
        new = [cell for cell in dict.fromkeys(cells) if cell not in known]
        if new:
            known.update(zip(new, range(self._count, self._count + len(new)), strict=True))
            self._count += len(new)
            packed = [cell.strip().encode("utf-8", "surrogatepass") for cell in new]
            self._contents.append(b"".join(packed))
            self._lengths.append(small(np.fromiter(map(len, packed), np.int64, len(packed))))
        self._codes.append(np.fromiter(map(known.__getitem__, cells), np.int32, len(cells)))

    def text(self) -> Text:
        """All cells that were taken, without spaces around; the column lets them go."""
        self._known = {}
        content = b"".join(self._contents)
        self._contents.clear()
        kinds = Packed(content, _ends(_joined(self._lengths, np.int64), len(content)))
        codes = _joined(self._codes, np.int32)
        if not self._whole:
            kinds, codes = _each_once(kinds, codes)
        return Text(list(kinds) if len(kinds) <= _FEW else kinds, small(codes))


def _joined(parts: list[np.ndarray], otherwise: type) -> np.ndarray:
    """Parts as one array; they are let go. otherwise: its type where there are none."""
    found = np.concatenate(parts) if parts else np.zeros(0, otherwise)
    parts.clear()
    return found


def _ends(lengths: np.ndarray, total: int) -> np.ndarray:
    """(N + 1,) where each of some texts begins, and where the last ends, in as few bytes as that needs."""
    ends = np.zeros(len(lengths) + 1, np.uint32 if total < 1 << 32 else np.int64)
    np.cumsum(lengths, out=ends[1:])
    return ends


def _each_once(kinds: Packed, codes: np.ndarray) -> tuple[Packed, np.ndarray]:
    """The same cells with no text twice, in the order in which they came first."""
    hashes = np.fromiter(map(hash, kinds), np.int64, len(kinds))
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    hashes = hashes[order]
    new = np.ones(len(kinds), bool)
    np.not_equal(hashes[1:], hashes[:-1], out=new[1:])
    del hashes
    if new.all():
        return kinds, codes
    first = np.empty(len(kinds), np.int32)  # of each, the first with its hash
    first[order] = order[new][np.cumsum(new, dtype=np.int32) - 1]
    del order, new
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
