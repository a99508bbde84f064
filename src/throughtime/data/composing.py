"""Texts in the form that the same letters have whoever wrote them (NFC), and where they stand in what was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from unicodedata import is_normalized, normalize

import regex

FORM: Literal["NFC"] = "NFC"
"""How tagged texts are composed before they are learned or read."""

_GRAPHEME = regex.compile(r"\X")


def composed(text: str) -> str:
    """A text in NFC."""
    return text if text.isascii() else normalize(FORM, text)


def with_places(text: str) -> tuple[str, Sequence[int]]:
    """A text in NFC; and of each of its characters, and of its end, the place in the text as it was."""
    if text.isascii() or is_normalized(FORM, text):
        return text, range(len(text) + 1)
    found: list[str] = []
    places: list[int] = []
    for match in _GRAPHEME.finditer(text):
        sign = normalize(FORM, match.group())
        found.append(sign)
        places += [min(match.start() + i, match.end()) for i in range(len(sign))]
    whole = normalize(FORM, text)
    if "".join(found) != whole:  # what is composed over the borders of letters; no script is known to be
        return whole, range(len(whole) + 1)
    return whole, [*places, len(text)]
