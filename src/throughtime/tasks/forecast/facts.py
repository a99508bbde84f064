"""What a forecaster's rule goes by: what can be said of series before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.tasks.forecast.rehearsal import Rehearsal, filled, rehearse
from throughtime.tasks.forecast.seasons import USUAL, Seasons, find_seasons, peaks

SEASONS = 14
"""The look-back, in seasons, where the series are long enough."""

_FEW = 64
"""Series whose course is looked at, or a few more."""

_TRIED, _LATEST, _LONGEST, _PERIODS = 8, 16_384, 512, 5
"""Where a cycle is looked for: series, or a few more; the last values of each; steps of it at most; how many of it."""

_CLEARLY, _LESS, _SLACK = 0.8, 0.9, 1.05
"""The error of the value one cycle ago by the last value's, at most, on later parts and in each third; that of a linear
map that sees it by that of one that does not."""

_SMALL, _EVEN = 5.0, 0.75
"""The mean of counts that are small, at most, and their variance by it, at least: ratings are more even."""

_LOOKED = 2_000_000
"""Values whose signs are looked at, at most."""


@dataclass(frozen=True)
class Facts:
    """Of the part of series that is learned from, without what is held for validation.

    series: how many. values: how many were observed, of all. length: of the median series; longest: of the longest.
    zeros: the share of values that are 0. negative, whole: whether any is below zero, whether all are whole numbers.
    mean, variance: of all values; most: the largest one.
    settled: the median series' deviation in its last third by that in its first. season: the one that counts, given or
    found. wanders: the share of the variance that the means of long stretches (14 seasons, a twelfth of the series)
    have, of the median series; 1 where there are fewer than four. seasons: what was found. rehearsal: two linear maps,
    tried. neighbours: how many others help each series; saved: the share of a linear map's error that they save.
    """

    series: int
    values: int
    length: int
    longest: int
    zeros: float
    negative: bool
    whole: bool
    settled: float
    wanders: float
    season: int
    seasons: Seasons
    rehearsal: Rehearsal
    neighbours: int = 0
    saved: float = 0.0
    mean: float = 0.0
    variance: float = 0.0
    most: float = 0.0

    @classmethod
    def of(cls, series: Sequence[np.ndarray], horizon: int, season: int | None, usual: Sequence[int] | None) -> Facts:
        """Of series (L_n,), NaN where missing. season: where it is given. usual: what the frequency makes plausible,
        None where there is none."""
        lengths = [len(one) for one in series]
        count = int(sum(np.isfinite(one).sum() for one in series))
        step = max(1, sum(lengths) // _LOOKED)
        some = np.concatenate([one[::step] for one in series])
        some = some[np.isfinite(some)]
        found = find_seasons(series, usual)
        if season is None and found.period not in (usual or USUAL):
            found = _cycle(series, horizon, found)
        chosen = season or found.period
        few = series[:: max(1, len(series) // _FEW)]
        return cls(
            len(series),
            count,
            int(np.median(lengths)),
            max(lengths),
            float((some == 0).mean()) if len(some) else 0.0,
            bool((some < 0).any()),
            bool(len(some) and (some == np.round(some)).all()),
            float(np.median([_settled(one) for one in few])),
            float(np.median([_wanders(one, max(SEASONS * chosen, len(one) // 12)) for one in few])),
            chosen,
            found,
            rehearse(series, horizon, chosen),
            mean=float(some.mean()) if len(some) else 0.0,
            variance=float(some.var()) if len(some) else 0.0,
            most=float(some.max()) if len(some) else 0.0,
        )

    @property
    def unpredictable(self) -> bool:
        """Whether no map did better than the last value, as with prices."""
        r = self.rehearsal
        return r.tried and min(r.drifting, r.reverting, r.seasonal) > 0.99

    @property
    def reverting(self) -> bool:
        """Whether series come back to their mean: a map that sees the level does better, or hardly worse where the
        means of long stretches are alike."""
        better = self.rehearsal.reverting / max(1e-9, self.rehearsal.drifting)
        return better < 0.99 or (self.wanders < 0.25 and better < 1.05)

    @property
    def few(self) -> bool:
        """Whether these are small counts: whole numbers from 0 up, a few at a time, and no more even than chance has
        them, as ratings or what is either 0 or 1 would be."""
        counted = self.whole and not self.negative and self.most > 1
        return counted and self.mean <= _SMALL and self.variance >= _EVEN * self.mean

    @property
    def seldom(self) -> bool:
        """Whether most values are zero, none is below, and no season tells when."""
        return self.zeros > 0.5 and not self.negative and self.season == 1


def _cycle(series: Sequence[np.ndarray], horizon: int, found: Seasons) -> Seasons:
    """What was found, or a period whose place moves on, where that says more: in every third of the series the value
    one of it ago errs less than the last one, on three later parts clearly less, and less than one period of what was
    found ago, and a linear map that sees it errs no more. Random walks have none."""
    few = [filled(one[-_LATEST:]) for one in series[:: max(1, len(series) // _TRIED)]]
    length = int(np.median([len(one) for one in few]))
    plain, before = rehearse(few, horizon, 1), rehearse(few, horizon, found.period)
    least = min(_CLEARLY, before.seasonal) if found.period > 1 else _CLEARLY
    longest = min(_LONGEST, length // _PERIODS)
    tops = peaks(few, longest)
    for period in sorted({p + by for p in tops for by in (-1, 0, 1) if 2 <= p + by <= longest}):
        thirds = np.median([_by_the_last(one, period, horizon) for one in few], 0)
        if period == found.period or not (thirds < _LESS).all():
            continue
        tried = rehearse(few, horizon, period)
        worse = min(tried.drifting, tried.reverting) > _SLACK * min(plain.drifting, plain.reverting)
        if tried.tried and tried.seasonal < least and not worse:
            least, found = tried.seasonal, Seasons(period, 1 - tried.seasonal, drifting=True)
    return found


def _by_the_last(values: np.ndarray, period: int, horizon: int) -> list[float]:
    """Of each third of a series the error of the value one period ago, or as many as it takes, by the last value's."""
    ratios = []
    for part in np.array_split(values, 3):
        ours = theirs = 0.0
        for ahead in np.unique(np.linspace(1, horizon, min(horizon, 5)).round().astype(int)):
            back = -(-int(ahead) // period) * period
            if len(part) <= back:
                return [1.0] * 3
            ours += float(np.abs(part[back:] - part[:-back]).mean())
            theirs += float(np.abs(part[ahead:] - part[:-ahead]).mean())
        ratios.append(ours / theirs if theirs > 0 else 1.0)
    return ratios


def _settled(values: np.ndarray) -> float:
    """The deviation of the last third by that of the first; 1 where one never changes, 0 where both never do."""
    third = max(1, len(values) // 3)
    deviations = []
    for part in (values[:third], values[-third:]):
        observed = part[np.isfinite(part)]
        deviations.append(float(observed.std()) if len(observed) else 0.0)
    first, last = deviations
    if first == 0 and last == 0:
        return 0.0
    return last / first if first > 0 and last > 0 else 1.0


def _wanders(values: np.ndarray, width: int) -> float:
    """The share of the variance that the means of stretches of so many steps have; 1 for fewer than four."""
    count = len(values) // width
    if count < 4:
        return 1.0
    parts = values[-count * width :].reshape(count, width)
    means = np.array([part[np.isfinite(part)].mean() for part in parts if np.isfinite(part).any()])
    whole = float(np.nanvar(values))
    return float(means.var() / whole) if whole > 0 and len(means) >= 4 else 1.0
