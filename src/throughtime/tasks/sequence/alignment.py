"""Which words of an answer rest on which words of its source. Attention is not alignment: it shows where was looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import regex

from throughtime.data.shared_bpe import SharedBPE

_ALONE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")


class Spans(NamedTuple):
    """Words of a text. places: (start, end) characters of each. words: of each piece the word it belongs to."""

    places: list[tuple[int, int]]
    words: list[int]


class Link(NamedTuple):
    """A word of an answer, the word of the source that it rests on most, and the share of the attention on that; places
    in characters from the first to before the last."""

    target: tuple[int, int]
    source: tuple[int, int]
    share: float


def word_spans(text: str, ids: Sequence[int] | np.ndarray, pieces: SharedBPE) -> Spans:
    """The words of a text and which pieces make them: what stands between spaces, and where signs are words, pieces."""
    own = " " + text.strip()
    of_byte = [place for place, sign in enumerate(own) for _ in sign.encode()]
    first, firsts = 0, []
    for i in ids:
        firsts.append(of_byte[first] if first < len(of_byte) else len(own) - 1)
        first += len(pieces.pieces[int(i)])
    begins = {_shown(own, place) for place in firsts}
    places: list[tuple[int, int]] = []
    of_sign: list[int] = []
    for place, sign in enumerate(own):
        before = own[place - 1] if place else " "
        alone = bool(_ALONE.match(sign))
        if not sign.isspace() and (
            before.isspace() or (alone and place in begins) or alone != bool(_ALONE.match(before))
        ):
            places.append((place - 1, place))
        elif not sign.isspace():
            places[-1] = (places[-1][0], place)
        of_sign.append(max(0, len(places) - 1))
    return Spans(places, [of_sign[_shown(own, place)] for place in firsts])


def _shown(text: str, place: int) -> int:
    """The first sign from a place on that is no white space."""
    while place < len(text) - 1 and text[place].isspace():
        place += 1
    return place


def by_word(source: Spans, target: Spans, shares: np.ndarray) -> np.ndarray:
    """Attention word by word, (words of the target, words of the source): what a word's pieces give on average."""
    found = np.zeros((len(target.places), len(source.places)))
    columns = np.zeros((len(shares), len(source.places)))
    for i, word in enumerate(source.words[: shares.shape[1]]):
        columns[:, word] += shares[:, i]
    counts = np.bincount(target.words, minlength=len(target.places))
    for t, word in enumerate(target.words[: len(shares)]):
        found[word] += columns[t] / max(1, counts[word])
    return found


def links(source: Spans, target: Spans, shares: np.ndarray) -> list[Link]:
    """For each word of an answer the word of the source that it rests on most."""
    table = by_word(source, target, shares)
    if not table.size:
        return []
    best = table.argmax(1)
    return [
        Link(place, source.places[int(column)], round(float(table[row, column]), 4))
        for row, (place, column) in enumerate(zip(target.places, best, strict=True))
    ]
