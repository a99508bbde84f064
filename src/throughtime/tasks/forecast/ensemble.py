"""Models side by side whose mean is the forecast: windows in, forecasts in the series' own unit out. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from throughtime.errors import UserError
from throughtime.models.ops_numpy import NumpyOps
from throughtime.storage.parameters import check_finite, check_parameters
from throughtime.tasks.forecast import model as forecaster
from throughtime.tasks.forecast.distributions import quantiles
from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.scaling import Scaled, scaled
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.statistics import Statistics
from throughtime.tasks.forecast.windows import Histories

States = list[list[tuple[np.ndarray, ...]]]
"""Of each model, of each of its layers, of each of its states: (B, S)."""


def prefixes(size: int) -> list[str]:
    """What the names of each model's parameters begin with."""
    return [f"{i}." for i in range(size)] if size > 1 else [""]


class Ensemble:
    """One model, or several of one configuration.

    parameters: name -> array; of several models each name begins with the model's number and a dot. levels: what the
    outputs are the quantiles of, or which ones of their distribution are wanted, empty for a point forecast. shifts:
    (Q,) added to the quantiles, in the window's scale, so that as many observations lie below each as should.
    nonnegative: forecasts below zero become zero. Raises UserError where they do not fit together.
    """

    def __init__(
        self,
        config: ForecastConfig,
        parameters: Mapping[str, np.ndarray],
        levels: Sequence[float] = (),
        shifts: Sequence[float] = (),
        nonnegative: bool = False,
        size: int = 1,
        threads: int = 1,
    ) -> None:
        self.members: list[dict[str, np.ndarray]] = [
            {name[len(prefix) :]: value for name, value in parameters.items() if name.startswith(prefix)}
            for prefix in prefixes(size)
        ]
        shapes = {prefix + name: shape for prefix in prefixes(size) for name, shape in config.shapes.items()}
        check_parameters(forecaster.WHO, shapes, parameters)
        check_finite(forecaster.WHO, parameters)
        if config.distribution == "none" and levels and len(levels) != config.outputs:
            raise UserError(f"forecaster: {config.outputs} outputs, but {len(levels)} quantiles")
        if config.distribution != "none" and not levels:
            raise UserError("forecaster: a distribution needs the quantiles that are wanted of it, got none")
        if shifts and (len(shifts) != len(levels) or not np.isfinite(shifts).all()):
            raise UserError(f"forecaster: shifts must be {len(levels)} numbers, one a quantile")
        self.config, self.parameters, self.levels = config, dict(parameters), tuple(levels)
        self.shifts = np.array(shifts, np.float64) if shifts else np.zeros(1)
        self.nonnegative, self.ops = nonnegative, NumpyOps(threads)

    @property
    def width(self) -> int:
        """Values that are forecast for a step: the quantiles, or one."""
        return len(self.levels) or self.config.outputs

    def outputs(self, seen: Scaled) -> np.ndarray:
        """The models' mean output for windows, in the window's scale."""
        each = [
            forecaster.forward(self.ops, self.config, member, seen.past, seen.references, seen.ahead)
            for member in self.members
        ]
        mean: np.ndarray = each[0] if len(each) == 1 else np.mean(each, 0)
        return mean

    def forecasts(self, outputs: np.ndarray, seen: Scaled) -> np.ndarray:
        """Outputs (..., B, K, .) in the window's scale as forecasts (..., B, K, Q) in the series' unit."""
        if self.config.distribution != "none":
            values = quantiles(self.config.distribution, outputs, seen.level, seen.scale, self.levels)
        else:
            values = seen.unit(outputs)
        if self.levels:
            values += self.shifts * seen.scale[..., None]
            values.sort(-1)  # quantiles must not cross
        return np.maximum(values, 0.0) if self.nonnegative else values

    def begin(self) -> States:
        """The states of models with an output at every step, before anything was seen."""
        return [
            [
                tuple(np.zeros((1, size), member["output.W_hy"].dtype) for size in layer.state_sizes)
                for layer in self.config.layers
            ]
            for member in self.members
        ]

    def advance(self, seen: Scaled, states: States | None) -> tuple[np.ndarray, States]:
        """With an output at every step: the models' mean output after each step, (S, B, K, .), and the states then.

        states: those before, None for none.
        """
        each, after = [], []
        for m, member in enumerate(self.members):
            before = None if states is None else states[m]
            outputs, state = forecaster.every(self.ops, self.config, member, seen.past, seen.references, before)
            each.append(outputs)
            after.append(state)
        return (each[0] if len(each) == 1 else np.mean(each, 0)), after

    def last_steps(self, series: Series, statistics: Statistics, count: int) -> Scaled:
        """With an output at every step: the last steps of series, so many, for `advance`."""
        config = replace(self.config, segments=count)
        return scaled(config, Histories(config, series, statistics).ends())
