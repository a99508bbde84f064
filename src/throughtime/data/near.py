"""Which pairs of texts belong on one side of a split: those of which a side is nearly the same.

Two texts are near where they have the same words, or where over half of the word 5-grams of the one that has fewer
stand in the other; Chinese characters and kana are words of their own. Found with an inverted index: texts that stand
next to each other under one 5-gram are compared. Time and memory grow with the number of words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.data.words import ALONE

ORDER = 5
"""Words of an n-gram."""

FEWEST = 3
"""N-grams that both texts must have to be near without being the same."""

HALF = 0.5
"""The share of n-grams above which two texts are near."""

MOST = 1 << 24
"""N-grams kept of all texts; of more, those with the smallest hashes."""

_AT_ONCE = 1 << 22
"""N-grams compared at once, some 50 bytes each."""

_PIECE = re.compile(rf"[^\W{ALONE}]+|[{ALONE}]")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Near:
    """groups: (N,) int64, one number for pairs that are near, also by way of others. same: of each side (N,) int64, one
    number for texts of the same words. edges: (E, 2) int64, pairs of which a side is near without being the same; not
    every one, but enough that what is near hangs together."""

    groups: np.ndarray
    same: tuple[np.ndarray, ...]
    edges: np.ndarray

    def leaked(self, held: np.ndarray) -> np.ndarray:
        """(N,) bool: which of the pairs held back, (N,) bool, are near one that is not. Direct neighbours alone, so at
        least so many."""
        found = np.zeros(len(held), bool)
        for numbers in self.same:
            learned = np.zeros(int(numbers.max(initial=0)) + 1, bool)
            learned[numbers[~held]] = True
            found |= learned[numbers]
        for one, other in ((0, 1), (1, 0)):
            ends = self.edges[:, one], self.edges[:, other]
            found[ends[0][~held[ends[1]]]] = True
        leaked: np.ndarray = found & held
        return leaked

    def shuffled(self, share: float, seed: int) -> float:
        """The share of pairs held back that a shuffle of pairs alone would have put beside near ones to learn from."""
        count = len(self.groups)
        held = np.zeros(count, bool)
        held[np.random.default_rng(seed).permutation(count)[: max(1, round(share * count))]] = True
        return float(self.leaked(held).sum() / held.sum())

    def sentence(self, share: float, seed: int) -> str:
        """What the groups are worth, in words."""
        sizes = np.bincount(np.unique(self.groups, return_inverse=True)[1])
        near = int(sizes[sizes > 1].sum())
        if not near:
            return "split: no two pairs have a side that is nearly the same"
        return (
            f"split: {near:,} of {len(self.groups):,} pairs have a side that is nearly another one's, and stay with it "
            f"(the largest group: {sizes.max():,}); a plain shuffle would have put at least "
            f"{self.shuffled(share, seed):.1%} of what is held back beside such a one"
        )


def near(sides: Sequence[Sequence[str]], tied: Sequence[int] = ()) -> Near:
    """Which of N pairs are near.

    sides: each of N texts. tied: (N,), pairs of one number belong together whatever their texts are.
    """
    count = len(sides[0])
    same, edges = [], [np.zeros((0, 2), np.int64)]
    for texts in sides:
        numbers, grams, owner = _numbered(texts)
        same.append(numbers)
        edges.append(_edges(grams, owner, count))
    found = np.unique(np.concatenate(edges), axis=0)
    more = [] if not len(tied) else [np.unique(np.asarray(tied), return_inverse=True)[1].astype(np.int64)]
    links = [found, *(_chained(numbers) for numbers in (*same, *more))]
    return Near(_joined(np.concatenate(links), count), tuple(same), found)


def _numbered(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each text a number of its words; and of all n-grams the hash, uint64, and whose it is, once in each text."""
    known: dict[bytes, int] = {}
    words: dict[str, int] = {}
    numbers = np.empty(len(texts), np.int64)
    lengths = np.empty(len(texts), np.int64)
    ids: list[np.ndarray] = [np.zeros(0, np.uint64)]
    for i, text in enumerate(texts):
        pieces = _PIECE.findall(text.casefold()) or [text]
        key = hashlib.blake2b(" ".join(pieces).encode("utf-8", "replace"), digest_size=12).digest()
        new = key not in known  # n-grams of the same texts again would only be the same links
        numbers[i] = known.setdefault(key, i)
        own = [words.setdefault(piece, len(words) + 1) for piece in pieces] if new else []
        lengths[i] = len(own)
        ids.append(np.array(own, np.uint64))
    hashes, owner = _grams(np.concatenate(ids), lengths)
    return numbers, hashes, owner


