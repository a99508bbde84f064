"""From text to the integers a model sees, and back.

Every tokenizer has

    kind                   "characters", "bytes", "words" or "bpe"
    size                   how many ids there are
    encode(text)           int32 array of ids; UserError where the text has something the tokenizer cannot say
    decode(ids)            the text
    decoder()              the same id by id: `push(id) -> str` returns what is complete, `flush() -> str` the rest
    settled(text)          how many characters of a text, from its beginning, become the same ids whatever follows
    to_json()              a plain dict; `from_json` rebuilds the tokenizer

and decode(encode(text)) == text, but for what a limited vocabulary replaces by "unknown".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, ClassVar, Protocol

import numpy as np

from throughtime.errors import UserError


class Decoder(Protocol):
    """Ids to text as they come."""

    def push(self, id: int) -> str:
        """The text that this id completes, often "" where a character takes several ids."""

    def flush(self) -> str:
        """What is left of an unfinished character; the decoder is then as new."""


class Tokenizer(Protocol):
    """What every tokenizer offers."""

    kind: ClassVar[str]

    @property
    def size(self) -> int: ...

    def encode(self, text: str) -> np.ndarray: ...

    def decode(self, ids: Iterable[int] | np.ndarray) -> str: ...

    def decoder(self) -> Decoder: ...

    def settled(self, text: str) -> int: ...

    def to_json(self) -> dict[str, Any]: ...


KINDS = {
    "characters": ("characters", "Characters"),
    "bytes": ("utf8", "Bytes"),
    "words": ("words", "Words"),
    "bpe": ("bpe", "BPE"),
}
"""Every tokenizer by its name: the module beside this one, which is imported when it is asked for, and the class."""


def fit(kind: str, text: str, size: int | None = None) -> Tokenizer:
    """Make a tokenizer for a text.

    kind: one of KINDS. size: the most ids it may have (None: all characters, 256 bytes, 10,000 words, 2,048 pieces).
    Raises UserError for an unknown kind, an empty text or a size that does not fit the kind.
    """
    if size is not None and type(size) is not int:
        raise UserError(f"{kind}: expected an integer as the vocabulary's size, got {size!r}")
    if size is not None and size < 1:
        raise UserError(f"{kind}: expected a vocabulary of at least 1, got {size}; leave --vocabulary out for all")
    if not text:
        raise UserError(f"{kind}: expected a text to take the tokens from, got an empty one")
    tokenizer: Tokenizer = _kind(kind).fit(text, size)
    return tokenizer


def grown(tokenizer: Any, text: str, size: int | None = None) -> Tokenizer:
    """A tokenizer that also knows what a further text has, behind the ids it had; bytes and bpe know every text.

    size: the most ids, None for no limit that was given."""
    found: Tokenizer = tokenizer.grown(text, size) if tokenizer.kind in ("characters", "words") else tokenizer
    return found


def from_json(data: Any) -> Tokenizer:
    """Rebuild a tokenizer from its `to_json`; UserError says what is malformed."""
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        raise UserError('tokenizer: expected an object with a "kind"; tokenizer.json is damaged')
    kind = _kind(data["kind"][:40])
    try:
        tokenizer: Tokenizer = kind.from_json(data)
    except KeyError as error:
        raise UserError(f"tokenizer {data['kind']}: {error} is missing; tokenizer.json is damaged") from None
    return tokenizer


_BLOCK = 1 << 20
"""Characters that are encoded at once."""


def compact(tokenizer: Any, text: str, stretches: Sequence[tuple[int, int]]) -> np.ndarray:
    """The ids of stretches of a text, one after the other, as small integers: uint8, uint16 or int32, (N,).

    The same as `encode` of them joined, without a copy of them and of four bytes a character.
    """
    kind: Any = np.uint8 if tokenizer.size <= 1 << 8 else np.uint16 if tokenizer.size <= 1 << 16 else np.int32
    found, rest = bytearray(), ""
    try:
        for first, end in stretches:
            while first < end:
                block = text[first : min(first + max(_BLOCK, len(rest)), end)]
                first += len(block)
                rest += block
                ready = tokenizer.settled(rest)
                found += memoryview(tokenizer.encode(rest[:ready]).astype(kind)).cast("B")
                rest = rest[ready:]
        found += memoryview(tokenizer.encode(rest).astype(kind)).cast("B")
    except UserError:  # one that is about all of them, not about a block
        tokenizer.encode("".join(text[first:end] for first, end in stretches))
        raise
    return np.frombuffer(found, kind)


def unknown_ids(tokenizer: Any) -> list[int]:
    """The ids that stand for what is outside of a limited vocabulary."""
    if tokenizer.kind == "words":
        return [0, 1]
    return [0] if getattr(tokenizer, "unknown", False) else []


def known_part(tokenizer: Any, text: str) -> str:
    """A text without the characters that a tokenizer of characters does not know."""
    if tokenizer.kind != "characters":
        return text
    known = frozenset(tokenizer.characters)
    return "".join([sign for sign in text if sign in known])


def _kind(name: str) -> Any:
    if not isinstance(name, str) or name not in KINDS:
        raise UserError(f"unknown tokens {name!r}: choose from {', '.join(KINDS)}")
    module, kind = KINDS[name]
    return getattr(import_module(f"throughtime.data.{module}"), kind)
