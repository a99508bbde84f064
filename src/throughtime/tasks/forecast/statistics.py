"""What is known of each series without a gradient: its level, its scale, its mean course over a season."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.tasks.forecast.series import Series

LEAST_SCALE = 1e-3
"""The least scale, relative to the level: what is constant has no deviation of its own."""


@dataclass(frozen=True)
class Statistics:
    """measures: (N, 2), level and scale of each series. profiles: (N, P), its mean at each place of a season, NaN where
    nothing was observed, or None."""

    measures: np.ndarray
    profiles: np.ndarray | None = None

    @classmethod
    def of(cls, series: Series, period: int = 0, without: Sequence[int] | None = None) -> Statistics:
        """Of series, but for the last `without` values of each; period: of the profile, 0 for none."""
        skipped = [0] * len(series) if without is None else without
        values = [one[: len(one) - k] for one, k in zip(series.values, skipped, strict=True)]
        measures = np.array([level_and_scale(one) for one in values]).reshape(-1, 2)
        if not period:
            return cls(measures)
        courses = [_profile(one, int(phase), period) for one, phase in zip(values, series.places, strict=True)]
        return cls(measures, np.stack(courses))

    def of_some(self, numbers: np.ndarray) -> Statistics:
        """Those of the series with these numbers."""
        return Statistics(self.measures[numbers], None if self.profiles is None else self.profiles[numbers])


def level_and_scale(values: np.ndarray) -> tuple[float, float]:
    """A series' mean and mean absolute deviation, over what was observed; a scale of 1 where it never changes."""
    observed = values[np.isfinite(values)]
    level = float(observed.mean()) if len(observed) else 0.0
    scale = float(np.abs(observed - level).mean()) if len(observed) else 0.0
    return level, max(scale, LEAST_SCALE * abs(level)) or 1.0


def seasonal_change(series: np.ndarray, season: int) -> float:
    """The mean absolute change of a series over a season, in its unit; 1 where it never changes."""
    moved = np.abs(series[season:] - series[:-season]) if len(series) > season else np.abs(np.diff(series))
    moved = moved[np.isfinite(moved)]
    mean = float(moved.mean()) if len(moved) else 0.0
    return mean if mean > 0 else 1.0


def _profile(values: np.ndarray, phase: int, period: int) -> np.ndarray:
    """The mean of what was observed at each place of the season, (period,)."""
    place = (phase + np.arange(len(values))) % period
    observed = np.isfinite(values)
    count = np.bincount(place[observed], minlength=period)
    total = np.bincount(place[observed], values[observed], minlength=period)
    means: np.ndarray = np.where(count > 0, total / np.maximum(1, count), np.nan)
    return means
