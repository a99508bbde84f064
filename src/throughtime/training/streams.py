"""A long sequence cut into parallel streams, read in chunks: truncated backpropagation through time.

Source: Williams and Peng 1990, doi:10.1162/neco.1990.2.4.490; the state is carried from chunk to chunk.
"""

from __future__ import annotations

import numpy as np

from throughtime.errors import UserError

_COUNTED = 1 << 20
"""Ids that are counted at once."""


class Streams:
    """Chunks of `window` steps from `batch` streams, each stream a run of consecutive tokens.

    ids: (N,) integers. Each epoch starts at its own random offset below `window`, so that the borders of chunks and
    streams move. A text too short for that is read in fewer streams and shorter chunks.
    Raises UserError for fewer than 2 tokens.
    """

    def __init__(self, ids: np.ndarray, batch: int, window: int, seed: int) -> None:
        for name, value in (("batch", batch), ("window", window)):
            if type(value) is not int or value < 1:
                raise UserError(f"training: {name} must be a positive integer, got {value!r}")
        if len(ids) < 2:
            raise UserError(f"training: expected at least 2 tokens to learn from, got {len(ids)}; use a longer text")
        self.ids, self.seed = ids, seed
        self.batch = min(batch, len(ids) - 1)
        self.window = max(1, min(window, (len(ids) - 1) // self.batch))
        self._spare = max(0, (len(ids) - 1) - self.batch * self.window)

    def __len__(self) -> int:
        """Chunks in an epoch, the same in every one."""
        return (len(self.ids) - 1 - min(self.window - 1, self._spare)) // self.batch // self.window

    def counts(self, size: int) -> np.ndarray:
        """How often each of `size` ids stands in the sequence: (size,) int64."""
        found = np.zeros(size, np.int64)
        for first in range(0, len(self.ids), _COUNTED):
            found += np.bincount(self.ids[first : first + _COUNTED], minlength=size)
        return found

    def epoch(self, number: int) -> Epoch:
        """The chunks of an epoch."""
        offset = int(np.random.default_rng([self.seed, number]).integers(0, min(self.window - 1, self._spare) + 1))
        stream = (len(self.ids) - 1 - offset) // self.batch
        return Epoch(self.ids, offset + stream * np.arange(self.batch), len(self), self.window)


class Epoch:
    """A sequence of `chunks` chunks, each (window + 1, batch) int64; the last step of one is the first of the next."""

    def __init__(self, ids: np.ndarray, starts: np.ndarray, chunks: int, window: int) -> None:
        self._ids, self._starts, self._chunks, self._window = ids, starts, chunks, window
        self._steps = np.arange(window + 1)[:, None]

    def __len__(self) -> int:
        return self._chunks

    def __getitem__(self, chunk: int) -> np.ndarray:
        if not 0 <= chunk < self._chunks:
            raise IndexError(chunk)
        return self._ids[self._starts + (chunk * self._window + self._steps)].astype(np.int64)
