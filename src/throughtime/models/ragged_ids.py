"""Texts as numbers, one behind the other: of any lengths, without what lies behind their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RaggedIds:
    """flat: (N,) int32, the numbers of all texts. starts: (M + 1,), text m is flat[starts[m] : starts[m + 1]]."""

    flat: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[np.ndarray]) -> RaggedIds:
        """From the numbers of each text."""
        starts = np.concatenate([[0], np.cumsum([len(text) for text in texts], dtype=np.int64)])
        flat = np.concatenate([*texts, np.zeros(0, np.int32)]).astype(np.int32)
        return cls(flat, starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """(M,) int64."""
        return np.diff(self.starts)

    def __getitem__(self, text: int) -> np.ndarray:
        return self.flat[self.starts[text] : self.starts[text + 1]]

    def take(self, rows: np.ndarray) -> RaggedIds:
        """Some of the texts."""
        return RaggedIds.of([self[int(row)] for row in rows])

    def cut(self, longest: int, end: bool = False) -> RaggedIds:
        """The beginning of each text, or its end: at most so many numbers."""
        lengths = np.minimum(self.lengths, longest)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        first = self.starts[1:] - lengths if end else self.starts[:-1]
        return RaggedIds(self.flat[np.repeat(first - starts[:-1], lengths) + np.arange(starts[-1])], starts)

    def padded(self, rows: np.ndarray, before: int | None = None, behind: int | None = None) -> np.ndarray:
        """Some of the texts as columns, (T, B) int64, 0 behind an end. before, behind: a number at each text's
        beginning or end."""
        lengths, first = self.lengths[rows], int(before is not None)
        more = first + int(behind is not None)
        steps = np.arange(int(lengths.max(initial=0)) + more)[:, None] - first
        inside = (steps >= 0) & (steps < lengths)
        places = np.where(inside, self.starts[rows] + steps, 0)
        flat = self.flat if len(self.flat) else np.zeros(1, np.int32)
        found: np.ndarray = np.where(inside, flat[places], 0).astype(np.int64)
        if before is not None:
            found[0] = before
        if behind is not None:
            found[lengths + first, np.arange(len(rows))] = behind
        return found
