"""A trained forecaster: series in, what comes next out; or a series as it comes, one observation after the other.

No torch.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.neighbours import Neighbours
from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.runtime.stream import Stream, check_shapes
from throughtime.storage.folder import WEIGHTS, read_weights
from throughtime.storage.record import Schema
from throughtime.tasks.forecast.data import ForecastData, ForecastDecided
from throughtime.tasks.forecast.ensemble import Ensemble, States
from throughtime.tasks.forecast.fitted_series import SERIES, FittedSeries
from throughtime.tasks.forecast.format_1 import upgrade
from throughtime.tasks.forecast.given import beside, check_series, checked_state
from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.options import ForecastOptions
from throughtime.tasks.forecast.rollout import rollout
from throughtime.tasks.forecast.scaling import Exchange, Window, scaled, shuffled
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.statistics import Statistics
from throughtime.tasks.forecast.windows import Histories, blind

_ROWS = 1024
"""Windows forecast at once."""

_MOST_STEPS = 100_000
"""Ahead; forecasts so far are worth nothing."""

_ALERT = 1e-3
"""An alert is given where so many misses would come by chance more rarely than this."""

Observation = float | tuple[float, np.ndarray | None] | tuple[float, np.ndarray | None, np.ndarray | None]
"""A value, NaN if it is missing; with features (1 + K, P), those of its step and, as far as they are known, of the
steps to come, where the model reads any; and with its neighbours' values (M,), where it sees some."""


