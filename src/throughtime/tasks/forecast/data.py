"""From what people have to series, features and their record: arrays, tables, what is learned, what is kept apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.axis import TimeAxis
from throughtime.data.features import Features
from throughtime.data.frequency import Frequency
from throughtime.data.neighbours import Neighbours
from throughtime.data.panel import Panel
from throughtime.data.reading import Reading
from throughtime.data.series import read
from throughtime.errors import UserError
from throughtime.options import Checked, Json, option
from throughtime.tasks.forecast.before import Before
from throughtime.tasks.forecast.company import find_columns, find_neighbours
from throughtime.tasks.forecast.fitted_series import FittedSeries, SeriesIndex
from throughtime.tasks.forecast.model import WHO, ForecastConfig
from throughtime.tasks.forecast.options import ForecastOptions
from throughtime.tasks.forecast.series import Series, as_series
from throughtime.tasks.forecast.statistics import Statistics

_VALIDATION = 0.1
"""The share that is held for validation where nothing is said."""

_LARGEST = 1e30
"""Values beyond it have no square in single precision."""

SHOWN = 48
"""Values of a table's series that are kept at least, for pictures of what came before a forecast."""


_ANY_SEASON = math.lcm(*range(1, 41), 365)
"""Steps after which seasons of all usual lengths begin anew together."""


@dataclass(frozen=True)
class ForecastData(Checked):
    """What config.json keeps of the series; what there is of each one is in series.json.

    series, values: how many were learned from. known: features that go on beyond the ends. sha256: of what was learned
    from. target: what is forecast. axis: what was found out about time. features: how those of a table
    are made; None where features were given as arrays. notes: on the data. neighbours: which series see which others.
    id: what the column of the series' names is called. file: where they were read from, None for what was no file.
    """

    who = "data"

    series: int = option(0, at_least=0)
    values: int = option(0, at_least=0)
    known: int = option(0, at_least=0)
    sha256: str = ""
    target: str = "y"
    axis: TimeAxis = field(default_factory=TimeAxis)
    features: Features | None = None
    notes: tuple[str, ...] = ()
    neighbours: Neighbours | None = None
    id: str = "unique_id"
    file: str | None = None

    @classmethod
    def from_json(cls, data: Json) -> ForecastData:
        """Rebuild from `to_json`, or from what folders kept before there was an axis: a frequency and a zone."""
        if isinstance(data, dict) and "axis" not in data and {"frequency", "zone"} & data.keys():
            rest = {name: value for name, value in data.items() if name not in ("frequency", "zone")}
            zone = data.get("zone")
            frequency = str(data.get("frequency", "steps")).replace("MS", "M")  # on the day of the first step
            axis = {"frequency": frequency, "zone": zone, "clock": "utc" if zone else "local"}
            data = {**rest, "axis": axis}
        return super().from_json(data)


@dataclass(frozen=True)
class ForecastDecided(Checked):
    """What the validation part decided. shifts: of the quantiles, in the window's scale, none without quantiles."""

    who = "decided"

    shifts: tuple[float, ...] = ()


