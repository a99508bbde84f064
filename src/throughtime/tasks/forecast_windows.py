"""Windows of many series to learn from: which there are, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.models.forecaster import ForecastConfig
from throughtime.models.scaling import Scaled, scaled


@dataclass(frozen=True)
class Batch:
    """Some windows: what the model sees, what came, (B, K) float64 with NaN where missing, and each one's series."""

    seen: Scaled
    actual: np.ndarray
    series: np.ndarray


class Windows:
    """Every window of a list of series that has something to see and something to predict.

    series: (L_n,) float64 each, NaN where missing. A window is an origin: the steps before it are seen, the horizon
    from it on is predicted. last: only the last origin of each series instead of all; skip: steps at the end of each
    series that no window reaches.
    """

    def __init__(self, config: ForecastConfig, series: Sequence[np.ndarray], skip: int = 0, last: bool = False) -> None:
        self.config = config
        lookback, horizon = config.lookback, config.horizon
        lengths = np.array([len(one) for one in series])
        self._values = np.full((len(series), max(lengths, default=0) + lookback), np.nan)
        for row, one in zip(self._values, series, strict=True):
            row[lookback : lookback + len(one)] = one
        found: list[np.ndarray] = []
        for n, length in enumerate(lengths):
            final = int(length) - skip - horizon
            first = max(final, 1) if last else min(lookback, max(1, final))  # a short series begins inside its window
            origins = np.arange(first, final + 1)
            present = np.concatenate([[0], np.isfinite(series[n]).cumsum()])
            seen = present[origins] - present[np.maximum(0, origins - lookback)]
            come = present[origins + horizon] - present[origins]
            origins = origins[(seen > 0) & (come > 0)]
            found.append(np.stack([np.full(len(origins), n), origins], 1))
        self.origins = np.concatenate(found) if found else np.zeros((0, 2), int)

    def __len__(self) -> int:
        return len(self.origins)

    def batch(self, numbers: np.ndarray) -> Batch:
        """The windows with these numbers."""
        series, origin = self.origins[numbers].T
        lookback, horizon = self.config.lookback, self.config.horizon
        steps = origin[:, None] + np.arange(
            lookback + horizon
        )  # the padding before a series is as long as the look-back
        values = self._values[series[:, None], steps]
        return Batch(scaled(self.config, values[:, :lookback]), values[:, lookback:], series)


class Epoch:
    """The windows in a random order, cut into batches; the last one, if it is not full, is left out."""

    def __init__(self, windows: Windows, batch: int, seed: Sequence[int]) -> None:
        self._windows, self._batch = windows, min(batch, len(windows))
        self._order = np.random.default_rng(seed).permutation(len(windows))

    def __len__(self) -> int:
        return len(self._order) // self._batch

    def __getitem__(self, position: int) -> Batch:
        if not 0 <= position < len(self):
            raise IndexError(position)
        return self._windows.batch(self._order[position * self._batch : (position + 1) * self._batch])
