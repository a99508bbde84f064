"""Uniform, unigram and interpolated n-gram models of a token sequence: what a recurrent model must beat.

An n-gram model of order k predicts a token w from the k - 1 tokens c before it,

    p_k(w | c) = a_k(w, c) + b_k(c) p_(k-1)(w | c without its oldest token)        p_0(w) = 1 / V

    Witten-Bell               a = n(cw) / (n(c) + d(c))               b = d(c) / (n(c) + d(c))
    absolute discounting      a = (n(cw) - D(n(cw))) / n(c)           b = (all that was taken off) / n(c)
    Kneser-Ney                as absolute discounting, but every order below the highest counts in how many
                              different contexts cw occurs instead of how often

with n counts, d(c) the number of different tokens seen after c, and one discount D each for counts of 1, 2, and 3
or more. Smoothing and order are chosen on the validation part; the counts that score the test part are taken over
training and validation. Each p is a distribution over the vocabulary whatever the counts are.

Source: Chen and Goodman 1998, TR-10-98, Harvard University, sections 2.5, 2.7 and 3.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

ORDERS = 8
"""The highest order tried."""

MOST = 5_000_000
"""Tokens of the training part that are counted, from its end, so that memory and time stay bounded."""

AT_ONCE = 4_000_000
"""Tokens of the test part that are scored at once, so that memory stays bounded; how many changes no figure."""

SMOOTHINGS = ("kneser-ney", "absolute", "witten-bell")


def baselines(
    train_ids: Any, validation_ids: Any, test_ids: Any, vocabulary: int, each: dict[str, np.ndarray] | None = None
) -> dict[str, dict[str, Any]]:
    """Score the three baselines on the test part.

    train_ids, validation_ids, test_ids: (N,) integers below `vocabulary`, consecutive parts of one text (the n-gram
    model looks back across their borders). Without a validation part the last tenth of the training part serves.
    each: takes ln p of each test token, (M,) by the name of the baseline, but for uniform.
    Returns {"uniform": {...}, "unigram": {...}, "ngram": {...}}, each with `nats_per_token`; `ngram` also has
    `order`, `smoothing`, `tokens` (counted) and `seconds`.
    Raises ValueError where the training or test part is empty or an id is out of range.
    """
    started = time.perf_counter()
    train, validation, test = (_checked(ids, vocabulary) for ids in (train_ids, validation_ids, test_ids))
    if not len(train) or not len(test):
        raise ValueError("n-gram baseline: expected tokens to train on and to test on, got none; use a longer text")
    seen = np.concatenate([train[-MOST:], validation])
    known = len(seen) - (len(validation) or len(seen) // 10)
    order, smoothing = 0, ""
    unigrams, bests = [], []
    for first in range(0, len(test), AT_ONCE):
        before = min(first, ORDERS)  # tokens that are only looked back at
        grams = Grams(np.concatenate([seen, test[first - before : first + AT_ONCE]]), vocabulary)
        where = slice(len(seen) + before, None)
        if not order:
            order, smoothing = choose(grams, known, len(seen))
        unigrams.append(next(log_probabilities(grams, len(seen), where, "absolute")))
        bests.append(next(islice(log_probabilities(grams, len(seen), where, smoothing), order - 1, None)))
        del grams
    unigram, best = np.concatenate(unigrams), np.concatenate(bests)
    if each is not None:
        each |= {"unigram": unigram, "ngram": best}
    return {
        "uniform": {"nats_per_token": float(np.log(vocabulary))},
        "unigram": {"nats_per_token": float(-unigram.mean())},
        "ngram": {
            "nats_per_token": float(-best.mean()),
            "order": order,
            "smoothing": smoothing,
            "tokens": len(seen),
            "seconds": round(time.perf_counter() - started, 3),
        },
    }


class Grams:
    """The k-grams of a sequence, numbered 0, 1, ... in each order separately, order by order as they are asked for.

    tokens: (N,) integers below `vocabulary`. For order k, with G different k-grams:
    ids (N,): the k-gram that ends at each position; before the first token stand k - 1 blanks.
    contexts (N,): the (k - 1)-gram before each position. parent (G,): the same by k-gram.
    suffix (G,): the (k - 1)-gram that a k-gram ends with.
    Kept are ids and, for each k-gram, one of its places: eight bytes a token and order at most.
    """

    def __init__(self, tokens: np.ndarray, vocabulary: int) -> None:
        self.tokens = tokens.astype(_kind(max(vocabulary, len(tokens))))
        self.vocabulary = vocabulary
        nothing = np.zeros(len(tokens), self.tokens.dtype)
        self._orders = [_Order(nothing, nothing[:1], nothing, 0, 1)]

    def __getitem__(self, k: int) -> _Order:
        while len(self._orders) <= k:
            self._orders.append(self._next())
        return self._orders[k]

    def _next(self) -> _Order:
        below = self._orders[-1]
        blank = below.size if len(self._orders) > 1 else 0
        keys = np.empty(len(below.ids), np.int64)
        keys[0], keys[1:] = blank, below.ids[:-1]
        keys *= self.vocabulary
        keys += self.tokens
        found = np.unique(keys, return_inverse=True)[1]
        del keys
        ids = found.astype(self.tokens.dtype)
        places = np.empty(int(ids.max()) + 1, self.tokens.dtype)
        places[found] = np.arange(len(ids), dtype=places.dtype)
        return _Order(ids, places, below.ids, blank, max(below.size, blank + 1))


def _kind(most: int) -> Any:
    """The type of integers up to `most`."""
    return np.int32 if most < 1 << 31 else np.int64


class _Order:
    """The arrays of one order; see Grams. places: where each k-gram ends once. below: ids of the order below. blank:
    what stands before the first position. above: the number of different contexts."""

    def __init__(self, ids: np.ndarray, places: np.ndarray, below: np.ndarray, blank: int, above: int) -> None:
        self.ids, self.above = ids, above
        self.size = len(places)
        self._places, self._below, self._blank = places, below, blank

    def contexts(self, where: slice) -> np.ndarray:
        """Those of the positions from `where.start` on."""
        first, end, _ = where.indices(len(self.ids))
        if first:
            known: np.ndarray = self._below[first - 1 : end - 1]
            return known
        return np.concatenate([np.array([self._blank], self._below.dtype), self._below[: max(0, end - 1)]])[:end]

    @property
    def parent(self) -> np.ndarray:
        found: np.ndarray = np.where(self._places > 0, self._below[self._places - 1], self._blank)
        return found

    @property
    def suffix(self) -> np.ndarray:
        found: np.ndarray = self._below[self._places]
        return found


def choose(grams: Grams, known: int, seen: int) -> tuple[int, str]:
    """The order and smoothing that predict positions known..seen best from counts over positions 0..known."""
    best = (np.inf, 1, SMOOTHINGS[0])
    for smoothing in SMOOTHINGS:
        own = np.inf
        for k, log_p in enumerate(log_probabilities(grams, known, slice(known, seen), smoothing), 1):
            loss = float(-log_p.mean()) if log_p.size else 0.0
            best = min(best, (loss, k, smoothing))
            if loss > own + 0.02:
                break
            own = min(own, loss)
    return best[1], best[2]


def log_probabilities(grams: Grams, counted: int, where: slice, smoothing: str) -> Iterator[np.ndarray]:
    """ln p_k of the tokens at positions `where` from counts over positions 0..counted, for k = 1, 2, ... ORDERS."""
    p = np.full(len(grams.tokens[where]), 1.0 / grams.vocabulary)
    for k in range(1, ORDERS + 1):
        order = grams[k]
        ids, contexts = order.ids[where], order.contexts(where)
        counts = np.bincount(order.ids[:counted], minlength=order.size)
        a, b = _weights(order, counts, ids, contexts, smoothing)
        top = a + b * p
        yield np.log(top)
        if smoothing == "kneser-ney" and k < ORDERS:
            a, b = _weights(order, _continuations(grams, k, counted), ids, contexts, smoothing)
            top = a + b * p
        p = top


def interpolation(
    grams: Grams, counted: int, smoothing: str, highest: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """a of every n-gram, b of every context and how often each n-gram occurs, in the orders 1, 2, ... `highest` of a
    model of that order, from counts over positions 0..counted. (G,), (contexts,), (G,)."""
    for k in range(1, highest + 1):
        order = grams[k]
        raw = np.bincount(order.ids[:counted], minlength=order.size)
        counts = _continuations(grams, k, counted) if smoothing == "kneser-ney" and k < highest else raw
        a, _ = _weights(order, counts, np.arange(order.size), order.parent, smoothing)
        contexts = np.arange(order.above)
        _, b = _weights(order, counts, np.zeros(order.above, np.int64), contexts, smoothing)
        yield a, b, raw


def _continuations(grams: Grams, k: int, counted: int) -> np.ndarray:
    """In how many different contexts each k-gram occurs among the positions 0..counted."""
    longer = grams[k + 1]
    occurs = np.bincount(longer.ids[:counted], minlength=longer.size) > 0
    return np.bincount(longer.suffix[occurs], minlength=grams[k].size)


def _weights(
    order: _Order, counts: np.ndarray, ids: np.ndarray, contexts: np.ndarray, smoothing: str
) -> tuple[np.ndarray, np.ndarray]:
    """a and b of the module's equations at the positions whose k-grams and contexts are given."""
    parent = order.parent
    total = np.bincount(parent, counts, order.above)[contexts]
    if smoothing == "witten-bell":
        off = np.bincount(parent[counts > 0], minlength=order.above)[contexts].astype(float)
        total = total + off
        kept = counts[ids].astype(float)
    else:
        discounts = _discounts(counts)
        step = np.minimum(counts, 3)
        off = np.bincount(parent, discounts[step], order.above)[contexts]
        kept = counts[ids] - discounts[step[ids]]
    unseen = total == 0
    total[unseen] = off[unseen] = 1.0
    return kept / total, off / total


def _discounts(counts: np.ndarray) -> np.ndarray:
    """What is taken off counts of 0, 1, 2, and 3 or more (Chen and Goodman, section 3, eq. 26).

    Where a count of 1 to 4 never occurs these estimates mean nothing and one discount serves for all.
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(float)
    y = n[1] / (n[1] + 2 * n[2]) if n[1] and n[2] else 0.5
    if not n[1:5].all():
        return np.array([0.0, y, y, y])
    best = [c - (c + 1) * y * n[c + 1] / n[c] for c in (1, 2, 3)]
    return np.array([0.0, *np.clip(best, 0.05, [0.95, 1.95, 2.95])])


def _checked(ids: Any, vocabulary: int) -> np.ndarray:
    array = np.asarray(ids)
    if array.size == 0:
        return np.zeros(0, np.int32)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"n-gram baseline: expected a 1-D array of integers, got {array.ndim}-D {array.dtype}")
    if array.min() < 0 or array.max() >= vocabulary:
        raise ValueError(f"n-gram baseline: expected ids in 0..{vocabulary - 1}, got {array.min()}..{array.max()}")
    return array.astype(_kind(vocabulary), copy=False)
