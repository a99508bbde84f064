"""What a forecaster sees of a series: a window in its own scale, and the references in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from throughtime.models.forecaster import ForecastConfig

_LEAST = 1e-3
"""The least scale of a window, relative to its level: a constant one has no deviation of its own."""

_MOST = 10.0
"""Beyond so many deviations a value of the past says no more than that it is large."""


@dataclass(frozen=True)
class Scaled:
    """Windows ready for the model. past (S, B, 2 w), references (R, B, K): float32. level, scale: (B, 1) float64.

    A value in the windows' scale times `scale` plus `level` is in the series' own unit.
    """

    past: np.ndarray
    references: np.ndarray
    level: np.ndarray
    scale: np.ndarray

    def unit(self, forecasts: np.ndarray) -> np.ndarray:
        """Forecasts (B, K, ...) in the series' own unit, float64."""
        shape = (-1,) + (1,) * (forecasts.ndim - 1)
        found: np.ndarray = forecasts.astype(np.float64) * self.scale.reshape(shape) + self.level.reshape(shape)
        return found


def scaled(config: ForecastConfig, windows: np.ndarray) -> Scaled:
    """Windows (B, w S), NaN where missing, shifted by their mean and divided by their mean absolute deviation.

    A reference that is missing takes the window's last value that is not; a window without any is all zeros.
    """
    rows, lookback = windows.shape
    observed = np.isfinite(windows)
    count = np.maximum(1, observed.sum(1, keepdims=True))
    level = np.where(observed, windows, 0.0).sum(1, keepdims=True) / count
    values = np.where(observed, windows - level, 0.0)
    scale = np.maximum(np.abs(values).sum(1, keepdims=True) / count, _LEAST * np.abs(level))
    scale = np.where(scale > 0, scale, 1.0)
    values /= scale
    shape = (rows, config.segments, config.segment)
    past = np.concatenate(
        [np.clip(values, -_MOST, _MOST).reshape(shape), observed.reshape(shape)], -1, dtype=np.float32
    )
    last = np.where(observed, np.arange(lookback), -1).max(1)
    latest = np.where(last >= 0, values[np.arange(rows), last], 0.0)
    filled = np.where(observed, values, latest[:, None])
    steps = np.arange(config.horizon)
    # a lag shorter than the horizon repeats itself
    places = np.stack([lookback - lag + steps % lag for lag in config.lags])
    references = filled[:, places].swapaxes(0, 1).astype(np.float32)
    return Scaled(past.swapaxes(0, 1), references, level, scale)
