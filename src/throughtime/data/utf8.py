"""One id per byte of UTF-8: 256 ids for every language."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from throughtime.errors import UserError


class Bytes:
    """UTF-8 bytes; ids that are no valid UTF-8 decode to U+FFFD."""

    kind: ClassVar[str] = "bytes"
    size = 256

    @classmethod
    def fit(cls, text: str, size: int | None = None) -> Bytes:
        if size not in (None, 256):
            raise UserError(f"bytes: the vocabulary is always 256, got {size}; leave --vocabulary out")
        return cls()

    def encode(self, text: str) -> np.ndarray:
        """int32, one id per byte."""
        try:
            return np.frombuffer(text.encode("utf-8"), np.uint8).astype(np.int32)
        except UnicodeEncodeError as error:
            raise UserError(f"bytes: character {error.start} is half of a surrogate pair, no text") from None

    def decode(self, ids: Iterable[int] | np.ndarray) -> str:
        return bytes(ids.tolist() if isinstance(ids, np.ndarray) else ids).decode("utf-8", "replace")

    def decoder(self) -> PieceDecoder:
        return PieceDecoder([bytes([i]) for i in range(256)])

    def settled(self, text: str) -> int:
        """How many characters become the same ids whatever follows: all."""
        return len(text)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Bytes:
        return cls()


class PieceDecoder:
    """Ids that stand for byte strings, to text; an unfinished character waits for its last byte.

    pieces: the bytes of every id.
    """

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, id: int) -> str:
        return self._utf8.decode(self._pieces[id])

    def flush(self) -> str:
        rest = self._utf8.decode(b"", final=True)
        self._utf8.reset()
        return rest
