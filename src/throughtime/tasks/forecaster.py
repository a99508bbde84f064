"""The forecaster of many series, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.errors import UserError
from throughtime.models.forecaster import WHO, ForecastConfig, initial_parameters
from throughtime.models.resolve import trace_of
from throughtime.runtime.folder import CONFIG, FORMAT_VERSION, WEIGHTS, write_json, write_weights
from throughtime.runtime.series import SeriesModel
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.training.loop import Outcome
    from throughtime.training.settings import Settings

MINUTES = 3.0
"""How long training takes where nothing is said."""
DEFAULTS = {"learning_rate": 5e-3, "average": 0.999, "weight_decay": 0.01}
"""Settings of training where nothing is said."""
SEASONS = 14
"""The look-back where nothing is said, in seasons."""


class Forecaster:
    """One model of many series: what comes next, from the last values of each.

    horizon: steps ahead. season: steps after which a series repeats itself, 1 for none; it chooses what is not given:
    segment (steps taken in at once: a season up to 64 steps, else 1), lookback (steps looked at: 14 seasons, at least
    two horizons, as far as the series reach) and lags (how many steps ago the references lie that the model corrects:
    1 and 1, 7 and 14 seasons). cell, layers, hidden, embedding: of the recurrence. loss: "mae", "mse" or "mase_smape".
    quantiles: levels between 0 and 1, in place of a point forecast; then the loss is theirs. dropout: of what the
    output layer sees. nonnegative: forecasts below zero become zero. seed: of everything random. threads: None for all
    that torch takes.

    Example (not run):
        model = throughtime.Forecaster(horizon=24, season=24).fit(series, minutes=2)
        model.predict().shape  # (N, 24)
    """

    def __init__(
        self,
        horizon: int,
        season: int = 1,
        cell: Any = "gru_reset_after",
        layers: int = 1,
        hidden: int = 128,
        embedding: int = 64,
        segment: int | None = None,
        lookback: int | None = None,
        lags: Sequence[int] | None = None,
        loss: str = "mae",
        quantiles: Sequence[float] = (),
        dropout: float = 0.0,
        nonnegative: bool = False,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        for name, value in (("horizon", horizon), ("season", season), ("layers", layers), ("hidden", hidden)):
            if type(value) is not int or value < 1:
                raise UserError(f"{WHO}: {name} must be a positive integer, got {value!r}")
        if type(seed) is not int or not 0 <= seed < 1 << 63:
            raise UserError(f"{WHO}: seed must be an integer from 0 up, below 2**63, got {seed!r}")
        levels = [float(level) for level in quantiles]
        if levels != sorted(set(levels)) or any(not 0 < level < 1 for level in levels):
            raise UserError(f"{WHO}: quantiles must rise and lie between 0 and 1, got {list(quantiles)}")
        if loss not in ("mae", "mse", "mase_smape"):
            raise UserError(f"{WHO}: loss must be mae, mse or mase_smape, got {loss!r}")
        cells = list(cell) if isinstance(cell, list | tuple) else [cell] * layers
        self._traces = [trace_of(one) for one in cells]
        self.horizon, self.season, self.hidden, self.embedding = horizon, season, hidden, embedding
        self.segment, self.lookback, self.lags = segment, lookback, lags
        self.loss, self.quantiles, self.dropout, self.nonnegative = loss, levels, dropout, nonnegative
        self.seed, self.threads = seed, threads
        self.model: SeriesModel | None = None
        self.outcome: Outcome | None = None
        self.config: dict[str, Any] = {}
        self._series: list[np.ndarray] = []

    def fit(
        self,
        series: Any,
        out: str | Path | None = None,
        *,
        minutes: float | None = None,
        epochs: int | None = None,
        steps: int | None = None,
        batch: int = 256,
        validation: bool = True,
        force: bool = False,
        quiet: bool = True,
        **settings: Any,
    ) -> Forecaster:
        """Learn from series.

        series: a list of arrays (L_n,), a mapping of names to such, or an array (T,) or (T, N); NaN where a value is
        missing. out: a folder for the model, its history and checkpoints; None keeps all in memory. Budget: one of
        minutes, epochs or steps. validation: keep the last horizon of every series apart, and the parameters that do
        best there; without it everything is learned from, and the last parameters are kept. force: overwrite what is in
        `out`. quiet: no progress. settings: further fields of training.settings.Settings. Returns itself.
        """
        runs.need_torch()
        folder = Path(out) if out is not None else None
        runs.refuse_existing(folder, force)
        given = runs.budget(minutes, epochs, steps) or (MINUTES, "minutes")
        chosen = runs.settings_of(given, {**DEFAULTS, **settings})
        values = as_series(series)
        config = self._configure(values, self.horizon if validation else 0)
        parameters = initial_parameters(config, np.random.default_rng(self.seed))
        self._series = values
        self.config = {
            "format_version": FORMAT_VERSION,
            "task": "forecast",
            "model": config.to_json(),
            "parameters": sum(value.size for value in parameters.values()),
            "forecast": {
                "season": self.season,
                "loss": self.loss,
                "quantiles": self.quantiles,
                "nonnegative": self.nonnegative,
            },
            "training": {**chosen.to_json(), "batch": batch, "seed": self.seed, "threads": self.threads},
            "data": {"series": len(values), "values": int(sum(np.isfinite(one).sum() for one in values))},
        }
        with runs.begun(folder, force, self.config, {}, self._threads()):
            return self._train(config, parameters, chosen, batch, folder, validation, quiet)

    def _configure(self, series: Sequence[np.ndarray], kept: int) -> ForecastConfig:
        """The sizes, from what is given and what the series allow; kept: steps at their ends that are kept apart."""
        segment = self.segment or (self.season if self.season <= 64 else 1)
        room = max(len(one) for one in series) - self.horizon - kept
        if room < 1:
            longest = max(len(one) for one in series)
            needed = self.horizon + kept + 1
            raise UserError(f"{WHO}: the longest series has {longest} steps, at least {needed} are needed")
        wanted = self.lookback or max(SEASONS * self.season, 2 * self.horizon)
        segments = max(1, min(-(-wanted // segment), max(1, room // segment)))
        lookback = segment * segments
        lags = self.lags
        if lags is None:
            lags = sorted({lag for lag in (1, self.season, 7 * self.season, 14 * self.season) if lag <= lookback})
        return ForecastConfig.stack(
            segment,
            segments,
            self.horizon,
            lags,
            self._traces,
            hidden=self.hidden,
            embedding=self.embedding,
            outputs=max(1, len(self.quantiles)),
            dropout=self.dropout,
        )

    def _threads(self) -> int:
        import torch

        return self.threads or torch.get_num_threads()

    def _train(
        self,
        config: ForecastConfig,
        parameters: Mapping[str, np.ndarray],
        settings: Settings,
        batch: int,
        folder: Path | None,
        validation: bool,
        quiet: bool,
    ) -> Forecaster:
        from throughtime.models import forecaster
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.forecast_job import ForecastJob
        from throughtime.tasks.forecast_loss import LOSSES, quantile
        from throughtime.tasks.forecast_windows import Windows
        from throughtime.training.best import Best
        from throughtime.training.progress import choose

        progress, threads = choose(quiet), self._threads()
        best = Best(folder / WEIGHTS if folder else None, progress.note)
        held = Windows(config, self._series, last=True) if validation else None
        windows = Windows(config, self._series, skip=self.horizon if validation else 0)
        if not len(windows):
            raise UserError(f"{WHO}: no window of {config.lookback} + {config.horizon} steps has values on both sides")
        changes = np.array([change(one, self.season) for one in self._series])
        loss = quantile(self.quantiles) if self.quantiles else LOSSES[self.loss]
        model = TorchModel(config, parameters, self.seed, forecaster)
        job = ForecastJob(model, windows, held, changes, loss, batch, self.seed, best.keep)
        cells = ", ".join(f"{layer.name} {layer.output_size}" for layer in config.layers)
        progress.note(
            f"{cells}; {self.config['parameters']:,} parameters; {len(windows):,} windows of {config.segments} times "
            f"{config.segment} steps; {settings.budget:g} {settings.unit} on {threads} threads"
        )
        self.outcome = runs.learn(job, settings, folder, False, progress, threads, best)
        self.model = SeriesModel(config, best.parameters(), self.quantiles, self.nonnegative, threads)
        return self

    def predict(self, series: Any = None) -> np.ndarray:
        """What comes after the ends of series, None for those it was fitted on, in their own units.

        Returns (N, K), or (N, K, Q) for quantiles, float64.
        """
        if self.model is None:
            raise UserError(f"{WHO}: expected a fitted model; call fit first, or throughtime.load a saved one")
        found = self.model.predict(self._series if series is None else as_series(series))
        return found if self.quantiles else found[..., 0]

    def save(self, directory: str | Path) -> None:
        """Write the model's folder; throughtime.load reads it, without torch."""
        if self.model is None:
            raise UserError(f"{WHO}: expected a fitted model; call fit first")
        folder = Path(directory)
        write_weights(folder / WEIGHTS, self.model.parameters)
        write_json(folder / CONFIG, self.config)


