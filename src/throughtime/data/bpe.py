"""Byte pair encoding over UTF-8 bytes, learned by the tokenizers library.

Only `fit` and `encode` need the library; a model's answer is decoded without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from throughtime.data.utf8 import PieceDecoder
from throughtime.errors import UserError, needed
from throughtime.options import Json


class BPE:
    """Pieces of one or more bytes; any text can be encoded, none is unknown.

    state: the tokenizers library's own JSON, as a dict.
    """

    kind: ClassVar[str] = "bpe"

    def __init__(self, state: dict[str, Json]) -> None:
        letters = _letters()
        vocabulary, self._merges = _checked(state, letters)
        self._state, self._vocabulary = state, vocabulary
        self._library: Any = None
        self._pieces = [b""] * len(vocabulary)
        for piece, id in vocabulary.items():
            self._pieces[id] = bytes(letters[c] for c in piece)

    @classmethod
    def fit(cls, text: str, size: int | None = None) -> BPE:
        """Learn `size` pieces (2,048 where not given), the 256 bytes included."""
        size = 2048 if size is None else size
        if size < 256:
            raise UserError(f"bpe: expected a vocabulary of at least 256, got {size}")
        library = _library()
        size = min(size, 256 + len(text) * 4)  # there cannot be more pieces, and the library reserves what is asked for
        learner = library.Tokenizer(library.models.BPE())
        learner.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        learner.decoder = library.decoders.ByteLevel()
        trainer = library.trainers.BpeTrainer(
            vocab_size=size, initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        )
        learner.train_from_iterator(text.splitlines(keepends=True), trainer)
        return cls(json.loads(learner.to_str()))

    @property
    def size(self) -> int:
        return len(self._pieces)

    def encode(self, text: str) -> np.ndarray:
        """int32, one id per piece."""
        if self._library is None:
            self._library = _encoder(self._vocabulary, self._merges)
        try:
            return np.array(self._library.encode(text, add_special_tokens=False).ids, np.int32)
        except (TypeError, UnicodeEncodeError):
            raise UserError("bpe: expected text without half surrogate pairs") from None

    def decode(self, ids: Iterable[int] | np.ndarray) -> str:
        return b"".join([self._pieces[i] for i in ids]).decode("utf-8", "replace")

    def decoder(self) -> PieceDecoder:
        return PieceDecoder(self._pieces)

    def settled(self, text: str) -> int:
        """How many characters become the same ids whatever follows: those before the last of the words that pieces are
        part of, but for one after an apostrophe, which may be the beginning of its re."""
        words = _library().pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
        for (_, before), (_, word) in zip(words[-2::-1], words[:0:-1], strict=True):
            if text[slice(*before)] != "'":
                return int(word[0])
        return 0

    def to_json(self) -> dict[str, Json]:
        return {"kind": self.kind, "tokenizer": self._state}

    @classmethod
    def from_json(cls, data: dict[str, Json]) -> BPE:
        return cls(data["tokenizer"])


def _checked(state: Any, letters: dict[str, int]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of the library's JSON; UserError where it is not what `fit` makes."""
    damaged = "tokenizer.json is damaged or not of throughtime"
    model = state.get("model") if isinstance(state, dict) else None
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(vocabulary, dict) or not all(type(id) is int for id in vocabulary.values()):
        raise UserError(f"tokenizer bpe: expected a vocabulary of pieces and their ids; {damaged}")
    if sorted(vocabulary.values()) != list(range(len(vocabulary))):
        raise UserError(f"tokenizer bpe: expected the ids 0, 1, ... each once; {damaged}")
    if (
        not all(piece and letters.keys() >= set(piece) for piece in vocabulary)
        or not letters.keys() <= vocabulary.keys()
    ):
        raise UserError(f"tokenizer bpe: expected pieces of bytes, and each of the 256 bytes; {damaged}")
    before = state.get("pre_tokenizer")
    if not isinstance(before, dict) or before.get("type") != "ByteLevel" or before.get("add_prefix_space") is not False:
        raise UserError(f"tokenizer bpe: expected the pre-tokenizer ByteLevel without a prefix space; {damaged}")
    rows = model.get("merges") if isinstance(model, dict) else None
    pairs = [row.split(" ") if isinstance(row, str) else row for row in rows] if isinstance(rows, list) else [None]
    merges = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise UserError(f"tokenizer bpe: expected merges as pairs of pieces; {damaged}")
        first, second = pair
        if not {first, second, first + second} <= vocabulary.keys():
            raise UserError(f"tokenizer bpe: a merge uses a piece that is not in the vocabulary; {damaged}")
        merges.append((first, second))
    return vocabulary, merges


def _encoder(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> Any:
    """The library's tokenizer, made from what was checked: nothing else of the file, such as patterns, reaches it."""
    library = _library()
    made = library.Tokenizer(library.models.BPE(vocab=vocabulary, merges=merges))
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return made


def _library() -> Any:
    try:
        import tokenizers
        import tokenizers.trainers
    except ImportError:
        raise UserError(f"bpe: needs the tokenizers library; {needed('bpe')}") from None
    return tokenizers


def _letters() -> dict[str, int]:
    """The printable letter that byte-level BPE writes for each byte, as a map back to the byte."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {chr(b): b for b in plain}
    others = [b for b in range(256) if b not in set(plain)]
    letters.update({chr(256 + i): b for i, b in enumerate(others)})
    return letters
