"""What a model sees of each token: an id in each of several columns, and its spelling as a bag of pieces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.data import pieces
from throughtime.errors import UserError

Spelled = Sequence[str]

UNKNOWN = 0
"""The id of what is in no vocabulary, and of nothing, behind the end of a row."""

PIECES = (1, 5)
"""Characters of the pieces a word is spelled with."""

_LONGEST = 40
"""Characters of a token that its spelling looks at."""


@dataclass(frozen=True)
class Encoded:
    """Texts as ids.

    ids: (M, C) int32, the tokens of all texts one after the other. starts: (N + 1,) int64, text n has the tokens
    starts[n] to starts[n + 1], at least one. spelled: (M,) int32, the spelling of each token, pieces (L,) int32 and
    offsets (D + 1,) int64, the pieces of spelling d: pieces[offsets[d] : offsets[d + 1]]; empty where nothing is.
    values: (M, F) float32, what is known of each token besides; None for nothing.
    """

    ids: np.ndarray
    starts: np.ndarray
    spelled: np.ndarray
    pieces: np.ndarray
    offsets: np.ndarray
    values: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """(N,) tokens of each text."""
        return np.diff(self.starts)

    def cut(self, longest: int) -> Encoded:
        """Of longer texts the first and the last half of so many tokens; the same where there are none."""
        lengths = self.lengths
        if (lengths <= longest).all():
            return self
        head = longest - longest // 2
        place = np.arange(self.starts[-1]) - np.repeat(self.starts[:-1], lengths)
        behind = np.repeat(lengths, lengths) - place
        kept = (np.repeat(lengths, lengths) <= longest) | (place < head) | (behind <= longest // 2)
        starts = np.concatenate([[0], np.minimum(lengths, longest).cumsum()])
        spelled = self.spelled[kept] if len(self.spelled) else self.spelled
        values = None if self.values is None else self.values[kept]
        return Encoded(self.ids[kept], starts, spelled, self.pieces, self.offsets, values)

    def batch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any, Any, Any, Any]:
        """What models.reader.Tokens takes, for some of the texts."""
        lengths = self.lengths[rows]
        steps = np.arange(lengths.max(initial=1))[:, None]
        inside = steps < lengths
        places = np.where(inside, self.starts[rows] + steps, 0)
        ids = np.where(inside[..., None], self.ids[places], UNKNOWN).transpose(2, 0, 1).astype(np.int64)
        values = None if self.values is None else np.where(inside[..., None], self.values[places], np.float32(0))
        if not len(self.spelled):
            return np.ascontiguousarray(ids), lengths, None, None, None, values
        used, spelled = np.unique(self.spelled[places], return_inverse=True)
        first, counts = self.offsets[used], self.offsets[used + 1] - self.offsets[used]
        offsets = np.concatenate([[0], counts.cumsum()])
        found = self.pieces[np.repeat(first - offsets[:-1], counts) + np.arange(offsets[-1])].astype(np.int64)
        return (
            np.ascontiguousarray(ids),
            lengths,
            spelled.reshape(places.shape).astype(np.int64),
            found,
            offsets,
            values,
        )


class Columns:
    """The columns of a model, with the vocabulary of each.

    kinds: names of KINDS. vocabularies: for each, what it knows, in the order of the ids from 1 up; UNKNOWN is 0.
    pieces: those a token is spelled with, None where spelling is not looked at.
    """

    def __init__(
        self, kinds: Sequence[str], vocabularies: Sequence[Sequence[str]], pieces: Sequence[str] | None = None
    ) -> None:
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            raise UserError(f"columns: expected some of {', '.join(KINDS)}, got {unknown[0]!r}")
        self.kinds, self.vocabularies = tuple(kinds), [list(words) for words in vocabularies]
        self.pieces = None if pieces is None else list(pieces)
        self._ids = [{word: i for i, word in enumerate(words, 1)} for words in self.vocabularies]
        self._piece_ids = {piece: i for i, piece in enumerate(self.pieces or [])}
        self._jieba = bool({"place", "word_around"} & set(kinds))

    @classmethod
    def fit(
        cls,
        texts: Sequence[Spelled],
        kinds: Sequence[str],
        spelling: bool = False,
        least: int = 1,
        least_pieces: int = 3,
        most: int = 200_000,
    ) -> tuple[Columns, list[np.ndarray]]:
        """The columns of the tokens of some texts; and of each column how often each of its ids stands there, (V,).

        least: how often something stands to be known; least_pieces: in so many different words. most: of each column.
        """
        blank = cls(kinds, [[] for _ in kinds])
        counts: list[Counter[str]] = [Counter() for _ in kinds]
        for text in texts:
            for counter, column in zip(counts, blank._columns(text), strict=True):
                counter.update(column)
        known = []
        for counter in counts:
            ordered = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
            known.append([word for word, count in ordered if count >= least][:most])
        found: list[str] | None = None
        if spelling:
            words = Counter(piece for word in {t for text in texts for t in text} for piece in set(_spell(word)))
            found = sorted(piece for piece, count in words.items() if count >= least_pieces)[:most]
            if not found:
                found = sorted(words)[:most]
        frequencies = [
            np.array([0, *(counter[word] for word in words)], np.int64)
            for counter, words in zip(counts, known, strict=True)
        ]
        return cls(kinds, known, found), frequencies

    def grown(self, texts: Sequence[Spelled], most: int = 200_000) -> Columns:
        """With what the tokens of further texts have, behind the ids they had."""
        new, _ = Columns.fit(texts, self.kinds, self.pieces is not None, most=most)

        def both(old: list[str], found: list[str]) -> list[str]:
            known = set(old)
            return [*old, *[word for word in found if word not in known][: max(0, most - len(old))]]

        words = [both(old, found) for old, found in zip(self.vocabularies, new.vocabularies, strict=True)]
        return Columns(self.kinds, words, None if self.pieces is None else both(self.pieces, new.pieces or []))

    @property
    def sizes(self) -> list[int]:
        """How many ids each column has, the unknown one included."""
        return [1 + len(words) for words in self.vocabularies]

    def encode(self, texts: Iterable[Spelled]) -> Encoded:
        """Texts, each its tokens, as ids; one without a token is one unknown token."""
        rows: list[list[int]] = [[] for _ in self.kinds]
        lengths, spelled = [], []
        places: dict[str, int] = {}
        for text in texts:
            tokens = text or [""]
            lengths.append(len(tokens))
            for row, ids, column in zip(rows, self._ids, self._columns(tokens), strict=True):
                get = ids.get
                row.extend([get(word, UNKNOWN) for word in column])
            if self.pieces is not None:
                spelled.extend([places.setdefault(token, len(places)) for token in tokens])
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        table = np.array(rows, np.int32).T.reshape(-1, len(self.kinds))
        if self.pieces is None:
            return Encoded(table, starts, np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(1, np.int64))
        known = self._piece_ids
        bags = [[known[piece] for piece in _spell(word) if piece in known] for word in places]
        offsets = np.concatenate([[0], np.cumsum([len(bag) for bag in bags], dtype=np.int64)])
        joined = np.array([id for bag in bags for id in bag], np.int32)
        return Encoded(table, starts, np.array(spelled, np.int32), joined, offsets)

    def _columns(self, tokens: Spelled) -> list[Sequence[str]]:
        segmented = _segmented(tokens) if self._jieba else []
        return [KINDS[kind](tokens, segmented) for kind in self.kinds]

    def to_json(self) -> dict[str, Any]:
        return {"columns": list(self.kinds), "vocabularies": self.vocabularies, "pieces": self.pieces}

    @classmethod
    def from_json(cls, data: Any) -> Columns:
        """Rebuild from `to_json`; UserError where it is malformed."""
        try:
            kinds, vocabularies, known = data["columns"], data["vocabularies"], data["pieces"]
            lists = [kinds, *vocabularies, *([] if known is None else [known])]
            sound = all(isinstance(one, list) and all(isinstance(word, str) for word in one) for one in lists)
            if not sound or not kinds or len(kinds) != len(vocabularies):
                raise ValueError("expected lists of texts")
            return cls(kinds, vocabularies, known)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"columns: malformed ({error!r}); tokenizer.json is damaged") from None


_DIGIT, _WORD, _NUMBER = re.compile(r"\d"), re.compile(r"[^\W\d_]+"), re.compile(r"\d+")


def _word(tokens: Spelled, segmented: Any) -> list[str]:
    return [_DIGIT.sub("0", token.lower()) for token in tokens]


def _token(tokens: Spelled, segmented: Any) -> list[str]:
    return list(tokens)


def _shape(tokens: Spelled, segmented: Any) -> list[str]:
    found = []
    for token in tokens:
        if not token:
            found.append("")
            continue
        first = "X" if token[:1].isupper() else "x"
        rest = "" if len(token) < 2 else "X" if token[1:].isupper() else "x" if token[1:].islower() else "m"
        letters = "".join(c for c in token if c.isalpha())
        found.append(f"{first}{rest}" if letters else "9" if _NUMBER.fullmatch(token) else ".")
    return found


def _before(tokens: Spelled, segmented: Any) -> list[str]:
    return [a + b for a, b in zip(["\u0002", *tokens[:-1]], tokens, strict=False)]


def _after(tokens: Spelled, segmented: Any) -> list[str]:
    return [a + b for a, b in zip(tokens, [*tokens[1:], "\u0003"], strict=False)]


def _place(tokens: Spelled, segmented: Any) -> list[str]:
    return [place for _, place in segmented]


def _around(tokens: Spelled, segmented: Any) -> list[str]:
    return [word for word, _ in segmented]


KINDS: dict[str, Callable[[Spelled, Any], Sequence[str]]] = {
    "word": _word,
    "token": _token,
    "shape": _shape,
    "pair_before": _before,
    "pair_after": _after,
    "place": _place,
    "word_around": _around,
}
"""Every column: word (lower case, digits as 0), token (as it is), shape (its letters' case), pair_before and pair_after
(a token with its neighbour), place (where it lies in its jieba word: B, I, E, or S alone) and word_around (that word).
"""


def _segmented(tokens: Spelled) -> list[tuple[str, str]]:
    """The jieba word around each token, and the token's place in it; tokens are mostly single characters."""
    text = "".join(tokens)
    ends, at = [], 0
    for token in tokens:
        at += len(token)
        ends.append(at)
    words = [(word, start, end) for word, start, end in pieces.split_jieba(text)]
    found, w = [], 0
    for token, end in zip(tokens, ends, strict=True):
        start = end - len(token)
        while w < len(words) and words[w][2] <= start:
            w += 1
        if w == len(words) or words[w][1] > start:
            found.append((token, "S" if token else ""))
            continue
        word, first, last = words[w]
        alone = first >= start and last <= end
        place = "S" if alone else "B" if first >= start else "E" if last <= end else "I"
        found.append((word, place))
    return found


def _spell(word: str) -> list[str]:
    """Its pieces: n-grams of its lower-cased characters, between marks of its ends; of no word none."""
    if not word:
        return []
    framed = f"<{word[:_LONGEST].lower()}>"
    shortest, longest = PIECES
    return [framed[i : i + n] for n in range(shortest, longest + 1) for i in range(len(framed) - n + 1)]
