"""The forecaster of many series, in scikit-learn's habits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.storage.record import Choice, ModelRecord
from throughtime.tasks.earlier import Earlier, Memory
from throughtime.tasks.estimator import Finished, Plan, Say
from throughtime.tasks.forecast.answering import Answering
from throughtime.tasks.forecast.answers import check_median
from throughtime.tasks.forecast.calibration import Later
from throughtime.tasks.forecast.calibration import shifts as calibrated
from throughtime.tasks.forecast.company import find_neighbours
from throughtime.tasks.forecast.data import ForecastDecided, ForecastExamples
from throughtime.tasks.forecast.ensemble import Ensemble, prefixes
from throughtime.tasks.forecast.facts import Facts
from throughtime.tasks.forecast.fitted_series import ARRAYS, SERIES, FittedSeries
from throughtime.tasks.forecast.linear import SMOOTHED, begun
from throughtime.tasks.forecast.model import DISTRIBUTIONS, WHO, ForecastConfig, initial_parameters
from throughtime.tasks.forecast.options import ForecastOptions
from throughtime.tasks.forecast.remembered import error_on, recalled
from throughtime.tasks.forecast.rule import choose
from throughtime.tasks.forecast.short import told_by_refits
from throughtime.tasks.forecast.statistics import seasonal_change
from throughtime.tasks.forecast.stream import SCHEMA, SeriesModel
from throughtime.tasks.forecast.tables import TableForecaster
from throughtime.tasks.forecast.windows import Histories, Windows
from throughtime.tasks.habits import Habits
from throughtime.training.run import torch_threads

if TYPE_CHECKING:
    from throughtime.training.best import Best
    from throughtime.training.job import Job

MINUTES = 3.0
"""How long training takes where nothing is said."""

LEVELS = (0.1, 0.5, 0.9)
"""Quantiles that are taken of a distribution where none are given."""

_JUDGED = 2048
"""Validation windows at most, evenly spread."""


@dataclass(frozen=True, kw_only=True)
class ForecastPlan(Plan):
    """fitted: what the folder keeps of the series. windows: to learn from; held: to judge by; later: to learn in the
    end, if any. changes: (N,) the mean absolute change of each series over a season."""

    fitted: FittedSeries
    windows: Windows
    held: Windows
    changes: np.ndarray
    later: Later | None = None


class Forecaster(Answering):
    """One model of many series: what comes next, from the last values of each.

    Its options are those of throughtime.tasks.forecast.options.ForecastOptions, by name; horizon and season come first.

    Example (not run):
        model = throughtime.Forecaster(24, season=24).fit(series, minutes=2)
        model.predict().shape  # (N, 24)
    """

    schema = SCHEMA
    unit = "windows"
    beside = (SERIES, ARRAYS)
    habits = Habits(answers=False, texts=False)
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
        self._caller = None

        def read(options: ForecastOptions) -> ForecastExamples:
            if not arrays:
                return self._table_of(series, options)
            fitted = None if self._earlier is None else self._earlier.model.series
            return ForecastExamples.of_arrays(series, options, features, known, phases, ids, fitted)

        fitted = self._fit(read, out, resume, force, quiet, changes)
        self._caller = self._caller_of(series)
        return fitted

    def fit_file(
        self, data: Any, out: Path, resume: bool, force: bool, quiet: bool, changes: Mapping[str, object]
    ) -> Forecaster:
        return self._fit(lambda options: self._table_of(data, options), out, resume, force, quiet, changes)

    def _table_of(self, source: Any, options: ForecastOptions) -> ForecastExamples:
        """A table to learn from, read as that of the model to start from, if any."""
        if self._earlier is None:
            return ForecastExamples.of_table(source, options)
        record: Any = replace(self._earlier.record, options=options)
        table = TableForecaster(self._earlier.model, record)
        panel, features = table.read(source), table.features
        if panel.target != record.data.target:
            raise UserError(
                f"{panel.where}: the target is {panel.target}, the model to start from forecasts {record.data.target}; "
                "name the column with --target, or train anew"
            )
        found = ForecastExamples.of_table(panel, options, features, table.fitted)
        file = str(source) if isinstance(source, str | Path) and str(source) != "-" else None
        return replace(found, file=file)

    def _settle(self, examples: ForecastExamples, options: ForecastOptions) -> tuple[ForecastOptions, Sequence[Choice]]:
        from throughtime.tasks.forecast.speed import seconds_a_step
        from throughtime.training.best import Best

        if self._earlier is not None and self._earlier.record.data.neighbours is not None:
            examples.found[options.neighbours or 0] = self._earlier.record.data.neighbours
        quantiles = options.quantiles or (() if options.distribution in (None, "none") else LEVELS)
        options = options.replaced(quantiles=quantiles)
        options = options if options.budgeted else options.replaced(minutes=MINUTES)
        values, horizon = examples.series.values, options.horizon
        held = examples.held(options, 0.1 if options.validation is None else options.validation)
        _check_room(examples.series.lengths, held, horizon)
        learned = [one[: len(one) - k] for one, k in zip(values, held, strict=True)]
        frequency = examples.panel.frequency
        usual = None if frequency.kind == "steps" else frequency.seasons
        facts = Facts.of(learned, horizon, options.season, usual)
        if options.neighbours is None and not options.every and self._earlier is None:
            found = find_neighbours(examples.learned(options), horizon, facts.season)
            if found is not None:
                examples.found[found[0].size] = found[0]
                facts = replace(facts, neighbours=found[0].size, saved=found[1])
        threads = options.threads or torch_threads()

        def seconds(tried: ForecastOptions) -> float:
            tried = tried.replaced(learning_rate=1e-3, warm_up=1, validation=0)
            plan = _drawn_plan(examples, tried, False)
            job, _ = self._job(examples, plan, tried, Best(None, lambda line: None))
            return seconds_a_step(job, tried.minutes or 0.0, threads)

        settled, choices = choose(facts, options, seconds, threads)
        if options.past is None:
            settled = settled.replaced(past=tuple(examples.panel.past), absent=examples.saved is not None)
            if examples.saved is not None:
                choices.append(Choice("past", settled.past, _why_past(examples.saved)))
        return settled, choices

    def _build(self, examples: ForecastExamples, options: ForecastOptions) -> ForecastPlan:
        check_median(options.quantiles)
        return _drawn_plan(examples, options, True)

    def _grow(self, examples: ForecastExamples, options: ForecastOptions, earlier: Earlier) -> ForecastPlan:
        config: ForecastConfig = replace(earlier.record.model, dropout=options.dropout or 0.0)
        series = examples.series
        width = 0 if series.features is None else series.features[0].shape[1]
        if (width, examples.known) != (config.features, config.known):
            raise UserError(
                f"{WHO}: {width} features, {examples.known} of them known beforehand, the model to start from reads "
                f"{config.features} and {config.known}; give what it was trained with"
            )
        parameters = earlier.model.parameters
        return _planned(examples, options, config, parameters, lambda: parameters)

    def _recall(self, earlier: Earlier, examples: ForecastExamples) -> ForecastExamples | None:
        return recalled(earlier, examples.panel if examples.table else None)

    def _memory(self, model: SeriesModel, recalled: ForecastExamples, examples: ForecastExamples) -> Memory | str:
        assert self._earlier is not None
        return error_on(model, recalled, self._earlier)

    def _rebuild(
        self, examples: ForecastExamples, record: ModelRecord[Any, Any, Any, Any], folder: Path
    ) -> ForecastPlan:
        if examples.series.digest() != record.data.sha256:
            raise UserError(f"{WHO}: the run in {folder} learns other series; give those, or a new --out")
        config, options = record.model, record.options
        if record.data.neighbours is not None:
            examples.found[options.neighbours or 0] = record.data.neighbours
        parameters = {
            prefix + name: np.zeros(shape, np.float32)
            for prefix in prefixes(options.members)
            for name, shape in config.shapes.items()
        }
        earlier = self._earlier
        start = partial(_drawn, config, options) if earlier is None else lambda: earlier.model.parameters
        return _planned(examples, options, config, parameters, start, earlier is None)

    def _job(
        self, examples: ForecastExamples, plan: ForecastPlan, options: ForecastOptions, best: Best
    ) -> tuple[Job, str]:
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.forecast import model as forecaster
        from throughtime.tasks.forecast.job import ForecastJob
        from throughtime.tasks.forecast.loss import loss_of

        config, models = plan.model, []
        for i, prefix in enumerate(prefixes(options.members)):
            start = {name: plan.parameters[prefix + name] for name in config.shapes}
            models.append(TorchModel(forecaster, config, start, options.seed + i))
        loss = loss_of(options.loss or "mae", options.quantiles, plan.model.distribution)
        batch = options.batch or 256
        given = plan.windows, plan.held, plan.changes, loss, batch, options.seed
        job = ForecastJob(models, *given, best.keep, plan.later)
        cells = ", ".join(f"{layer.name} {layer.output_size}" for layer in config.layers)
        times = f"{options.members} times " if options.members > 1 else ""
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
        form = options.quantiles, (), bool(options.nonnegative), options.members, threads
        ensemble = Ensemble(plan.model, parameters, *form)
        said = None if plan.later is None else plan.later.said
        shifts = calibrated(ensemble, plan.held) if said is None else said
        if not shifts and self._earlier is not None:
            shifts = self._earlier.record.decided.shifts
        if shifts:
            ensemble.shifts = np.array(shifts)
        model = SeriesModel(ensemble, options.profile or 0, plan.fitted, plan.data.neighbours)
        return Finished(model, ForecastDecided(shifts))

    def notes(self) -> list[str]:
        assert self.record is not None
        return list(self.record.data.notes)

    def score_held_out(self, say: Say) -> dict[str, Json] | None:
        assert self.record is not None
        if self.record.options.holdout <= 0:
            return None
        return told_by_refits(self, self.evaluate(say=say), say)


def _why_past(saved: float) -> str:
    if not saved:
        return "no other column makes a linear map err less"
    return f"with these columns' past a linear map errs {100 * saved:.0f} % less; past=none leaves them out"


def _check_room(lengths: np.ndarray, held: np.ndarray, horizon: int) -> int:
    """The steps of the longest series before its last horizon that is learned; UserError where there are none."""
    room = int((lengths - held).max()) - horizon
    if room < 1:
        needed = int(lengths.max()) - room + 1
        raise UserError(f"{WHO}: the longest series has {lengths.max()} steps, at least {needed} are needed")
    return room


def _configured(examples: ForecastExamples, options: ForecastOptions) -> ForecastConfig:
    """The sizes, from the options and what the series allow."""
    series, horizon = examples.series, options.horizon
    assert options.segment is not None
    assert options.lookback is not None
    held = examples.held(options)
    room, segment = _check_room(series.lengths, held, horizon), options.segment
    segments = max(1, min(-(-options.lookback // segment), max(1, room // segment)))
    lags = options.lags
    assert lags is not None
    return ForecastConfig.stack(
        segment,
        segments,
        horizon,
        lags,
        options.traces(),
        hidden=options.hidden or 128,
        embedding=options.embedding or 64,
        outputs=DISTRIBUTIONS[options.distribution or "none"] or max(1, len(options.quantiles)),
        dropout=options.dropout or 0.0,
        known=examples.known,
        features=0 if series.features is None else series.features[0].shape[1],
        profile=bool(options.profile),
        every=options.every,
        scaling=options.scaling or "window",
        distribution=options.distribution or "none",
        absent=(options.absent or examples.saved is not None) and bool(examples.panel.past),
        neighbours=0 if (company := examples.company(options)) is None else company.size,
        linear=(linear := _mapped(options, segment * segments)),
        constant=linear > 0,
    )


def _mapped(options: ForecastOptions, lookback: int) -> int:
    """How many values the linear map reads, smoothing more than the regression. lookback: what the series allow;
    UserError for more than was asked for."""
    linear = options.linear or 0
    if linear > (options.lookback or 1):
        raise UserError(f"{WHO}: linear must be at most the look-back, {options.lookback}, got {linear}")
    smoothed = linear > 0 and not options.every and 1 in (options.lags or ())
    return min(max(linear, SMOOTHED) if smoothed else linear, lookback)


def _begun(
    config: ForecastConfig, options: ForecastOptions, parameters: Mapping[str, np.ndarray], windows: Windows
) -> dict[str, np.ndarray]:
    return begun(config, parameters, windows, options.members, options.linear or 0, options.season or 1)


def _drawn(config: ForecastConfig, options: ForecastOptions) -> dict[str, np.ndarray]:
    """The parameters of all models before they learn."""
    from throughtime.insight.chrono import chrono

    parameters = {}
    for i, prefix in enumerate(prefixes(options.members)):
        drawn = initial_parameters(config, np.random.default_rng([options.seed, i] if i else options.seed))
        drawn = chrono(config.layers, drawn, options.chrono, options.seed + 100 * i)
        parameters.update({prefix + name: value for name, value in drawn.items()})
    return parameters


def _drawn_plan(examples: ForecastExamples, options: ForecastOptions, fresh: bool) -> ForecastPlan:
    """A model with drawn parameters about to be trained; see `_planned`."""
    config = _configured(examples, options)
    parameters = _drawn(config, options)
    return _planned(examples, options, config, parameters, lambda: parameters, fresh)


def _planned(
    examples: ForecastExamples,
    options: ForecastOptions,
    config: ForecastConfig,
    parameters: Mapping[str, np.ndarray],
    start: Callable[[], Mapping[str, np.ndarray]],
    fresh: bool = False,
) -> ForecastPlan:
    """A model about to be trained, and its windows. start: makes the parameters that the run began with. fresh: whether
    these were drawn, and find their linear map by the windows."""
    neighbours = examples.company(options)
    series = examples.seen(neighbours)
    held_out = examples.held(options)
    histories = Histories(config, series, examples.statistics(options.profile or 0, held_out.tolist()))
    windows, held = Windows(histories, held_out), Windows(histories, held_out, last=True, most=_JUDGED)
    if not len(windows):
        raise UserError(f"{WHO}: no window of {config.lookback} + {config.horizon} steps has values on both sides")
    learned = [one[: len(one) - k] for one, k in zip(series.values, held_out, strict=True)]
    changes = np.array([seasonal_change(one, options.season or 1) for one in learned])
    fitted = examples.fitted(config, options.profile or 0, neighbours)
    parameters = _begun(config, options, parameters, windows) if fresh else parameters
    later = None
    if options.learn_validation and len(held) and not config.every:
        form: Any = options.quantiles, (), bool(options.nonnegative), options.members
        untrained = Ensemble(config, parameters, *form)  # whose outputs nobody asks for
        whole, judge = Windows(histories), partial(calibrated, untrained, held)
        later = Later(whole, lambda: _begun(config, options, start(), whole) if fresh else start(), judge)
    return ForecastPlan(
        config,
        examples.data(neighbours),
        parameters,
        fitted.files(),
        fitted=fitted,
        windows=windows,
        held=held,
        changes=changes,
        later=later,
    )
