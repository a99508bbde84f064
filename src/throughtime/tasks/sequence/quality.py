"""How much an answer has of its target, in a number from 0 to 1 that needs no library."""

from __future__ import annotations

from collections import Counter

_LONGEST = 6


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
