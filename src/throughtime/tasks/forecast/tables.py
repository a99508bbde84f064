"""A trained forecaster and tables of time: read as in training, and forecasts come with their dates. No torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data import calendar
from throughtime.data.features import Features
from throughtime.data.frequency import Frequency
from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.storage.folder import CONFIG
from throughtime.storage.record import ModelRecord
from throughtime.tasks.forecast.data import SHOWN, ForecastData, ForecastDecided, read_table
from throughtime.tasks.forecast.fitted_series import FittedSeries
from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.options import ForecastOptions
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.stream import SCHEMA, SeriesModel, load

Record = ModelRecord[ForecastConfig, ForecastOptions, ForecastData, ForecastDecided]


@dataclass(frozen=True)
class Forecasts:
    """What comes next in each series. ids: (N,). times: (K,) for each. values: (N, K, Q). levels: of the quantiles,
    empty for points. past: the ends of the series, and their times, for pictures."""

    ids: Sequence[str]
    times: list[np.ndarray]
    values: np.ndarray
    levels: tuple[float, ...]
    past: list[tuple[np.ndarray, np.ndarray]]
    target: str

    @property
    def point(self) -> np.ndarray:
        """The median, or the point forecast, (N, K)."""
        median: np.ndarray = self.values[..., middle(self.levels)]
        return median

    def csv(self) -> str:
        """unique_id, ds, forecast, and a column for each quantile."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        names = [f"q{100 * level:g}" for level in self.levels]
        writer.writerow(["unique_id", "ds", "forecast", *names])
        for name, times, values, point in zip(self.ids, self.times, self.values, self.point, strict=True):
            for time, row, one in zip(times, values, point, strict=True):
                writer.writerow([name, shown(time), f"{one:.6g}", *(f"{v:.6g}" for v in row if names)])
        return out.getvalue()

    def to_json(self) -> list[Json]:
        """An object for each series."""
        objects = []
        for name, times, values, point in zip(self.ids, self.times, self.values, self.point, strict=True):
            quantiles = {f"q{100 * level:g}": values[:, i].tolist() for i, level in enumerate(self.levels)}
            times_shown = [shown(time) for time in times]
            objects.append({"unique_id": name, "ds": times_shown, "forecast": point.tolist(), **quantiles})
        return objects


def middle(levels: tuple[float, ...]) -> int:
    """The place of the median, or of what is nearest to it."""
    return int(np.abs(np.array(levels) - 0.5).argmin()) if levels else 0


def shown(time: Any) -> str:
    """A time as text."""
    if not isinstance(time, np.datetime64):
        return str(time)
    return str(time.astype("datetime64[s]")).replace("T", " ").removesuffix(" 00:00:00")


@dataclass(frozen=True)
class TableForecaster:
    """A forecaster with the record that says how its tables are read, and how features are made of them."""

    model: SeriesModel
    record: Record

    @classmethod
    def load(cls, directory: str | Path) -> TableForecaster:
        """From a model folder; UserError where it is no forecaster's, or keeps no series."""
        folder = Path(directory)
        record, model = SCHEMA.read(folder), load(folder)
        if model.series is None:
            raise UserError(f"{folder}: it keeps no series to go on from; use throughtime.load")
        return cls(model, record)

    @property
    def fitted(self) -> FittedSeries:
        """The series it was fitted on."""
        assert self.model.series is not None
        return self.model.series

    @property
    def features(self) -> Features:
        """How features are made; UserError where they were given as arrays, which no table has."""
        if self.record.data.features is None:
            raise UserError(f"{CONFIG}: this forecaster reads features that were given as arrays; use throughtime.load")
        return self.record.data.features

    def read(self, source: Any) -> Panel:
        """A table, read as the one it was trained on."""
        return read_table(source, self.record.options)

    def series(self, panel: Panel, ahead: int | None = None) -> Series:
        """A panel as the model takes it, with its features, which reach so many steps beyond the end; None: a
        horizon."""
        phases = np.array([panel.phase(n, self.model.period or 1) for n in range(len(panel))])
        return Series(panel.values, self.features.apply(panel, ahead or self.model.config.horizon), phases)

    def forecast(self, source: Any = None, steps: int | None = None) -> Forecasts:
        """What comes after the ends of the series of a table, or of those it was trained on where that is None.

        steps: how many; beyond the model's horizon it goes on from its own forecasts (tasks/forecast/rollout.py).
        """
        horizon, fitted = self.model.config.horizon, self.fitted
        self.model.check_steps(steps)
        ahead = horizon if steps is None else steps
        if source is None:
            made = self.record.data.features
            if made is not None and any(scale.width for scale in made.future):
                names = ", ".join(scale.name for scale in made.future)
                raise UserError(f"forecast: {names} must be known of the steps to come; give the data that say them")
            panel = self.ends()
            series = fitted.ends if ahead <= horizon else self.longer_ends(panel, ahead)
        else:
            panel = self.read(source)
            panel.check_future(ahead)
            series = self.series(panel, ahead)
        values = self.model.predict(series, panel.ids, steps)
        times = [panel.times(n, len(panel.values[n]), ahead) for n in range(len(panel))]
        past = []
        for n, one in enumerate(panel.values):
            first = max(0, len(one) - max(4 * horizon, SHOWN))
            past.append((panel.times(n, first, len(one) - first), one[first:]))
        return Forecasts(panel.ids, times, values, self.model.levels, past, self.record.data.target)

    def ends(self) -> Panel:
        """The ends that are kept of the series, with their times."""
        data, index = self.record.data, self.fitted.index
        frequency, starts = Frequency.of(data.axis.frequency), []
        for start, offset in zip(index.starts, index.offsets, strict=True):
            if isinstance(start, str) and frequency.kind != "steps":
                starts.append(frequency.times(np.datetime64(start, "us"), offset + 1)[-1])
            else:
                starts.append((0 if isinstance(start, str) else start) + offset)
        return Panel(list(index.ids), starts, frequency, list(self.fitted.ends.values), axis=data.axis)

    def longer_ends(self, panel: Panel, ahead: int) -> Series:
        """The ends that are kept, their calendar and what never changes gone on so far."""
        ends = self.fitted.ends
        if ends.features is None:
            return ends
        features = []
        for n, (rows, values) in enumerate(zip(ends.features, ends.values, strict=True)):
            more = np.repeat(rows[-1:], len(values) + ahead - len(rows), 0)
            if self.features.calendar:
                days = calendar.features(panel.times(n, len(rows), len(more)), panel.frequency, panel.zone)
                more[:, : days.shape[1]] = days
            features.append(np.concatenate([rows, more]))
        return Series(ends.values, features, ends.phases)
