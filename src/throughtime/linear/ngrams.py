"""N-grams of words and of characters as numbers, with NumPy alone.

A text is lower-cased, its runs of white space become one space, and a space stands at both ends. With x_i the code
points, mixed to 64 bits, the n-grams of order n have the hashes

    characters   h_1(i) = x_i             h_n(i) = P h_(n-1)(i) + x_(i+n-1)              mod 2^64
    words        w_k = mix(sum of P^j x_(s+j) over the token's characters)
                 h_1(k) = w_k             h_n(k) = Q h_(n-1)(k) + w_(k+n-1)              mod 2^64

A word is a run of letters, digits and marks, apostrophes inside it included; every other character that is not white
space, and every Han character or kana, is a token of its own. Only hashes are kept. Of m different n-grams two share
one with probability m^2 / 2^65 (the birthday bound): 3e-8 for a million, 3e-4 for a hundred million.

Source: the finaliser of splitmix64, Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195, figure 16; the polynomial,
Karp and Rabin 1987, doi:10.1147/rd.312.0249.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from throughtime.errors import UserError

KINDS = ("words", "characters")

MOST = 4_000_000
"""Features kept at most: those in the most texts."""

_CHUNK = 1 << 16
"""Characters worked on at once; a longer text is a chunk of its own. Some 200 bytes each."""

_P, _Q = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1342543DE82EF95)
_SEEDS = {"characters": np.uint64(0x2545F4914F6CDD1D), "words": np.uint64(0xA0761D6478BD642F)}
_SPACE, _WORD, _ALONE, _APOSTROPHE = 1, 2, 3, 4


@dataclass(frozen=True)
class _Part:
    """All n-grams of one order: hashes uint64, the number of the text in its chunk, from and to which character."""

    kind: str
    order: int
    hashes: np.ndarray
    texts: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


class Ngrams:
    """Which n-grams stand in a text, and how often, among those that are known.

    words, characters: the least and the highest order, or None. least: in how many texts a feature must stand, one
    number or (words, characters). hashes: (F,) uint64 ascending, the known features; a feature's id is its place.
    """

    def __init__(
        self,
        words: tuple[int, int] | None = (1, 3),
        characters: tuple[int, int] | None = (1, 6),
        least: int | tuple[int, int] = (1, 2),
        most: int = MOST,
        hashes: np.ndarray | None = None,
    ) -> None:
        self.words, self.characters = _orders("words", words), _orders("characters", characters)
        if self.words is None and self.characters is None:
            raise UserError("n-grams: expected orders of words or of characters, got neither")
        both = least if isinstance(least, tuple) else (least, least)
        if len(both) != 2 or any(type(n) is not int or n < 1 for n in (*both, most)):
            raise UserError(f"n-grams: expected least and most as numbers from 1, got {least!r} and {most!r}")
        self.least, self.most = both, most
        self._index = _Index(np.zeros(0, np.uint64) if hashes is None else _checked(hashes))

    @property
    def hashes(self) -> np.ndarray:
        return self._index.hashes

    @property
    def size(self) -> int:
        return len(self.hashes)

    def fit(self, texts: Iterable[str]) -> Ngrams:
        """Know the n-grams that stand in at least `least` of these texts. Returns itself."""
        tallies = {kind: _Tally() for kind in KINDS}
        for plain in _chunks(texts):
            for part in self._parts(plain):
                tallies[part.kind].add(*_in_texts(part.hashes, part.texts))
        hashes, counts = [], []
        for kind, least in zip(KINDS, self.least, strict=True):
            tally = tallies[kind].merged()
            enough = tally[1] >= least
            hashes.append(tally[0][enough])
            counts.append(tally[1][enough])
        known, total = np.concatenate(hashes), np.concatenate(counts)
        if len(known) > self.most:
            known = known[np.lexsort((known, -total))[: self.most]]
        self._index = _Index(np.unique(known))
        return self

    def rows(self, texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The known n-grams of N texts as compressed rows.

        Returns indptr (N + 1,) int64, indices int32 ascending and once each within a row, counts int32.
        """
        lengths: list[np.ndarray] = []
        indices: list[np.ndarray] = [np.zeros(0, np.int32)]
        counts: list[np.ndarray] = [np.zeros(0, np.int32)]
        for plain in _chunks(texts):
            keys = [np.zeros(0, np.int64)]
            for part in self._parts(plain) if self.size else ():
                ids = self._index.look_up(part.hashes)
                known = np.flatnonzero(ids >= 0)
                keys.append(part.texts[known] * self.size + ids[known])
            ordered = np.sort(np.concatenate(keys), kind="stable")  # texts ascend already, which merging makes use of
            first = np.flatnonzero(np.diff(ordered, prepend=-1))
            owner, ids = np.divmod(ordered[first], max(1, self.size))
            lengths.append(np.bincount(owner, minlength=len(plain)))
            indices.append(ids.astype(np.int32))
            counts.append(np.diff(first, append=len(ordered)).astype(np.int32))
        indptr = np.concatenate([np.zeros(1, np.int64), *lengths]).cumsum()
        return indptr, np.concatenate(indices), np.concatenate(counts)

    def located(self, texts: Sequence[str]) -> Iterator[tuple[str, int, np.ndarray, np.ndarray, np.ndarray]]:
        """Where known n-grams stand, some texts and one order at a time.

        Yields kind, order, and of each n-gram its id, its text's number (int64, ascending) and the place of its last
        character in that text as it is counted, from 0, the space at its start.
        """
        first = 0
        for plain in _chunks(texts):
            begins = np.concatenate([[0], np.cumsum([len(one) for one in plain], dtype=np.int64)])
            for part in self._parts(plain) if self.size else ():
                ids = self._index.look_up(part.hashes)
                known = np.flatnonzero(ids >= 0)
                owner = part.texts[known]
                yield part.kind, part.order, ids[known], owner + first, part.ends[known] - 1 - begins[owner]
            first += len(plain)

    def names(self, texts: Iterable[str], ids: Iterable[int]) -> dict[int, str]:
        """How n-grams read, by their ids, as they stand in the first of these texts that has them.

        Only hashes are kept, so an id that stands in none of the texts is missing.
        """
        wanted = np.zeros(self.size, bool)
        wanted[np.fromiter(ids, np.int64)] = True
        found: dict[int, str] = {}
        for plain in _chunks(texts):
            if not wanted.any():
                break
            joined = "".join(plain)
            for part in self._parts(plain):
                place = self._index.look_up(part.hashes)
                here = np.flatnonzero(place >= 0)
                here = here[wanted[place[here]]]
                for id, at in zip(*np.unique(place[here], return_index=True), strict=True):
                    found[int(id)] = joined[part.starts[here[at]] : part.ends[here[at]]]
                    wanted[id] = False
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """What to keep as numbers: hashes (F,) uint64."""
        return {"hashes": self.hashes}

    def to_json(self) -> dict[str, Any]:
        """What to keep as text."""
        orders = {kind: list(o) if (o := getattr(self, kind)) else None for kind in KINDS}
        return {**orders, "least": list(self.least), "most": self.most}

    @classmethod
    def from_arrays(cls, data: Any, arrays: Mapping[str, np.ndarray]) -> Ngrams:
        """Rebuild from `to_json` and `arrays`; UserError says what is damaged."""
        if not isinstance(data, dict) or data.keys() != {*KINDS, "least", "most"} or "hashes" not in arrays:
            raise UserError("n-grams: expected words, characters, least, most and hashes; the file is damaged")
        given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in data.items()}
        return cls(**given, hashes=arrays["hashes"])

    def _parts(self, plain: list[str]) -> Iterator[_Part]:
        codes = np.frombuffer("".join(plain).encode("utf-32-le", "surrogatepass"), "<u4")
        lengths = np.fromiter(map(len, plain), np.int64, len(plain))
        owner = np.repeat(np.arange(len(plain)), lengths)
        if self.characters:
            mixed = _mix(codes + _SEEDS["characters"])
            left = np.repeat(lengths.cumsum(), lengths) - np.arange(len(codes))
            for order, hashes in _rolled(mixed, self.characters, _P):
                at = np.flatnonzero(left[: len(hashes)] >= order)
                yield _Part("characters", order, hashes[at], owner[at], at, at + order)
        if self.words:
            starts, ends = _tokens(codes)
            tokens, owner = _token_hashes(codes, starts, ends), owner[starts]
            for order, hashes in _rolled(tokens, self.words, _Q):
                at = np.flatnonzero(owner[: len(hashes)] == owner[order - 1 :])
                yield _Part("words", order, hashes[at], owner[at], starts[at], ends[at + order - 1])


