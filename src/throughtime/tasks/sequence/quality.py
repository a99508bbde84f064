"""How much an answer has of its target, in a number from 0 to 1 that needs no library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import regex

from throughtime.data.words import ALONE

_LONGEST = 6

_UNSPACED = rf"[{ALONE}\p{{Thai}}\p{{Lao}}\p{{Khmer}}\p{{Myanmar}}]"
_WORD = regex.compile(rf"{_UNSPACED}|(?:(?!{_UNSPACED})[^\W_])+")


def overlap(answer: str, target: str, beta: float = 2.0) -> float:
    """The F score of n-grams of characters, of 1 to 6 without spaces: chrF, Popovic 2015, doi:10.18653/v1/W15-3049.

    beta: how many times recall counts as much as precision.
    """
    one, other = "".join(answer.split()), "".join(target.split())
    square = beta * beta
    found = []
    for n in range(1, _LONGEST + 1):
        mine, theirs = _grams(one, n), _grams(other, n)
        if not theirs or not mine:
            if theirs or mine:
                found.append(0.0)
            continue
        same = sum((mine & theirs).values())
        precision, recall = same / sum(mine.values()), same / sum(theirs.values())
        found.append((1 + square) * precision * recall / (square * precision + recall) if same else 0.0)
    return sum(found) / len(found) if found else 1.0


def _grams(text: str, n: int) -> Counter[str]:
    return Counter(text[i : i + n] for i in range(len(text) - n + 1))


def longest(answer: str, target: str) -> float:
    """The F score of the words of the longest common subsequence: ROUGE-L, Lin 2004, aclanthology.org/W04-1013, eq. 2
    to 4 with beta 1. Words are lower-cased; of scripts without spaces each sign is one."""
    one, other = _WORD.findall(answer.lower()), _WORD.findall(target.lower())
    if not one or not other:
        return float(one == other)
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for j, theirs in enumerate(other, 1):
            above = row[j]
            row[j] = diagonal + 1 if word == theirs else max(above, row[j - 1])
            diagonal = above
    return 2 * row[-1] / (len(one) + len(other))


@dataclass(frozen=True)
class Measure:
    """name: of a measure as the field knows it. of: an answer and its target, to 0 to 1."""

    name: str
    of: Callable[[str, str], float]


CHRF, ROUGE_L = Measure("chrF", overlap), Measure("ROUGE-L", longest)
