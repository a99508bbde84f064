"""Texts too long to be read at once, in parts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

_ENDS = r"(?<=[.!?…][\"'”’)\]]*)\s+|(?<=[。！？；])|\n+"
_SPACES = r"(?<=[\s,，、])"


ALL, BEGINNING, END = "all", "beginning", "end"
"""What is read of a text that is too long to be read at once: one part after the other, or a part alone."""


class Cut(NamedTuple):
    """parts: texts with their pieces, none of a blank text. left_out: pieces of the end that nobody reads, or of the
    beginning where it is the end that is read."""

    parts: list[tuple[str, np.ndarray]]
    left_out: int = 0


def cut(text: str, encode: Callable[[str], np.ndarray], most: int, reads: str = ALL) -> Cut:
    """A text in parts of at most so many pieces, between sentences where that can be, else between words, else
    anywhere. reads: all of them, or one part alone, of the beginning or of the end."""
    text = text.strip()
    ids = encode(text)
    if len(ids) == 0:
        return Cut([])
    if len(ids) <= most:
        return Cut([(text, ids)])
    if reads != ALL:
        return Cut([(text, ids[:most] if reads == BEGINNING else ids[-most:])], len(ids) - most)
    return Cut([(part, own) for part in _parts(text, encode, most) if len(own := encode(part))])


def _parts(text: str, encode: Callable[[str], np.ndarray], most: int) -> list[str]:
    found: list[str] = []
    held = ""
    for one in _units(text, encode, most):
        if held and len(encode(held + one)) > most:
            found.append(held)
            held = ""
        held += one
    return [*found, held] if held else found


def _units(text: str, encode: Callable[[str], np.ndarray], most: int, level: int = 0) -> list[str]:
    """Parts of a text of at most so many pieces, which together are the text."""
    if len(encode(text)) <= most:
        return [text]
    if level == 2:
        half = len(text) // 2
        if not half:
            return [text]
        return [*_units(text[:half], encode, most, 2), *_units(text[half:], encode, most, 2)]
    import regex

    places = [match.end() for match in regex.finditer((_ENDS, _SPACES)[level], text)]
    edges = [0, *(place for place in places if 0 < place < len(text)), len(text)]
    pieces = [text[first:end] for first, end in pairwise(edges) if end > first]
    return [unit for piece in pieces for unit in _units(piece, encode, most, level + 1)]
