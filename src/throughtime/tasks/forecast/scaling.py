"""What a forecaster sees of a series: a window in a scale of its own, and the references in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.statistics import LEAST_SCALE

_MOST = 10.0
"""Beyond so many deviations a value of the past says no more than that it is large."""


@dataclass(frozen=True)
class Window:
    """Windows as they are in the series.

    values: (B, warm + w S) float64, NaN where missing. features: (B, w S + K, features) float32, the known ones first;
    those that are not known are not read beyond w S. profile: (B, w S + K) float64, the series' mean course, NaN where
    it has none. measure: (B, 2) float64, the series' own level and scale. latest: (B,) float64, the last value observed
    before the window, NaN for none. others: (B, w S, M) float64, the neighbours' values, standardised, NaN where
    missing.
    """

    values: np.ndarray
    features: np.ndarray | None = None
    profile: np.ndarray | None = None
    measure: np.ndarray | None = None
    latest: np.ndarray | None = None
    others: np.ndarray | None = None


Exchange = tuple[np.ndarray, Callable[[Window, Window], Window]]
"""Other origins (M, 2), and what makes a window of one and of that of another origin."""


@dataclass(frozen=True)
class Scaled:
    """Windows ready for the model. past (S, B, inputs), references (R, B, K) or (S, R, B, K), ahead (J, B, w (F +
    profile)) or None: float32. level, scale: (B, 1) float64.

    A value in the windows' scale times `scale` plus `level` is in the series' own unit.
    """

    past: np.ndarray
    references: np.ndarray
    ahead: np.ndarray | None
    level: np.ndarray
    scale: np.ndarray

    def unit(self, forecasts: np.ndarray) -> np.ndarray:
        """Forecasts (..., B, K, Q) in the series' own unit, float64."""
        values: np.ndarray = forecasts.astype(np.float64) * self.scale[..., None] + self.level[..., None]
        return values


def scaled(config: ForecastConfig, window: Window) -> Scaled:
    """Windows in their scale; see forecaster.SCALINGS.

    A reference that is missing takes the last value before the forecast that is not; without any it is the level.
    """
    rows, width, lookback = len(window.values), config.segment, config.lookback
    observed = np.isfinite(window.values)
    level, scale = _scale(config, window, observed)
    values = np.where(observed, (window.values - level) / scale, 0.0)
    origins = config.warm + (width * np.arange(1, config.segments + 1) if config.every else np.array([lookback]))
    before = np.zeros(rows) if window.latest is None else np.nan_to_num((window.latest - level[:, 0]) / scale[:, 0])
    references = _references(config, values, observed, before, origins)
    shape = (rows, config.segments, width)
    seen = [np.clip(values, -_MOST, _MOST)[:, config.warm :].reshape(shape), observed[:, config.warm :].reshape(shape)]
    features = _features(config, window, level, scale)
    if config.profile:
        references = np.concatenate([references, _profiles(config, window, level, scale, references, origins)], 1)
    ahead = None
    if features is not None:
        seen.append(features[:, :lookback].reshape(*shape[:2], -1))
        known = [*range(config.known), *([-1] if config.profile else [])]
        if known and config.every:
            coming = sliding_window_view(features[:, width:][..., known], config.horizon, 1)[:, :: config.segment]
            seen.append(coming[:, : config.segments].swapaxes(2, 3).reshape(*shape[:2], -1))
        elif known:
            ahead = np.zeros((rows, config.ahead * width, len(known)), np.float32)
            ahead[:, : config.horizon] = features[:, lookback:][..., known]
            ahead = np.ascontiguousarray(ahead.reshape(rows, config.ahead, -1).swapaxes(0, 1))
    if config.neighbours:
        seen.append(_others(config, window).reshape(*shape[:2], -1))
    past = np.ascontiguousarray(np.concatenate(seen, -1, dtype=np.float32).swapaxes(0, 1))
    seen_references = np.ascontiguousarray(references if config.every else references[0], np.float32)
    return Scaled(past, seen_references, ahead, level, scale)


def shuffled(config: ForecastConfig, seen: Scaled, rng: np.random.Generator) -> Scaled:
    """Windows whose steps of the past stand in a random order, of each window its own; what the steps are, and the
    references, stays."""
    count, rows, width = config.segments, seen.past.shape[1], config.segment
    order = rng.permuted(np.tile(np.arange(config.lookback), (rows, 1)), axis=1)
    parts, first = [], 0
    for each in (1, 1, config.features + config.profile, 2 * config.neighbours):
        part = seen.past[..., first : first + width * each].reshape(count, rows, width, each)
        steps = part.transpose(1, 0, 2, 3).reshape(rows, config.lookback, each)
        steps = steps[np.arange(rows)[:, None], order].reshape(rows, count, width, each)
        parts.append(steps.transpose(1, 0, 2, 3).reshape(count, rows, -1))
        first += width * each
    return replace(seen, past=np.ascontiguousarray(np.concatenate(parts, -1)))