class _Index:
    """Ascending hashes and, for each value of their first bits, where those begin: hashes are evenly spread, so that
    what is looked for stands there or just behind. Some five times as fast as a binary search."""

    def __init__(self, hashes: np.ndarray) -> None:
        self.hashes = hashes
        bits = min(26, len(hashes).bit_length() + 2)
        self._shift = np.uint64(64 - bits)
        borders = np.arange(1 << bits, dtype=np.uint64) << self._shift
        self._first = np.searchsorted(hashes, borders).astype(np.int32)
        self._ended = np.append(hashes, np.uint64(2**64 - 1))

    def look_up(self, wanted: np.ndarray) -> np.ndarray:
        """The place (M,) int32 of each hash (M,), -1 where it is not known."""
        place: np.ndarray = self._first[wanted >> self._shift]
        there = self._ended[place]
        behind = np.flatnonzero(there < wanted)
        while len(behind):
            place[behind] += 1
            there[behind] = self._ended[place[behind]]
            behind = behind[there[behind] < wanted[behind]]
        place[(there != wanted) | (place == len(self.hashes))] = -1
        return place


class _Tally:
    """How often hashes were added, merged now and then, so that it takes little more memory than there are hashes."""

    def __init__(self) -> None:
        self._parts: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(0, np.uint64), np.zeros(0, np.int64))]
        self._waiting = 0

    def add(self, hashes: np.ndarray, counts: np.ndarray) -> None:
        self._parts.append((hashes, counts))
        self._waiting += len(hashes)
        if self._waiting > max(1 << 22, len(self._parts[0][0])):
            self.merged()

    def merged(self) -> tuple[np.ndarray, np.ndarray]:
        """Hashes ascending, and their counts."""
        hashes, counts = (np.concatenate(one) for one in zip(*self._parts, strict=True))
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        first = _changes(hashes)
        self._parts = [(hashes[first], np.add.reduceat(counts[order], first) if len(first) else counts)]
        self._waiting = 0
        return self._parts[0]


