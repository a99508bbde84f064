"""One id per character."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from throughtime.errors import UserError

UNKNOWN = "\ufffd"
"""What stands for every character outside a limited vocabulary; its id is then 0."""

_BLOCK = 1 << 20
"""Characters whose code points are looked up at once."""


class Characters:
    """The characters of a text, in code point order; behind them those of later texts.

    characters: all of them as one string, each once. With `unknown` the first is UNKNOWN and stands for every other
    character; without it `encode` raises UserError and names what it does not know.
    """

    kind: ClassVar[str] = "characters"

    def __init__(self, characters: str, unknown: bool = False) -> None:
        if not characters or len(set(characters)) != len(characters):
            raise UserError("tokenizer characters: expected each character once; tokenizer.json is damaged")
        if unknown and characters[0] != UNKNOWN:
            raise UserError("tokenizer characters: with unknown, the first must be U+FFFD; tokenizer.json is damaged")
        self.characters = characters
        self.unknown = unknown
        self._codes = _code_points(characters)
        self._table = np.full(int(self._codes.max()) + 2, 0 if unknown else -1, np.int32)
        self._table[self._codes] = np.arange(len(characters), dtype=np.int32)

    @classmethod
    def fit(cls, text: str, size: int | None = None) -> Characters:
        """All characters of a text, or the `size` - 1 most frequent ones and UNKNOWN."""
        found = set(text)
        if any("\ud800" <= c <= "\udfff" for c in found):
            raise UserError("characters: expected text, got half of a surrogate pair; decode the file again")
        if size is None or len(found) <= size:
            return cls("".join(sorted(found)))
        if size < 2:
            raise UserError(f"characters: expected a vocabulary of at least 2, got {size}")
        counts = sorted(Counter(text).items(), key=lambda item: (-item[1], item[0]))
        kept = [c for c, _ in counts if c != UNKNOWN][: size - 1]
        return cls(UNKNOWN + "".join(sorted(kept)), unknown=True)

    def grown(self, text: str, size: int | None = None) -> Characters:
        """With the characters of a further text behind its own; the same where some stand for all others."""
        if self.unknown:
            return self
        return Characters(self.characters + "".join(sorted(set(text) - set(self.characters))))

    @property
    def size(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> np.ndarray:
        """int32 (len(text),); UserError names characters that are not in the vocabulary."""
        beyond = len(self._table) - 1
        ids = np.empty(len(text), np.int32)
        for first in range(0, len(text), _BLOCK):
            points = _code_points(text[first : first + _BLOCK])
            ids[first : first + _BLOCK] = self._table[np.minimum(points, beyond)]
        if not self.unknown and ids.size and ids.min() < 0:
            at = np.flatnonzero(ids < 0)
            missing = sorted({text[i] for i in at})
            more = ", ..." if len(missing) > 8 else ""
            shown = ", ".join(f"{c!r}" for c in missing[:8]) + more
            numbers = ", ".join(f"U+{ord(c):04X}" for c in missing[:8]) + more
            raise UserError(
                f"characters: {len(missing)} not in the vocabulary of {self.size}: {shown} ({numbers}), the first at "
                f"character {at[0] + 1}; use only characters the model has seen, or train with --tokens bytes"
            )
        return ids

    def decode(self, ids: Iterable[int] | np.ndarray) -> str:
        codes = self._codes[np.asarray(ids if isinstance(ids, np.ndarray) else list(ids), dtype=np.int64)]
        return codes.tobytes().decode("utf-32-le")

    def decoder(self) -> _Decoder:
        return _Decoder(self.characters)

    def settled(self, text: str) -> int:
        """How many characters become the same ids whatever follows: all."""
        return len(text)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "characters": self.characters, "unknown": self.unknown}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Characters:
        characters, unknown = data["characters"], data["unknown"]
        if not isinstance(characters, str) or not isinstance(unknown, bool):
            raise UserError("tokenizer characters: expected text and true or false; tokenizer.json is damaged")
        if any("\ud800" <= c <= "\udfff" for c in characters):
            raise UserError("tokenizer characters: half of a surrogate pair is no text; tokenizer.json is damaged")
        return cls(characters, unknown)


class _Decoder:
    def __init__(self, characters: str) -> None:
        self._characters = characters

    def push(self, id: int) -> str:
        return self._characters[id]

    def flush(self) -> str:
        return ""


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