def _scale(config: ForecastConfig, window: Window, observed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level and scale, (B, 1) each."""
    if config.scaling == "series":
        assert window.measure is not None
        return window.measure[:, :1], window.measure[:, 1:]
    if config.scaling == "last":
        assert window.measure is not None
        level, scale = window.measure[:, :1], window.measure[:, 1:]
        before = (
            level
            if window.latest is None
            else np.where(np.isfinite(window.latest[:, None]), window.latest[:, None], level)
        )
        place = np.where(observed, np.arange(observed.shape[1]), -1).max(1)[:, None]
        return np.where(place >= 0, np.take_along_axis(window.values, place, 1), before), scale
    count = np.maximum(1, observed.sum(1, keepdims=True))
    level = np.where(observed, window.values, 0.0).sum(1, keepdims=True) / count
    if config.scaling == "level":
        assert window.measure is not None
        return level, window.measure[:, 1:]
    deviation = np.where(observed, np.abs(window.values - level), 0.0).sum(1, keepdims=True) / count
    scale = np.maximum(deviation, LEAST_SCALE * np.abs(level))
    return level, np.where(scale > 0, scale, 1.0)


def _references(
    config: ForecastConfig, values: np.ndarray, observed: np.ndarray, before: np.ndarray, origins: np.ndarray
) -> np.ndarray:
    """(origins, lags, B, K): values some lags before each step to come."""
    rows, steps = np.arange(len(values)), np.arange(config.horizon)
    last = np.maximum.accumulate(np.where(observed, np.arange(values.shape[1]), -1), 1)[:, origins - 1]
    latest = np.where(last >= 0, values[rows[:, None], last], before[:, None])
    # a lag shorter than the horizon repeats itself
    places = np.stack([origins[:, None] - lag + steps % lag for lag in config.lags], 1)
    references: np.ndarray = np.where(observed[:, places], values[:, places], latest[:, :, None, None])
    return references.transpose(1, 2, 0, 3)


def _others(config: ForecastConfig, window: Window) -> np.ndarray:
    """(B, w S, 2 M) float32: of each step the neighbours' values, scaled as the window is, and which were observed."""
    if window.others is None:
        return np.zeros((len(window.values), config.lookback, 2 * config.neighbours), np.float32)
    observed = np.isfinite(window.others)
    values = np.where(observed, window.others, 0.0)
    if config.scaling == "last":
        place = np.where(observed, np.arange(config.lookback)[:, None], -1).max(1, keepdims=True)
        values = values - np.where(place >= 0, np.take_along_axis(values, place.clip(0), 1), 0.0)
    elif config.scaling != "series":
        count = np.maximum(1, observed.sum(1, keepdims=True))
        values = values - values.sum(1, keepdims=True) / count
        if config.scaling == "window":
            deviation = np.where(observed, np.abs(values), 0.0).sum(1, keepdims=True) / count
            values = values / np.where(deviation > LEAST_SCALE, deviation, 1.0)
    return np.concatenate([np.where(observed, np.clip(values, -_MOST, _MOST), 0.0), observed], -1, dtype=np.float32)


def _features(config: ForecastConfig, window: Window, level: np.ndarray, scale: np.ndarray) -> np.ndarray | None:
    """(B, w S + K, features + profile) float32, the profile last."""
    parts = []
    if config.features:
        assert window.features is not None
        parts.append(window.features)
    if config.profile:
        assert window.profile is not None
        course = np.clip(np.nan_to_num((window.profile - level) / scale), -_MOST, _MOST)
        parts.append(course[..., None].astype(np.float32))
    return np.concatenate(parts, -1) if parts else None


def _profiles(
    config: ForecastConfig,
    window: Window,
    level: np.ndarray,
    scale: np.ndarray,
    references: np.ndarray,
    origins: np.ndarray,
) -> np.ndarray:
    """(origins, 2, B, K): the profile at the steps to come, and the last value moved along as the profile moves.

    references: of the lags; where the profile is missing, both are the first of them.
    """
    assert window.profile is not None
    course = (window.profile - level) / scale
    places = (origins - config.warm)[:, None] + np.arange(config.horizon)
    coming = course[:, places].transpose(1, 0, 2)
    moved = references[:, 0] + coming - course[:, origins - config.warm - 1].T[:, :, None]
    both = np.stack([coming, moved], 1)
    return np.where(np.isfinite(both), both, references[:, :1])
