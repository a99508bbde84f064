"""Which way of cutting a text gives the tokens of training back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from throughtime.data.spacing import Cuts
from throughtime.data.splitter import LEARNED, SPACES, Splitter, given_back
from throughtime.data.tagged import Tagged, together
from throughtime.errors import UserError

_TEXTS = 2000
"""Texts that splitters are compared on."""


def unit_of(tokens: Sequence[Sequence[str]]) -> str:
    """Whether tokens are words or single characters."""
    words = sum(len(token) > 1 for text in tokens for token in text)
    return "words" if words > 0.5 * sum(map(len, tokens)) else "characters"


def splitter_of(learned: Tagged, held: Tagged) -> tuple[Splitter, float]:
    """The splitter that gives most texts' tokens back, and of how many: their share.

    Of texts that nobody knows as they were, both ways of writing them count: as a person would, and with a space
    between tokens. Of equally good splitters the simplest is taken.
    """
    both = learned.joined(held) if len(held) else learned
    rows = np.arange(len(both))
    if len(rows) > _TEXTS:
        rows = np.sort(np.random.default_rng(0).choice(len(both), _TEXTS, replace=False))
    some = both.take(rows)
    texts, tokens = [some.written, [together(one) for one in some.tokens]], some.tokens
    if some.texts:
        texts[1] = [own if was is not None else other for own, other, was in zip(*texts, some.texts, strict=True)]
    best, most, share = Splitter(unit_of(learned.tokens)), -1, 0.0
    for one in _candidates(learned):
        try:
            back = [given_back(one, texts[0], tokens), given_back(one, texts[1], tokens)]
        except UserError:  # jieba is not installed
            continue
        count = sum(map(sum, back))
        if count > most:
            best, most, share = one, count, float(np.mean(back[0]))
        if most == 2 * len(tokens):
            break
    return best, share


def _candidates(learned: Tagged) -> list[Splitter]:
    """The simplest first."""
    unit = unit_of(learned.tokens)
    found = [Splitter(unit), Splitter("words"), Splitter(LEARNED, cuts=Cuts.fit(learned.tokens)), Splitter(SPACES)]
    long = sum(len(token) > 1 and not token.isascii() for text in learned.tokens for token in text)
    return [*found, Splitter("jieba")] if long > 0.3 * sum(map(len, learned.tokens)) else found
