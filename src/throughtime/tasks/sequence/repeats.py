"""What an answer may not say: nothing at all, or three pieces in a row that it has said already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Repeats:
    """sources: the pieces of each. folded: (V,) one number for pieces that differ in case alone. visible: (V,) which
    show something. edge: the end of an answer.

    Three pieces may come again where the source has them, or has three of its own twice.
    """

    def __init__(self, sources: Sequence[np.ndarray], folded: np.ndarray, visible: np.ndarray, edge: int) -> None:
        self._folded, self._visible, self._edge = folded.tolist(), visible.tolist(), edge
        self._sources = sources
        self._known: dict[int, tuple[set[tuple[int, ...]], bool]] = {}

    def refused(self, number: int, ids: Sequence[int], token: int) -> bool:
        """Whether a piece may not come behind others in the answer to a source."""
        if token == self._edge:
            return not any(self._visible[i] for i in ids)
        if len(ids) < 3:
            return False
        fold = self._folded
        new = (fold[ids[-2]], fold[ids[-1]], fold[token])
        said = [fold[piece] for piece in ids]
        if new not in zip(said, said[1:], said[2:], strict=False):
            return False
        if number not in self._known:
            self._known[number] = self._of_source(self._sources[number])
        there, twice = self._known[number]
        return not twice and new not in there

    def _of_source(self, source: np.ndarray) -> tuple[set[tuple[int, ...]], bool]:
        folded = [self._folded[piece] for piece in source.tolist()]
        every = list(zip(folded, folded[1:], folded[2:], strict=False))
        return set(every), len(set(every)) < len(every)
