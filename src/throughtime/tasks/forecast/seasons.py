"""After how many steps series repeat themselves, found in their values and in what the calendar makes plausible.

A period is tried on values without their slow course (a moving average over two periods taken away): the mean course
over the period, learned on the earlier part of a series, has to explain the later part. A random walk has cycles in its
past that its future does not follow, so this finds none in it. Several series vote: the median of what is explained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

USUAL = (4, 5, 7, 12, 24, 48, 52, 60, 96, 144, 168, 288, 336, 365, 720, 1440)
"""Periods of calendars: quarters, months, weekdays, hours, halves, quarters and fives of hours, minutes."""

_SERIES = 48
"""Series that vote at most, evenly spread."""

_STEPS = 16_384
"""The last steps of each that are looked at, at most."""

_LONGEST = 2_048
"""The longest period that is looked for where the calendar says none."""

_PERIODS = 5
"""How many of a period that no calendar has are seen at least."""

_CALENDAR, _ANY = 0.04, 0.15
"""Least share of the later part that a period has to explain: one of a calendar, and any other. Where few of them were
seen chance explains something: 1 / the number that was seen is added."""

_USUAL = 0.02
"""By how much a neighbour may explain more than a period of a calendar and not be taken for it."""

_ADDS = 0.05
"""How much more a multiple of the season has to explain to count beside it."""


@dataclass(frozen=True)
class Seasons:
    """period: steps after which series repeat, 1 for never. strength: the share of the later part that its mean course,
    learned on the earlier part, explains. longer: a multiple of it that explains more, 0 for none. drifting: whether no
    mean course tells anything, since the place in the period moves on, as with the spots of the sun; then strength is
    the share of the last value's error that the value one period ago saves."""

    period: int = 1
    strength: float = 0.0
    longer: int = 0
    drifting: bool = False


def find_seasons(series: Sequence[np.ndarray], usual: Sequence[int] | None = None) -> Seasons:
    """The seasons of series (L_n,), NaN where missing. usual: periods that their frequency makes plausible, the
    shortest first; where it makes none, as of years, every period may be, and where there is none (None) those of
    calendars sooner than others."""
    order = np.linspace(0, len(series) - 1, min(len(series), _SERIES)).round().astype(int)
    some = [series[n][-_STEPS:] for n in order]
    some = [one for one in some if np.isfinite(one).sum() >= 8]
    if not some:
        return Seasons()
    length = int(np.median([len(one) for one in some]))
    if usual:
        tried = {p: explained(some, p) for p in usual}
        good = [p for p in usual if tried[p] >= 0.5 * (_CALENDAR + p / length)]
    else:
        longest = min(_LONGEST, length // 3)
        seen = min(_LONGEST, length // _PERIODS)
        calendar = USUAL if usual is None else ()
        places = sorted({*peaks(some, seen), *(p for p in calendar if p <= longest)})
        tried = {p: explained(some, p) for p in places}
        good = [p for p in places if tried[p] >= (_CALENDAR if p in calendar else _ANY) + p / length]
    if not good:
        return Seasons()
    most = max(tried[p] for p in good)
    # a multiple of the season explains as much, and a little more by chance: the shortest that explains most of it
    period = next((p for p in good if tried[p] >= 0.85 * most), good[0])
    near = [p for p in good if abs(p - period) <= max(1, period // 40)]
    known = USUAL if usual is None else usual
    period = max(near, key=lambda p: tried[p] + _USUAL * (p in known))
    inner = [p for p in good if p in known and p < period and period % p == 0 and tried[p] >= 0.5 * most]
    if inner:  # a day within a week
        period = inner[0]
    longer = [p for p in good if p > period and p % period == 0 and tried[p] >= tried[period] + _ADDS]
    return Seasons(period, tried[period], longer[0] if longer else 0)


def explained(series: Sequence[np.ndarray], period: int) -> float:
    """The share of the later part's variance that the mean course over a period explains, the median of series; 0 where
    fewer than half of them hold three periods."""
    if period < 2:
        return 0.0
    shares = [_explained(one, period) for one in series if len(one) >= 3 * period]
    return float(np.median(shares)) if 2 * len(shares) >= len(series) and shares else 0.0


def _explained(values: np.ndarray, period: int) -> float:
    rest = _without_course(values, 2 * period)
    middle = max(period, len(rest) * 2 // 3 // period * period)
    place, known = np.arange(len(rest)) % period, np.isfinite(rest)
    early, late = known.copy(), known.copy()
    early[middle:], late[:middle] = False, False
    count = np.bincount(place[early], minlength=period)
    course = np.bincount(place[early], rest[early], minlength=period) / np.maximum(1, count)
    late &= (count > 0)[place]
    if late.sum() < period / 2:
        return 0.0
    left = float(np.square(rest[late] - course[place[late]]).sum())
    # beside an even window a trend leaves a mean, which is no course: what that alone explains does not count
    totals = [float(np.square(rest[late] - mean).sum()) for mean in (0.0, rest[early].mean())]
    return 1.0 - left / min(totals) if min(totals) > 0 else 0.0


def _without_course(values: np.ndarray, width: int) -> np.ndarray:
    """Values less their moving average over about so many steps, over what was observed."""
    known = np.isfinite(values)
    sums = np.concatenate([[0.0], np.where(known, values, 0.0).cumsum()])
    counts = np.concatenate([[0], known.cumsum()])
    at = np.arange(len(values))
    first, last = np.maximum(0, at - width // 2), np.minimum(len(values), at + width - width // 2)
    # at the ends as wide as in the middle, else a trend is left there
    first, last = np.minimum(first, np.maximum(0, len(values) - width)), np.maximum(last, min(width, len(values)))
    rest: np.ndarray = values - (sums[last] - sums[first]) / np.maximum(1, counts[last] - counts[first])
    return rest


def peaks(series: Sequence[np.ndarray], longest: int) -> list[int]:
    """The lags with the highest peaks of the series' mean autocorrelation, in each octave of lags."""
    found: list[int] = []
    first = 2
    while first <= longest:
        last = min(longest, 2 * first)
        mean = np.mean([_autocorrelation(_without_course(one, 2 * last), last + 1) for one in series], 0)
        inside = np.arange(first, last + 1)
        peaks = inside[(mean[inside] > mean[inside - 1]) & (mean[inside] >= mean[inside + 1]) & (mean[inside] > 0)]
        found += sorted(peaks, key=lambda lag: -mean[lag])[:3]
        first *= 2
    return [int(lag) for lag in found]


def _autocorrelation(values: np.ndarray, most: int) -> np.ndarray:
    """(most + 1,) autocorrelation up to a lag, over the pairs that were both observed."""
    known = np.isfinite(values)
    centred = np.where(known, values - values[known].mean(), 0.0) if known.any() else np.zeros(len(values))
    size = 1 << (len(values) + most).bit_length()
    products = np.fft.irfft(np.abs(np.fft.rfft(centred, size)) ** 2, size)[: most + 1]
    pairs = np.fft.irfft(np.abs(np.fft.rfft(known.astype(float), size)) ** 2, size)[: most + 1]
    each = products / np.maximum(1.0, pairs.round())
    correlation: np.ndarray = each / each[0] if each[0] > 0 else np.zeros(most + 1)
    return correlation
