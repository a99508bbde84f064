"""Looking inside a forecaster: what it is diagnosed on, and short runs of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.insight.diagnosis import Diagnosis, examine
from throughtime.insight.remedies import Change
from throughtime.insight.symptoms import Course
from throughtime.models import forecaster
from throughtime.models.config import Layer
from throughtime.models.forecaster import ForecastConfig
from throughtime.models.histories import Histories, Learned, Series
from throughtime.models.resolve import declared, trace_of
from throughtime.recurrence import Trace
from throughtime.runtime.folder import HISTORY
from throughtime.runtime.forecast import Forecasting, middle
from throughtime.tasks.forecast_windows import Windows
from throughtime.training.history import read
from throughtime.training.settings import Settings

ROWS = 32
"""Windows that are looked at, where nothing is said."""


@dataclass
class ForecastPatient:
    """A forecaster's first member with series. kept: steps at the end of each that short runs do not learn from."""

    config: ForecastConfig
    parameters: Mapping[str, np.ndarray]
    series: Series
    learned: Learned
    kept: np.ndarray
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
        layers: list[Layer] = []
        for own in self.config.layers:
            trace = trace_of(cell) if cell else declared(own.trace)
            if trace is None:
                return None
            layers.append(Layer(trace, {"I": own.input_size, "H": own.output_size} if cell else own.sizes))
        return replace(self.config, layers=tuple(layers))

    def fresh(self, cell: str | None = None) -> Mapping[str, np.ndarray] | None:
        config = self.with_cell(cell)
        return None if config is None else forecaster.initial_parameters(config, np.random.default_rng(self.seed))

    def short_run(self, change: Change, steps: int) -> float:
        from throughtime.insight.short import short_loss

        return short_loss(self.job(change), self.settings, change.settings, steps)

    def job(self, change: Change, keep: Callable[[Any, Any], None] = lambda *_: None) -> Any:
        """The training of this model with a change, for the loop. keep: see the loop's Job."""
        from throughtime.models.ops_torch import TorchModel
        from throughtime.tasks.forecast_job import ForecastJob
        from throughtime.tasks.forecast_loss import LIKELIHOODS, LOSSES, quantile

        config, values = self.config, change.parameters or self.parameters
        if change.cell or change.fresh:
            drawn, made = self.fresh(change.cell), self.with_cell(change.cell)
            assert drawn is not None
            assert made is not None
            config, values = made, change.parameters or drawn
        loss = quantile(self.levels) if self.levels else LOSSES[self.loss]
        loss = LIKELIHOODS.get(config.distribution, loss)
        histories = Histories(config, self.series, self.learned)
        held = Windows(histories, self.kept, last=True, most=512)
        model = TorchModel(config, dict(values), self.seed, forecaster)
        changes = np.ones(len(self.series))
        windows = Windows(histories, self.kept)
        if not len(windows):
            raise UserError("forecaster: the series are too short for a short run; give longer ones")
        return ForecastJob([model], windows, held, changes, loss, self.batch, self.seed, keep)

    def losses(self, rows: int) -> Callable[[Any], Any]:
        """Runs the model over so many windows, evenly spread, to the mean absolute error of each window's forecast, in
        its own scale; after every segment where the model has an output there."""
        import torch

        histories = Histories(self.config, self.series, self.learned)
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
            found = forecaster.forward(ops, self.config, values, past, references, ahead)[..., place]
            return ((found - wanted).abs() * known).sum(-1) / known.sum(-1).clamp(min=1)

        return run


def patient(directory: str | Path, data: str | None = None, fresh: bool = False) -> ForecastPatient:
    """The model in a folder with a table. fresh: with newly drawn parameters."""
    if data is None:
        raise UserError("diagnose: a forecaster needs the table it is looked at with: throughtime diagnose DIR DATA")
    folder = Path(directory)
    model = Forecasting.load(folder)
    panel = model.read(data)
    lines = read(folder / HISTORY) if (folder / HISTORY).is_file() else []
    found = _patient(model.model, model.config, model.series(panel), panel.ids, lines)
    if fresh:
        drawn = found.fresh()
        if drawn is None:
            raise UserError("diagnose: the cell's initial values are not known, it is no cell of the catalogue")
        found.parameters, found.course = drawn, Course(clip=found.course.clip)
    return found


def _patient(
    model: Any, config: Mapping[str, Any], series: Series, ids: Sequence[str] | None, lines: Sequence[Mapping[str, Any]]
) -> ForecastPatient:
    run, own = config["training"], config["forecast"]
    lengths = np.array([len(one) for one in series.values])
    horizon = model.config.horizon
    kept = np.where(lengths > 3 * horizon, np.maximum(horizon, lengths // 5), 0)
    return ForecastPatient(
        model.config,
        model.members[0],
        series,
        model.learned(series, ids),
        kept,
        model.levels,
        own.get("loss", "mae"),
        Settings.from_json({k: run[k] for k in Settings().to_json() if k in run}),
        Course.of(lines, run, None),
        run.get("batch", 256),
        run.get("seed", 0),
    )


def of_model(model: Any, series: Any = None) -> ForecastPatient:
    """A fitted Forecaster as a patient, on the ends of the series it was fitted on or on others."""
    from throughtime.tasks.forecaster import as_series

    given = model.fitted if series is None else Series(as_series(series))
    history = model.outcome.history if model.outcome else []
    return _patient(model.model, model.config, given, None, history)


def diagnose(
    found: ForecastPatient,
    steps: int | None = None,
    rows: int | None = None,
    attempt: int = 0,
    note: Callable[[str], None] = lambda _: None,
) -> Diagnosis:
    """See `Forecaster.diagnose`. steps: a forecaster's are those of its look-back; any other number is refused."""
    if steps is not None and steps != found.config.segments:
        raise UserError(f"diagnose: this forecaster looks at {found.config.segments} steps, got steps={steps}")
    return examine(found, found.losses(rows or ROWS), attempt, note)
