"""Sentences with a tag for each token, and the spans that tags mark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np

from throughtime.data.splits import grouped_split


@dataclass(frozen=True)
class Tagged:
    """Sentences of tokens, a tag each, and an intent each or no intents at all. where: for errors. notes: what was
    found on reading them. scheme: "BIO" or "BIOES" for spans, "none" for a plain tag a token."""

    tokens: list[list[str]]
    tags: list[list[str]]
    intents: list[str]
    where: str = "data"
    notes: list[str] = field(default_factory=list)
    scheme: str = "BIO"

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, indices: Iterable[int] | np.ndarray) -> Tagged:
        """Some of the sentences in the order given, without the notes, which are about all of them."""
        chosen = [int(i) for i in indices]
        tokens, tags = [self.tokens[i] for i in chosen], [self.tags[i] for i in chosen]
        intents = [self.intents[i] for i in chosen] if self.intents else []
        return Tagged(tokens, tags, intents, self.where, [], self.scheme)

    def split(self, share: float, seed: int) -> tuple[Tagged, Tagged]:
        """All but a share of the sentences, and that share: of each intent as much, those that are the same on one
        side."""
        if not share:
            return self, self.take([])
        rows, kept = grouped_split([tuple(text) for text in self.tokens], self.intents or None, share, seed)
        return self.take(rows), self.take(kept)

    def joined(self, other: Tagged) -> Tagged:
        """These sentences and others behind them."""
        tokens, tags, intents = self.tokens + other.tokens, self.tags + other.tags, self.intents + other.intents
        return Tagged(tokens, tags, intents, self.where, [], self.scheme)

    @property
    def sha256(self) -> str:
        """Of tokens, tags and intents, wherever they were read from."""
        return hashlib.sha256(json.dumps([self.tokens, self.tags, self.intents]).encode()).hexdigest()


class Span(TypedDict):
    """Tokens that belong together: what they are, from the first to before the last, and how they read."""

    kind: str
    start: int
    end: int
    text: str


def together(tokens: Sequence[str]) -> str:
    """Tokens as the text that linear models see: characters without spaces, words with."""
    alone = sum(map(len, tokens)) < 1.5 * len(tokens) and not any(
        token.isascii() and token.isalpha() for token in tokens
    )
    return ("" if alone else " ").join(tokens)


def marked(tokens: Sequence[str], tags: Sequence[str]) -> list[Span]:
    """The spans that BIO or BIOES tags mark: kind, start, end (behind the last token) and text."""
    spans: list[Span] = []
    start, kind = 0, ""
    for t, tag in enumerate([*tags, "O"]):
        sign, _, own = tag.partition("-") if tag[1:2] == "-" else ("O", "", "")
        if kind and (sign not in ("I", "E") or own != kind):
            spans.append({"kind": kind, "start": start, "end": t, "text": together(tokens[start:t])})
            kind = ""
        if sign in ("B", "S") or (sign in ("I", "E") and not kind):
            start, kind = t, own
        if sign in ("S", "E") and kind:
            spans.append({"kind": kind, "start": start, "end": t + 1, "text": together(tokens[start : t + 1])})
            kind = ""
    return spans
