"""An interpolated n-gram model that runs token by token, and how much say it has beside a recurrence.

    p_k(w | c) = a_k(w, c) + b_k(c) p_(k-1)(w | c without its oldest token)        b_k(c) = 1 - sum of a_k(., c)

with a and b of throughtime.baselines.ngram (Chen and Goodman 1998, TR-10-98). Where there are more than `LARGEST`
n-grams, long ones that occur once are left out: what they had goes to the order below, so that every p is a
distribution. A recurrence and an n-gram model are put together as Mikolov et al. 2010 (Interspeech, "Recurrent neural
network based language model") do,

    p = w p_recurrence + (1 - w) p_ngram

with a weight w for each length of the longest context that the n-gram model knows, chosen on text that neither learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from throughtime.baselines.ngram import MOST, Grams, choose, interpolation
from throughtime.errors import UserError

LARGEST = 5_000_000
"""The most n-grams kept, if leaving out those that occur once can do it."""

LEAST = 50
"""Tokens of validation, at least, that weights are chosen on."""

_PRIOR = 50.0
"""Tokens that the weight for all lengths counts for, beside those of one length."""

_ROUNDS = 50


@dataclass(frozen=True)
class _Level:
    """The n-grams of one order: those of context c, a row of the order below, are the rows starts[c] to starts[c + 1],
    by their last token.

    tokens (G,) integers; starts (C + 1,) int64; a (G,) float32; b (C,) float32.
    """

    tokens: np.ndarray
    starts: np.ndarray
    a: np.ndarray
    b: np.ndarray

    @classmethod
    def of(cls, tokens: np.ndarray, starts: np.ndarray, a: np.ndarray) -> _Level:
        sums = np.concatenate([[0.0], np.cumsum(a, dtype=np.float64)])
        b = np.clip(1.0 - (sums[starts[1:]] - sums[starts[:-1]]), 0.0, 1.0)
        return cls(tokens, starts, a, b.astype(np.float32))

    def find(self, contexts: np.ndarray, tokens: np.ndarray, vocabulary: int) -> np.ndarray:
        """The rows of n-grams, -1 for those that are not there. contexts, tokens: (N,), a context -1 is none."""
        owners = np.repeat(np.arange(len(self.starts) - 1, dtype=np.int64), np.diff(self.starts))
        keys = owners * vocabulary + self.tokens
        wanted = contexts * vocabulary + tokens
        rows = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
        there = (contexts >= 0) & (keys[rows] == wanted) if len(keys) else np.zeros(len(wanted), bool)
        return np.where(there, rows, -1)


class NGram:
    """An n-gram model of tokens below `vocabulary`, and the recurrence's weight beside it.

    unigram: (V,) p_1. levels: of the orders from 2 up. weights: (K,) of the recurrence, by the length 0 .. K - 1 of the
    longest known context.
    """

    def __init__(self, unigram: np.ndarray, levels: list[_Level], weights: np.ndarray, smoothing: str = "") -> None:
        self.unigram, self.levels, self.weights, self.smoothing = unigram, levels, weights, smoothing
        self.vocabulary, self.order = len(unigram), len(levels) + 1

    @property
    def size(self) -> int:
        """How many n-grams it holds."""
        return sum(len(level.tokens) for level in self.levels)

    def arrays(self) -> dict[str, np.ndarray]:
        """Name -> array, for a file."""
        found = {"unigram": self.unigram, "weights": self.weights}
        for k, level in enumerate(self.levels, 2):
            followers = np.diff(level.starts)
            found[f"{k}.tokens"] = level.tokens
            found[f"{k}.followers"] = followers.astype(_narrow(int(followers.max(initial=0))))
            found[f"{k}.a"] = level.a.astype(np.float16)
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], vocabulary: int) -> NGram:
        """What `arrays` gave; UserError where it is not that."""
        try:
            unigram, weights = arrays["unigram"].astype(np.float32), arrays["weights"].astype(np.float32)
            _check(unigram.shape == (vocabulary,) and weights.ndim == 1, "its vocabulary is another one")
            _check(_shares(unigram) and abs(float(unigram.sum(dtype=np.float64)) - 1.0) < 1e-3, "no probabilities")
            _check(1 <= len(weights) <= 32 and _shares(weights), "its weights are not between 0 and 1")
            levels: list[_Level] = []
            contexts = vocabulary
            for k in range(2, len(weights) + 1):
                tokens, followers, a = (arrays[f"{k}.{name}"] for name in ("tokens", "followers", "a"))
                _check(tokens.ndim == followers.ndim == a.ndim == 1, f"order {k} is not a list")
                _check(tokens.dtype.kind == "u" and followers.dtype.kind == "u", f"order {k} is not of integers")
                _check(int(followers.max(initial=0)) <= vocabulary, f"order {k} has too many n-grams of a context")
                starts = np.concatenate([[0], np.cumsum(followers, dtype=np.int64)])
                _check(len(followers) == contexts and starts[-1] == len(tokens) == len(a), f"order {k} does not fit")
                _check(a.dtype.kind == "f" and _shares(a), f"order {k} is not of probabilities")
                _check(not len(tokens) or int(tokens.max()) < vocabulary, f"order {k} has tokens beyond the vocabulary")
                level = _Level.of(tokens, starts, a.astype(np.float32))
                sums = np.concatenate([[0.0], np.cumsum(level.a, dtype=np.float64)])
                more = (sums[starts[1:]] - sums[starts[:-1]]).max(initial=0.0) > 1 + 1e-3
                _check(not more, f"order {k} has contexts whose probabilities come to more than 1")
                rising = np.diff(tokens.astype(np.int64)) > 0
                rising[starts[1:-1][(starts[1:-1] > 0) & (starts[1:-1] < len(tokens))] - 1] = True
                _check(bool(rising.all()), f"order {k} is not in order")
                levels.append(level)
                contexts = len(tokens)
        except (KeyError, AttributeError, ValueError, TypeError) as error:
            raise UserError(f"n-gram model: the file is damaged ({error})") from None
        return cls(unigram, levels, weights)

    def log_probabilities(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """ln p of ids[1:], each from those before it, and the length of the longest known context. ids: (N,) integers.

        Returns (N - 1,) float64 and (N - 1,) integers.
        """
        ids = ids.astype(np.int64)
        p = self.unigram[ids[1:]].astype(np.float64)
        known = np.zeros(len(p), np.int64)
        rows = ids
        for k, level in enumerate(self.levels, 2):
            contexts = np.concatenate([[-1], rows[:-1]])
            rows = level.find(contexts, ids, self.vocabulary)
            before, found = contexts[1:], rows[1:]
            a = np.where(found >= 0, level.a[np.maximum(found, 0)], 0.0) if len(level.a) else 0.0
            b = np.where(before >= 0, level.b[np.maximum(before, 0)], 1.0) if len(level.b) else 1.0
            p = a + b * p
            follows = np.diff(level.starts) > 0
            if len(follows):
                known[(before >= 0) & follows[np.maximum(before, 0)]] = k - 1
        with np.errstate(divide="ignore"):
            return np.log(p), known

    def together(self, recurrence: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """ln p of ids[1:] by both. recurrence: (N - 1,) what the recurrence says alone. Returns (N - 1,) float64."""
        own, known = self.log_probabilities(ids)
        return mixed(recurrence, own, self.weights[known].astype(np.float64))

    def reader(self) -> Reader:
        """One that reads a text of its own."""
        return Reader(self)


class Reader:
    """An n-gram model that reads: token by token, and the distribution of the next one."""

    def __init__(self, model: NGram) -> None:
        self.model = model
        self._levels = [(one.tokens, one.starts, one.a, one.b) for one in model.levels]
        self._rows: list[int] = []
        self._last: list[int] = []

    @property
    def state(self) -> np.ndarray:
        """The last tokens, (1, K - 1) int64; -1 before the text begins. May be set; None is no text."""
        width = self.model.order - 1
        return np.array([[-1] * (width - len(self._last)) + self._last], np.int64)

    @state.setter
    def state(self, value: np.ndarray | None) -> None:
        self._rows, self._last = [], []
        for token in [] if value is None else np.asarray(value).reshape(-1).tolist():
            if 0 <= int(token) < self.model.vocabulary:
                self.read(int(token))

    def read(self, token: int) -> None:
        """Read on."""
        rows = [token] if self._levels else []
        for row, (tokens, starts, _, _) in zip(self._rows, self._levels, strict=False):
            first, end = starts.item(row), starts.item(row + 1)
            place = first + int(tokens[first:end].searchsorted(token))
            if place == end or tokens.item(place) != token:
                break
            rows.append(place)
        self._rows = rows[: len(self._levels)]
        self._last = [*self._last, token][-len(self._levels) :] if self._levels else []

    def mix(self, logits: np.ndarray) -> np.ndarray:
        """The recurrence's logits (V,) together with what the n-gram model says: ln p of the next token, (V,)."""
        p = np.zeros(self.model.vocabulary)
        mass, known = 1.0, 0
        for k in range(len(self._rows) - 1, -1, -1):
            tokens, starts, a, b = self._levels[k]
            row = self._rows[k]
            first, end = starts.item(row), starts.item(row + 1)
            if first < end:
                p[tokens[first:end]] += mass * a[first:end]
                mass *= b.item(row)
                known = known or k + 1
        weight = self.model.weights.item(known)
        p += mass * self.model.unigram
        p *= 1.0 - weight
        own = np.exp(logits - logits.max())
        p += own * (weight / own.sum())
        with np.errstate(divide="ignore"):
            return np.log(p, out=p).astype(logits.dtype)