def as_series(series: Any) -> list[np.ndarray]:
    """Series as a list of float64 arrays (L_n,). UserError where something is no series of numbers."""
    if isinstance(series, Mapping):
        series = list(series.values())
    if isinstance(series, np.ndarray) and series.ndim in (1, 2):
        series = [series] if series.ndim == 1 else list(series.T)
    if not isinstance(series, list | tuple) or not len(series):
        raise UserError(f"{WHO}: series must be arrays, got {type(series).__name__}; give a list of (L,) or one (T, N)")
    found = []
    for n, one in enumerate(series):
        try:
            values = np.asarray(one, np.float64)
        except (TypeError, ValueError):
            raise UserError(f"{WHO}: series {n} has values that are no numbers") from None
        if values.ndim != 1 or not len(values):
            raise UserError(f"{WHO}: series {n} must be (L,), got {values.shape}")
        if np.isinf(values).any():
            step = int(np.isinf(values).argmax())
            raise UserError(f"{WHO}: series {n} is infinite at step {step}; use NaN for a missing value")
        if not np.isfinite(values).any():
            raise UserError(f"{WHO}: series {n} has no value at all")
        found.append(values)
    return found


def change(series: np.ndarray, season: int) -> float:
    """The mean absolute change of a series over a season, in its unit; 1 where it never changes."""
    moved = np.abs(series[season:] - series[:-season]) if len(series) > season else np.abs(np.diff(series))
    moved = moved[np.isfinite(moved)]
    mean = float(moved.mean()) if len(moved) else 0.0
    return mean if mean > 0 else 1.0
