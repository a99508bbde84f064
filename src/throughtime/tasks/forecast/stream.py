"""A series as it comes: one observation in, the next forecast out, an alert when forecasts stop holding. No torch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from throughtime.errors import UserError
from throughtime.tasks.forecast import model as forecaster
from throughtime.tasks.forecast.histories import Learned, Series
from throughtime.tasks.forecast.scaling import Window, scaled
from throughtime.tasks.forecast.series_model import SeriesModel

_ALERT = 1e-3
"""An alert is given where so many misses would come by chance more rarely than this."""


class SeriesStream:
    """A forecaster that follows one series.

    With an output at every step the recurrence's state is carried; otherwise the window is. Both give the numbers of a
    batch run over the whole history. model: the forecaster. history: (L,) values seen so far, to start from. features:
    (L, P) of them, where the model reads any, as its training made them. id: the series' name, if the model was fitted
    on it. phase: the place in the season of the first value. watch: how many of the last observations an alert looks
    at.

    Example (not run):
        stream = SeriesStream(throughtime.load("runs/weather"), history)
        for value in sensor:
            forecast = stream.update(value)  # (K, Q)
            if stream.alert:
                print(stream.alert)
    """

    def __init__(
        self,
        model: SeriesModel,
        history: Sequence[float] | np.ndarray = (),
        features: np.ndarray | None = None,
        id: str | None = None,
        phase: int = 0,
        watch: int = 50,
    ) -> None:
        values = np.asarray(history, np.float64)
        series = Series([values], None if features is None else [features], np.array([phase]))
        config = model.config
        if config.features and features is None and len(values):
            raise UserError(f"forecaster: the model reads {config.features} features beside the values; give them")
        known = model.known is not None and id in model.known.ids
        if not known and not len(values) and config.scaling != "window":
            raise UserError("forecaster: a new series needs a history to take its scale from, got none")
        self.model = model
        self.learned: Learned = model.learned(series, None if id is None else [id])
        self.alert: str | None = None
        self.forecast: np.ndarray | None = None
        """What was forecast last, (K, Q)."""
        self._config = replace(config, segments=1) if config.every else config
        self._values: deque[float] = deque(maxlen=self._config.warm + self._config.lookback)
        self._features: deque[np.ndarray] = deque(maxlen=self._config.lookback)
        self._latest, self._step, self._phase = math.nan, 0, phase
        self._states: list[list[tuple[np.ndarray, ...]] | None] = [None] * len(model.members)
        self._misses: deque[bool] = deque(maxlen=watch)
        for i, value in enumerate(values):
            own = None if features is None else features[i : i + 1 + config.horizon]
            self.update(value, own, _forecast=config.every or i == len(values) - 1)

    def update(self, value: float, features: np.ndarray | None = None, _forecast: bool = True) -> np.ndarray:
        """Take in an observation, NaN if it is missing, and forecast the steps after it: (K, Q), in the series' unit.

        features: (1 + K, P), those of this step and, as far as they are known, of the steps to come. Returns no
        numbers, NaN, while nothing has been observed.
        """
        config = self._config
        if np.isinf(value):
            raise UserError(f"forecaster: an observation must be a number, or NaN where missing, got {value}")
        if self.forecast is not None and np.isfinite(value):
            self._judge(value)
        if len(self._values) == self._values.maxlen and np.isfinite(self._values[0]):
            self._latest = self._values[0]
        self._values.append(float(value))
        coming = np.zeros((config.horizon, config.features), np.float32)
        if config.features:
            if features is None or features.ndim != 2 or features.shape[1] != config.features:
                got = None if features is None else features.shape
                raise UserError(f"forecaster: features must be (1 + K, {config.features}), got {got}")
            self._features.append(np.asarray(features[0], np.float32))
            coming[: len(features) - 1] = features[1 : 1 + config.horizon]
        self._step += 1
        if _forecast:
            self.forecast = self._next(coming)
        return self.forecast if self.forecast is not None else np.full((config.horizon, 1), math.nan)

    def _next(self, coming: np.ndarray) -> np.ndarray:
        config, model = self._config, self.model
        size = config.warm + config.lookback
        values = np.full((1, size), np.nan)
        values[0, size - len(self._values) :] = self._values
        features = profile = None
        if config.features:
            rows = np.zeros((config.lookback, config.features), np.float32)
            rows[config.lookback - len(self._features) :] = self._features
            features = np.concatenate([rows, coming])[None]
        if config.profile and self.learned.profiles is not None:
            place = self._phase + self._step + np.arange(-config.lookback, config.horizon)
            profile = self.learned.profiles[:, place % self.learned.profiles.shape[1]]
        seen = scaled(
            config,
            Window(
                values, features, profile, self.learned.measures, np.array([self._latest]) if config.every else None
            ),
        )
        found = []
        for i, own in enumerate(model.members):
            if config.every:
                one, self._states[i] = forecaster.every(
                    model.ops, config, own, seen.past, seen.references, self._states[i]
                )
                found.append(one[0])
            else:
                found.append(forecaster.forward(model.ops, config, own, seen.past, seen.references, seen.ahead))
        forecast: np.ndarray = model.finished(np.mean(found, 0) if len(found) > 1 else found[0], seen)[0]
        return forecast

    def _judge(self, value: float) -> None:
        """Whether an observation left the outermost interval of its forecast, and whether that happens too often."""
        levels = self.model.levels
        if len(levels) < 2 or self.forecast is None:
            return
        low, high = self.forecast[0, 0], self.forecast[0, -1]
        self._misses.append(not low <= value <= high)
        count, missed, share = len(self._misses), sum(self._misses), levels[0] + 1 - levels[-1]
        chance = sum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(missed, count + 1))
        self.alert = None
        if chance < _ALERT:
            self.alert = (
                f"{missed} of the last {count} observations left their {levels[-1] - levels[0]:.0%} interval, "
                f"{share * count:.1f} were to be expected: the series has changed, or the model does not fit it"
            )
