"""What a model learned of the series that are to be learned on: which they are, how far, and in what scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from throughtime.data.frequency import Frequency
from throughtime.data.panel import Panel
from throughtime.tasks.forecast.fitted_series import FittedSeries
from throughtime.tasks.forecast.statistics import Statistics


@dataclass(frozen=True)
class Before:
    """fitted: the model's series. places: (N,) the number there of each series to be learned, -1 for a new one.
    learned: (N,) how many of its first values that model learned; counts: (N,) how many it learned of it in all."""

    fitted: FittedSeries
    places: np.ndarray
    learned: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, fitted: FittedSeries, panel: Panel) -> Before:
        """Of a panel that is to be learned. A series of a name that the model knows, but with other values, is new."""
        count = len(panel)
        places, learned, counts = np.full(count, -1), np.zeros(count, int), np.zeros(count, int)
        for n, name in enumerate(panel.ids):
            i = fitted.places.get(name)
            if i is None:
                continue
            offset, size = fitted.index.offsets[i], len(fitted.ends.values[i])
            old = _times(fitted, i, panel.frequency, offset, size)
            own = panel.times(n, 0, len(panel.values[n]))
            if not _alike(fitted.ends.values[i], old, panel.values[n], own):
                continue
            steps = fitted.index.learned[i]
            places[n], counts[n] = i, steps
            learned[n] = int((own <= _times(fitted, i, panel.frequency, steps - 1, 1)[0]).sum()) if steps else 0
        return cls(fitted, places, learned, counts)

    def beyond(self, held: np.ndarray, lengths: np.ndarray, horizon: int) -> np.ndarray:
        """Steps at the ends of series without those that the model learned; none where a horizon is not left."""
        fresh = lengths - np.minimum(self.learned, lengths)
        found: np.ndarray = np.where(fresh >= horizon, np.minimum(held, fresh), 0)
        return found

    def merged(self, own: Statistics, lengths: np.ndarray, period: int) -> Statistics:
        """Statistics of the series: the model's, of those of which it learned more than what is given now."""
        old, measures, profiles = self.fitted.statistics, own.measures.copy(), own.profiles
        kept = np.flatnonzero((self.places >= 0) & (self.counts > lengths))
        measures[kept] = old.measures[self.places[kept]]
        if profiles is not None and old.profiles is not None and old.profiles.shape[1] == period:
            profiles = profiles.copy()
            profiles[kept] = old.profiles[self.places[kept]]
        return Statistics(measures, profiles)


def _times(fitted: FittedSeries, i: int, frequency: Frequency, first: int, count: int) -> np.ndarray:
    """The times of some steps of a model's series, as a Panel of this frequency has them."""
    start = fitted.index.starts[i]
    if isinstance(start, str) and frequency.kind != "steps":
        return frequency.times(np.datetime64(start, "us"), count, first)
    return (0 if isinstance(start, str) else start) + first + np.arange(count)


def _alike(old: np.ndarray, old_times: np.ndarray, new: np.ndarray, new_times: np.ndarray) -> bool:
    """Whether most values of one time are the same, as far as there are such."""
    _, mine, yours = np.intersect1d(old_times, new_times, return_indices=True)
    a, b = old[mine], new[yours]
    there = np.isfinite(a) & np.isfinite(b)
    return not there.any() or bool((np.abs(a - b) <= 1e-6 * (1 + np.abs(a)))[there].mean() > 0.5)
