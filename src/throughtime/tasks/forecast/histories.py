"""Many series side by side, and windows cut from them at any origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.scaling import Window, measures


@dataclass(frozen=True)
class Series:
    """What a forecaster is given of many series.

    values: (L_n,) float64 each, NaN where missing. features: (L_n + what is known beyond, P) float32 each, the known
    ones first, or None. phases: (N,) the place in the season of each one's first value.
    """

    values: Sequence[np.ndarray]
    features: Sequence[np.ndarray] | None = None
    phases: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Learned:
    """What is learned of each series without a gradient: measures (N, 2), its level and scale; profiles (N, P), its
    mean at each place of a season, NaN where nothing was observed, or None."""

    measures: np.ndarray
    profiles: np.ndarray | None = None

    @classmethod
    def of(cls, series: Series, period: int = 0, keep: Sequence[int] | None = None) -> Learned:
        """From series, but for the last `keep` values of each; period: of the profile, 0 for none."""
        kept = [0] * len(series) if keep is None else keep
        values = [one[: len(one) - k] for one, k in zip(series.values, kept, strict=True)]
        found = np.array([measures(one) for one in values]).reshape(-1, 2)
        if not period:
            return cls(found)
        phases = np.zeros(len(values), int) if series.phases is None else series.phases
        return cls(found, np.stack([_profile(v, int(p), period) for v, p in zip(values, phases, strict=True)]))


def _profile(values: np.ndarray, phase: int, period: int) -> np.ndarray:
    """The mean of what was observed at each place of the season, (period,)."""
    place = (phase + np.arange(len(values))) % period
    known = np.isfinite(values)
    count = np.bincount(place[known], minlength=period)
    total = np.bincount(place[known], values[known], minlength=period)
    found: np.ndarray = np.where(count > 0, total / np.maximum(1, count), np.nan)
    return found


class Histories:
    """Windows of many series.

    All values stand in one array, each series with room for a window before it and a horizon after it, so that a window
    may begin before the series does.
    """

    def __init__(self, config: ForecastConfig, series: Sequence[np.ndarray] | Series, learned: Learned | None = None):
        if not isinstance(series, Series):
            series = Series(series)
        self.config = config
        before, after = config.warm + config.lookback, config.horizon
        self.lengths = np.array([len(one) for one in series.values], int)
        self._offsets = before + np.concatenate([[0], (self.lengths + before + after).cumsum()])[:-1]
        self._values = np.full(int((self.lengths + before + after).sum()), np.nan)
        for offset, one in zip(self._offsets, series.values, strict=True):
            self._values[offset : offset + len(one)] = one
        self._features = None
        if config.features:
            assert series.features is not None
            self._features = np.zeros((len(self._values), config.features), np.float32)
            for offset, length, own in zip(self._offsets, self.lengths, series.features, strict=True):
                part = own[: length + after]
                self._features[offset : offset + len(part)] = part
        self._phases = np.zeros(len(series), int) if series.phases is None else np.asarray(series.phases)
        self._learned = learned

    def present(self, series: np.ndarray, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many values each origin sees before it, in the look-back, and how many come after it, in the horizon."""
        count = np.concatenate([[0], np.isfinite(self._values).cumsum()])
        at = self._offsets[series] + origins
        seen: np.ndarray = count[at] - count[at - self.config.lookback]
        come: np.ndarray = count[at + self.config.horizon] - count[at]
        return seen, come

    def window(self, series: np.ndarray, origins: np.ndarray) -> Window:
        """What is seen at origins (B,), steps in series (B,): everything before them."""
        config = self.config
        at = (self._offsets[series] + origins)[:, None]
        values = self._values[at + np.arange(-config.warm - config.lookback, 0)]
        steps = np.arange(-config.lookback, config.horizon)
        features = None if self._features is None else self._features[at + steps]
        profile = measure = None
        if self._learned is not None:
            measure = self._learned.measures[series]
            if config.profile and self._learned.profiles is not None:
                place = (self._phases[series] + origins)[:, None] + steps
                profile = self._learned.profiles[series[:, None], place % self._learned.profiles.shape[1]]
        return Window(values, features, profile, measure)

    def actual(self, series: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """What came, NaN where missing: (B, K), or (S, B, K) after every segment."""
        config = self.config
        at = (self._offsets[series] + origins)[:, None]
        if not config.every:
            coming: np.ndarray = self._values[at + np.arange(config.horizon)]
            return coming
        values = self._values[at + np.arange(config.segment - config.lookback, config.horizon)]
        found: np.ndarray = sliding_window_view(values, config.horizon, 1)[:, :: config.segment].swapaxes(0, 1)
        return found
