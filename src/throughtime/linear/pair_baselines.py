"""What a model of pairs has to beat: the answer to the nearest source of training, the first sentence, the source."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from throughtime.linear.nearest import Nearest

NEAREST, LEAD, COPY = "nearest training source", "first sentence", "copied source"

_END = regex.compile(
    r"""(?:[。！？]["'”’)）」』》]*|(?<!\b(?:\p{Lu}|e\.g|i\.e|etc|vs|cf|Dr|Mr|Mrs|Ms|St|No))[.!?…]["'”’)]*(?=\s+["'“‘(\[]*[\p{Lu}\p{N}\p{Lo}]))"""
)
"""The end of a sentence: a mark of Chinese, or one before white space and what a sentence may begin with."""


def first_sentence(text: str) -> str:
    """A text up to the end of its first sentence; all of it where none ends."""
    found = _END.search(text)
    return text[: found.end()] if found else text


def baselines(sources: Sequence[str], learned: tuple[Sequence[str], Sequence[str]]) -> dict[str, list[str]]:
    """The outputs of each baseline for some sources, by name. learned: sources and targets of training."""
    places, _ = Nearest.fit(learned[0]).best(sources)
    return {
        NEAREST: [learned[1][i] for i in places[:, 0]],
        LEAD: [first_sentence(text) for text in sources],
        COPY: list(sources),
    }
