"""What a forecaster's rule goes by: what can be said of series before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.tasks.forecast.rehearsal import Rehearsal, rehearse
from throughtime.tasks.forecast.seasons import Seasons, find_seasons

SEASONS = 14
"""The look-back, in seasons, where the series are long enough."""

_FEW = 64
"""Series whose course is looked at, or a few more."""

_LOOKED = 2_000_000
"""Values whose signs are looked at, at most."""


@dataclass(frozen=True)
class Facts:
    """Of the part of series that is learned from, without what is held for validation.

    series: how many. values: how many were observed, of all. length: of the median series; longest: of the longest.
    zeros: the share of values that are 0. negative, whole: whether any is below zero, whether all are whole numbers.
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

    @classmethod
    def of(cls, series: Sequence[np.ndarray], horizon: int, season: int | None, usual: Sequence[int]) -> Facts:
        """Of series (L_n,), NaN where missing. season: where it is given. usual: what the frequency makes plausible."""
        lengths = [len(one) for one in series]
        count = int(sum(np.isfinite(one).sum() for one in series))
        step = max(1, sum(lengths) // _LOOKED)
        some = np.concatenate([one[::step] for one in series])
        some = some[np.isfinite(some)]
        found = find_seasons(series, usual)
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
    def seldom(self) -> bool:
        """Whether most values are zero, none is below, and no season tells when."""
        return self.zeros > 0.5 and not self.negative and self.season == 1


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
