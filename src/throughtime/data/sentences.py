"""Tokens of a text into its sentences."""

from __future__ import annotations

from collections.abc import Sequence

ENDS = frozenset(".!?…。！？；\n")
"""What ends a sentence."""

CLOSING = frozenset("\"'”’)）」』》]】")
"""What still belongs to a sentence that has ended."""

LONGEST = 64
"""Tokens of a sentence at most; a longer one is cut."""


def sentences(tokens: Sequence[str], longest: int = LONGEST) -> list[list[str]]:
    """Tokens as lists of at most `longest`, each the tokens of a sentence; one empty list where there are none."""
    found: list[list[str]] = [[]]
    ended = False
    for token in tokens:
        ends = token in ENDS
        if found[-1] and (len(found[-1]) >= longest or (ended and not ends and token not in CLOSING)):
            found.append([])
            ended = False
        found[-1].append(token)
        ended = ended or ends
    return found
