"""Looking inside a forecaster: what it is diagnosed on, and short runs of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS, Question
from throughtime.insight.diagnosis import Diagnosis, examine
from throughtime.insight.explanation import Explanation
from throughtime.insight.explanation import explain as explain_question
from throughtime.insight.gates import GateOps
from throughtime.insight.patients import Trained, refreshed
from throughtime.insight.remedies import Change
from throughtime.insight.symptoms import Course
from throughtime.insight.units import followers
from throughtime.models.resolve import declared, trace_of
from throughtime.options import Json
from throughtime.recurrence import Recurrence, Trace
from throughtime.storage.folder import HISTORY
from throughtime.tasks.forecast import model as forecaster
from throughtime.tasks.forecast.answers import middle, texts
from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.options import ForecastOptions
from throughtime.tasks.forecast.scaling import Window, scaled
from throughtime.tasks.forecast.score import importance_of
from throughtime.tasks.forecast.series import Series, as_series
from throughtime.tasks.forecast.statistics import Statistics
from throughtime.tasks.forecast.stream import SeriesModel
from throughtime.tasks.forecast.tables import TableForecaster
from throughtime.tasks.forecast.windows import Histories, Windows
from throughtime.training.history import read
from throughtime.training.settings import Settings

ROWS = 32
"""Windows that are looked at, where nothing is said."""


@dataclass
class ForecastPatient(Trained):
    """A forecaster's first model with series. held_out: steps at the end of each that short runs do not learn from."""

    config: ForecastConfig
    parameters: Mapping[str, np.ndarray]
    series: Series
    statistics: Statistics
    held_out: np.ndarray
    levels: tuple[float, ...]
    loss: str
    settings: Settings
    course: Course
    batch: int = 256
    seed: int = 0

    def layers(self) -> Sequence[tuple[str, Trace, Mapping[str, int]]]:
        return [(f"layers.{i}.", layer.trace, layer.sizes) for i, layer in enumerate(self.config.layers)]

    def with_cell(self, cell: str | None) -> ForecastConfig | None:
        """The same model, of this or another cell, whose initial values are known; None where they are not."""
        layers: list[Recurrence] = []
        for layer in self.config.layers:
            trace = trace_of(cell) if cell else declared(layer.trace)
            if trace is None:
                return None
            layers.append(Recurrence(trace, {"I": layer.input_size, "H": layer.output_size} if cell else layer.sizes))
        return replace(self.config, layers=tuple(layers))

    def fresh(self, cell: str | None = None) -> Mapping[str, np.ndarray] | None:
        config = self.with_cell(cell)
        return None if config is None else forecaster.initial_parameters(config, np.random.default_rng(self.seed))

    @property
    def training(self) -> Settings:
        return self.settings

    def job(self, change: Change, keep: Callable[[Any, Any], None] = lambda *_: None) -> Any:
        """The training of this model with a change, for the loop. keep: see the loop's Job."""
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.forecast.job import ForecastJob
        from throughtime.tasks.forecast.loss import loss_of

        config, values = self.start(self.config, change)
        loss = loss_of(self.loss, self.levels, config.distribution)
        histories = Histories(config, self.series, self.statistics)
        held = Windows(histories, self.held_out, last=True, most=512)
        model = TorchModel(forecaster, config, dict(values), self.seed)
        changes = np.ones(len(self.series))
        windows = Windows(histories, self.held_out)
        if not len(windows):
            raise UserError("forecaster: the series are too short for a short run; give longer ones")
        return ForecastJob([model], windows, held, changes, loss, self.batch, self.seed + change.order, keep)

    def losses(self, rows: int) -> Callable[[Any], Any]:
        """Runs the model over so many windows, evenly spread, to the mean absolute error of each window's forecast, in
        its own scale; after every segment where the model has an output there."""
        import torch

        histories = Histories(self.config, self.series, self.statistics)
        windows = Windows(histories, most=rows)
        if not len(windows):
            raise UserError("forecaster: no window of the series has values on both sides; give longer series")
        batch = windows.batch(np.arange(len(windows)))
        seen = batch.seen
        actual = (batch.actual - seen.level) / seen.scale
        known = torch.from_numpy(np.isfinite(actual).astype(np.float32))
        wanted = torch.from_numpy(np.nan_to_num(actual).astype(np.float32))
        ahead = None if seen.ahead is None else torch.from_numpy(seen.ahead)
        past, references = torch.from_numpy(seen.past), torch.from_numpy(seen.references)
        values = {name: torch.tensor(value).requires_grad_() for name, value in self.parameters.items()}
        place = middle(self.levels) if self.config.distribution == "none" else 0

        def run(ops: Any) -> Any:
            forecast = forecaster.forward(ops, self.config, values, past, references, ahead)[..., place]
            return ((forecast - wanted).abs() * known).sum(-1) / known.sum(-1).clamp(min=1)

        return run


