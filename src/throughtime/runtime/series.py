"""A trained forecaster: series in, what comes next out. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.models import forecaster
from throughtime.models.forecaster import ForecastConfig
from throughtime.models.ops_numpy import NumpyOps
from throughtime.models.parameters import check_finite
from throughtime.models.scaling import scaled
from throughtime.runtime.folder import WEIGHTS, read_weights

_ROWS = 1024
"""Series forecast at once."""


class SeriesModel:
    """A forecaster that runs without torch.

    config, parameters (name -> array); levels: what its outputs are the quantiles of, empty for a point forecast.
    nonnegative: forecasts below zero become zero. Raises UserError where they do not fit together.
    """

    def __init__(
        self,
        config: ForecastConfig,
        parameters: Mapping[str, np.ndarray],
        levels: Sequence[float] = (),
        nonnegative: bool = False,
        threads: int = 1,
    ) -> None:
        forecaster.check_parameters(config, parameters)
        check_finite(forecaster.WHO, parameters)
        if levels and len(levels) != config.outputs:
            raise UserError(
                f"forecaster: {config.outputs} outputs, but {len(levels)} quantiles; config.json is damaged"
            )
        self.config, self.parameters, self.levels = config, dict(parameters), tuple(levels)
        self.nonnegative, self._ops = nonnegative, NumpyOps(threads)

    @classmethod
    def from_folder(cls, folder: Path, config: dict[str, Any], weights: str | None = None) -> SeriesModel:
        """From a model folder and its config.json."""
        if weights not in (None, "float32"):
            raise UserError(f"weights: a forecaster keeps float32, got {weights!r}")
        own = config.get("forecast")
        if not isinstance(own, dict) or not isinstance(own.get("quantiles"), list):
            raise UserError(f"{folder}: expected the settings of a forecaster in config.json; the file is damaged")
        model = ForecastConfig.from_json(config.get("model"))
        return cls(model, read_weights(folder / WEIGHTS), own["quantiles"], bool(own.get("nonnegative")))

    def predict(self, series: Sequence[np.ndarray]) -> np.ndarray:
        """Forecasts (N, K, Q) of the steps after the ends of N series, in their own units.

        series: (L_n,) each, of any length from 1, NaN where missing. UserError for one without a value to go by.
        """
        windows = np.full((len(series), self.config.lookback), np.nan)
        for n, one in enumerate(series):
            tail = np.asarray(one, np.float64)[-self.config.lookback :]
            if not np.isfinite(tail).any():
                raise UserError(f"forecaster: series {n} has no value in its last {self.config.lookback} steps")
            windows[n, self.config.lookback - len(tail) :] = tail
        return self.predict_windows(windows)

    def predict_windows(self, windows: np.ndarray) -> np.ndarray:
        """Forecasts (N, K, Q) after windows (N, w S), NaN where missing."""
        found = np.empty((len(windows), self.config.horizon, self.config.outputs))
        for first in range(0, len(windows), _ROWS):
            part = slice(first, first + _ROWS)
            seen = scaled(self.config, windows[part])
            values = forecaster.forward(self._ops, self.config, self.parameters, seen.past, seen.references)
            found[part] = seen.unit(values)
        if self.levels:
            found.sort(-1)  # quantiles must not cross
        return np.maximum(found, 0.0) if self.nonnegative else found
