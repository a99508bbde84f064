"""Byte pair encoding learned from both sides of pairs together, so that a name is the same pieces in either."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from throughtime.data import tokenizers
from throughtime.data.bpe import BPE
from throughtime.errors import UserError
from throughtime.options import Json

_SIGNS = 40_000_000
"""Characters that pieces are learned from at most, of pairs evenly spread."""


class SharedBPE:
    """Pieces of texts, and the edge of a text, which is the last number.

    A text begins as if a space stood before it: its first word is the same pieces there and elsewhere. Pieces are bytes
    of the text, so that any text can be said, and what is copied is as it was written.
    """

    def __init__(self, tokenizer: BPE) -> None:
        self.tokenizer = tokenizer
        self.pieces = list(tokenizer.decoder()._pieces)

    @classmethod
    def fit(cls, sides: Iterable[Sequence[str]], size: int) -> SharedBPE:
        """Learn at most `size` pieces, the edge included."""
        lines = [" " + text for side in sides for text in side]
        step = max(1, sum(map(len, lines)) // _SIGNS)
        return cls(BPE.fit("\n".join(lines[::step]), max(256, size - 1)))

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.tokenizer.size + 1

    @property
    def edge(self) -> int:
        """What stands before the first and behind the last piece."""
        return self.tokenizer.size

    def encode(self, text: str) -> np.ndarray:
        """(N,) int32, the pieces of a text without white space around it; of none, none."""
        text = text.strip()
        return self.tokenizer.encode(" " + text) if text else np.zeros(0, np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of pieces; bytes that are no whole character are left out."""
        whole = b"".join([self.pieces[i] for i in ids if i < len(self.pieces)])
        return whole.decode("utf-8", "ignore").strip()

    def visible(self) -> np.ndarray:
        """(V,) bool: which pieces show something by themselves; the edge does not."""
        shown = [bool(piece.decode("utf-8", "ignore").strip()) for piece in self.pieces]
        return np.array([*shown, False])

    def folded(self) -> np.ndarray:
        """(V,) int64: one number for pieces that differ in case alone."""
        first: dict[bytes, int] = {}
        found = []
        for i, piece in enumerate(self.pieces):
            try:
                key = piece.decode("utf-8").casefold().encode()
            except UnicodeDecodeError:
                key = piece
            found.append(first.setdefault(key, i))
        return np.array([*found, self.edge], np.int64)

    def to_json(self) -> dict[str, Json]:
        """For tokenizer.json."""
        return self.tokenizer.to_json()

    @classmethod
    def from_json(cls, data: Any) -> SharedBPE:
        """Rebuild from `to_json`; UserError says what is malformed."""
        found = tokenizers.from_json(data)
        if not isinstance(found, BPE):
            raise UserError(f"tokenizer: expected byte pairs, got {found.kind}; tokenizer.json is damaged")
        return cls(found)