def learn(ids: np.ndarray, vocabulary: int, held: np.ndarray) -> tuple[NGram, NGram]:
    """Two n-gram models of the same order and smoothing, chosen on what is held: of ids alone, and of ids and held.

    ids, held: (N,), (M,) integers below `vocabulary`. Of more than five million tokens the last ones count.
    """
    seen = np.concatenate([ids[-MOST:], held])
    known = len(seen) - len(held)
    grams = Grams(seen, vocabulary)
    order, smoothing = choose(grams, known, len(seen))
    return _counted(grams, known, order, smoothing), _counted(grams, len(seen), order, smoothing)


def weigh(model: NGram, recurrence: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    """The recurrence's weights that serve best on a text that neither learned, and what they bring there.

    recurrence: (N - 1,) ln p of ids[1:] by the recurrence. ids: (N,). Returns (K,) float32, and nats per token of
    `recurrence`, `ngram` and `both`. By expectation maximization; lengths with few tokens lean on the others.
    """
    own, known = model.log_probabilities(ids)
    recurrence = recurrence.astype(np.float64)
    ratio = np.exp(np.clip(own - recurrence, -50.0, 50.0))
    common = 0.5
    for _ in range(_ROUNDS):
        common = float((common / (common + (1 - common) * ratio)).mean())
    weights, counts = np.full(model.order, common), np.bincount(known, minlength=model.order)
    for _ in range(_ROUNDS):
        w = weights[known]
        sums = np.bincount(known, w / (w + (1 - w) * ratio), model.order)
        weights = (sums + _PRIOR * common) / (counts + _PRIOR)
    weights = np.clip(weights, 0.0, 1.0).astype(np.float32)
    both = mixed(recurrence, own, weights[known].astype(np.float64))
    means = {"recurrence": recurrence, "ngram": own, "both": both}
    return weights, {name: float(-each.mean()) for name, each in means.items()}


def mixed(recurrence: np.ndarray, own: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """ln of w exp(recurrence) + (1 - w) exp(own)."""
    with np.errstate(divide="ignore"):
        both: np.ndarray = np.logaddexp(np.log(weight) + recurrence, np.log1p(-weight) + own)
    return both


def _counted(grams: Grams, counted: int, order: int, smoothing: str) -> NGram:
    """The model of the positions 0..counted."""
    vocabulary, once = grams.vocabulary, _once(grams, counted, order)
    levels: list[_Level] = []
    unigram = np.full(vocabulary, 1.0 / vocabulary)
    rows = np.zeros(1, np.int64)  # of each n-gram of `grams` of the order at work, its row here; -1 for none
    for k, (a, b, raw) in enumerate(islice(interpolation(grams, counted, smoothing, order), order), 1):
        one = grams[k]
        if k == 1:
            p = np.full(vocabulary, float(b[0]) / vocabulary)
            tokens = np.zeros(one.size, np.int64)
            tokens[one.ids] = grams.tokens
            p[tokens] += a
            unigram, rows = p, tokens
            continue
        tokens = np.zeros(one.size, np.int64)
        tokens[one.ids] = grams.tokens
        parents = np.where(one.parent < len(rows), rows[np.minimum(one.parent, len(rows) - 1)], -1)
        kept = np.flatnonzero((raw >= (1 if k <= once else 2)) & (parents >= 0))
        kept = kept[np.lexsort((tokens[kept], parents[kept]))]
        contexts = vocabulary if k == 2 else len(levels[-1].tokens)
        starts = np.concatenate([[0], np.cumsum(np.bincount(parents[kept], minlength=contexts))]).astype(np.int64)
        levels.append(_Level.of(tokens[kept].astype(_narrow(vocabulary)), starts, _rounded(a[kept])))
        rows = np.full(one.size, -1, np.int64)
        rows[kept] = np.arange(len(kept))
    return NGram(unigram.astype(np.float32), levels, np.full(order, 0.5, np.float32), smoothing)


def _once(grams: Grams, counted: int, order: int) -> int:
    """Up to which order n-grams that occur once are kept."""
    counts = [np.bincount(grams[k].ids[:counted], minlength=grams[k].size) for k in range(2, order + 1)]
    occur = [int((each >= 1).sum()) for each in counts]
    again = [int((each >= 2).sum()) for each in counts]
    return next((k for k in range(order, 2, -1) if sum(occur[: k - 1]) + sum(again[k - 1 :]) <= LARGEST), 2)


def _rounded(a: np.ndarray) -> np.ndarray:
    """To the next lower values of float16, in float32: their sum never grows beyond one."""
    half = a.astype(np.float16)
    half = np.where(half.astype(np.float64) > a, np.nextafter(half, np.float16(0)), half)
    return half.astype(np.float32)


def _narrow(largest: int) -> Any:
    return np.uint8 if largest < 1 << 8 else np.uint16 if largest < 1 << 16 else np.uint32


def _shares(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all() and (values >= 0).all() and (values <= 1).all())


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