@dataclass(frozen=True)
class ForecastExamples:
    """Series to learn from.

    series: what is learned from. panel: all there is of them. features: how theirs are made, None where they were given
    as arrays. known: how many of the features go on beyond the ends. table: whether they came from one. saved: the
    share of a linear map's error that columns beside the target save, where these were looked for, else None. found:
    what was found of neighbours, by their number. file: which table. before: of a training that starts from a model,
    what that one learned (tasks/forecast/before.py).
    """

    series: Series
    panel: Panel
    features: Features | None
    known: int
    table: bool
    saved: float | None = None
    found: dict[int, Neighbours] = field(default_factory=dict, compare=False)
    file: str | None = None
    before: Before | None = None

    def __post_init__(self) -> None:
        for name, values in zip(self.panel.ids, self.panel.values, strict=True):
            if (most := float(np.nanmax(np.abs(values), initial=0.0))) > _LARGEST:
                raise UserError(
                    f"{WHO}: series {name} has a value of size {most:.3g}, at most {_LARGEST:g} can be learned; give "
                    "values in a larger unit"
                )

    @classmethod
    def of_arrays(
        cls,
        series: Any,
        options: ForecastOptions,
        features: Sequence[np.ndarray] | None,
        known: int,
        phases: Sequence[int] | None,
        ids: Sequence[str] | None,
        fitted: FittedSeries | None = None,
    ) -> ForecastExamples:
        """From arrays, or a mapping of names to such. fitted: the series of a model that the training starts from."""
        values = as_series(series)
        names = [str(name) for name in (ids or (series if isinstance(series, Mapping) else range(len(values))))]
        for what, given in (("ids", names), ("phases", phases)):
            if given is not None and len(given) != len(values):
                raise UserError(f"{WHO}: {what} must be given for all {len(values)} series, got {len(given)}")
        whole = Series(values, features, None if phases is None else np.asarray(phases))
        whole.check_features(known)
        made = Features(False) if features is None else None
        panel = Panel(names, [0] * len(names), Frequency("steps"), values)
        before = None if fitted is None else Before.of(fitted, panel)
        parts = [one[:end] for one, end in zip(values, _learned(values, options, before), strict=True)]
        return cls(Series(parts, features, whole.phases), panel, made, known, False, before=before)

    @classmethod
    def of_table(
        cls,
        source: Any,
        options: ForecastOptions,
        features: Features | None = None,
        fitted: FittedSeries | None = None,
    ) -> ForecastExamples:
        """From a Panel, or what read_series takes. features, fitted: of a model that the training starts from."""
        file = str(source) if isinstance(source, str | Path) and str(source) != "-" else None
        panel, saved = (source, None) if isinstance(source, Panel) else read_with_columns(source, options)
        panel = replace(panel, notes=[*dict.fromkeys([*panel.notes, *panel.ended()[1]])])
        if options.distribution == "negative_binomial":
            panel.check_counts()
        if options.holdout:
            panel.check_length(2 * options.horizon + 1)
        before = None if fitted is None else Before.of(fitted, panel)
        part = panel.head(_learned(panel.values, options, before))
        features = features or Features.of(
            part, options.calendar, options.absent or saved is not None, options.holidays
        )
        # of no season yet, since the profile's may be chosen later: what counts is their remainder
        phases = np.array([panel.phase(n, options.profile or _ANY_SEASON) for n in range(len(panel))])
        rows = features.apply(part, options.horizon)
        rest: dict[str, Any] = {"saved": saved, "file": file, "before": before}
        return cls(Series(part.values, rows, phases), panel, features, features.known(part), True, **rest)

    def statistics(self, period: int, without: Sequence[int] | None = None) -> Statistics:
        """Of the series; see Statistics.of."""
        own = Statistics.of(self.series, period, without)
        return own if self.before is None else self.before.merged(own, self.series.lengths, period)

    def held(self, options: ForecastOptions, validation: int | float | None = None) -> np.ndarray:
        """(N,) steps at the end of each series by which the parameters are chosen; none of those that the model learned
        that the training starts from. validation: in place of the option's."""
        share = options.validation if validation is None else validation
        held = held_for_validation(self.series.values, share, options.horizon)
        return held if self.before is None else self.before.beyond(held, self.series.lengths, options.horizon)

    def learned(self, options: ForecastOptions) -> Panel:
        """The panel without what is held out, or held for validation."""
        held = self.held(options, _VALIDATION if options.validation is None else options.validation)
        return self.panel.head((self.series.lengths - held).tolist())

    def company(self, options: ForecastOptions) -> Neighbours | None:
        """Which series see which others, as many as the options say."""
        count = options.neighbours or 0
        if count and count not in self.found:
            asked = find_neighbours(self.learned(options), options.horizon, options.season or 1, count)
            if asked is None:
                raise UserError(
                    f"{WHO}: {count} neighbours were asked for, but there are no other series of the same clock, or "
                    "too few steps to choose them by; take neighbours=0"
                )
            self.found[count] = asked[0]
        return self.found.get(count)

    def seen(self, neighbours: Neighbours | None) -> Series:
        """The series that are learned, with their neighbours."""
        if neighbours is None:
            return self.series
        part = self.panel.head(self.series.lengths.tolist())
        return replace(self.series, others=neighbours.apply(part), links=neighbours.links(part.ids))

    @property
    def season(self) -> int:
        """What the frequency tells."""
        return (*self.panel.frequency.seasons, 1)[0]

    def data(self, neighbours: Neighbours | None) -> ForecastData:
        """What the record keeps of them."""
        values = int(sum(np.isfinite(one).sum() for one in self.series.values))
        panel = self.panel
        return ForecastData(
            len(self.series), values, self.known, self.series.digest(), panel.target, panel.axis,
            self.features, tuple(panel.notes), neighbours, panel.id, self.file,
        )  # fmt: skip

    def fitted(self, config: ForecastConfig, period: int, neighbours: Neighbours | None) -> FittedSeries:
        """What a folder keeps of them: the ends of all there is, held out or not, from which forecasts go on."""
        (panel, _), reach = self.panel.ended(), config.warm + config.lookback
        if config.every:
            reach = max(len(one) for one in panel.values)
        rows = self.series.features
        if self.table:
            reach, rows = max(reach, 4 * config.horizon, SHOWN), self._known_rows(panel, config.horizon)
        cut = [max(0, len(one) - reach) for one in panel.values]
        index = SeriesIndex(
            tuple(panel.ids),
            tuple(
                int(v) if not isinstance(v, np.datetime64) else str(v.astype("datetime64[us]")) for v in panel.starts
            ),
            tuple(len(one) for one in self.series.values),
            tuple(cut),
            cut=True,
        )
        others = None if neighbours is None else neighbours.apply(panel)
        ends = Series(panel.values, rows, self.series.phases, others).ends(cut)
        return FittedSeries(index, ends, self.statistics(period))

    def _known_rows(self, panel: Panel, horizon: int) -> list[np.ndarray] | None:
        """A table's features, of each series as far beyond its end as they are known, a horizon at most."""
        assert self.features is not None
        rows = self.features.apply(panel, horizon)
        if rows is None or not self.features.future:
            return rows
        known = [
            min(len(self.panel.future[scale.name][n]) for scale in self.features.future) for n in range(len(self.panel))
        ]
        return [one[: max(len(v), k)] for one, v, k in zip(rows, panel.values, known, strict=True)]


