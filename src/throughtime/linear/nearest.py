"""Which of many texts are nearest to a query: TF-IDF over n-grams of words and of characters, with NumPy alone.

With c(t, d) how often feature t stands in text d, and n(t) in how many of the N texts it stands,

    v(t, d) = (1 + ln c(t, d)) (1 + ln(N / n(t))),     scaled to length 1
    nearness of q and d = sum over t of v(t, q) v(t, d)

Texts are kept by feature, so that a query looks only at those that share one with it.

Source: Salton and Buckley 1988, doi:10.1016/0306-4573(88)90021-0 (weights); Zobel and Moffat 2006,
doi:10.1145/1132956.1132959, section 3 (the inverted index).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.linear.ngrams import Ngrams

WORDS, CHARACTERS = (1, 2), (2, 3)
"""Orders of n-grams where none are given."""

COMMON = 0.2
"""A feature that stands in a larger share of many texts says too little for what it costs, and is left out."""

_MANY = 1000
"""Texts from which features are left out for that."""

_ROWS = 512
"""Queries that are taken apart at once."""

_LONG = 20_000
"""Places from which on they are added up feature by feature: slower for few, three times as fast for many."""


class Nearest:
    """Texts that can be asked which of them are near.

    ngrams: what features there are. indptr (F + 1,), texts, weights: of each feature the texts that have it, and its
    weight in each. idf: (F,). count: texts.
    """

    def __init__(
        self, ngrams: Ngrams, indptr: np.ndarray, texts: np.ndarray, weights: np.ndarray, idf: np.ndarray, count: int
    ) -> None:
        self.ngrams, self.indptr, self.texts, self.weights, self.idf = ngrams, indptr, texts, weights, idf
        self.count = count

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        words: tuple[int, int] | None = WORDS,
        characters: tuple[int, int] | None = CHARACTERS,
        most: int = 2_000_000,
        like: Nearest | None = None,
    ) -> Nearest:
        """Know these texts. words, characters: orders of n-grams, None for none. most: features kept. like: take the
        features and their weights from there. UserError for no texts."""
        if not len(texts):
            raise UserError("nearest: there are no texts to look among")
        ngrams = Ngrams(words, characters, least=1, most=most).fit(texts) if like is None else like.ngrams
        rows, features, values = _rows(ngrams, texts)
        if like is None:
            stands = np.bincount(features, minlength=ngrams.size)
            idf = 1 + np.log(len(texts) / np.maximum(stands, 1))
            if len(texts) >= _MANY:
                idf[stands > COMMON * len(texts)] = 0.0
        else:
            idf = like.idf
        weights = _scaled(rows, values * idf[features], len(texts))
        kept = weights > 0
        rows, features, weights = rows[kept], features[kept], weights[kept]
        order = np.argsort(features, kind="stable")
        indptr = np.concatenate([[0], np.bincount(features, minlength=ngrams.size).cumsum()])
        return cls(
            ngrams, indptr, rows[order].astype(np.int32), weights[order], np.asarray(idf, np.float32), len(texts)
        )

    def vectors(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The features of texts as sparse rows of length 1: the number of each text, ascending, features, weights."""
        rows, features, values = _rows(self.ngrams, texts)
        return rows, features, _scaled(rows, values * self.idf[features], len(texts))

    def similarities(self, queries: Iterable[str]) -> Iterator[np.ndarray]:
        """Of each query its nearness to every text, (N,) float32 from 0 to 1."""
        waiting: list[str] = []
        for query in queries:
            waiting.append(query)
            if len(waiting) == _ROWS:
                yield from self._similarities(waiting)
                waiting = []
        if waiting:
            yield from self._similarities(waiting)

    def _similarities(self, queries: list[str]) -> Iterator[np.ndarray]:
        rows, features, weights = self.vectors(queries)
        ends = np.searchsorted(rows, np.arange(len(queries) + 1))
        for begin, end in itertools.pairwise(ends):
            own, weight = features[begin:end], weights[begin:end]
            starts, lengths = self.indptr[own], self.indptr[own + 1] - self.indptr[own]
            if lengths.sum() > _LONG:
                yield self._added(starts, lengths, weight)
                continue
            where = np.arange(lengths.sum()) + np.repeat(starts - (lengths.cumsum() - lengths), lengths)
            near = np.bincount(
                self.texts[where], self.weights[where] * np.repeat(weight, lengths), minlength=self.count
            )
            yield near.astype(np.float32)

    def _added(self, starts: np.ndarray, lengths: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(N,) the same sums in the same order: a text stands once in a feature's."""
        near = np.zeros(self.count, np.float64)
        for start, length, weight in zip(starts.tolist(), lengths.tolist(), weights, strict=True):
            end = start + length
            near[self.texts[start:end]] += self.weights[start:end] * weight
        return near.astype(np.float32)

    def best(self, queries: Iterable[str], count: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """The nearest texts of each query, (M, count) int64, the nearest first, of equally near ones the earlier; and
        how near, (M, count) float32."""
        count = min(count, self.count)
        places, nearness = [np.zeros((0, count), np.int64)], [np.zeros((0, count), np.float32)]
        for near in self.similarities(queries):
            top = np.argpartition(-near, count - 1)[:count] if count > 1 else np.array([near.argmax()])
            top = np.flatnonzero(near >= near[top].min()) if count > 1 else top
            top = top[np.lexsort((top, -near[top]))][:count]
            places.append(top[None])
            nearness.append(near[top][None])
        return np.concatenate(places), np.concatenate(nearness)

    def arrays(self) -> dict[str, np.ndarray]:
        """What to keep as numbers."""
        return {
            **self.ngrams.arrays(),
            "indptr": self.indptr.astype(np.int64),
            "texts": self.texts,
            "weights": self.weights,
            "idf": self.idf,
        }

    def to_json(self) -> dict[str, Any]:
        """What to keep as text."""
        return {"ngrams": self.ngrams.to_json(), "count": self.count}

    @classmethod
    def from_arrays(cls, data: Any, arrays: Mapping[str, np.ndarray]) -> Nearest:
        """Rebuild from `to_json` and `arrays`; UserError says what is damaged."""
        wanted = {"indptr": "i8", "texts": "i4", "weights": "f4", "idf": "f4"}
        if not isinstance(data, dict) or data.keys() != {"ngrams", "count"} or not wanted.keys() <= arrays.keys():
            raise UserError("nearest: expected n-grams, a count, indptr, texts, weights and idf; the file is damaged")
        ngrams, count = Ngrams.from_arrays(data["ngrams"], arrays), data["count"]
        indptr, texts, weights, idf = (arrays[name] for name in wanted)
        good = type(count) is int and count > 0 and all(arrays[n].dtype == kind for n, kind in wanted.items())
        good = good and indptr.shape == (ngrams.size + 1,) and idf.shape == (ngrams.size,)
        good = good and texts.shape == weights.shape and texts.ndim == 1 and indptr[0] == 0
        good = good and indptr[-1] == len(texts) and bool((np.diff(indptr) >= 0).all())
        good = good and (not len(texts) or (texts.min() >= 0 and texts.max() < count))
        if not good or not (np.isfinite(weights).all() and np.isfinite(idf).all()):
            raise UserError("nearest: the index does not fit its texts and n-grams; the file is damaged")
        return cls(ngrams, indptr, texts, weights, idf, count)


def _rows(ngrams: Ngrams, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of texts the number of each, the features that stand in it, ascending, and 1 + ln of how often, float32."""
    indptr, features, counts = ngrams.rows(texts)
    rows = np.repeat(np.arange(len(texts)), np.diff(indptr[: len(texts) + 1]))
    return rows, features, (1 + np.log(counts)).astype(np.float32)


def _scaled(rows: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Values divided by the length of their row."""
    lengths = np.sqrt(np.bincount(rows, values.astype(np.float64) ** 2, minlength=count))
    scaled: np.ndarray = (values / np.maximum(lengths, 1e-30)[rows]).astype(np.float32)
    return scaled
