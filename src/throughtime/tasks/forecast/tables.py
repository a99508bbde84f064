"""A trained forecaster and tables of time: the table is read as in training, and forecasts come with their dates. No
torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data import calendar
from throughtime.data.features import Features
from throughtime.data.panel import Panel
from throughtime.data.series import read_series
from throughtime.errors import UserError
from throughtime.storage.folder import CONFIG, read_config
from throughtime.tasks.forecast.histories import Series
from throughtime.tasks.forecast.series_model import Known, SeriesModel
from throughtime.tasks.load import load


@dataclass(frozen=True)
class Forecasts:
    """What comes next in each series. ids: (N,). times: (K,) for each. values: (N, K, Q). levels: of the quantiles,
    empty for points. past: the ends of the series, and their times, for pictures."""

    ids: list[str]
    times: list[np.ndarray]
    values: np.ndarray
    levels: tuple[float, ...]
    past: list[tuple[np.ndarray, np.ndarray]]
    target: str

    @property
    def point(self) -> np.ndarray:
        """The median, or the point forecast, (N, K)."""
        found: np.ndarray = self.values[..., middle(self.levels)]
        return found

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

    def to_json(self) -> list[dict[str, Any]]:
        """An object for each series."""
        found = []
        for name, times, values, point in zip(self.ids, self.times, self.values, self.point, strict=True):
            entry: dict[str, Any] = {"unique_id": name, "ds": [shown(t) for t in times], "forecast": point.tolist()}
            for i, level in enumerate(self.levels):
                entry[f"q{100 * level:g}"] = values[:, i].tolist()
            found.append(entry)
        return found


def middle(levels: tuple[float, ...]) -> int:
    """The place of the median, or of what is nearest to it."""
    return int(np.abs(np.array(levels) - 0.5).argmin()) if levels else 0


def shown(time: Any) -> str:
    """A time as text."""
    if not isinstance(time, np.datetime64):
        return str(time)
    return str(time.astype("datetime64[s]")).replace("T", " ").removesuffix(" 00:00:00")


@dataclass(frozen=True)
class Forecasting:
    """A forecaster with what its folder says of its data: how tables are read, and how features are made of them."""

    model: SeriesModel
    config: Mapping[str, Any]
    reading: Mapping[str, Any]
    features: Features

    @classmethod
    def load(cls, directory: str | Path) -> Forecasting:
        """From a model folder; UserError where it is no forecaster's."""
        config = read_config(directory)
        if config.get("task") != "forecast":
            raise UserError(f"{directory}: expected a forecaster, its task is {config.get('task')!r}")
        model = load(directory)
        about = model.known.about if model.known is not None else {}
        reading = about.get("reading")
        if not isinstance(reading, dict) or "features" not in about:
            raise UserError(f"{Path(directory) / CONFIG}: this forecaster was fitted on arrays; use throughtime.load")
        return cls(model, config, reading, Features.from_json(about["features"]))

    def read(self, source: Any) -> Panel:
        """A table, read as the one it was trained on."""
        return read_series(source, **self.reading)

    def series(self, panel: Panel, ahead: int | None = None) -> Series:
        """A panel as the model takes it, with its features, which reach so many steps beyond the end; None: a
        horizon."""
        phases = np.array([panel.phase(n, self.model.period or 1) for n in range(len(panel))])
        return Series(panel.values, self.features.apply(panel, ahead or self.model.config.horizon), phases)

    def forecast(self, source: Any = None, steps: int | None = None) -> Forecasts:
        """What comes after the ends of the series of a table, or of those it was trained on where that is None.

        steps: how many; beyond the model's horizon it goes on from its own forecasts (tasks/forecast/rollout.py).
        """
        config, known = self.model.config, self.model.known
        self.model.check_steps(steps)
        ahead = config.horizon if steps is None else steps
        assert known is not None
        if source is None:
            if any(scale.width for scale in self.features.future):
                names = ", ".join(scale.name for scale in self.features.future)
                raise UserError(f"forecast: {names} must be known of the steps to come; give the data that say them")
            about = known.about
            panel = Panel(known.ids, _starts(about), _frequency(about), list(known.ends.values))
            series = known.ends if ahead <= config.horizon else self._longer(known, panel, ahead)
        else:
            panel = self.read(source)
            panel.check_future(ahead)
            series = self.series(panel, ahead)
        values = self.model.predict(series, panel.ids, steps)
        times = [panel.times(n, len(panel.values[n]), ahead) for n in range(len(panel))]
        past = []
        for n, one in enumerate(panel.values):
            first = max(0, len(one) - max(4 * config.horizon, 48))
            past.append((panel.times(n, first, len(one) - first), one[first:]))
        return Forecasts(panel.ids, times, values, self.model.levels, past, str(self.reading.get("target") or "y"))

    def _longer(self, known: Known, panel: Panel, ahead: int) -> Series:
        """The ends that are kept of the series, their calendar and what never changes gone on so far."""
        ends = known.ends
        if ends.features is None:
            return ends
        found = []
        for n, (rows, values) in enumerate(zip(ends.features, ends.values, strict=True)):
            more = np.repeat(rows[-1:], len(values) + ahead - len(rows), 0)
            if self.features.calendar:
                days = calendar.features(panel.times(n, len(rows), len(more)), panel.frequency, panel.zone)
                more[:, : days.shape[1]] = days
            found.append(np.concatenate([rows, more]))
        return Series(ends.values, found, ends.phases)


def describe(
    panel: Panel, features: Features, reading: Mapping[str, Any], learned: Sequence[int], holdout: float
) -> dict[str, Any]:
    """What a folder keeps of a panel: how it was read, and where each series begins. learned: values learned from."""
    starts = [str(v.astype("datetime64[us]")) if isinstance(v, np.datetime64) else int(v) for v in panel.starts]
    return {
        "reading": {name: value for name, value in reading.items() if value is not None},
        "features": features.to_json(),
        "frequency": panel.frequency.alias,
        "holdout": holdout,
        "learned": list(learned),
        "starts": starts,
        "notes": panel.notes,
    }


def _starts(about: Mapping[str, Any]) -> list[Any]:
    """The time of the first value that is kept of each series."""
    frequency, found = _frequency(about), []
    for start, offset in zip(about["starts"], about["offsets"], strict=True):
        if isinstance(start, str) and frequency.kind != "steps":
            found.append(frequency.times(np.datetime64(start, "us"), offset + 1)[-1])
        else:
            found.append((0 if isinstance(start, str) else int(start)) + offset)
    return found


def _frequency(about: Mapping[str, Any]) -> Any:
    from throughtime.data.frequency import Frequency

    return Frequency.of(str(about["frequency"]))
