"""One id per word; a word takes the space before it along."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import regex

from throughtime.errors import UserError

UNKNOWN = ("<unk>", " <unk>")
"""Ids 0 and 1: a word outside the vocabulary, without and with a space before it."""

_USUAL = 10_000
"""Pieces in all, where nothing is said."""

# Scripts written without spaces (kana, Han) give one piece per character; so do white space and punctuation.
ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = rf"[[\w\p{{N}}]--[{ALONE}]]"
_MARKED = regex.compile(rf" ?{_WORD}+(?:['’]{_WORD}+)*| ?[{ALONE}]| ?[^\w\p{{N}}\s\x1c-\x1f]|[\s\x1c-\x1f]", regex.V1)
_PLAIN = re.compile(rf" ?[^\W{ALONE}]+(?:['’][^\W{ALONE}]+)*| ?[{ALONE}]| ?[^\w\s]|\s")


def pattern(marks: bool) -> Any:
    """What matches a piece, the space before it included. marks: whether combining marks (vowel signs, points) belong
    to the word they stand in; models of an earlier version cut there."""
    return _MARKED if marks else _PLAIN


class Words:
    """The most frequent pieces of a text: words, punctuation, white space. Joining the pieces gives the text back.

    pieces: without the two of UNKNOWN, which stand before them. marks: see `pattern`.
    """

    kind: ClassVar[str] = "words"

    def __init__(self, pieces: list[str], marks: bool = True) -> None:
        if any(not isinstance(p, str) for p in pieces) or len(set(pieces)) != len(pieces):
            raise UserError("tokenizer words: expected each piece once, as text; tokenizer.json is damaged")
        self.pieces, self.marks = [*UNKNOWN, *pieces], marks
        self._pattern = pattern(marks)
        self._ids = {piece: i for i, piece in enumerate(pieces, len(UNKNOWN))}

    @classmethod
    def fit(cls, text: str, size: int | None = None) -> Words:
        """The `size` - 2 most frequent pieces (10,000 in all where not given)."""
        size = _USUAL if size is None else size
        if size <= len(UNKNOWN):
            raise UserError(f"words: expected a vocabulary of at least {len(UNKNOWN) + 1}, got {size}")
        counts = sorted(
            Counter(found[0] for found in pattern(True).finditer(text)).items(), key=lambda item: (-item[1], item[0])
        )
        return cls([piece for piece, _ in counts[: size - len(UNKNOWN)]])

    def grown(self, text: str, size: int | None = None) -> Words:
        """With the most frequent pieces of a further text behind its own; up to `size` in all, where that is given."""
        own, known = self.pieces[len(UNKNOWN) :], self._ids
        counts = sorted(Counter(self._pattern.findall(text)).items(), key=lambda item: (-item[1], item[0]))
        new = [piece for piece, _ in counts[: (size or _USUAL) - len(UNKNOWN)] if piece not in known]
        return Words([*own, *new[: None if size is None else max(0, size - self.size)]], self.marks)

    @property
    def size(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> np.ndarray:
        """int32, one id per piece; a piece outside the vocabulary becomes an id of UNKNOWN."""
        known = self._ids
        ids = [known[p] if p in known else int(p[0] == " " and len(p) > 1) for p in self._pattern.findall(text)]
        return np.array(ids, np.int32)

    def decode(self, ids: Iterable[int] | np.ndarray) -> str:
        return "".join([self.pieces[i] for i in ids])

    def decoder(self) -> _Decoder:
        return _Decoder(self.pieces)

    def settled(self, text: str) -> int:
        """How many characters become the same ids whatever follows: those before the last piece, but for an apostrophe,
        which may become part of the word before it."""
        pieces = [*self._pattern.finditer(text)]
        return next((piece.start() for piece in reversed(pieces) if piece[0] not in ("'", "’")), 0)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "pieces": self.pieces[len(UNKNOWN) :], "marks": self.marks}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Words:
        pieces, marks = data["pieces"], data.get("marks", False)
        if not isinstance(pieces, list) or not all(map(_is_text, pieces)):
            raise UserError("tokenizer words: expected a list of texts; tokenizer.json is damaged")
        if not isinstance(marks, bool):
            raise UserError("tokenizer words: expected true or false for marks; tokenizer.json is damaged")
        return cls(pieces, marks)


def _is_text(piece: Any) -> bool:
    """Whether it is text that UTF-8 can say: not empty, no half of a surrogate pair."""
    return isinstance(piece, str) and bool(piece) and not any("\ud800" <= c <= "\udfff" for c in piece)


class _Decoder:
    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces

    def push(self, id: int) -> str:
        return self._pieces[id]

    def flush(self) -> str:
        return ""