def _grams(ids: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of n-grams that lie within one text, and the texts, sorted by text and hash, each once."""
    owner = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    if len(ids) < ORDER:
        return np.zeros(0, np.uint64), np.zeros(0, np.int32)
    mixed = _mix(ids)
    hashes = mixed[: len(ids) - ORDER + 1].copy()
    for i in range(1, ORDER):
        hashes = hashes * _FACTOR + mixed[i : len(ids) - ORDER + 1 + i]
    inside = owner[: len(hashes)] == owner[ORDER - 1 :]
    hashes, owner = _mix(hashes[inside]), owner[: len(inside)][inside]
    if len(hashes) > MOST:
        kept = hashes < np.uint64(2**64 * (MOST / len(hashes)))
        hashes, owner = hashes[kept], owner[kept]
    order = np.lexsort((hashes, owner))
    hashes, owner = hashes[order], owner[order]
    new = np.ones(len(hashes), bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (owner[1:] != owner[:-1])
    return hashes[new], owner[new]


def _mix(values: np.ndarray) -> np.ndarray:
    """Each value to 64 bits of which each depends on all of it. Source: Steele, Lea and Flood 2014,
    doi:10.1145/2660193.2660195, figure 16."""
    values = values * _FACTOR
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def _edges(hashes: np.ndarray, owner: np.ndarray, count: int) -> np.ndarray:
    """(E, 2) texts that are near. hashes, owner: of n-grams, sorted by text, each once in a text."""
    sizes = np.bincount(owner, minlength=count)
    starts = np.concatenate([[0], sizes.cumsum()])
    order = np.argsort(hashes, kind="stable")
    ordered, rows = hashes[order], owner[order]
    once = np.flatnonzero(ordered[1:] == ordered[:-1])
    pairs = np.stack([rows[once], rows[once + 1]], 1)
    twice = once[:-1][np.diff(once) == 1]
    pairs = np.concatenate([pairs, np.stack([rows[twice], rows[twice + 2]], 1)])
    pairs = pairs[(sizes[pairs] >= FEWEST).all(1)]
    if not len(pairs):
        return np.zeros((0, 2), np.int64)
    pairs = np.unique(pairs.astype(np.int64) @ np.array([count, 1]))
    pairs = np.stack(np.divmod(pairs, count), 1)
    found = [pairs[part][_shared(hashes, starts, sizes, pairs[part])] for part in _parts(sizes[pairs].sum(1))]
    return np.concatenate(found)


def _parts(sizes: np.ndarray) -> Iterator[slice]:
    """Stretches of pairs whose n-grams fit into memory."""
    total = sizes.cumsum()
    begin = 0
    while begin < len(sizes):
        before = total[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, before + _AT_ONCE)))
        yield slice(begin, end)
        begin = end


def _shared(hashes: np.ndarray, starts: np.ndarray, sizes: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(P,) bool: of which pairs of texts over half of the n-grams of the one that has fewer stand in both."""
    lengths = sizes[pairs].ravel()
    within = np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
    keys = hashes[np.repeat(starts[pairs].ravel(), lengths) + within]
    which = np.repeat(np.arange(len(pairs)), lengths.reshape(-1, 2).sum(1))
    order = np.lexsort((keys, which))
    keys, which = keys[order], which[order]
    both = np.flatnonzero((keys[1:] == keys[:-1]) & (which[1:] == which[:-1]))
    counts = np.bincount(which[both], minlength=len(pairs))
    found: np.ndarray = counts > HALF * lengths.reshape(-1, 2).min(1)
    return found


def _chained(numbers: np.ndarray) -> np.ndarray:
    """(E, 2): rows of one number, each with the next."""
    order = np.argsort(numbers, kind="stable")
    next_to = np.flatnonzero(numbers[order][1:] == numbers[order][:-1])
    return np.stack([order[next_to], order[next_to + 1]], 1).astype(np.int64)


def _joined(links: np.ndarray, count: int) -> np.ndarray:
    """(N,) int64: the least row that each hangs together with."""
    parent = np.arange(count, dtype=np.int64)
    while len(links):
        ends = parent[links]
        low, high = ends.min(1), ends.max(1)
        apart = low != high
        if not apart.any():
            break
        links = links[apart]
        np.minimum.at(parent, high[apart], low[apart])
        while (parent[parent] != parent).any():
            parent = parent[parent]
    return parent
