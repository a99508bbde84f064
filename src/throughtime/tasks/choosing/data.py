"""Contexts and replies as numbers of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.data.pieces import split_words
from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.tasks.choosing.model import TURNS

CONTEXT, REPLY = 80, 40
"""Words of a context, its last ones, and of a reply, its first ones, that are read."""

_LEAST = 2
"""How often a word must stand in training to be known."""

_MOST = 20_000


@dataclass(frozen=True)
class Vocabulary:
    """words: known ones, the most frequent first; number 0 is any other one."""

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {word: i for i, word in enumerate(self.words, 1)})

    @classmethod
    def fit(cls, texts: Iterable[str]) -> Vocabulary:
        """The words of texts that stand in them more than once."""
        counts = Counter(word for text in texts for word in _words(text))
        kept = sorted((word for word, n in counts.items() if n >= _LEAST), key=lambda word: (-counts[word], word))
        return cls(tuple(kept[:_MOST]))

    @property
    def size(self) -> int:
        return len(self.words) + 1

    def contexts(self, contexts: Sequence[Sequence[str]]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each context, its turns with the last one at the end, the words (T,) and how many turns ago (T,)."""
        found = []
        for turns in contexts:
            ids: list[int] = []
            ago: list[int] = []
            for far, turn in enumerate(reversed(turns)):
                own = self._numbers(turn)
                ids = own + ids
                ago = [min(far, TURNS - 2)] * len(own) + ago
                if len(ids) >= CONTEXT:
                    break
            found.append(_cut(ids[-CONTEXT:], ago[-CONTEXT:]))
        return found

    def shown(self, turns: Sequence[str]) -> list[str]:
        """The words of a context that are read, as they are read."""
        return [word for turn in turns for word in _words(turn)][-CONTEXT:] or [""]

    def replies(self, replies: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each reply the words (T,), and the sign of a reply (T,)."""
        each = [self._numbers(reply)[:REPLY] for reply in replies]
        return [_cut(ids, [TURNS - 1] * len(ids)) for ids in each]

    def _numbers(self, text: str) -> list[int]:
        ids: dict[str, int] = self._ids  # type: ignore[attr-defined]
        return [ids.get(word, 0) for word in _words(text)]

    def to_json(self) -> Json:
        return {"words": list(self.words)}

    @classmethod
    def from_json(cls, data: Json) -> Vocabulary:
        """Rebuild from `to_json`; UserError where it is damaged."""
        words = data.get("words") if isinstance(data, dict) else None
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise UserError("chooser: expected a list of words; the file is damaged")
        if len(set(words)) < len(words):
            raise UserError("chooser: expected each word once; the file is damaged")
        return cls(tuple(words))


def _words(text: str) -> list[str]:
    return [piece for piece, _, _ in split_words(text.lower())]


def _cut(ids: list[int], turns: list[int]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(ids or [0], np.int64), np.array(turns or [0], np.int64)


def batch(texts: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ids and turns (T, B), 0 behind a text's end, and lengths (B,)."""
    lengths = np.array([len(ids) for ids, _ in texts], np.int64)
    both = np.zeros((2, int(lengths.max()), len(texts)), np.int64)
    for b, (ids, turns) in enumerate(texts):
        both[0, : len(ids), b], both[1, : len(ids), b] = ids, turns
    return both[0], both[1], lengths
