"""Where two lists of lines that should belong together stop doing so, by their lengths, numbers and last signs.

Each line i beside line i + k of the other side has a log-likelihood ratio, of belonging together against being drawn at
random: lengths as Gale and Church have them, whether the same numbers stand in both, whether both end in the same sign.
A stretch that speaks for another k than 0, and more than k = 0 does, is where lines are missing.

Source: Gale and Church 1993, aclanthology.org/J93-1004, section 3 (lengths).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WIDEST = 40
"""Lines by which the sides may have moved apart."""

SURE, _FARTHER = 50.0, 2.0
"""Nats that a stretch must speak for another line, and for each line further; besides the logarithm of how many
stretches there are."""

_USUAL, _LEAST = 0.3, 0.15
"""Standard deviation of the logarithm of lengths' ratio where that cannot be told from the data; and the least."""

_NUMBERS = re.compile(r"\d+")
_ENDS = {"。": ".", "！": "!", "？": "?", "；": ";", "．": ".", "…": "."}
_CLOSING = "\"'”’)）」』》]】»«“ "


@dataclass(frozen=True)
class Break:
    """From source line `at`, from 0, on: line i of the sources goes with i + shift of the targets."""

    at: int
    shift: int


def first_break(sources: Sequence[str], targets: Sequence[str], sure: float = SURE) -> Break | None:
    """The first place where the sides stop matching; None where not enough speaks for one. sure: how much has to, in
    nats."""
    if min(len(sources), len(targets)) < 4:
        return None
    lengths = [np.log1p(np.array([len(text) for text in side], float)) for side in (sources, targets)]
    numbers = [_number_sets(side) for side in (sources, targets)]
    ends = [_last_signs(side) for side in (sources, targets)]
    random = math.sqrt(float(lengths[0].var() + lengths[1].var())) + 1e-9
    middle = float(lengths[1].mean() - lengths[0].mean())
    size = min(len(sources), len(targets))
    apart = lengths[1][:size] - lengths[0][:size]
    spread = 1.4826 * float(np.median(np.abs(apart - np.median(apart))))
    usual = spread if spread < 0.6 * random else _USUAL
    model = _Model(middle, min(max(usual, _LEAST), 0.8 * random), random, _alike(*ends))
    straight = model.ratios(lengths, numbers, ends, 0)
    found: list[Break] = []
    needed = sure + math.log(2 * WIDEST * len(sources))
    for shift in [k for far in range(1, WIDEST + 1) for k in (far, -far)]:
        if len(targets) - shift < 4 or len(sources) + shift < 4:
            continue
        ratios = model.ratios(lengths, numbers, ends, shift)
        own = np.full(len(ratios), -1.0)
        own[: min(len(own), len(straight))] = straight[: len(own)]
        begin, end, gain = _best_stretch(ratios - np.maximum(own, 0.0) - _FLAT)
        if gain > needed + _FARTHER * abs(shift) and own[begin:end].sum() < 0.2 * gain:
            found.append(Break(begin, shift))
    return min(found, key=lambda one: (one.at, abs(one.shift))) if found else None


_FLAT = 0.05
"""Taken from every line's ratio, so that what says nothing speaks against a stretch."""


@dataclass(frozen=True)
class _Model:
    """middle: the usual logarithm of targets' by sources' lengths; own, random: its standard deviations, of lines that
    belong together and of any. alike: the probability that any two lines end in the same sign."""

    middle: float
    own: float
    random: float
    alike: float

    def ratios(
        self, lengths: list[np.ndarray], numbers: list[np.ndarray], ends: list[np.ndarray], shift: int
    ) -> np.ndarray:
        """(N,) of each source line beside the target line `shift` further; little where there is none."""
        count = len(lengths[0])
        ratios = np.full(count, -2.0)
        low, high = max(0, -shift), min(count, len(lengths[1]) - shift)
        a, b = slice(low, high), slice(low + shift, high + shift)
        apart = lengths[1][b] - lengths[0][a] - self.middle
        near = apart**2 / 2 * (1 / self.own**2 - 1 / self.random**2)
        found = np.maximum(math.log(self.random / self.own) - near, -4.0)
        one, other = numbers[0][a], numbers[1][b]
        found += np.where((one == other) & (one != 0), 2.5, 0.0)
        found -= np.where((one != other) & (one != 0) & (other != 0), 1.5, 0.0)
        if 0.02 < self.alike < 0.98:
            same = ends[0][a] == ends[1][b]
            found += np.where(same, math.log(0.9 / self.alike), math.log(0.1 / (1 - self.alike)))
        ratios[a] = found
        return ratios


def _number_sets(texts: Sequence[str]) -> np.ndarray:
    """(N,) a number for the numbers of each text, 0 for none."""
    known: dict[tuple[str, ...], int] = {(): 0}
    return np.array([known.setdefault(tuple(sorted(_NUMBERS.findall(text))), len(known)) for text in texts])


def _last_signs(texts: Sequence[str]) -> np.ndarray:
    """(N,) code points of the last signs that close no bracket or quotation; 0 for a letter or digit."""
    found = []
    for text in texts:
        last = text.rstrip(_CLOSING)[-1:]
        found.append(0 if not last or last.isalnum() else ord(_ENDS.get(last, last)))
    return np.array(found)


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    return float(sum((one == sign).mean() * (other == sign).mean() for sign in np.unique(one)))


def _best_stretch(gains: np.ndarray) -> tuple[int, int, float]:
    """Where the stretch with the largest sum begins and ends, and that sum (Kadane)."""
    total = np.concatenate([[0.0], gains.cumsum()])
    lowest = np.minimum.accumulate(total)
    end = int((total - lowest).argmax())
    begin = int(total[: end + 1].argmin())
    return begin, end, float(total[end] - total[begin])
