"""Sentences with a tag for each token, and the spans that tags mark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypedDict

import numpy as np

from throughtime.data.spacing import written
from throughtime.data.splits import grouped_split


@dataclass(frozen=True)
class Tagged:
    """Sentences of tokens, a tag each, and an intent each or no intents at all. where: for errors. notes: what was
    found on reading them. scheme: "BIO" or "BIOES" for spans, "none" for a plain tag a token. texts: as they were
    before they were cut into tokens, None where nobody knows; none at all for none of them."""

    tokens: list[list[str]]
    tags: list[list[str]]
    intents: list[str]
    where: str = "data"
    notes: list[str] = field(default_factory=list)
    scheme: str = "BIO"
    texts: list[str | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, indices: Iterable[int] | np.ndarray) -> Tagged:
        """Some of the sentences in the order given, without the notes, which are about all of them."""
        chosen = [int(i) for i in indices]
        tokens, tags = [self.tokens[i] for i in chosen], [self.tags[i] for i in chosen]
        intents = [self.intents[i] for i in chosen] if self.intents else []
        texts = [self.texts[i] for i in chosen] if self.texts else []
        return Tagged(tokens, tags, intents, self.where, [], self.scheme, texts)

    def split(self, share: float, seed: int) -> tuple[Tagged, Tagged]:
        """All but a share of the sentences, and that share: of each intent as much, those that are the same on one
        side."""
        if not share:
            return self, self.take([])
        rows, kept = grouped_split([tuple(text) for text in self.tokens], self.intents or None, share, seed, self.where)
        return self.take(rows), self.take(kept)

    def in_parts(self, longest: int) -> Tagged:
        """Longer sentences as several of at most so many tokens, cut between spans where there is such a place."""
        cuts = [_parts(tags, longest) for tags in self.tags]
        if all(len(one) == 2 for one in cuts):
            return self
        pairs = [(i, a, b) for i, one in enumerate(cuts) for a, b in pairwise(one)]
        texts: list[str | None] = [self.texts[i] if self.texts and len(cuts[i]) == 2 else None for i, _, _ in pairs]
        return Tagged(
            [self.tokens[i][a:b] for i, a, b in pairs],
            [_begun_again(self.tags[i][a:b]) if a else self.tags[i][a:b] for i, a, b in pairs],
            [self.intents[i] for i, _, _ in pairs] if self.intents else [],
            self.where, self.notes, self.scheme, texts,
        )  # fmt: skip

    def joined(self, other: Tagged) -> Tagged:
        """These sentences and others behind them; with intents where all have one."""
        tokens, tags, intents = self.tokens + other.tokens, self.tags + other.tags, self.intents + other.intents
        intents = intents if len(intents) == len(tokens) else []
        each = [one.texts or [None] * len(one) for one in (self, other)]
        return Tagged(tokens, tags, intents, self.where, [], self.scheme, each[0] + each[1])

    @property
    def written(self) -> list[str]:
        """Each text as it was, or, where nobody knows, as a person would write it."""
        texts = self.texts or [None] * len(self)
        return [written(own) if text is None else text for text, own in zip(texts, self.tokens, strict=True)]

    @property
    def sha256(self) -> str:
        """Of tokens, tags and intents, wherever they were read from."""
        return hashlib.sha256(json.dumps([self.tokens, self.tags, self.intents]).encode()).hexdigest()


def _parts(tags: Sequence[str], longest: int) -> list[int]:
    """Where parts of a sentence begin, and its end."""
    found = [0]
    while len(tags) - found[-1] > longest:
        end = found[-1] + longest
        outside = (t for t in range(end, found[-1] + longest // 2, -1) if tags[t][:2] not in ("I-", "E-"))
        found.append(next(outside, end))
    return [*found, len(tags)]


def _begun_again(tags: Sequence[str]) -> list[str]:
    """Tags whose first begins a span if it was inside of one."""
    first = {"I-": "B-", "E-": "S-"}.get(tags[0][:2])
    return [first + tags[0][2:] if first else tags[0], *tags[1:]]


class Span(TypedDict):
    """Tokens that belong together: what they are, from the first to before the last, how the text has them, and where:
    its first character there, and the one behind its last."""

    kind: str
    start: int
    end: int
    text: str
    start_char: int
    end_char: int


def together(tokens: Sequence[str]) -> str:
    """Tokens as the text that linear models see: characters without spaces, words with."""
    return _between(tokens).join(tokens)


def _between(tokens: Sequence[str]) -> str:
    alone = sum(map(len, tokens)) < 1.5 * len(tokens) and not any(
        token.isascii() and token.isalpha() for token in tokens
    )
    return "" if alone else " "


def places_together(tokens: Sequence[str]) -> list[tuple[int, int]]:
    """Where tokens stand in `together` of them."""
    found, at, between = [], 0, len(_between(tokens))
    for token in tokens:
        found.append((at, at + len(token)))
        at += len(token) + between
    return found


def is_plain(tags: Iterable[str]) -> bool:
    """Whether tags mark no spans, as parts of speech do not."""
    return any(tag != "O" and not (tag[1:2] == "-" and tag[0] in "BIES") for tag in tags)


def marked(
    tokens: Sequence[str], tags: Sequence[str], text: str | None = None, places: Sequence[tuple[int, int]] = ()
) -> list[Span]:
    """The spans that BIO or BIOES tags mark, see Span. text: where the tokens are from, with their places there; the
    tokens together where it is not given."""
    if text is None:
        text, places = together(tokens), places_together(tokens)

    def span(kind: str, start: int, end: int) -> Span:
        first, last = places[start][0], places[end - 1][1]
        words = text[first:last]
        return {"kind": kind, "start": start, "end": end, "text": words, "start_char": first, "end_char": last}

    spans: list[Span] = []
    start, kind = 0, ""
    for t, tag in enumerate([*tags, "O"]):
        sign, _, own = tag.partition("-") if tag[1:2] == "-" else ("O", "", "")
        if kind and (sign not in ("I", "E") or own != kind):
            spans.append(span(kind, start, t))
            kind = ""
        if sign in ("B", "S") or (sign in ("I", "E") and not kind):
            start, kind = t, own
        if sign in ("S", "E") and kind:
            spans.append(span(kind, start, t + 1))
            kind = ""
    return spans