def patient(directory: str | Path, data: str | None = None, fresh: bool = False) -> ForecastPatient:
    """The model in a folder with a table. fresh: with newly drawn parameters."""
    if data is None:
        raise UserError("diagnose: a forecaster needs the table it is looked at with: throughtime diagnose DIR DATA")
    folder = Path(directory)
    model = TableForecaster.load(folder)
    panel = model.read(data)
    lines = read(folder / HISTORY) if (folder / HISTORY).is_file() else []
    patient = _patient(model.model, model.record.options, model.series(panel), panel.ids, lines)
    return refreshed(patient) if fresh else patient


def _patient(
    model: SeriesModel,
    options: ForecastOptions,
    series: Series,
    ids: Sequence[str] | None,
    lines: Sequence[Mapping[str, Json]],
) -> ForecastPatient:
    lengths, horizon, settings = series.lengths, model.config.horizon, options.part(Settings)
    return ForecastPatient(
        model.config,
        model.ensemble.members[0],
        series,
        model.statistics(series, ids),
        np.where(lengths > 3 * horizon, np.maximum(horizon, lengths // 5), 0),
        model.levels,
        options.loss or "mae",
        settings,
        Course.of(lines, settings, None),
        options.batch or 256,
        options.seed,
    )


def of_model(model: Any, series: Any = None) -> ForecastPatient:
    """A fitted Forecaster as a patient, on the series it was fitted on or on others."""
    some = model.examples.series if series is None else Series(as_series(series))
    history = model.outcome.history if model.outcome else []
    return _patient(model.model, model.record.options, some, None, history)


def diagnose(
    patient: ForecastPatient,
    steps: int | None = None,
    rows: int | None = None,
    attempt: int = 0,
    note: Callable[[str], None] = lambda _: None,
) -> Diagnosis:
    """See `Forecaster.diagnose`. steps: a forecaster's are those of its look-back; any other number is refused."""
    if steps is not None and steps != patient.config.segments:
        raise UserError(f"diagnose: this forecaster looks at {patient.config.segments} steps, got steps={steps}")
    return examine(patient, patient.losses(rows or ROWS), attempt, note)


def explain(
    model: SeriesModel,
    series: Series,
    number: int = 0,
    ids: Sequence[str] | None = None,
    step: int | None = None,
    methods: Sequence[str] = METHODS,
    times: Sequence[str] | None = None,
    labels: Mapping[str, np.ndarray] | None = None,
) -> Explanation:
    """What a forecast rests on: how much each past value moved it, and what the gates did on the way.

    model: a SeriesModel. series, ids: as for its `predict_at`; the forecast is that from the end of series `number`.
    step: which of the K steps ahead is explained, from 1; None: the mean of all, and of their changes. times: of the
    values that are seen, (P,), for reading. labels: name -> (S,) what units may follow, by segment. A value that is
    taken away becomes the mean of the window; the references that are taken from it move along. Returns an Explanation
    whose parts are the values before the forecast, as far back as the model reads. Needs torch and captum. Of several
    models the first is looked at.
    """
    import torch

    from throughtime.models.ops_torch import TorchOps

    config = model.config
    if step is not None and (type(step) is not int or not 1 <= step <= config.horizon):
        raise UserError(f"explain: step must be from 1 to the horizon, {config.horizon}, got {step!r}")
    histories = Histories(config, series, model.statistics(series, ids))
    window = histories.window(np.array([number]), np.array([len(series.values[number])]))
    seen = scaled(config, window)
    values = window.values[0]
    known = np.isfinite(values)
    if known.sum() < 2:
        raise UserError("explain: expected at least two values in the window, give a longer series")
    places, source = _sources(config, window)
    scale, level = float(seen.scale[0, 0]), float(seen.level[0, 0])
    inputs = torch.from_numpy(np.nan_to_num((values - level) / scale).astype(np.float32))
    neutral = torch.where(torch.from_numpy(known), inputs[torch.from_numpy(known)].mean(), torch.zeros(()))
    first = model.ensemble.members[0]
    parameters = {name: torch.tensor(value) for name, value in first.items()}
    past, references = torch.from_numpy(seen.past), torch.from_numpy(seen.references)
    ahead = None if seen.ahead is None else torch.from_numpy(seen.ahead)
    place = middle(model.levels) if config.distribution == "none" else 0
    width = config.segment

    def answer(x: Any) -> Any:
        """(N, P, 1) scaled values to the forecasts (N, K) in the series' unit."""
        rows = len(x)
        line = x[..., 0]
        shown = line[:, config.warm :].clamp(-10, 10).reshape(rows, config.segments, width).transpose(0, 1)
        seen_past = torch.cat([shown, past[..., width:].expand(-1, rows, -1)], -1)
        base = line[:, places.clip(0)]  # (N, [S,] R, 1, K)
        fixed = references if config.every else references[None]
        taken = torch.where(torch.from_numpy(source), base[:, ..., 0, :], fixed[..., 0, :])
        moved = taken.permute(1, 2, 0, 3) if config.every else taken[:, 0].permute(1, 0, 2)
        more = None if ahead is None else ahead.expand(-1, rows, -1)
        forecasts = forecaster.forward(TorchOps(), config, parameters, seen_past, moved, more)
        forecasts = (forecasts[-1] if config.every else forecasts)[..., place] * scale + level
        return forecasts if step is None else forecasts[:, step - 1 : step]

    question = Question(answer, inputs[:, None], neutral[:, None], signed=False)
    with torch.no_grad():
        mean = float(question.score(inputs[None, :, None])[0])
    what = "The mean of the forecasts" if step is None else f"The forecast {step} steps ahead"
    sentence = f"{what} is {mean:.4g}; the values seen before it average {np.nanmean(values):.4g}."
    ops = GateOps()
    forecaster.forward(ops, config, first, seen.past, seen.references, seen.ahead)
    parts = list(times) if times is not None else [str(i - len(values)) for i in range(len(values))]
    explanation = explain_question("series", question, parts, sentence, ops.seen, methods, values)
    statistics = [layer.statistics() for layer in ops.seen]
    over = f"over {config.segments} segments"
    return replace(explanation, followers=followers(ops.seen, labels or {}), statistics=statistics, over=over)


def _sources(config: ForecastConfig, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Which of the window's values each reference is, ([S or 1], R, 1, K) places, and whether it is one of them.

    The references of a window whose values are their own places are these places.
    """
    numbers = np.where(np.isfinite(window.values), np.arange(window.values.shape[1], dtype=np.float64), np.nan)
    plain = replace(config, profile=False, scaling="series", known=0, features=0, neighbours=0, linear=0)
    measure = np.array([[0.0, 1.0]])
    references = scaled(plain, Window(numbers, None, None, measure, np.array([-1.0]))).references
    references = references if config.every else references[None]
    places = np.full((len(references), len(config.lags) + 2 * config.profile, 1, config.horizon), -1)
    places[:, : references.shape[1]] = np.round(references)
    return places, places[:, :, 0] >= 0


def series_labels(times: Sequence[np.ndarray] | np.ndarray, segment: int) -> dict[str, np.ndarray]:
    """What a reader sees at the last step of each segment: the hour of the day and the day of the week, as waves."""
    ends = np.asarray(times)[segment - 1 :: segment]
    if not np.issubdtype(ends.dtype, np.datetime64):
        return {}
    hour = (ends.astype("datetime64[m]") - ends.astype("datetime64[D]")).astype(int) / 60
    day = ends.astype("datetime64[D]").astype(int) % 7
    waves = {}
    for name, value, period in (("hour of the day", hour, 24), ("day of the week", day, 7)):
        waves[f"{name}, sine"] = np.sin(2 * np.pi * value / period)
        waves[f"{name}, cosine"] = np.cos(2 * np.pi * value / period)
    return waves


def explained(directory: Path, data: str, options: Mapping[str, Json]) -> Explanation:
    """What `throughtime explain` does for a forecaster's folder. data: a table; forecasts go on from its end."""
    for name in ("target", "corpus"):
        if options.get(name) is not None:
            raise UserError(f"explain: --{name} is for models of text, this is a forecaster")
    model = TableForecaster.load(directory)
    panel = model.read(data)
    wanted = options.get("series")
    if wanted is not None and wanted not in panel.ids:
        shown = ", ".join(panel.ids[:8]) + (" ..." if len(panel.ids) > 8 else "")
        raise UserError(f"explain: no series {wanted!r} in {data}; there are {shown}")
    number = 0 if wanted is None else panel.ids.index(wanted)
    config = model.model.config
    count = config.warm + config.lookback
    length = len(panel.values[number])
    times = panel.times(number, max(0, length - count), min(count, length))
    clock = panel.axis.local(times) if panel.dated else times
    names = [""] * (count - len(times)) + texts([times], panel.axis)[0]
    labels = series_labels(clock[config.warm :], config.segment) if len(times) == count else None
    series = model.series(panel)
    found = explain(model.model, series, number, panel.ids, options.get("step"), options["methods"], names, labels)
    return replace(found, importance=importance_of(model, panel, series))


UNIT, METRIC = "values", "mean absolute error"
"""What a learning curve of forecasts is over, and of."""


def amount(data: Path | list[Path], share: float, seed: int, options: Mapping[str, Json]) -> tuple[float, float]:
    """Learn from the last `share` of what stands before the last fifth of every series, and forecast that fifth from
    every horizon-th step: values learned from, mean absolute error in the series' unit."""
    from throughtime.data.series import read_series
    from throughtime.tasks.forecast.estimator import Forecaster

    panel = read_series(data)
    horizon = options.get("horizon") or 24
    season = (*panel.frequency.seasons, 1)[0]
    ends = [len(one) - max(horizon, len(one) // 5) for one in panel.values]
    starts = [end - max(3 * horizon, round(share * end)) for end in ends]
    if min(starts) < 0:
        raise UserError(f"learning-curve: {data} is too short for a horizon of {horizon}, give longer series")
    fit = {name: options[name] for name in ("minutes", "steps") if options.get(name) is not None}
    sizes = {name: options[name] for name in ("cell", "hidden", "layers", "threads") if options.get(name) is not None}
    lookback = max(2 * horizon, min(14 * season, min(ends) // 4))
    learned = [one[a:b] for one, a, b in zip(panel.values, starts, ends, strict=True)]
    model = (
        Forecaster(horizon, season, lookback=lookback, seed=seed, neighbours=0, **sizes)
        .fit(learned, quiet=True, **fit)
        .fitted()
    )
    pairs = [(n, o) for n, b in enumerate(ends) for o in range(b, len(panel.values[n]) - horizon + 1, horizon)]
    forecasts = model.predict_at(Series(panel.values), np.array(pairs))[..., 0]
    actual = np.stack([panel.values[n][o : o + horizon] for n, o in pairs])
    return float(sum(len(one) for one in learned)), float(np.nanmean(np.abs(forecasts - actual)))
