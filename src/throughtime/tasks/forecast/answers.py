"""What a forecaster answers: forecasts with their times, on the clock of the table they come from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from throughtime.data.axis import TimeAxis
from throughtime.data.frequency import Frequency
from throughtime.data.spreadsheet import cell
from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.tasks.forecast.callers import Caller

_SECOND, _DAY = 1_000_000, 86_400_000_000


@dataclass(frozen=True)
class Forecasts:
    """What comes next in each series.

    ids: (N,). times: (K,) for each, as a Panel has them. values: (N, K, Q). levels: of the quantiles, empty for points.
    past: the ends of the series, and their times, for pictures. target: what is forecast. axis: of time. keep: (N, K)
    which steps were asked for, None for all. notes: what is to be said of the table they go on from.
    """

    ids: Sequence[str]
    times: list[np.ndarray]
    values: np.ndarray
    levels: tuple[float, ...]
    past: list[tuple[np.ndarray, np.ndarray]]
    target: str
    axis: TimeAxis = field(default_factory=TimeAxis)
    keep: np.ndarray | None = None
    notes: Sequence[str] = ()

    @property
    def point(self) -> np.ndarray:
        """The point forecast or the median, (N, K); where no quantile is the median, what lies between its neighbours.

        UserError where the levels all lie on one side of it.
        """
        return medians(self.values, self.levels)

    @property
    def has_point(self) -> bool:
        """Whether one of the values that are forecast is the forecast: the median, where there are quantiles."""
        return has_median(self.levels)

    @property
    def columns(self) -> list[str]:
        """The names of what is forecast: forecast, where there is one, and of each quantile."""
        return ["forecast"] * self.has_point + [f"q{100 * level:g}" for level in self.levels]

    @cached_property
    def stamps(self) -> list[list[str]]:
        """The times as text, all in one form."""
        return texts(self.times, self.axis)

    def asked(self, series: int) -> np.ndarray:
        """The numbers of the steps that were asked for."""
        every = np.arange(self.values.shape[1])
        return every if self.keep is None else every[self.keep[series]]

    def numbers(self, series: int) -> np.ndarray:
        """(K', columns) of a series, of the steps that were asked for."""
        parts = [self.point[series][:, None]] if self.has_point else []
        parts += [self.values[series]] if self.levels else []
        rows: np.ndarray = np.concatenate(parts, 1)[self.asked(series)]
        return rows

    def rows(self) -> Iterator[tuple[str, str, np.ndarray]]:
        """A series' name, a time and what is forecast for it."""
        for n, name in enumerate(self.ids):
            for step, row in zip(self.asked(n), self.numbers(n), strict=True):
                yield name, self.stamps[n][step], row

    def csv(self, raw: bool = True) -> str:
        """unique_id, ds, forecast, and a column for each quantile; every number with all of its digits. raw: names as
        they are, also where a spreadsheet would take one for a formula."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["unique_id", "ds", *self.columns])
        for name, stamp, row in self.rows():
            writer.writerow([cell(name, raw), stamp, *(repr(float(value)) for value in row)])
        return out.getvalue()

    def frame(self, caller: Caller) -> Any:
        """A frame of the caller's kind: the series' name, the time, forecast, and a column for each quantile."""
        counts = [len(self.asked(n)) for n in range(len(self.ids))]
        names: list[str] = np.repeat(np.array(self.ids, object), counts).tolist()
        times = np.concatenate([one[self.asked(n)] for n, one in enumerate(self.times)])
        numbers = np.concatenate([self.numbers(n) for n in range(len(self.ids))])
        columns = dict(zip(self.columns, np.ascontiguousarray(numbers.T), strict=True))
        return caller.frame({caller.id: names, caller.time: times, **columns}, self.axis)

    def to_json(self) -> list[Json]:
        """An object for each series."""
        objects: list[Json] = []
        for n, name in enumerate(self.ids):
            stamps = [self.stamps[n][step] for step in self.asked(n)]
            numbers = dict(zip(self.columns, self.numbers(n).T.tolist(), strict=True))
            objects.append({"unique_id": name, "ds": stamps, **numbers})
        return objects


def middle(levels: tuple[float, ...]) -> int:
    """The place of the median, or of what is nearest to it."""
    return int(np.abs(np.array(levels) - 0.5).argmin()) if levels else 0


def has_median(levels: Sequence[float]) -> bool:
    """Whether one of the values is the point forecast: without quantiles the only one, else the median."""
    return not levels or bool((np.abs(np.array(levels) - 0.5) < 1e-9).any())


def check_median(levels: Sequence[float]) -> None:
    """UserError where quantiles all lie on one side of the median, so that there is no forecast among them."""
    if levels and not min(levels) <= 0.5 <= max(levels):
        shown = ", ".join(f"{level:g}" for level in levels[:5])
        raise UserError(f"forecaster: the quantiles {shown} have no median among or between them; add 0.5")


def medians(values: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """The point forecasts of values (..., Q): the median, or where it is no level, what lies there between its
    neighbours, linear in log(u / (1 - u)) as in rollout.draw. UserError where it lies beyond them."""
    check_median(levels)
    if has_median(levels):
        exact: np.ndarray = values[..., middle(levels)]
        return exact
    places = np.log(np.array(levels) / (1 - np.array(levels)))
    right = int(np.searchsorted(places, 0.0))
    share = -places[right - 1] / (places[right] - places[right - 1])
    between: np.ndarray = values[..., right - 1] + share * (values[..., right] - values[..., right - 1])
    return between


def texts(times: Sequence[np.ndarray], axis: TimeAxis) -> list[list[str]]:
    """Times of a Panel as text, all in one form: the date alone where steps are days or more and begin at midnight,
    else with seconds, or as much of them as the steps need; with the offset of the file's clock, where one is known."""
    if not times or times[0].dtype.kind != "M":
        return [[str(time) for time in one] for one in times]
    local = [axis.local(one).astype("datetime64[us]") for one in times]
    every = np.concatenate(local).astype(np.int64)
    step = Frequency.of(axis.frequency)
    days = step.kind in ("months", "business") or (step.kind == "fixed" and step.count % _DAY == 0)
    if days and not (every % _DAY).any() and (axis.clock == "local" and "%z" not in axis.written):
        return [np.datetime_as_string(one, "D").tolist() for one in local]
    parts = {int(part) for part in np.unique(every % _SECOND)} | ({step.count} if step.kind == "fixed" else set())
    unit = "s" if not any(p % _SECOND for p in parts) else "us" if any(p % 1000 for p in parts) else "ms"
    shown = []
    for one, clock in zip(times, local, strict=True):
        stamps = np.char.replace(np.datetime_as_string(clock, unit), "T", " ")  # type: ignore[call-overload]
        offsets = axis.offsets(one)
        if offsets is not None:
            stamps = np.char.add(stamps, [_offset(int(seconds)) for seconds in offsets])
        shown.append(stamps.tolist())
    return shown


def shown(time: Any) -> str:
    """A single time as text."""
    if not isinstance(time, np.datetime64):
        return str(time)
    return str(time.astype("datetime64[s]")).replace("T", " ").removesuffix(" 00:00:00")


def _offset(seconds: int) -> str:
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"
