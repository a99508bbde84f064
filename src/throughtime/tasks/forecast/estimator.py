"""The forecaster of many series, in scikit-learn's habits."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data.features import Features
from throughtime.data.panel import Panel
from throughtime.data.series import read_series
from throughtime.errors import UserError
from throughtime.models.resolve import trace_of
from throughtime.models.stack import LARGEST
from throughtime.storage.folder import CONFIG, FORMAT_VERSION, WEIGHTS, write_json, write_weights
from throughtime.tasks.forecast.histories import Histories, Learned, Series
from throughtime.tasks.forecast.model import DISTRIBUTIONS, WHO, ForecastConfig, initial_parameters
from throughtime.tasks.forecast.series_model import SCALES, SERIES, Known, SeriesModel
from throughtime.tasks.forecast.tables import describe
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.insight.diagnosis import Diagnosis
    from throughtime.tasks.forecast.windows import Windows
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

    horizon: steps ahead. season: steps after which a series repeats itself, 1 for none, None for that of the frequency,
    where series have one; it chooses what is not given:
    segment (steps taken in at once: a season up to 64 steps, else 1), lookback (steps looked at: 14 seasons, at least
    two horizons, as far as the series reach) and lags (how many steps ago the references lie that the model corrects:
    1 and 1, 7 and 14 seasons). cell, layers, hidden, embedding: of the recurrence. profile: steps of a season whose
    mean course the model sees, 0 for none. every: an output at every step, the state carried, instead of one after each
    window. scaling: "window", "level", "last" or "series", see tasks/forecast/model.py. loss: "mae", "mse" or
    "mase_smape". quantiles: levels between 0 and 1, in place of a point forecast; then the loss is theirs.
    distribution: "student_t" or "negative_binomial" (for counts) of which the quantiles are taken; then the loss is its
    likelihood. members: models that are trained side by side, each from its own start and order, whose mean is the
    forecast. dropout: of what the output layer sees. nonnegative: forecasts below zero become zero. seed: of everything
    random. threads: None for all that torch takes. memory: the longest time scale, in segments, that the units of gated
    cells start with, None for the cells' own start.

    Example (not run):
        model = throughtime.Forecaster(horizon=24, season=24).fit(series, minutes=2)
        model.predict().shape  # (N, 24)
    """

    def __init__(
        self,
        horizon: int,
        season: int | None = None,
        cell: Any = "gru_reset_after",
        layers: int = 1,
        hidden: int = 128,
        embedding: int = 64,
        segment: int | None = None,
        lookback: int | None = None,
        lags: Sequence[int] | None = None,
        profile: int = 0,
        every: bool = False,
        scaling: str | None = None,
        loss: str = "mae",
        quantiles: Sequence[float] = (),
        distribution: str = "none",
        members: int = 1,
        dropout: float = 0.0,
        nonnegative: bool = False,
        seed: int = 0,
        threads: int | None = None,
        memory: float | None = None,
    ) -> None:
        counts = {"horizon": horizon, "season": 1 if season is None else season, "hidden": hidden}
        counts |= {"segment": 1 if segment is None else segment, "lookback": 1 if lookback is None else lookback}
        for name, value in counts.items():
            _check_count(name, value, 1, LARGEST)
        if threads is not None:
            _check_count("threads", threads, 1, 1024)
        _check_count("layers", layers, 1, _MOST_LAYERS)
        _check_count("members", members, 1, _MOST_MEMBERS)
        _check_count("profile", profile, 0, _MOST_PROFILE)
        if type(seed) is not int or not 0 <= seed < 1 << 63:
            raise UserError(f"{WHO}: seed must be an integer from 0 up, below 2**63, got {seed!r}")
        levels = [float(level) for level in quantiles]
        if levels != sorted(set(levels)) or any(not 0 < level < 1 for level in levels):
            raise UserError(f"{WHO}: quantiles must rise and lie between 0 and 1, got {list(quantiles)}")
        if loss not in ("mae", "mse", "mase_smape"):
            raise UserError(f"{WHO}: loss must be mae, mse or mase_smape, got {loss!r}")
        if distribution not in DISTRIBUTIONS:
            raise UserError(f"{WHO}: distribution must be one of {', '.join(DISTRIBUTIONS)}, got {distribution!r}")
        if every and segment not in (None, 1):
            raise UserError(f"{WHO}: an output at every step takes segments of one step, got segment={segment!r}")
        cells = list(cell) if isinstance(cell, list | tuple) else [cell] * layers
        self._traces = [trace_of(one) for one in cells]
        self.horizon, self.season, self.hidden, self.embedding = horizon, season, hidden, embedding
        self.segment, self.lookback, self.lags = segment, lookback, lags
        self.profile, self.every, self.scaling = profile, every, scaling or ("series" if every else "window")
        self.loss, self.quantiles, self.dropout, self.nonnegative = loss, levels, dropout, nonnegative
        self.memory = memory
        self.distribution, self.members = distribution, members
        if distribution != "none" and not levels:
            self.quantiles = [0.1, 0.5, 0.9]
        self.seed, self.threads = seed, threads
        self.model: SeriesModel | None = None
        self.outcome: Outcome | None = None
        self.config: dict[str, Any] = {}
        self._season = season or 1
        self.fitted: Series | None = None

    def fit(
        self,
        series: Any,
        out: str | Path | None = None,
        *,
        features: Sequence[np.ndarray] | None = None,
        known: int = 0,
        phases: Sequence[int] | None = None,
        ids: Sequence[str] | None = None,
        about: Mapping[str, Any] | None = None,
        minutes: float | None = None,
        epochs: int | None = None,
        steps: int | None = None,
        batch: int = 256,
        validation: bool | int | float = True,
        resume: bool = False,
        force: bool = False,
        quiet: bool = True,
        **settings: Any,
    ) -> Forecaster:
        """Learn from series.

        series: what read_series returns, or a file or frame it takes; or a list of arrays (L_n,), a mapping of names to
        such, or an array (T,) or (T, N); NaN where a value is
        missing. features: (L_n + K', P) for each, what else is known of every step, of about unit size, the first
        `known` of them also K' steps beyond the end. phases: the place in the season of each first value, for the
        profile. ids: names of the series; about: JSON to be kept beside them. out: a folder for the model, its history
        and checkpoints; None keeps all in memory. Budget: one of minutes, epochs or steps. validation: the share of
        every series' end, or the number of steps, kept apart, and the parameters that do best there are kept; False:
        everything is learned from, and the last parameters are kept. resume: go on with the run in `out`, with the same
        series. force: overwrite what is in `out`. quiet: no progress. settings: further fields of
        training.settings.Settings. Returns itself.
        """
        runs.need_torch()
        from throughtime.insight.chrono import with_memory

        if type(batch) is not int or batch < 1:
            raise UserError(f"{WHO}: batch must be a positive integer, got {reprlib.repr(batch)}")
        folder = Path(out) if out is not None else None
        if resume:
            run = runs.stored(folder)
        else:
            runs.refuse_existing(folder, force)
        budget = runs.budget(minutes, epochs, steps)
        names, season = list(series) if isinstance(series, Mapping) else None, 1
        if not isinstance(series, Mapping | list | tuple | np.ndarray) and features is None:
            panel = series if isinstance(series, Panel) else read_series(series)
            made = Features.of(panel)
            features, known, ids = made.apply(panel, self.horizon), made.known(panel), panel.ids
            phases = [panel.phase(n, self.profile or 1) for n in range(len(panel))]
            about = describe(panel, made, {}, [len(one) for one in panel.values], 0.0)
            series, season = panel.values, (*panel.frequency.seasons, 1)[0]
        values = as_series(series)
        ids = [str(name) for name in (ids or names or range(len(values)))]
        self._season = self.season or season
        given = Series(values, features, None if phases is None else np.asarray(phases))
        _check_features(given, known, self.horizon)
        self.fitted = given
        if resume:
            if run.data.get("sha256") != _digest(given):
                raise UserError(f"{WHO}: the run in {folder} learns other series; give those, or a new --out")
            try:
                self.__init__(**run.config["forecast"]["options"], seed=run.own["seed"])  # type: ignore[misc]
            except (KeyError, TypeError) as error:
                raise UserError(f"{folder}: expected the settings of a forecaster, {error}; damaged") from None
            config = ForecastConfig.from_json(run.config["model"])
            parameters = {name: np.zeros(shape, np.float32) for name, shape in config.shapes.items()}
            with run.gone_on(budget, settings) as (self.config, chosen):
                return self._train(config, [parameters] * self.members, chosen, given, ids, about, folder, True, quiet)
        chosen = runs.settings_of(budget or (MINUTES, "minutes"), {**DEFAULTS, **settings})
        kept = _kept(values, validation, self.horizon)
        config = self._configure(given, known, kept)
        drawn = [
            initial_parameters(config, np.random.default_rng(self.seed if i == 0 else [self.seed, i]))
            for i in range(self.members)
        ]
        drawn = [with_memory(config.layers, own, self.memory, self.seed + 100 * i) for i, own in enumerate(drawn)]
        self.config = {
            "format_version": FORMAT_VERSION,
            "task": "forecast",
            "model": config.to_json(),
            "parameters": sum(value.size for value in drawn[0].values()) * self.members,
            "forecast": {
                "season": self._season,
                "loss": self.loss,
                "quantiles": self.quantiles,
                "nonnegative": self.nonnegative,
                "members": self.members,
                "profile": self.profile,
                "options": self._options(),
            },
            "training": {**chosen.to_json(), "batch": batch, "seed": self.seed, "threads": self.threads},
            "data": {
                "series": len(values),
                "values": int(sum(np.isfinite(one).sum() for one in values)),
                "validation": validation,
                "known": known,
                "sha256": _digest(given),
            },
        }
        with runs.begun(folder, force, self.config, {}, self._threads()):
            return self._train(config, drawn, chosen, given, ids, about, folder, False, quiet)

    def _options(self) -> dict[str, Any]:
        """What makes this forecaster again, for a run that goes on."""
        found = {name: getattr(self, name) for name in _OPTIONS}
        return {**found, "lags": None if self.lags is None else list(self.lags)}

    def _configure(self, series: Series, known: int, kept: np.ndarray) -> ForecastConfig:
        """The sizes, from what is given and what the series allow; kept: steps at their ends that are kept apart."""
        segment = 1 if self.every else self.segment or (self._season if self._season <= 64 else 1)
        lengths = np.array([len(one) for one in series.values])
        room = int((lengths - kept).max()) - self.horizon
        if room < 1:
            needed = int(lengths.max()) - room + 1
            raise UserError(f"{WHO}: the longest series has {lengths.max()} steps, at least {needed} are needed")
        wanted = self.lookback or max(SEASONS * self._season, 2 * self.horizon)
        segments = max(1, min(-(-wanted // segment), max(1, room // segment)))
        lookback = segment * segments
        lags = self.lags
        if lags is None:
            lags = sorted({lag for lag in (1, self._season, 7 * self._season, 14 * self._season) if lag <= lookback})
        width = 0 if series.features is None else series.features[0].shape[1]
        outputs = DISTRIBUTIONS[self.distribution] or max(1, len(self.quantiles))
        return ForecastConfig.stack(
            segment,
            segments,
            self.horizon,
            lags,
            self._traces,
            hidden=self.hidden,
            embedding=self.embedding,
            outputs=outputs,
            dropout=self.dropout,
            known=known,
            features=width,
            profile=self.profile > 0,
            every=self.every,
            scaling=self.scaling,
            distribution=self.distribution,
        )

    def _threads(self) -> int:
        import torch

        return self.threads or torch.get_num_threads()

    def _train(
        self,
        config: ForecastConfig,
        parameters: Sequence[Mapping[str, np.ndarray]],
        settings: Settings,
        series: Series,
        ids: list[str],
        about: Mapping[str, Any] | None,
        folder: Path | None,
        resume: bool,
        quiet: bool,
    ) -> Forecaster:
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.forecast import model as forecaster
        from throughtime.tasks.forecast.job import ForecastJob
        from throughtime.tasks.forecast.loss import LIKELIHOODS, LOSSES, quantile
        from throughtime.tasks.forecast.windows import Windows
        from throughtime.training.best import Best
        from throughtime.training.progress import choose

        run, validation = self.config["training"], self.config["data"]["validation"]
        progress, threads = choose(quiet, "windows"), self._threads()
        best = Best(folder / WEIGHTS if folder else None, progress.note)
        kept = _kept(series.values, validation, self.horizon)
        histories = Histories(config, series, Learned.of(series, self.profile, kept.tolist()))
        windows = Windows(histories, kept)
        held = Windows(histories, kept, last=True, most=_JUDGED) if validation else None
        if not len(windows):
            raise UserError(f"{WHO}: no window of {config.lookback} + {config.horizon} steps has values on both sides")
        changes = np.array(
            [change(one[: len(one) - k], self._season) for one, k in zip(series.values, kept, strict=True)]
        )
        loss = quantile(self.quantiles) if self.quantiles else LOSSES[self.loss]
        loss = LIKELIHOODS.get(self.distribution, loss)
        models = [TorchModel(forecaster, config, own, self.seed + i) for i, own in enumerate(parameters)]
        job = ForecastJob(models, windows, held, changes, loss, run["batch"], self.seed, best.keep)
        cells = ", ".join(f"{layer.name} {layer.output_size}" for layer in config.layers)
        times = f"{self.members} times " if self.members > 1 else ""
        progress.note(
            f"{times}{cells}; {self.config['parameters']:,} parameters; {len(windows):,} windows of {config.segments} "
            f"times {config.segment} steps; {settings.budget:g} {settings.unit} on {threads} threads"
        )
        known = self._known(config, series, ids, about)
        if folder is not None:
            write_json(folder / SERIES, known.about)
            write_weights(folder / SCALES, known.arrays())
        self.outcome = runs.learn(job, settings, folder, resume, progress, threads, best)
        self.model = SeriesModel(
            config,
            best.parameters(),
            self.quantiles,
            self.nonnegative,
            threads,
            members=self.members,
            period=self.profile,
            known=known,
        )
        if held is not None and self.quantiles and len(held) >= _CALIBRATED:
            self._calibrate(self.model, held)
            if folder is not None:
                write_json(folder / CONFIG, self.config)
        return self

    def _calibrate(self, model: SeriesModel, held: Windows) -> None:
        """Shift each quantile but the median so that as many validation values lie below it as should.

        Source: the idea of conformalized quantile regression, Romano et al. 2019, arXiv:1905.03222, section 4, with one
        shift a quantile, over all steps ahead.
        """
        rests = []
        for first in range(0, len(held), 256):
            batch = held.batch(np.arange(first, min(first + 256, len(held))))
            seen = batch.seen
            found = (model.finished(model.forward(seen), seen) - seen.level[..., None]) / seen.scale[..., None]
            actual = (batch.actual - seen.level) / seen.scale
            known = np.isfinite(actual)
            rests.append(actual[known][:, None] - found[known])
        rest = np.concatenate(rests)
        shifts = [
            0.0 if level == 0.5 else float(np.quantile(rest[:, i], level)) for i, level in enumerate(model.levels)
        ]
        self.config["forecast"]["shifts"] = shifts
        model.shifts = np.array(shifts)

    def _known(self, config: ForecastConfig, series: Series, ids: list[str], about: Mapping[str, Any] | None) -> Known:
        """The ends of the series, from which forecasts go on, and their scales, over all that was given."""
        learned = Learned.of(series, self.profile)
        reach = len(max(series.values, key=len)) if config.every else config.warm + config.lookback
        cut = [max(0, len(one) - reach) for one in series.values]
        values = [one[k:] for one, k in zip(series.values, cut, strict=True)]
        features = None
        if series.features is not None:
            features = [one[k:].astype(np.float32) for one, k in zip(series.features, cut, strict=True)]
        phases = np.zeros(len(ids), int) if series.phases is None else series.phases
        kept = {"ids": ids, **(about or {}), "offsets": cut}
        return Known(ids, kept, Series(values, features, phases + np.array(cut)), learned)

    def predict(self, series: Any = None, steps: int | None = None) -> np.ndarray:
        """What comes after the ends of series, None for those it was fitted on, in their own units.

        steps: how many; beyond the horizon K the model goes on from its own forecasts. Returns (N, K), or (N, K, Q) for
        quantiles, float64.
        """
        if self.model is None:
            raise UserError(f"{WHO}: expected a fitted model; call fit first, or throughtime.load a saved one")
        given = series if series is None or isinstance(series, Series) else Series(as_series(series))
        found = self.model.predict(given, steps=steps)
        return found if self.quantiles else found[..., 0]

    def diagnose(self, series: Any = None, rows: int | None = None, attempt: int = 0, quiet: bool = True) -> Diagnosis:
        """Whether the gradient vanishes or explodes, how long the memory is, what gates do, and what helps.

        series: (L_n,) each, None for those it was fitted on. rows: windows that are looked at, 32 where not given.
        attempt: steps of the short runs in which remedies are tried, 0 for none. Returns a Diagnosis: prints as text,
        `.to_json()`. Needs torch. Of several members the first is looked at.
        """
        from throughtime.tasks.forecast import insight as forecast_insight
        from throughtime.training.progress import choose

        if self.model is None:
            raise UserError(f"{WHO}: expected a fitted model; call fit first")
        patient = forecast_insight.of_model(self, series)
        return forecast_insight.diagnose(patient, None, rows, attempt, choose(quiet).note)

    def save(self, directory: str | Path) -> None:
        """Write the model's folder; throughtime.load reads it, without torch."""
        if self.model is None:
            raise UserError(f"{WHO}: expected a fitted model; call fit first")
        folder = Path(directory)
        write_weights(folder / WEIGHTS, self.model.parameters)
        if self.model.known is not None:
            write_json(folder / SERIES, self.model.known.about)
            write_weights(folder / SCALES, self.model.known.arrays())
        write_json(folder / CONFIG, self.config)


_OPTIONS = (
    *("horizon", "season", "hidden", "embedding", "segment", "lookback", "lags", "profile", "every", "scaling"),
    *("loss", "quantiles", "distribution", "members", "dropout", "nonnegative", "threads", "memory"),
)

_MOST_LAYERS, _MOST_MEMBERS, _MOST_PROFILE = 100, 999, 1_000_000


def _check_count(name: str, value: Any, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise UserError(f"{WHO}: {name} must be an integer from {least} to {most:,}, got {reprlib.repr(value)}")


_CALIBRATED = 50
"""The least validation windows by which quantiles are calibrated."""

_JUDGED = 2048
"""Validation windows at most, evenly spread."""


def _kept(values: Sequence[np.ndarray], validation: bool | int | float, horizon: int) -> np.ndarray:
    """How many steps at the end of each series are kept for validation: at least a horizon, where there is any."""
    if validation is False or validation == 0:
        return np.zeros(len(values), int)
    share = 0.1 if validation is True else validation
    if (isinstance(share, float) and not 0 < share < 1) or share < 0:
        raise UserError(f"{WHO}: validation must be a share below 1 or a number of steps, got {validation!r}")
    wanted = [round(share * len(one)) if isinstance(share, float) else share for one in values]
    found = np.maximum(horizon, wanted)
    # a series too short to give any is learned from as a whole
    return np.where(np.array([len(one) for one in values]) > found + horizon, found, 0)


def _digest(series: Series) -> str:
    import hashlib

    found = hashlib.sha256()
    for part in (series.values, series.features or ()):
        for one in part:
            found.update(np.ascontiguousarray(one).tobytes())
    return found.hexdigest()


def _check_features(series: Series, known: int, horizon: int) -> None:
    if series.features is None:
        if known:
            raise UserError(f"{WHO}: known={known}, but no features are given")
        return
    if len(series.features) != len(series):
        raise UserError(f"{WHO}: features must be given for all {len(series)} series, got {len(series.features)}")
    width = series.features[0].shape[-1]
    for n, (one, own) in enumerate(zip(series.values, series.features, strict=True)):
        if own.ndim != 2 or own.shape[1] != width or len(own) < len(one):
            raise UserError(f"{WHO}: features of series {n} must be ({len(one)} or more, {width}), got {own.shape}")
        if not np.isfinite(own).all():
            raise UserError(f"{WHO}: features of series {n} must be finite; fill what is missing, and mark it")
    if not 0 <= known <= width:
        raise UserError(f"{WHO}: known must be from 0 to {width}, got {known}")


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
