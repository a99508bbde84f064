"""What cuts a text into the tokens that a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from throughtime.data import tokenizers
from throughtime.data.pieces import SPLITTERS, Piece, split_characters, split_spaces, split_words
from throughtime.data.spacing import Cuts
from throughtime.errors import UserError

UNITS = (*SPLITTERS, "subwords")
"""words (each sign, and each Han or kana character, on its own), characters, jieba (Chinese words), subwords (byte pair
encoding)."""

_SUBWORDS = 4000


LEARNED, SPACES = "learned", "spaces"
"""What a tagger may be cut with besides: as the tokens of its training have it (data/spacing.py); at white space."""


class Splitter:
    """kind: one of UNITS, LEARNED, SPACES, or "tokenizer" for that of a language model. tokenizer: of subwords and of
    the last, None for others. marks: whether combining marks stay with what they stand on; models of an earlier version
    cut there. cuts: of LEARNED."""

    def __init__(self, kind: str, tokenizer: Any = None, marks: bool = True, cuts: Cuts | None = None) -> None:
        if kind not in (*UNITS, LEARNED, SPACES, "tokenizer"):
            raise UserError(f"units: expected one of {', '.join(UNITS)}, got {kind!r}")
        self.kind, self.tokenizer, self.marks, self.cuts = kind, tokenizer, marks, cuts
        if tokenizer is not None and kind not in ("subwords", "tokenizer"):
            raise UserError(f"units: {kind} need no tokenizer; tokenizer.json is damaged")
        if (cuts is None) == (kind == LEARNED):
            raise UserError(f"units: {kind} and their rules do not fit; tokenizer.json is damaged")
        self._known = frozenset(tokenizer.characters) if getattr(tokenizer, "kind", "") == "characters" else None

    @classmethod
    def fit(cls, kind: str, texts: Sequence[str]) -> Splitter:
        """The splitter of a kind; subwords are learned from the texts."""
        if kind != "subwords":
            return cls(kind)
        return cls(kind, tokenizers.fit("bpe", "\n".join(texts), _SUBWORDS))

    def split(self, text: str) -> list[str]:
        """The tokens; none for a text of white space. Of a tokenizer, their ids as texts."""
        if self.tokenizer is None:
            return [token for token, _, _ in self.pieces(text)]
        if self._known is not None:
            text = "".join([sign for sign in text if sign in self._known])
        return [str(id) for id in self.tokenizer.encode(text).tolist()] if text else []

    def pieces(self, text: str) -> list[Piece]:
        """The tokens with their places in the text; not for what has a tokenizer."""
        if self.cuts is not None:
            return self.cuts.pieces(text)
        if self.kind == SPACES:
            return split_spaces(text)
        if self.kind == "words":
            return split_words(text, self.marks)
        return split_characters(text, self.marks) if self.kind == "characters" else SPLITTERS[self.kind](text)

    def shown(self, tokens: Sequence[str]) -> list[str]:
        """The tokens as a reader sees them."""
        if self.tokenizer is None:
            return list(tokens)
        return [self.tokenizer.decode([int(token)]) for token in tokens]

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": self.kind, "tokenizer": None if self.tokenizer is None else self.tokenizer.to_json()
        }  # fmt: skip
        if self.kind in ("words", "characters"):
            found["marks"] = self.marks
        return found if self.cuts is None else {**found, "cuts": self.cuts.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> Splitter:
        """Rebuild from `to_json`; UserError where it is malformed."""
        if not isinstance(data, dict) or not {"kind", "tokenizer"} <= data.keys() or not isinstance(data["kind"], str):
            raise UserError("units: expected a kind and a tokenizer; tokenizer.json is damaged")
        if (data["tokenizer"] is None) == (data["kind"] in ("subwords", "tokenizer")):
            raise UserError(f"units: {data['kind'][:40]!r} and its tokenizer do not fit; tokenizer.json is damaged")
        if not isinstance(marks := data.get("marks", False), bool):
            raise UserError("units: expected true or false for marks; tokenizer.json is damaged")
        tokenizer = None if data["tokenizer"] is None else tokenizers.from_json(data["tokenizer"])
        cuts = None if data.get("cuts") is None else Cuts.from_json(data["cuts"])
        return cls(data["kind"], tokenizer, marks, cuts)


def given_back(splitter: Splitter, texts: Sequence[str], tokens: Sequence[Sequence[str]]) -> list[bool]:
    """Of which texts the tokens come back where they are cut."""
    return [splitter.split(text) == list(own) for text, own in zip(texts, tokens, strict=True)]
