"""What was replied when something like it was said: answers by the replies to the nearest turns of training.

With k_j how near the last turn is to that of pair j of training (linear/nearest.py) and r_ja how near the reply of j is
to answer a,

    s_a = log(c + (sum_j k_j^2 r_ja^2 / sum_j k_j^2) / (mean over j of r_ja^2)),     c = 0.001

over the pairs j that are nearest. The mean takes away what answers have that resemble every reply.

Source: Nadaraya 1964, doi:10.1137/1109020 (the weighted mean of neighbours).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.errors import UserError
from throughtime.linear.nearest import Nearest

_PAIRS, _ANSWERS = 100, 32
"""Pairs of training that count for a query, and answers that are kept for a reply."""

_LEAST = 0.05
"""How near an answer must be to a reply to be kept for it."""

_FLOOR = 1e-3


@dataclass(frozen=True)
class Neighbours:
    """sources: the last turns of J pairs of training. indptr (J + 1,), answers, weights: of each pair the answers near
    its reply, and r^2. usual: (A,) the mean of r^2 over all pairs."""

    sources: Nearest
    indptr: np.ndarray
    answers: np.ndarray
    weights: np.ndarray
    usual: np.ndarray

    def __post_init__(self) -> None:
        count, size = self.sources.count, len(self.usual)
        good = self.indptr.dtype.kind == self.answers.dtype.kind == "i"
        good = good and self.weights.dtype.kind == self.usual.dtype.kind == "f" and self.usual.ndim == 1
        good = (
            good
            and self.indptr.shape == (count + 1,)
            and self.answers.shape == self.weights.shape == (self.indptr[-1],)
        )
        good = good and self.indptr[0] == 0 and bool((np.diff(self.indptr) >= 0).all())
        good = good and (not len(self.answers) or (self.answers.min() >= 0 and self.answers.max() < size))
        # they are squares of nearnesses, from 0 to 1
        if not good or not all(((one >= 0) & (one <= 1.01)).all() for one in (self.weights, self.usual)):
            raise UserError("chooser: what is kept of replies does not fit; the file is damaged")

    @classmethod
    def fit(cls, like: Nearest, sources: Sequence[str], replies: Sequence[str], answers: Nearest) -> Neighbours:
        """Of pairs of training. like: what features there are. answers: an index of the answers."""
        unique, of = np.unique(np.array(replies, object).astype(str), return_inverse=True)
        rows, weights, usual = [], [], np.zeros(answers.count)
        times = np.bincount(of)
        for number, near in enumerate(answers.similarities(unique.tolist())):
            squares = near.astype(np.float64) ** 2
            usual += times[number] * squares
            most = min(_ANSWERS, len(near))
            top = np.sort(np.argpartition(-near, most - 1)[:most])
            top = top[near[top] >= _LEAST]
            rows.append(top)
            weights.append(squares[top])
        lengths = np.array([len(rows[i]) for i in of])
        return cls(
            Nearest.fit(sources, like=like),
            np.concatenate([[0], lengths.cumsum()]).astype(np.int64),
            np.concatenate([rows[i] for i in of]).astype(np.int32),
            np.concatenate([weights[i] for i in of]).astype(np.float32),
            (usual / len(of)).astype(np.float32),
        )

    def scores(self, near: np.ndarray, hidden: np.ndarray | None = None) -> np.ndarray:
        """(A,) s of every answer. near: (J,) k of every pair. hidden: pairs that do not count."""
        squares = near.astype(np.float64) ** 2
        if hidden is not None:
            squares[hidden] = 0.0
        most = min(_PAIRS, len(squares))
        top = np.sort(np.argpartition(-squares, most - 1)[:most])
        total = squares[top].sum()
        if not total:
            return np.full(len(self.usual), np.log(_FLOOR), np.float32)
        starts, lengths = self.indptr[top], self.indptr[top + 1] - self.indptr[top]
        where = np.arange(lengths.sum()) + np.repeat(starts - (lengths.cumsum() - lengths), lengths)
        sums = np.bincount(
            self.answers[where], self.weights[where] * np.repeat(squares[top], lengths), minlength=len(self.usual)
        )
        scores: np.ndarray = np.log(_FLOOR + sums / total / (self.usual + 1e-6)).astype(np.float32)
        return scores
