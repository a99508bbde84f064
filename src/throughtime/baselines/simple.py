"""Forecasts that cost nothing: the last value, one season ago, the drift, the mean, and M4's Naive2.

A baseline has a name, `fit(histories, season, horizon)`, and `predict(histories)`: (N, H) after the ends of N
histories, arrays (L,) with NaN where a value is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Baseline(Protocol):
    """What every baseline offers."""

    name: str

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


class _Simple:
    season, horizon = 1, 1

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


class Naive2(_Simple):
    """The last value, seasonally adjusted where a test at 90 % finds a season; what M4's OWA divides by.

    Source: Makridakis et al. 2020, doi:10.1016/j.ijforecast.2019.04.014, section 2: classical multiplicative
    decomposition.
    """

    name = "Naive2"

    def one(self, history: np.ndarray) -> np.ndarray:
        m = self.season
        if m < 2 or len(history) < 3 * m or (history <= 0).any() or not _seasonal(history, m):
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
