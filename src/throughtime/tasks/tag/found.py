"""What is found in a source of tagged texts before it is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from throughtime.errors import UserError

TOKENS = ("tokens", "words", "token", "word", "sentence", "text")
TAGS = ("tags", "slots", "ner_tags", "labels", "tag", "ner", "upos", "pos_tags")
INTENTS = ("intent", "intents", "label")
"""Names by which the columns of a table are known; the first that is there counts."""


@dataclass(frozen=True)
class Choices:
    """What people say of a source. token_column, tag_column: names, or places from 0. tag_names: of tags that are
    numbers, in their order."""

    token_column: str | None = None
    tag_column: str | None = None
    tag_names: Sequence[str] | None = None
    language: str = "auto"


@dataclass
class Found:
    """Sentences as they stand in a source.

    rows: how an editor counts each; lines: of each its tokens' lines, where each has one of its own. texts: as they
    were before they were cut into tokens, None where nobody knows.
    """

    where: str
    tokens: list[list[str]] = field(default_factory=list)
    tags: list[list[str]] = field(default_factory=list)
    intents: list[str] | None = None
    rows: list[int] = field(default_factory=list)
    lines: list[list[int]] | None = None
    texts: list[str | None] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def place(self, sentence: int, token: int | None = None) -> str:
        """Where a sentence, or one of its tokens, stands."""
        row = self.rows[sentence]
        if token is not None and self.lines is not None:
            row = self.lines[sentence][token]
        return f"{self.where}: row {row}"


def words(line: str) -> list[str]:
    """What stands between spaces and tabs; other white space, such as the ideographic one, may be a token."""
    return [word for word in line.replace("\t", " ").split(" ") if word]


def tokens_of(line: str, count: int, language: str) -> list[str]:
    """The tokens of a line: its characters where those are as many as the tags and its words are not, or in Chinese."""
    parts = words(line)
    signs = [sign for word in parts for sign in word]
    by_sign = language == "zh" or (language == "auto" and len(parts) != count == len(signs))
    return signs if by_sign else parts


def column_of(names: Sequence[str], chosen: str | None, known: Sequence[str], where: str, what: str) -> int:
    """The place of a column among names. chosen: its name or place, None for one of the known names."""
    if chosen is not None:
        if chosen in names:
            return list(names).index(chosen)
        if chosen.isdecimal() and int(chosen) < len(names):
            return int(chosen)
        raise UserError(f"{where}: no column {chosen!r} for the {what}; there are {', '.join(map(str, names))}")
    lower = [str(name).strip().lower() for name in names]
    for name in known:
        if name in lower:
            return lower.index(name)
    there = ", ".join(map(str, names))
    raise UserError(f"{where}: no {what}, expected {' or '.join(known[:4])}; there are {there}")


def listed(value: Any, place: str, what: str) -> list[Any]:
    """A list; UserError for what is none."""
    if not isinstance(value, list | tuple | np.ndarray):
        raise UserError(f"{place}: expected a list of {what}, got {type(value).__name__}")
    return list(value)
