"""A trained forecaster: series in, what comes next out. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.models.ops_numpy import NumpyOps
from throughtime.storage.folder import WEIGHTS, read_json, read_weights
from throughtime.storage.parameters import check_finite
from throughtime.tasks.forecast import model as forecaster
from throughtime.tasks.forecast.distributions import quantiles
from throughtime.tasks.forecast.histories import Histories, Learned, Series
from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.scaling import Scaled, scaled, shuffled

_ROWS = 1024
"""Windows forecast at once."""

_MOST_STEPS = 100_000
"""Ahead; forecasts so far are worth nothing."""

SERIES, SCALES = "series.json", "series.safetensors"


def _numbers(values: Any, folder: Path) -> list[float]:
    if not isinstance(values, list) or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        raise UserError(f"{folder}: shifts must be numbers; config.json is damaged")
    return [float(value) for value in values]


@dataclass(frozen=True)
class Known:
    """The series a forecaster was fitted on, as far as it needs them to go on: names, ends, what was learned of them.

    ids: (N,). about: JSON the task keeps of them. ends: their last values and features. learned: see Learned.
    """

    ids: list[str]
    about: dict[str, Any]
    ends: Series
    learned: Learned

    def arrays(self) -> dict[str, np.ndarray]:
        """For a safetensors file; `read` is its inverse."""
        width = max((len(one) for one in self.ends.values), default=0)
        found = {"measures": self.learned.measures, "values": np.full((len(self.ids), width), np.nan)}
        for row, one in zip(found["values"], self.ends.values, strict=True):
            row[width - len(one) :] = one
        if self.learned.profiles is not None:
            found["profiles"] = self.learned.profiles
        phases = np.zeros(len(self.ids), int) if self.ends.phases is None else np.asarray(self.ends.phases)
        lengths = np.array([len(one) for one in self.ends.values])
        found["phases"], found["lengths"] = phases.astype(np.int64), lengths.astype(np.int64)
        if self.ends.features is not None:
            found["features"] = np.concatenate(list(self.ends.features))
            found["counts"] = np.array([len(one) for one in self.ends.features], np.int64)
        return found

    @classmethod
    def read(cls, folder: Path) -> Known:
        """From a model folder; UserError where it is damaged."""
        about = read_json(folder / SERIES)
        arrays = read_weights(folder / SCALES)
        try:
            ids = list(about["ids"])
            values = [row[len(row) - int(n) :] for row, n in zip(arrays["values"], arrays["lengths"], strict=True)]
            features = None
            if "features" in arrays:
                features = np.split(arrays["features"], arrays["counts"].cumsum()[:-1])
            ends = Series(values, features, arrays["phases"])
            learned = Learned(arrays["measures"], arrays.get("profiles"))
            if not len(ids) == len(values) == len(learned.measures):
                raise ValueError("sizes differ")
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{folder / SERIES}: expected the series of a forecaster ({error}); damaged") from None
        return cls(ids, about, ends, learned)


class SeriesModel:
    """A forecaster that runs without torch.

    config, parameters (name -> array; of several members each name begins with the member's number and a dot); levels:
    what its outputs are the quantiles of, or which ones of its distribution are wanted, empty for a point forecast.
    nonnegative: forecasts below zero become zero. period: of the profile. known: the series it was fitted on. shifts:
    (Q,) added to the quantiles, in the window's scale, so that as many observations lie below each as should. Raises
    UserError where they do not fit together.
    """

    def __init__(
        self,
        config: ForecastConfig,
        parameters: Mapping[str, np.ndarray],
        levels: Sequence[float] = (),
        nonnegative: bool = False,
        threads: int = 1,
        members: int = 1,
        period: int = 0,
        known: Known | None = None,
        shifts: Sequence[float] = (),
    ) -> None:
        prefixes = [f"{i}." for i in range(members)] if members > 1 else [""]
        self.members = [
            {name[len(p) :]: value for name, value in parameters.items() if name.startswith(p)} for p in prefixes
        ]
        for own in self.members:
            forecaster.check_parameters(config, own)
            check_finite(forecaster.WHO, own)
        if config.distribution == "none" and levels and len(levels) != config.outputs:
            raise UserError(
                f"forecaster: {config.outputs} outputs, but {len(levels)} quantiles; config.json is damaged"
            )
        if config.distribution != "none" and not levels:
            raise UserError("forecaster: a distribution needs the quantiles that are wanted of it, got none")
        if shifts and (len(shifts) != len(levels) or not np.isfinite(shifts).all()):
            raise UserError(f"forecaster: shifts must be {len(levels)} numbers, one a quantile; config.json is damaged")
        self.config, self.parameters, self.levels = config, dict(parameters), tuple(levels)
        self.shifts = np.array(shifts, np.float64) if shifts else np.zeros(1)
        self.nonnegative, self.period, self.known, self.ops = nonnegative, period, known, NumpyOps(threads)

    @classmethod
    def from_folder(cls, folder: Path, config: dict[str, Any], weights: str | None = None) -> SeriesModel:
        """From a model folder and its config.json."""
        if weights not in (None, "float32"):
            raise UserError(f"weights: a forecaster keeps float32, got {weights!r}")
        own = config.get("forecast")
        if not isinstance(own, dict) or not isinstance(own.get("quantiles"), list):
            raise UserError(f"{folder}: expected the settings of a forecaster in config.json; the file is damaged")
        members, period = own.get("members", 1), own.get("profile", 0)
        if type(members) is not int or not 0 < members < 1000 or type(period) is not int or period < 0:
            raise UserError(f"{folder}: members and profile must be integers; config.json is damaged")
        model, known = ForecastConfig.from_json(config.get("model")), None
        if (folder / SERIES).is_file():
            known = Known.read(folder)
        elif period:
            raise UserError(f"{folder / SERIES}: no such file, but the profiles of the series are in it")
        return cls(
            model,
            read_weights(folder / WEIGHTS),
            own["quantiles"],
            bool(own.get("nonnegative")),
            members=members,
            period=period,
            known=known,
            shifts=_numbers(own.get("shifts", []), folder),
        )

    def learned(self, series: Series, ids: Sequence[str] | None = None) -> Learned:
        """What is known of series by their names, and of those that are new, from their own values."""
        if self.config.scaling == "window" and not self.config.profile:
            return Learned(np.tile([0.0, 1.0], (len(series), 1)))
        found = Learned.of(series, self.period)
        if ids is None or self.known is None:
            return found
        places = {name: i for i, name in enumerate(self.known.ids)}
        for n, name in enumerate(ids):
            if (i := places.get(name)) is not None:
                found.measures[n] = self.known.learned.measures[i]
                if found.profiles is not None and self.known.learned.profiles is not None:
                    found.profiles[n] = self.known.learned.profiles[i]
        return found

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
            if self.known is None:
                raise UserError("forecaster: expected series to predict, this model keeps none of its own")
            series, ids = self.known.ends, self.known.ids
        if not isinstance(series, Series):
            series = Series([np.asarray(one, np.float64) for one in series])
        for n, one in enumerate(series.values):
            if not np.isfinite(one[-self.config.lookback :]).any():
                raise UserError(f"forecaster: series {n} has no value in its last {self.config.lookback} steps")
        if steps is not None and steps > self.config.horizon:
            from throughtime.tasks.forecast.rollout import rollout

            return rollout(self, series, steps, ids, seed)
        origins = np.stack([np.arange(len(series)), [len(one) for one in series.values]], 1)
        return self.predict_at(series, origins, ids)[:, :steps]

    def check_steps(self, steps: int | None) -> None:
        """UserError where so many steps ahead cannot be forecast; None: the horizon."""
        if steps is not None and (type(steps) is not int or not 1 <= steps <= _MOST_STEPS):
            raise UserError(f"forecaster: steps must be an integer from 1 to {_MOST_STEPS:,}, got {steps!r}")

    def predict_at(
        self, series: Series, origins: np.ndarray, ids: Sequence[str] | None = None, shuffle: int | None = None
    ) -> np.ndarray:
        """Forecasts (M, K, Q) at origins (M, 2): pairs of a series' number and how many of its values are seen.

        shuffle: a seed; the steps of every window's past are put in a random order, to see what their order is worth.
        UserError for that of a model with an output at every step, which has no windows.
        """
        ends = [len(one) for one in series.values]
        for n, origin in origins.tolist():
            ends[n] = min(ends[n], origin)
        before = Series([one[:k] for one, k in zip(series.values, ends, strict=True)], None, series.phases)
        learned = self.learned(before, ids)  # no scale of a series may come from what lies ahead
        if self.config.every:
            if shuffle is not None:
                raise UserError("forecaster: a model with an output at every step has no windows to shuffle")
            return self._run(series, origins, learned)
        rng = None if shuffle is None else np.random.default_rng(shuffle)
        histories = Histories(self.config, series, learned)
        width = len(self.levels) or self.config.outputs
        found = np.empty((len(origins), self.config.horizon, width))
        for first in range(0, len(origins), _ROWS):
            part = origins[first : first + _ROWS]
            seen = scaled(self.config, histories.window(part[:, 0], part[:, 1]))
            if rng is not None:
                seen = shuffled(self.config, seen, rng)
            found[first : first + _ROWS] = self.finished(self.forward(seen), seen)
        return found

    def forward(self, seen: Scaled) -> np.ndarray:
        """The members' mean, in the window's scale."""
        found = [
            forecaster.forward(self.ops, self.config, own, seen.past, seen.references, seen.ahead)
            for own in self.members
        ]
        mean: np.ndarray = found[0] if len(found) == 1 else np.mean(found, 0)
        return mean

    def _run(self, series: Series, origins: np.ndarray, learned: Learned) -> np.ndarray:
        """With an output at every step: over the whole of each series, from its first value."""
        width = len(self.levels) or self.config.outputs
        found = np.empty((len(origins), self.config.horizon, width))
        for n in np.unique(origins[:, 0]):
            wanted = origins[:, 0] == n
            steps = origins[wanted, 1]
            config = replace(self.config, segments=int(steps.max()))
            histories = Histories(config, series, learned)
            seen = scaled(config, histories.window(np.array([n]), np.array([steps.max()])))
            values = np.mean(
                [forecaster.forward(self.ops, config, m, seen.past, seen.references) for m in self.members], 0
            )
            found[wanted] = self.finished(values[steps - 1], seen)[:, 0]
        return found

    def finished(self, values: np.ndarray, seen: Scaled) -> np.ndarray:
        """Outputs (..., B, K, .) in the window's scale as forecasts (..., B, K, Q) in the series' unit."""
        if self.config.distribution != "none":
            found = quantiles(self.config.distribution, values, seen.level, seen.scale, self.levels)
        else:
            found = seen.unit(values)
        if self.levels:
            found += self.shifts * seen.scale[..., None]
            found.sort(-1)  # quantiles must not cross
        return np.maximum(found, 0.0) if self.nonnegative else found
