"""Glossaries: how a user's words are to be said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from throughtime.data.text import read_text
from throughtime.errors import UserError

_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]"

MOST = 20
"""Terms of one text that are kept to, the longest first."""


@dataclass(frozen=True)
class Glossary:
    """terms: word or words -> what is to be said for them."""

    terms: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: str | Path) -> Glossary:
        """A file of lines, words TAB how they are said. UserError with the line for what is wrong, and where the same
        words are to be said in two ways."""
        found: dict[str, str] = {}
        lines: dict[str, int] = {}
        for number, line in enumerate(read_text(Path(file)).split("\n"), 1):
            if not line.strip():
                continue
            parts = [part.strip() for part in line.rstrip("\r").split("\t")]
            if len(parts) != 2 or not all(parts):
                raise UserError(
                    f"{file}: line {number}: expected words, a tab and how they are said, got {line[:60]!r}"
                )
            words, said = parts
            if found.get(words, said) != said:
                before = f"{found[words]!r} in line {lines[words]}"
                raise UserError(f"{file}: line {number}: {words!r} is said {said!r}, but {before}; keep one of them")
            found[words] = said
            lines.setdefault(words, number)
        if not found:
            raise UserError(f"{file}: there are no terms; expected lines of words, a tab and how they are said")
        return cls(found)

    def inside(self, text: str) -> list[str]:
        """The terms that stand in a text as whole words, the longest first; of those that overlap the first of them."""
        import regex

        taken = np.zeros(len(text) + 1, bool)
        found = []
        for words in sorted(self.terms, key=lambda one: (-len(one), one)):
            before = "" if regex.match(_UNSPACED, words[0]) else r"(?<![\w])"
            behind = "" if regex.match(_UNSPACED, words[-1]) else r"(?![\w])"
            for match in regex.finditer(before + regex.escape(words) + behind, text):
                if not taken[match.start() : match.end()].any():
                    taken[match.start() : match.end()] = True
                    found.append(words)
                    break
        return found[:MOST]

    def within(self, text: str, encode: Callable[[str], np.ndarray]) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """For each term of a text the pieces in which it may be said."""
        if not self.terms:
            return ()
        return tuple(
            (tuple(encode(said).tolist()),) for said in dict.fromkeys(self.terms[w] for w in self.inside(text))
        )