def read_with_columns(source: Any, options: ForecastOptions) -> tuple[Panel, float | None]:
    """A table, read as the options say; where these say nothing of columns known up to now, with those that tell of the
    target, and by how much."""
    reading = options.part(Reading)
    if options.past is not None or options.every:
        return read(source, reading), None
    panel = read(source, reading, beside=True)
    if not panel.past:
        return panel, None
    validation = _VALIDATION if options.validation is None else options.validation
    values = [one[:k] for one, k in zip(panel.values, _learned(panel.values, options), strict=True)]
    held = held_for_validation(values, validation, options.horizon)
    part = panel.head([len(one) - int(k) for one, k in zip(values, held, strict=True)])
    season = options.season or (*panel.frequency.seasons, 1)[0]
    names, saved = find_columns(part, tuple(panel.past), options.horizon, season)
    return replace(panel, past={name: panel.past[name] for name in names}), saved


def read_table(source: Any, options: ForecastOptions) -> Panel:
    """A table, read as the options say."""
    return read(source, options.part(Reading))


def _learned(values: Sequence[np.ndarray], options: ForecastOptions, before: Before | None = None) -> list[int]:
    """How many values of each series are learned from; what an earlier model learned is not held out."""
    ends = []
    for one in values:
        held_out = max(options.horizon, round(options.holdout * len(one))) if options.holdout > 0 else 0
        ends.append(len(one) - held_out if len(one) - held_out > options.horizon else len(one))
    if before is None or not options.holdout:
        return ends
    lengths = np.array([len(one) for one in values])
    held = before.beyond(lengths - np.array(ends), lengths, options.horizon)
    if not held.any():
        raise UserError(
            f"{WHO}: no series goes a horizon of {options.horizon} steps beyond what the model to start from learned; "
            "give later rows, or --holdout 0, and nothing is scored"
        )
    return [int(end) for end in lengths - held]


def held_for_validation(values: Sequence[np.ndarray], validation: int | float, horizon: int) -> np.ndarray:
    """(N,) steps at the end of each series by which the parameters are chosen: at least a horizon, where there is any.

    validation: a share of each, or a number of steps. A series too short to give any is learned from as a whole.
    """
    lengths = np.array([len(one) for one in values])
    if not validation:
        return np.zeros(len(values), int)
    wanted = [round(validation * n) if isinstance(validation, float) else validation for n in lengths.tolist()]
    steps = np.maximum(horizon, wanted)
    return np.where(lengths > steps + horizon, steps, 0)
