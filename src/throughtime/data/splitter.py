"""What cuts a text into the tokens that a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from throughtime.data import tokenizers
from throughtime.data.pieces import SPLITTERS
from throughtime.errors import UserError

UNITS = (*SPLITTERS, "subwords")
"""words (each sign, and each Han or kana character, on its own), characters, jieba (Chinese words), subwords (byte pair
encoding)."""

_SUBWORDS = 4000


class Splitter:
    """kind: one of UNITS, or "tokenizer" for that of a language model. tokenizer: of the last two, None for others."""

    def __init__(self, kind: str, tokenizer: Any = None) -> None:
        if kind not in (*UNITS, "tokenizer"):
            raise UserError(f"units: expected one of {', '.join(UNITS)}, got {kind!r}")
        self.kind, self.tokenizer = kind, tokenizer
        if tokenizer is not None and kind in SPLITTERS:
            raise UserError(f"units: {kind} need no tokenizer; tokenizer.json is damaged")
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
            return [token for token, _, _ in SPLITTERS[self.kind](text)]
        if self._known is not None:
            text = "".join([sign for sign in text if sign in self._known])
        return [str(id) for id in self.tokenizer.encode(text).tolist()] if text else []

    def shown(self, tokens: Sequence[str]) -> list[str]:
        """The tokens as a reader sees them."""
        if self.tokenizer is None:
            return list(tokens)
        return [self.tokenizer.decode([int(token)]) for token in tokens]

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "tokenizer": None if self.tokenizer is None else self.tokenizer.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> Splitter:
        """Rebuild from `to_json`; UserError where it is malformed."""
        if not isinstance(data, dict) or not {"kind", "tokenizer"} <= data.keys() or not isinstance(data["kind"], str):
            raise UserError("units: expected a kind and a tokenizer; tokenizer.json is damaged")
        if (data["tokenizer"] is None) == (data["kind"] in ("subwords", "tokenizer")):
            raise UserError(f"units: {data['kind'][:40]!r} and its tokenizer do not fit; tokenizer.json is damaged")
        tokenizer = None if data["tokenizer"] is None else tokenizers.from_json(data["tokenizer"])
        return cls(data["kind"], tokenizer)