def _in_texts(hashes: np.ndarray, texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hashes once each, ascending, and in how many texts each stands; texts never descend."""
    order = np.argsort(hashes, kind="stable")  # so that one hash's texts stay in their order
    hashes, texts = hashes[order], texts[order]
    once = np.ones(len(hashes), bool)
    once[1:] = (hashes[1:] != hashes[:-1]) | (texts[1:] != texts[:-1])
    hashes = hashes[once]
    first = _changes(hashes)
    return hashes[first], np.diff(first, append=len(hashes))


def _changes(ordered: np.ndarray) -> np.ndarray:
    """Where a value differs from the one before; the first always does."""
    return np.flatnonzero(np.concatenate([np.ones(min(1, len(ordered)), bool), ordered[1:] != ordered[:-1]]))


def _rolled(mixed: np.ndarray, orders: tuple[int, int], factor: np.uint64) -> Iterator[tuple[int, np.ndarray]]:
    hashes = mixed
    for order in range(1, orders[1] + 1):
        if order > 1:
            hashes = hashes[:-1] * factor + mixed[order - 1 :]
        if order > len(mixed):
            return
        if order >= orders[0]:
            yield order, hashes


def _tokens(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where tokens start and end. Texts meet at spaces, so that none reaches into the next."""
    if not len(codes):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    table = _kinds()
    kinds = table[codes]
    if not kinds.all():
        for code in np.unique(codes[kinds == 0]).tolist():
            table[code] = _kind(chr(code))
        kinds = table[codes]
    inside = np.zeros(len(kinds), bool)
    word = kinds == _WORD
    inside[1:-1] = (kinds[1:-1] == _APOSTROPHE) & word[:-2] & word[2:]
    word |= inside
    joined = word[1:] & word[:-1]
    token = kinds != _SPACE
    starts, ends = token.copy(), token.copy()
    starts[1:] &= ~joined
    ends[:-1] &= ~joined
    return np.flatnonzero(starts), np.flatnonzero(ends) + 1


def _token_hashes(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    if not len(starts):
        return np.zeros(0, np.uint64)
    lengths = ends - starts
    within = np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
    powers = np.full(int(lengths.max()), _P)
    powers[0] = 1
    powers = np.multiply.accumulate(powers)
    terms = _mix(codes[np.repeat(starts, lengths) + within] + _SEEDS["words"]) * powers[within]
    return _mix(np.add.reduceat(terms, lengths.cumsum() - lengths))


def _mix(values: np.ndarray) -> np.ndarray:
    """A bijection of uint64 after which every bit depends on every bit."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


@cache
def _kinds() -> np.ndarray:
    """The kind of every code point, 0 until it is first met."""
    return np.zeros(0x110000, np.uint8)


def _kind(letter: str) -> int:
    code = ord(letter)
    if letter.isspace():
        return _SPACE
    if letter in "'’":
        return _APOSTROPHE
    # Scripts written without spaces, as in data.words: kana and Han.
    if 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x4DBF or 0x4E00 <= code <= 0x9FFF:
        return _ALONE
    if 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF:
        return _ALONE
    return _WORD if letter.isalnum() or letter == "_" or unicodedata.category(letter)[0] == "M" else _ALONE


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts as they are counted, some at a time; without any text one empty chunk."""
    plain: list[str] = []
    total = 0
    for text in texts:
        words = text.lower().split()
        plain.append(f" {' '.join(words)} " if words else "")
        total += len(plain[-1])
        if total >= _CHUNK:
            yield plain
            plain, total = [], 0
    yield plain


def _orders(kind: str, orders: Sequence[int] | None) -> tuple[int, int] | None:
    if orders is None:
        return None
    if not isinstance(orders, tuple) or len(orders) != 2 or any(type(n) is not int for n in orders):
        raise UserError(f"n-grams: expected {kind} as (least order, highest order) or None, got {orders!r}")
    if not 1 <= orders[0] <= orders[1] <= 32:
        raise UserError(f"n-grams: expected orders of {kind} from 1 to 32, ascending, got {orders}")
    return orders


def _checked(hashes: np.ndarray) -> np.ndarray:
    if hashes.dtype != np.uint64 or hashes.ndim != 1 or not (hashes[1:] > hashes[:-1]).all():
        raise UserError("n-grams: expected hashes (F,) as uint64, ascending, each once; the file is damaged")
    if len(hashes) >= 2**31:
        raise UserError(f"n-grams: expected fewer than {2**31:,} features, got {len(hashes):,}")
    return hashes
