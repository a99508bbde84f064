"""A trained forecaster and tables of time: read as in training, and forecasts come with their dates. No torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.features import Features
from throughtime.data.frequency import Frequency
from throughtime.data.neighbours import Links
from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.storage.folder import CONFIG
from throughtime.storage.record import ModelRecord
from throughtime.tasks.forecast.answers import Forecasts, texts
from throughtime.tasks.forecast.data import SHOWN, ForecastData, ForecastDecided, read_table
from throughtime.tasks.forecast.fitted_series import FittedSeries
from throughtime.tasks.forecast.incoming import alike, check_covariates, check_steps, moment
from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.options import ForecastOptions
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.stream import SCHEMA, SeriesModel, load

Record = ModelRecord[ForecastConfig, ForecastOptions, ForecastData, ForecastDecided]


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
        """A Panel, or a table read as the one it was trained on; UserError where its steps are not the model's."""
        axis, options = self.record.data.axis, self.record.options
        panel = source if isinstance(source, Panel) else None
        if panel is None:
            if options.frequency is None and axis.frequency != "steps":  # which a table of one row cannot show
                options = options.replaced(frequency=axis.frequency)
            panel = read_table(source, options)
        check_steps(panel, axis, alike(self.fitted.ends.values))
        return panel

    def series(self, panel: Panel, ahead: int | None = None) -> Series:
        """A panel as the model takes it, with its features, which reach so many steps beyond the end; None: a
        horizon."""
        phases = np.array([panel.phase(n, self.model.period or 1) for n in range(len(panel))])
        rows = self.features.apply(panel, ahead or self.model.config.horizon)
        return Series(panel.values, rows, phases, *self.beside(panel))

    def beside(self, panel: Panel) -> tuple[list[np.ndarray] | None, Links | None]:
        """What the neighbours of a panel's series say, and where they stand; None where the model sees none."""
        neighbours = self.record.data.neighbours
        return (None, None) if neighbours is None else (neighbours.apply(panel), neighbours.links(panel.ids))

    def alone(self, panel: Panel) -> list[str]:
        """A line about series whose neighbours are not in a panel."""
        neighbours = self.record.data.neighbours
        lacking = [] if neighbours is None else neighbours.missing(panel.ids)
        if not lacking:
            return []
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        return [
            f"neighbours that the model saw beside {', '.join(lacking[:3])}{more} are not in the table: it goes without"
        ]

    def forecast(self, source: Any = None, steps: int | None = None, start: Any = None, until: Any = None) -> Forecasts:
        """What comes after the ends of the series of a table, or of those it was trained on where that is None.

        steps: how many; beyond the model's horizon it goes on from its own forecasts (tasks/forecast/rollout.py).
        start: the time of the first forecast, where it is not the step after each series' end: of what lies from there
        on nothing is seen but what is known beforehand. until: the time of the last one, in place of `steps`.
        """
        self.model.check_steps(steps)
        if steps is not None and until is not None:
            raise UserError("forecast: say how many steps, or until when, not both")
        panel, notes = (self.ends() if source is None else self.read(source)).ended()
        skipped = np.zeros(len(panel), int)
        if start is not None:
            panel, skipped = self._from(panel, start, source is None)
        counts = self._counts(panel, skipped, steps, until)
        ahead = int(counts.max())
        self.model.check_steps(ahead)
        reach = self.model.config.reach(ahead)
        if source is None:
            series = self._kept(panel, reach)
        else:
            panel.check_future(reach)
            notes += check_covariates(panel, self.features, reach) if self.record.data.features else []
            notes += self.alone(panel)
            series = self.series(panel, reach)
        values = self.model.predict(series, panel.ids, ahead)
        steps_of = np.arange(ahead)
        keep = (steps_of >= skipped[:, None]) & (steps_of < counts[:, None])
        times = [panel.times(n, len(panel.values[n]), ahead) for n in range(len(panel))]
        data = self.record.data
        past = self._past(panel)
        return Forecasts(panel.ids, times, values, self.model.levels, past, data.target, panel.axis, keep, notes)

    def _past(self, panel: Panel) -> list[tuple[np.ndarray, np.ndarray]]:
        """The ends of series and their times, for pictures."""
        past = []
        for n, one in enumerate(panel.values):
            first = max(0, len(one) - max(4 * self.model.config.horizon, SHOWN))
            past.append((panel.times(n, first, len(one) - first), one[first:]))
        return past

    def _from(self, panel: Panel, start: Any, kept: bool) -> tuple[Panel, np.ndarray]:
        """A panel as it was before a time, and of each series how many steps lie between its end and that time.

        kept: whether it is what the folder keeps, whose ends hold too little to begin earlier.
        """
        at, ends, skipped = moment(start, panel.axis), [], []
        for n, one in enumerate(panel.values):
            times = panel.times(n, 0, len(one))
            seen = int((times < at).sum())
            if seen == len(one):
                later = self._steps_before(panel, n, at)
                skipped.append(later)
            else:
                skipped.append(0)
            if not seen:
                raise UserError(f"{panel.where}: series {panel.ids[n]} begins no earlier than {start}; ask for later")
            if kept and seen < len(one):
                raise UserError(f"forecast: the folder keeps the ends alone; give the data to forecast from {start}")
            ends.append(seen)
        return panel.head(ends), np.array(skipped)

    def _steps_before(self, panel: Panel, n: int, at: Any) -> int:
        """How many steps after a series' end lie before a time."""
        end, count = len(panel.values[n]), 1
        while panel.times(n, end + count - 1, 1)[0] < at:
            count *= 2
            self.model.check_steps(count)
        return int((panel.times(n, end, count) < at).sum())

    def _counts(self, panel: Panel, skipped: np.ndarray, steps: int | None, until: Any) -> np.ndarray:
        """(N,) how many steps after each end are forecast. skipped: of these, how many nobody asked for."""
        if until is None:
            return skipped + (self.model.config.horizon if steps is None else steps)
        at = moment(until, panel.axis, last=True)
        beyond = at + (np.timedelta64(1, "us") if panel.dated else 1)
        counts = np.array([self._steps_before(panel, n, beyond) for n in range(len(panel))])
        if not (counts > skipped).any():
            first = texts([panel.times(0, len(panel.values[0]) + int(skipped[0]), 1)], panel.axis)[0][0]
            raise UserError(f"forecast: nothing is to come until {until}; the first forecast is for {first}")
        return counts

    def _kept(self, panel: Panel, reach: int) -> Series:
        """The ends that are kept, their features as far beyond as needed; UserError where these are not known."""
        made, index, ends = self.record.data.features, self.fitted.index, self.fitted.ends
        if made is not None and made.future:
            known = [len(rows) - len(one) for rows, one in zip(ends.features or (), ends.values, strict=True)]
            if not index.cut or min(known) < reach:
                names = ", ".join(scale.name for scale in made.future)
                raise UserError(f"forecast: {names} must be known of the steps to come; give the data that say them")
        if self.record.data.neighbours is not None:
            ends = replace(ends, links=self.record.data.neighbours.links(index.ids))
        return ends if reach <= self.model.config.horizon else replace(self.longer_ends(panel, reach), links=ends.links)

    def ends(self) -> Panel:
        """The ends that are kept of the series, with their times."""
        data, index = self.record.data, self.fitted.index
        frequency, starts = Frequency.of(data.axis.frequency), []
        for start, offset in zip(index.starts, index.offsets, strict=True):
            if isinstance(start, str) and frequency.kind != "steps":
                starts.append(frequency.times(np.datetime64(start, "us"), 1, offset)[0])
            else:
                starts.append((0 if isinstance(start, str) else start) + offset)
        values = list(self.fitted.ends.values)
        return Panel(list(index.ids), starts, frequency, values, target=data.target, axis=data.axis)

    def longer_ends(self, panel: Panel, ahead: int) -> Series:
        """The ends that are kept, their calendar and what never changes gone on so far."""
        ends = self.fitted.ends
        if ends.features is None:
            return ends
        features = []
        for n, (rows, values) in enumerate(zip(ends.features, ends.values, strict=True)):
            more = np.repeat(rows[-1:], len(values) + ahead - len(rows), 0)
            more[:, self.model.config.known :] = 0.0
            days = self.features.of_times(panel.times(n, len(rows), len(more)), panel.frequency, panel.zone)
            more[:, : days.shape[1]] = days
            features.append(np.concatenate([rows, more]))
        return replace(ends, features=features)
