"""The forecaster of many series, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.storage.record import Choice, ModelRecord
from throughtime.tasks.estimator import Estimator, Finished, Plan, Say
from throughtime.tasks.forecast.data import ForecastDecided, ForecastExamples, held_for_validation
from throughtime.tasks.forecast.ensemble import Ensemble, prefixes
from throughtime.tasks.forecast.fitted_series import ARRAYS, SERIES, FittedSeries
from throughtime.tasks.forecast.model import DISTRIBUTIONS, WHO, ForecastConfig, initial_parameters
from throughtime.tasks.forecast.options import ForecastOptions
from throughtime.tasks.forecast.score import evaluate
from throughtime.tasks.forecast.series import Series, as_series
from throughtime.tasks.forecast.statistics import Statistics, seasonal_change
from throughtime.tasks.forecast.stream import SCHEMA, SeriesModel
from throughtime.tasks.forecast.tables import TableForecaster
from throughtime.tasks.forecast.windows import Histories, Windows
from throughtime.training.run import torch_threads

if TYPE_CHECKING:
    from throughtime.training.best import Best
    from throughtime.training.job import Job

MINUTES = 3.0
"""How long training takes where nothing is said."""

SEASONS = 14
"""The look-back where nothing is said, in seasons."""

LEVELS = (0.1, 0.5, 0.9)
"""Quantiles that are taken of a distribution where none are given."""

_CALIBRATED = 50
"""The least validation windows by which quantiles are calibrated."""

_JUDGED = 2048
"""Validation windows at most, evenly spread."""


@dataclass(frozen=True, kw_only=True)
class ForecastPlan(Plan):
    """fitted: what the folder keeps of the series. windows: to learn from; held: to judge by. changes: (N,) the mean
    absolute change of each series over a season."""

    fitted: FittedSeries
    windows: Windows
    held: Windows
    changes: np.ndarray


class Forecaster(Estimator[ForecastOptions, ForecastExamples, ForecastPlan, SeriesModel]):
    """One model of many series: what comes next, from the last values of each.

    Its options are those of throughtime.tasks.forecast.options.ForecastOptions, by name; horizon and season come first.

    Example (not run):
        model = throughtime.Forecaster(24, season=24).fit(series, minutes=2)
        model.predict().shape  # (N, 24)
    """

    schema = SCHEMA
    unit = "windows"
    beside = (SERIES, ARRAYS)
    decides_when_stopped = True  # a calibration costs next to nothing

    def fit(
        self,
        series: Any,
        out: str | Path | None = None,
        *,
        features: Sequence[np.ndarray] | None = None,
        known: int = 0,
        phases: Sequence[int] | None = None,
        ids: Sequence[str] | None = None,
        resume: bool = False,
        force: bool = False,
        quiet: bool = False,
        **changes: Any,
    ) -> Forecaster:
        """Learn from series.

        series: what read_series returns, or a file or frame it takes; or a list of arrays (L_n,), a mapping of names to
        such, or an array (T,) or (T, N); NaN where a value is missing. features: (L_n + K', P) for each of such arrays,
        what else is known of every step, of about unit size, the first `known` of them also K' steps beyond the end.
        phases: the place in the season of each first value, for the profile. ids: names of the series. out: a folder
        for the model, its history and checkpoints; None keeps all in memory. resume: go on with the run in `out`, with
        the same series and its own options. force: overwrite what is in `out`. quiet: no progress. changes: options in
        place of the constructor's; of a run that goes on only some can be (a budget, rates, patience). Returns itself.
        Raises UserError where something does not fit, or where another training is at work in `out`.
        """
        arrays = features is not None or isinstance(series, Mapping | list | tuple | np.ndarray)

        def read(options: ForecastOptions) -> ForecastExamples:
            if not arrays:
                return ForecastExamples.of_table(series, options)
            return ForecastExamples.of_arrays(series, options, features, known, phases, ids)

        return self._fit(read, out, resume, force, quiet, changes)

    def fit_file(
        self, data: Any, out: Path, resume: bool, force: bool, quiet: bool, changes: Mapping[str, Any]
    ) -> Forecaster:
        return self._fit(lambda options: ForecastExamples.of_table(data, options), out, resume, force, quiet, changes)

    def _settle(self, examples: ForecastExamples, options: ForecastOptions) -> tuple[ForecastOptions, Sequence[Choice]]:
        quantiles = options.quantiles or (() if options.distribution == "none" else LEVELS)
        scaling = options.scaling or ("series" if options.every else "window")
        options = options.replaced(season=options.season or examples.season, scaling=scaling, quantiles=quantiles)
        return (options if options.budgeted else options.replaced(minutes=MINUTES)), ()

    def _build(self, examples: ForecastExamples, options: ForecastOptions) -> ForecastPlan:
        from throughtime.insight.chrono import chrono

        config, parameters = _configured(examples, options), {}
        for i, prefix in enumerate(prefixes(options.ensemble_size)):
            drawn = initial_parameters(config, np.random.default_rng([options.seed, i] if i else options.seed))
            drawn = chrono(config.layers, drawn, options.chrono, options.seed + 100 * i)
            parameters.update({prefix + name: value for name, value in drawn.items()})
        return _planned(examples, options, config, parameters)

    def _rebuild(
        self, examples: ForecastExamples, record: ModelRecord[Any, Any, Any, Any], folder: Path
    ) -> ForecastPlan:
        if examples.series.digest() != record.data.sha256:
            raise UserError(f"{WHO}: the run in {folder} learns other series; give those, or a new --out")
        config, options = record.model, record.options
        parameters = {
            prefix + name: np.zeros(shape, np.float32)
            for prefix in prefixes(options.ensemble_size)
            for name, shape in config.shapes.items()
        }
        return _planned(examples, options, config, parameters)

    def _job(
        self, examples: ForecastExamples, plan: ForecastPlan, options: ForecastOptions, best: Best
    ) -> tuple[Job, str]:
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.forecast import model as forecaster
        from throughtime.tasks.forecast.job import ForecastJob
        from throughtime.tasks.forecast.loss import loss_of

        config, models = plan.model, []
        for i, prefix in enumerate(prefixes(options.ensemble_size)):
            start = {name: plan.parameters[prefix + name] for name in config.shapes}
            models.append(TorchModel(forecaster, config, start, options.seed + i))
        loss = loss_of(options.loss, options.quantiles, options.distribution)
        job = ForecastJob(models, plan.windows, plan.held, plan.changes, loss, options.batch, options.seed, best.keep)
        cells = ", ".join(f"{layer.name} {layer.output_size}" for layer in config.layers)
        times = f"{options.ensemble_size} times " if options.ensemble_size > 1 else ""
        windows = f"{len(plan.windows):,} windows of {config.segments} times {config.segment} steps"
        return job, f"{times}{cells}; {windows}"

    def _finish(
        self,
        examples: ForecastExamples,
        plan: ForecastPlan,
        options: ForecastOptions,
        parameters: Mapping[str, np.ndarray],
        say: Say | None,
    ) -> Finished[SeriesModel]:
        threads = options.threads or torch_threads()
        form = options.quantiles, (), options.nonnegative, options.ensemble_size, threads
        ensemble, shifts = Ensemble(plan.model, parameters, *form), tuple[float, ...]()
        if options.quantiles and len(plan.held) >= _CALIBRATED:
            shifts = _shifts(ensemble, plan.held)
            ensemble.shifts = np.array(shifts)
        return Finished(SeriesModel(ensemble, options.profile, plan.fitted), ForecastDecided(shifts))

    def notes(self) -> list[str]:
        assert self.record is not None
        return list(self.record.data.notes)

    def predict(self, series: Any = None, steps: int | None = None) -> np.ndarray:
        """What comes after the ends of series, None for those it was fitted on, in their own units.

        steps: how many; beyond the horizon K the model goes on from its own forecasts. Returns (N, K), or (N, K, Q) for
        quantiles, float64.
        """
        model = self.fitted()
        some = series if series is None or isinstance(series, Series) else Series(as_series(series))
        forecasts = model.predict(some, steps=steps)
        return forecasts if model.levels else forecasts[..., 0]

    def evaluate(
        self,
        data: Any = None,
        stride: int | None = None,
        seconds: float | None = None,
        metric: str | None = None,
        say: Say = lambda line: None,
    ) -> dict[str, Json]:
        """A backtest from rolling origins, beside the baselines; see throughtime.tasks.forecast.score.evaluate.

        data: a Panel or a table read as in training, whose steps that were not learned from are forecast; None: those
        that `holdout` kept apart. seconds: for each of the slow baselines, None for what the options say.
        """
        model = self.fitted()
        assert self.record is not None
        assert self.examples is not None
        table, series = TableForecaster(model, self.record), None
        if data is None:
            panel = self.examples.panel
            if not self.examples.table:
                series = Series(panel.values, self.examples.series.features, self.examples.series.phases)
        else:
            panel = data if isinstance(data, Panel) else table.read(data)
        seconds = self.record.options.seconds if seconds is None else seconds
        return evaluate(table, panel, series, stride, seconds, metric, say)

    def score_held_out(self, say: Say) -> dict[str, Json] | None:
        assert self.record is not None
        return self.evaluate(say=say) if self.record.options.holdout > 0 else None


def _configured(examples: ForecastExamples, options: ForecastOptions) -> ForecastConfig:
    """The sizes, from the options and what the series allow."""
    series, season, horizon = examples.series, options.season or 1, options.horizon
    segment = 1 if options.every else options.segment or (season if season <= 64 else 1)
    lengths, held = series.lengths, held_for_validation(series.values, options.validation, horizon)
    room = int((lengths - held).max()) - horizon
    if room < 1:
        needed = int(lengths.max()) - room + 1
        raise UserError(f"{WHO}: the longest series has {lengths.max()} steps, at least {needed} are needed")
    wanted = options.lookback or max(SEASONS * season, 2 * horizon)
    segments = max(1, min(-(-wanted // segment), max(1, room // segment)))
    lags: Sequence[int] | None = options.lags
    if lags is None:
        lags = sorted({lag for lag in (1, season, 7 * season, 14 * season) if lag <= segment * segments})
    return ForecastConfig.stack(
        segment,
        segments,
        horizon,
        lags,
        options.traces(),
        hidden=options.hidden,
        embedding=options.embedding,
        outputs=DISTRIBUTIONS[options.distribution] or max(1, len(options.quantiles)),
        dropout=options.dropout,
        known=examples.known,
        features=0 if series.features is None else series.features[0].shape[1],
        profile=options.profile > 0,
        every=options.every,
        scaling=options.scaling,
        distribution=options.distribution,
    )


def _planned(
    examples: ForecastExamples, options: ForecastOptions, config: ForecastConfig, parameters: Mapping[str, np.ndarray]
) -> ForecastPlan:
    """A model about to be trained, and its windows."""
    series = examples.series
    held_out = held_for_validation(series.values, options.validation, options.horizon)
    histories = Histories(config, series, Statistics.of(series, options.profile, held_out.tolist()))
    windows, held = Windows(histories, held_out), Windows(histories, held_out, last=True, most=_JUDGED)
    if not len(windows):
        raise UserError(f"{WHO}: no window of {config.lookback} + {config.horizon} steps has values on both sides")
    learned = [one[: len(one) - k] for one, k in zip(series.values, held_out, strict=True)]
    changes = np.array([seasonal_change(one, options.season or 1) for one in learned])
    fitted = examples.fitted(config, options.profile)
    return ForecastPlan(
        config, examples.data(), parameters, fitted.files(), fitted=fitted, windows=windows, held=held, changes=changes
    )


def _shifts(ensemble: Ensemble, held: Windows) -> tuple[float, ...]:
    """By how much to shift each quantile but the median so that as many validation values lie below it as should.

    Source: the idea of conformalized quantile regression, Romano et al. 2019, arXiv:1905.03222, section 4, with one
    shift a quantile, over all steps ahead.
    """
    parts = []
    for first in range(0, len(held), 256):
        batch = held.batch(np.arange(first, min(first + 256, len(held))))
        seen = batch.seen
        level, scale = seen.level[..., None], seen.scale[..., None]
        forecasts = (ensemble.forecasts(ensemble.outputs(seen), seen) - level) / scale
        actual = (batch.actual - seen.level) / seen.scale
        known = np.isfinite(actual)
        parts.append(actual[known][:, None] - forecasts[known])
    rest = np.concatenate(parts)
    return tuple(
        0.0 if level == 0.5 else float(np.quantile(rest[:, i], level)) for i, level in enumerate(ensemble.levels)
    )
