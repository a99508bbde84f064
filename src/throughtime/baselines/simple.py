"""Forecasts that cost nothing: the last value, one season ago, the drift, the mean, the median, 0, and M4's Naive2.

A baseline has a name, `applies(histories)`, `fit(histories, season, horizon)`, and `predict(histories)`: (N, H) after
the ends of N histories, arrays (L,) with NaN where a value is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Baseline(Protocol):
    """What every baseline offers."""

    name: str

    def applies(self, histories: Sequence[np.ndarray]) -> bool:
        """Whether it says anything about such histories."""

    def fit(self, histories: Sequence[np.ndarray], season: int, horizon: int) -> None:
        """Learn from histories (L_n,)."""

    def predict(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """(N, H) after the ends of histories."""


def filled(history: np.ndarray) -> np.ndarray:
    """Missing values replaced by the last one before them; those at the beginning by the first one there is."""
    known = np.isfinite(history)
    if known.all():
        return history
    if not known.any():
        return np.zeros_like(history)
    last = np.maximum.accumulate(np.where(known, np.arange(len(history)), -1))
    values: np.ndarray = history[np.where(last >= 0, last, int(known.argmax()))]
    return values


def carried(history: np.ndarray) -> np.ndarray:
    """Missing values replaced by the last one before them; those at the beginning stay missing."""
    last = np.maximum.accumulate(np.where(np.isfinite(history), np.arange(len(history)), -1))
    values: np.ndarray = np.where(last >= 0, history[last], np.nan)
    return values


_SPARSE = 1.32
"""Steps from one value that is not 0 to the next, on average, from which on a series counts as intermittent demand.

Source: Syntetos, Boylan and Croston 2005, doi:10.1057/palgrave.jors.2601841.
"""


def sparse(history: np.ndarray) -> bool:
    """Whether a history is intermittent demand: nowhere below 0, and often 0."""
    known = history[np.isfinite(history)]
    return bool(len(known) and (known >= 0).all() and len(known) >= _SPARSE * np.count_nonzero(known))


class _Simple:
    season, horizon = 1, 1

    def applies(self, histories: Sequence[np.ndarray]) -> bool:
        """Whether it says anything about such histories; it does."""
        return True

    def fit(self, histories: Sequence[np.ndarray], season: int, horizon: int) -> None:
        """Nothing is learned."""
        self.season, self.horizon = season, horizon

    def predict(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """(N, H) after the ends of histories."""
        return np.stack([self.one(filled(history)) for history in histories])

    def one(self, history: np.ndarray) -> np.ndarray:
        """(H,) after the end of a history without gaps."""
        raise NotImplementedError


class Naive(_Simple):
    """The last value."""

    name = "last value"

    def one(self, history: np.ndarray) -> np.ndarray:
        return np.full(self.horizon, history[-1])


class SeasonalNaive(_Simple):
    """The value one season ago."""

    name = "seasonal naive"

    def one(self, history: np.ndarray) -> np.ndarray:
        season = min(self.season, len(history))
        forecast: np.ndarray = history[len(history) - season + np.arange(self.horizon) % season]
        return forecast


class Drift(_Simple):
    """The line from the first value to the last, gone on."""

    name = "drift"

    def one(self, history: np.ndarray) -> np.ndarray:
        slope = (history[-1] - history[0]) / max(1, len(history) - 1)
        forecast: np.ndarray = history[-1] + slope * np.arange(1, self.horizon + 1)
        return forecast


class SeasonMean(_Simple):
    """The mean of the last season."""

    name = "mean of the last season"

    def one(self, history: np.ndarray) -> np.ndarray:
        return np.full(self.horizon, history[-self.season :].mean())


class Median(_Simple):
    """The median of all that was observed: of values without any order, the least absolute error."""

    name = "median"

    def one(self, history: np.ndarray) -> np.ndarray:
        return np.full(self.horizon, np.median(history))

    def predict(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """(N, H) after the ends of histories."""
        known = [history[np.isfinite(history)] for history in histories]
        return np.stack([self.one(one if len(one) else np.zeros(1)) for one in known])


class Zero(_Simple):
    """Nothing, where 0 lies among what was observed: sparse counts, returns, anomalies."""

    name = "zero"

    def applies(self, histories: Sequence[np.ndarray]) -> bool:
        """Whether 0 lies between the least and the greatest value."""
        known = [one[np.isfinite(one)] for one in histories]
        return any(len(one) and one.min() <= 0 <= one.max() for one in known)

    def one(self, history: np.ndarray) -> np.ndarray:
        return np.zeros(self.horizon)


class Naive2(_Simple):
    """The last value, seasonally adjusted where a test at 90 % finds a season; what M4's OWA divides by.

    A season that multiplies is none of values that are not all above 0: there it stays the last value, which `note`
    tells.

    Source: Makridakis et al. 2020, doi:10.1016/j.ijforecast.2019.04.014, section 2: classical multiplicative
    decomposition.
    """

    name = "Naive2"

    def __init__(self) -> None:
        self._windows = self._last = 0

    def fit(self, histories: Sequence[np.ndarray], season: int, horizon: int) -> None:
        """Nothing is learned."""
        super().fit(histories, season, horizon)
        self._windows = self._last = 0

    @property
    def note(self) -> str:
        """In how many windows it is no more than the last value because of values that are not above 0."""
        if not self._last:
            return ""
        of = "all" if self._last == self._windows else f"{self._last:,} of {self._windows:,}"
        return f"the last value in {of} windows, whose past is not all above 0: its season multiplies"

    def one(self, history: np.ndarray) -> np.ndarray:
        m = self.season
        self._windows += 1
        if m >= 2 and len(history) >= 3 * m and (history <= 0).any():
            self._last += 1
            return np.full(self.horizon, history[-1])
        if m < 2 or len(history) < 3 * m or not _seasonal(history, m):
            return np.full(self.horizon, history[-1])
        factors = _factors(history, m)
        adjusted = history[-1] / factors[(len(history) - 1) % m]
        forecast: np.ndarray = adjusted * factors[(len(history) + np.arange(self.horizon)) % m]
        return forecast


def _seasonal(history: np.ndarray, season: int) -> bool:
    """Whether the autocorrelation at a season's lag is beyond its 90 % limit."""
    centred = history - history.mean()
    size = (centred**2).sum()
    if size == 0:
        return False
    lags = [(centred[k:] * centred[:-k]).sum() / size for k in range(1, season + 1)]
    limit = 1.645 * np.sqrt((1 + 2 * np.sum(np.square(lags[:-1]))) / len(history))
    return bool(abs(lags[-1]) > limit)


def _factors(history: np.ndarray, season: int) -> np.ndarray:
    """Seasonal factors whose mean is 1, by the place in the season from the history's first value on."""
    weights = np.ones(season) / season
    if season % 2 == 0:
        weights = np.concatenate([[0.5], np.ones(season - 1), [0.5]]) / season
    trend = np.convolve(history, weights, "valid")
    first = len(weights) // 2
    ratios = history[first : first + len(trend)] / trend
    place = (first + np.arange(len(trend))) % season
    means: np.ndarray = np.array([ratios[place == p].mean() for p in range(season)])
    factors: np.ndarray = means * season / means.sum()
    return factors