class SeriesModel:
    """A forecaster that runs without torch.

    ensemble: of one model or several. period: of the profile, 0 for none. series: those it was fitted on. neighbours:
    which of them see which others. Raises UserError where they do not fit together.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        period: int = 0,
        series: FittedSeries | None = None,
        neighbours: Neighbours | None = None,
    ) -> None:
        config = ensemble.config
        if bool(period) != config.profile:
            raise UserError(f"forecaster: profile {period}, but the model sees {'one' if config.profile else 'none'}")
        size = 0 if neighbours is None else neighbours.size
        beside = None if series is None else series.ends.others
        width = size if series is None else 0 if beside is None else beside[0].shape[1]
        if not size == width == config.neighbours:
            raise UserError(
                f"forecaster: expected {config.neighbours} neighbours of each series; the folder is damaged"
            )
        self.neighbours = neighbours
        if series is not None:
            profiles, features = series.statistics.profiles, series.ends.features
            if config.profile and (profiles is None or profiles.shape[1] != period):
                raise UserError(f"forecaster: expected profiles of {period} steps in {SERIES}; the folder is damaged")
            if config.features and (features is None or features[0].shape[-1] != config.features):
                raise UserError(f"forecaster: expected {config.features} features in {SERIES}; the folder is damaged")
        self.ensemble, self.period, self.series = ensemble, period, series
        self.config, self.parameters, self.levels = config, ensemble.parameters, ensemble.levels

    def statistics(self, series: Series, ids: Sequence[str] | None = None) -> Statistics:
        """What is known of series by their names, and of those that are new, from their own values."""
        if self.config.scaling == "window" and not self.config.profile:
            return Statistics(np.tile([0.0, 1.0], (len(series), 1)))
        statistics = Statistics.of(series, self.period)
        if ids is None or self.series is None:
            return statistics
        fitted = self.series.statistics
        for n, name in enumerate(ids):
            if (i := self.series.places.get(name)) is not None:
                statistics.measures[n] = fitted.measures[i]
                if statistics.profiles is not None and fitted.profiles is not None:
                    statistics.profiles[n] = fitted.profiles[i]
        return statistics

    def predict(
        self,
        series: Series | Sequence[np.ndarray] | None = None,
        ids: Sequence[str] | None = None,
        steps: int | None = None,
        seed: int = 0,
    ) -> np.ndarray:
        """Forecasts (N, K, Q) of the steps after the ends of N series, in their own units.

        series: (L_n,) each, of any length from 1, NaN where missing; None: those it was fitted on. ids: their names, so
        that those it was fitted on keep their scale. steps: how many, where it is not the horizon K; beyond it the
        model goes on from its own forecasts (tasks/forecast/rollout.py), drawn with this seed. UserError for a
        series without a value to go by.
        """
        self.check_steps(steps)
        if series is None:
            if self.series is None:
                raise UserError("forecaster: expected series to predict, this model keeps none of its own")
            series, ids = self.series.ends, self.series.ids
        if not isinstance(series, Series):
            series = Series([np.asarray(one, np.float64) for one in series])
        series = beside(self.neighbours, series, ids)
        check_series(self.config, series, self.config.horizon if steps is None else steps)
        if steps is not None and steps > self.config.horizon:
            return rollout(self.ensemble, series, self.statistics(series, ids), steps, seed)
        origins = np.stack([np.arange(len(series)), series.lengths], 1)
        return self.predict_at(series, origins, ids)[:, :steps]

    def check_steps(self, steps: int | None) -> None:
        """UserError where so many steps ahead cannot be forecast; None: the horizon."""
        if steps is not None and (type(steps) is not int or not 1 <= steps <= _MOST_STEPS):
            raise UserError(f"forecaster: steps must be an integer from 1 to {_MOST_STEPS:,}, got {steps!r}")

    def predict_at(
        self,
        series: Series,
        origins: np.ndarray,
        ids: Sequence[str] | None = None,
        shuffle: int | None = None,
        exchange: Exchange | None = None,
    ) -> np.ndarray:
        """Forecasts (M, K, Q) at origins (M, 2): pairs of a series' number and how many of its values are seen; NaN
        where the look-back holds none.

        shuffle: a seed; the steps of every window's past are put in a random order, to see what their order is worth.
        exchange: other origins (M, 2), and what windows become beside those of these.
        UserError for that of a model with an output at every step, which has no windows.
        """
        series = beside(self.neighbours, series, ids)
        ends = series.lengths
        np.minimum.at(ends, origins[:, 0], origins[:, 1])
        before = Series([one[:k] for one, k in zip(series.values, ends, strict=True)], None, series.phases)
        statistics = self.statistics(before, ids)  # no scale of a series may come from what lies ahead
        if self.config.every:
            if shuffle is not None:
                raise UserError("forecaster: a model with an output at every step has no windows to shuffle")
            forecasts = self._predict_every(series, origins, statistics)
            forecasts[blind(series, origins, self.config.lookback)] = np.nan
            return forecasts
        rng = None if shuffle is None else np.random.default_rng(shuffle)
        histories = Histories(self.config, series, statistics)
        forecasts = np.empty((len(origins), self.config.horizon, self.ensemble.width))
        for first in range(0, len(origins), _ROWS):
            part = origins[first : first + _ROWS]
            seen = scaled(self.config, histories.exchanged(part, exchange, first))
            if rng is not None:
                seen = shuffled(self.config, seen, rng)
            forecasts[first : first + _ROWS] = self.ensemble.forecasts(self.ensemble.outputs(seen), seen)
        forecasts[blind(series, origins, self.config.lookback)] = np.nan
        return forecasts

    def _predict_every(self, series: Series, origins: np.ndarray, statistics: Statistics) -> np.ndarray:
        """With an output at every step: over the whole of each series, from its first value."""
        forecasts = np.empty((len(origins), self.config.horizon, self.ensemble.width))
        for n in np.unique(origins[:, 0]):
            wanted = origins[:, 0] == n
            steps = origins[wanted, 1]
            config = replace(self.config, segments=int(steps.max()))
            one = Histories(config, series.some([n]), statistics.of_some(np.array([n])))
            seen = scaled(config, one.window(np.array([0]), np.array([steps.max()])))
            outputs, _ = self.ensemble.advance(seen, None)
            forecasts[wanted] = self.ensemble.forecasts(outputs[steps - 1], seen)[:, 0]
        return forecasts

    def stream(
        self,
        history: Sequence[float] | np.ndarray = (),
        features: np.ndarray | None = None,
        id: str | None = None,
        phase: int = 0,
        watch: int = 50,
        others: np.ndarray | None = None,
    ) -> SeriesStream:
        """A series as it comes; see SeriesStream."""
        return SeriesStream(self, history, features, id, phase, watch, others)


class SeriesStream(Stream[Observation, np.ndarray]):
    """A forecaster that follows one series: `feed` takes an observation and returns the next forecast, (K, Q).

    With an output at every step the recurrence's state is carried; otherwise the window is. Both give the numbers of a
    batch run over the whole history. model: the forecaster. history: (L,) values seen so far, to start from. features:
    (L, P) of them, where the model reads any, as its training made them. id: the series' name, if the model was fitted
    on it. phase: the place in the season of the first value. watch: how many of the last observations an alert looks
    at. others: (L, M) values of its neighbours (model.neighbours.of(id)), in their own units; without them it is
    forecast alone. After an outage as long as the look-back there is nothing to go by: forecasts are NaN until a value
    comes.

    Example (not run):
        stream = throughtime.load("runs/weather").stream(history)
        for value in sensor:
            forecast = stream.feed(value)  # (K, Q)
            if stream.alert:
                print(stream.alert)
    """

    kind = "forecast"
    alert: str | None
    _values: np.ndarray
    _features: np.ndarray
    _others: np.ndarray
    _forecast: np.ndarray
    _states: States
    _latest: float
    _step: int
    _since: int
    _misses: deque[bool]

    def __init__(
        self,
        model: SeriesModel,
        history: Sequence[float] | np.ndarray = (),
        features: np.ndarray | None = None,
        id: str | None = None,
        phase: int = 0,
        watch: int = 50,
        others: np.ndarray | None = None,
    ) -> None:
        values, config = np.asarray(history, np.float64), model.config
        if type(watch) is not int or watch < 1:
            raise UserError(f"forecaster: watch must be an integer from 1 up, got {watch!r}")
        if config.features and features is None and len(values):
            raise UserError(f"forecaster: the model reads {config.features} features beside the values; give them")
        fitted = model.series is not None and id in model.series.places
        if not fitted and not len(values) and config.scaling != "window":
            raise UserError("forecaster: a new series needs a history to take its scale from, got none")
        self.model, self._phase, self._watch = model, phase, watch
        self._links = None if model.neighbours is None else model.neighbours.links(["" if id is None else id])
        self._config = replace(config, segments=1) if config.every else config
        series = Series([values], None if features is None else [features], np.array([phase]))
        self._statistics = model.statistics(series, None if id is None else [id])
        self.reset()
        for i, value in enumerate(values):
            rows = None if features is None else features[i : i + 1 + config.horizon]
            self._take(value, rows, None if others is None else others[i], config.every or i == len(values) - 1)

    @property
    def forecast(self) -> np.ndarray:
        """What was forecast last, (K, Q), in the series' unit; NaN where nothing was observed in the look-back."""
        return self._forecast.copy()

    def feed(self, value: Observation) -> np.ndarray:
        """Take in an observation, and forecast the steps after it; UserError for what is no observation."""
        number, features, others = (*value, None, None)[:3] if isinstance(value, tuple) else (value, None, None)
        return self._take(number, features, others, True)

    def _take(
        self, value: float, features: np.ndarray | None, others: np.ndarray | None, forecasting: bool
    ) -> np.ndarray:
        config = self._config  # of an output at every step, one segment long
        if np.isinf(value):
            raise UserError(f"forecaster: an observation must be a number, or NaN where missing, got {value}")
        if config.features and (features is None or features.ndim != 2 or features.shape[1] != config.features):
            got = None if features is None else features.shape
            raise UserError(f"forecaster: features must be (1 + K, {config.features}), got {got}")
        if np.isfinite(value) and np.isfinite(self._forecast[0, 0]):
            self._judge(value)
        if np.isfinite(self._values[0]):
            self._latest = float(self._values[0])
        self._values = np.append(self._values[1:], float(value))
        coming = np.zeros((config.horizon, config.features), np.float32)
        if features is not None and config.features:
            self._features = np.concatenate([self._features[1:], np.asarray(features[:1], np.float32)])
            coming[: len(features) - 1] = features[1 : 1 + config.horizon]
        if self._links is not None:
            row = np.full(config.neighbours, math.nan)
            if others is not None:
                if np.shape(others) != row.shape or np.isinf(others).any():
                    raise UserError(f"forecaster: neighbours must be {row.shape} numbers, NaN where missing")
                row = (np.asarray(others, np.float64) - self._links.means[0]) / self._links.deviations[0]
            self._others = np.concatenate([self._others[1:], row[None]])
        self._step += 1
        self._since = 0 if np.isfinite(value) else self._since + 1
        if forecasting:
            self._forecast = self._next(coming)
            if self._since >= self.model.config.lookback or self._since == self._step:
                self._forecast = np.full_like(self._forecast, math.nan)
        return self.forecast

    def _next(self, coming: np.ndarray) -> np.ndarray:
        config, ensemble, profiles = self._config, self.model.ensemble, self._statistics.profiles
        features = np.concatenate([self._features, coming])[None] if config.features else None
        profile = None
        if config.profile and profiles is not None:
            place = self._phase + self._step + np.arange(-config.lookback, config.horizon)
            profile = profiles[:, place % profiles.shape[1]]
        latest = np.array([self._latest]) if config.every else None
        others = self._others[None] if config.neighbours else None
        seen = scaled(config, Window(self._values[None], features, profile, self._statistics.measures, latest, others))
        if config.every:
            outputs, self._states = ensemble.advance(seen, self._states)
            outputs = outputs[0]
        else:
            outputs = ensemble.outputs(seen)
        forecast: np.ndarray = ensemble.forecasts(outputs, seen)[0]
        return forecast

    def _judge(self, value: float) -> None:
        """Whether an observation left the outermost interval of its forecast, and whether that happens too often."""
        levels = self.model.levels
        if len(levels) < 2:
            return
        low, high = self._forecast[0, 0], self._forecast[0, -1]
        self._misses.append(not low <= value <= high)
        count, missed, share = len(self._misses), sum(self._misses), levels[0] + 1 - levels[-1]
        chance = sum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(missed, count + 1))
        self.alert = None
        if chance < _ALERT:
            self.alert = (
                f"{missed} of the last {count} observations left their {levels[-1] - levels[0]:.0%} interval, "
                f"{share * count:.1f} were to be expected: the series has changed, or the model does not fit it"
            )

    def state(self) -> tuple[dict[str, np.ndarray], Json]:
        """The window or the recurrences' states, the scale, the last forecast, and what an alert looks at."""
        arrays = {"values": self._values, "measures": self._statistics.measures, "forecast": self._forecast}
        if self._config.features:
            arrays["features"] = self._features
        if self._config.neighbours:
            arrays["others"] = self._others
        if self._statistics.profiles is not None:
            arrays["profiles"] = self._statistics.profiles
        for m, member in enumerate(self._states):
            arrays |= {f"{m}.{i}.{j}": one for i, layer in enumerate(member) for j, one in enumerate(layer)}
        latest = self._latest if math.isfinite(self._latest) else None
        rest = {"step": self._step, "since": self._since, "phase": self._phase, "latest": latest, "alert": self.alert}
        return {name: one.copy() for name, one in arrays.items()}, {**rest, "misses": list(self._misses)}

    def set_state(self, state: Any) -> None:
        config = self._config
        if state is None:
            self._values = np.full(config.warm + config.lookback, math.nan)
            self._features = np.zeros((config.lookback, config.features), np.float32)
            self._others = np.full((config.lookback, config.neighbours), math.nan)
            self._states = self.model.ensemble.begin() if config.every else []
            self._forecast = np.full((config.horizon, self.model.ensemble.width), math.nan)
            self._latest, self._step, self._since, self._misses = math.nan, 0, 0, deque(maxlen=self._watch)
            self.alert = None
            return
        arrays, rest = state
        check_shapes(arrays, self.state()[0])
        step, latest, misses = checked_state(arrays, rest)
        self._values, self._forecast = arrays["values"], arrays["forecast"]
        self._features, self._others = arrays.get("features", self._features), arrays.get("others", self._others)
        self._statistics = Statistics(arrays["measures"], arrays.get("profiles"))
        self._states = [
            [tuple(arrays[f"{m}.{i}.{j}"] for j in range(len(layer))) for i, layer in enumerate(member)]
            for m, member in enumerate(self._states)
        ]
        self._step, self._phase, self._latest = step, rest["phase"], latest
        self._since = rest.get("since", 0)  # states that were saved before it was kept know none
        self._misses, self.alert = deque(misses, maxlen=self._watch), rest["alert"]


SCHEMA = Schema("forecast", ForecastConfig, ForecastOptions, ForecastData, ForecastDecided, upgrade)
"""What config.json says of a forecaster."""


def load(folder: Path, weights: str | None = None) -> SeriesModel:
    """The model in a folder. weights: None or "float32". UserError says what is damaged."""
    if weights not in (None, "float32"):
        raise UserError(f"weights: a forecaster keeps float32, got {weights!r}")
    record = SCHEMA.read(folder)
    options, series = record.options, None
    if (folder / SERIES).is_file():
        series = FittedSeries.read(folder)
    elif options.profile:
        raise UserError(f"{folder / SERIES}: no such file, but the profiles of the series are in it")
    parameters = read_weights(folder / WEIGHTS)
    try:
        ensemble = Ensemble(
            record.model,
            parameters,
            options.quantiles,
            record.decided.shifts,
            bool(options.nonnegative),
            options.members,
        )
        return SeriesModel(ensemble, options.profile or 0, series, record.data.neighbours)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None
