"""Texts ready for a model that reads: their tokens as ids, and the sentences they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from throughtime.data.columns import UNKNOWN, Columns, Encoded
from throughtime.data.sentences import sentences
from throughtime.models.reader import Sentences, Tokens


@dataclass(frozen=True)
class Examples:
    """encoded: the tokens of texts, or of their sentences. firsts: (N + 1,), text n has the rows firsts[n] to
    firsts[n + 1] of `encoded`; None where each row is a text."""

    encoded: Encoded
    firsts: np.ndarray | None = None

    @classmethod
    def of(
        cls, columns: Columns, texts: Sequence[Sequence[str]], cut: bool = False, values: np.ndarray | None = None
    ) -> Examples:
        """Texts, each its tokens. cut: into sentences. values: (M, F), what is known of each token besides."""
        if not cut:
            return cls(replace(columns.encode(texts), values=values))
        parts = [sentences(text) for text in texts]
        firsts = np.concatenate([[0], np.cumsum([len(part) for part in parts], dtype=np.int64)])
        return cls(replace(columns.encode([one for part in parts for one in part]), values=values), firsts)

    def __len__(self) -> int:
        return len(self.encoded) if self.firsts is None else len(self.firsts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """(N,) tokens of each text."""
        starts = self.encoded.starts
        return np.diff(starts if self.firsts is None else starts[self.firsts])

    def cut(self, longest: int) -> Examples:
        """Texts as they are learned from: of longer ones the beginning and the end. Sentences are short anyway."""
        return self if self.firsts is not None else replace(self, encoded=self.encoded.cut(longest))

    def inputs(self, rows: np.ndarray) -> tuple[Tokens, Sentences | None]:
        """What a model takes, as NumPy arrays, of some of the texts."""
        if self.firsts is None:
            return Tokens(*self.encoded.batch(rows)), None
        counts = np.diff(self.firsts)[rows]
        steps = np.arange(counts.max(initial=1))[:, None]
        ends = counts.cumsum()
        inside = steps < counts
        places = np.where(inside, ends - counts + steps, 0)
        every = self.firsts[rows].repeat(counts) + np.arange(ends[-1]) - (ends - counts).repeat(counts)
        return Tokens(*self.encoded.batch(every)), Sentences(places, counts)


def forgotten(
    tokens: Tokens, rng: np.random.Generator, share: float, rare: float, counts: Sequence[np.ndarray]
) -> Tokens:
    """Tokens with some of them unknown, so that a model learns to do without.

    share: of all tokens, which are unknown in every column and in their spelling. rare: of what stood only once where
    the model learns from, column by column. counts: how often each id of each column stands there.
    """
    ids, spelled, offsets, values = tokens.ids.copy(), tokens.spelled, tokens.offsets, tokens.values
    if rare > 0:
        for column, often in zip(ids, counts, strict=True):
            once = often[column] == 1
            column[once & (rng.random(column.shape) < rare)] = UNKNOWN
    if share > 0:
        lost = rng.random(ids.shape[1:]) < share
        ids[:, lost] = UNKNOWN
        if values is not None:
            values = np.where(lost[..., None], np.float32(0), values)
        if spelled is not None:
            spelled = np.where(lost, len(offsets) - 1, spelled)
            offsets = np.append(offsets, offsets[-1])
    return tokens._replace(ids=ids, spelled=spelled, offsets=offsets, values=values)
