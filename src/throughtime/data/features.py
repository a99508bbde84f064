"""What a panel says beside its values, as numbers of about unit size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from throughtime.data import calendar
from throughtime.data.free_days import FreeDays
from throughtime.data.frequency import Frequency
from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.options import Checked, option

_MOST = 10.0


@dataclass(frozen=True)
class Scale(Checked):
    """A covariate: of numbers by mean and deviation, or of texts by their names. masked: whether values may be missing,
    which is a feature of its own then."""

    who = "features"

    name: str
    mean: float = 0.0
    deviation: float = option(1.0, above=0)
    names: tuple[str, ...] = ()
    masked: bool = False

    @property
    def width(self) -> int:
        """Features it becomes."""
        return (len(self.names) or 1) + self.masked

    def apply(self, values: np.ndarray) -> np.ndarray:
        """(L,) to (L, width) float32; a text not seen in training is all zeros."""
        parts: list[np.ndarray] = []
        if self.names:
            text = values.astype(str)
            parts += [text == name for name in self.names]
            known = text != ""
        else:
            numbers = values.astype(np.float64)
            known = np.isfinite(numbers)
            parts.append(np.where(known, np.clip((numbers - self.mean) / self.deviation, -_MOST, _MOST), 0.0))
        if self.masked:
            parts.append(known)
        return np.stack(parts, 1).astype(np.float32)


@dataclass(frozen=True)
class Features(Checked):
    """How a panel's features are made: the calendar, holidays, static and future covariates, which are known, then
    past ones.

    Learned by `of` from the panel that is trained on.
    """

    who = "features"

    calendar: bool
    static: tuple[Scale, ...] = ()
    future: tuple[Scale, ...] = ()
    past: tuple[Scale, ...] = ()
    holidays: FreeDays | None = None

    @classmethod
    def of(
        cls, panel: Panel, with_calendar: bool = True, absent: bool = False, holidays: str | None = None
    ) -> Features:
        """The features of a panel. absent: whether past covariates may be missing even if none is. holidays: of which
        country they are features."""
        static = tuple(_scale(name, np.array(values)) for name, values in panel.static.items())
        future = tuple(_scale(name, np.concatenate(values)) for name, values in panel.future.items())
        past = tuple(_scale(name, np.concatenate(values)) for name, values in panel.past.items())
        past = tuple(replace(scale, masked=True) for scale in past) if absent else past
        free = None
        if holidays is not None:
            if not panel.dated:
                raise UserError(
                    f"{panel.where}: holidays are of days, but these rows have no dates; leave holidays out"
                )
            ends = [panel.times(n, step, 1)[0] for n, one in enumerate(panel.values) for step in (0, len(one) - 1)]
            free = FreeDays.of(holidays, np.array(ends))
        return cls(with_calendar and panel.dated, static, future, past, free)

    def known(self, panel: Panel) -> int:
        """Features that are known beforehand."""
        days = len(calendar.names(panel.frequency)) if self.calendar else 0
        days += 0 if self.holidays is None else self.holidays.width(panel.frequency)
        return days + sum(scale.width for scale in (*self.static, *self.future))

    def parts(self, frequency: Frequency) -> list[tuple[str, int, int]]:
        """What each feature is made of, by name, and from which feature to which it goes."""
        widths = [("the calendar", len(calendar.names(frequency)) if self.calendar else 0)]
        widths.append(("holidays", 0 if self.holidays is None else self.holidays.width(frequency)))
        widths += [(scale.name, scale.width) for scale in (*self.static, *self.future, *self.past)]
        found, first = [], 0
        for name, width in widths:
            if width:
                found.append((name, first, first + width))
            first += width
        return found

    def of_times(self, times: np.ndarray, frequency: Frequency, zone: str | None) -> np.ndarray:
        """(L, P) float32, the first of all features: what times alone say. See calendar.features."""
        parts = [np.zeros((len(times), 0), np.float32)]
        if self.calendar:
            parts.append(calendar.features(times, frequency, zone))
        if self.holidays is not None:
            parts.append(self.holidays.features(times, frequency, zone))
        return np.concatenate(parts, 1)

    def apply(self, panel: Panel, horizon: int) -> list[np.ndarray] | None:
        """(L_n + horizon, P) float32 for each series, the known ones first; None where there are none."""
        timed = self.calendar or self.holidays is not None
        if not timed and not (self.static or self.future or self.past):
            return None
        if timed and not panel.dated:
            raise UserError(f"{panel.where}: the model reads the calendar, but these rows have no dates")
        rows = []
        for n, values in enumerate(panel.values):
            size, parts = len(values) + horizon, []
            if timed:
                parts.append(self.of_times(panel.times(n, 0, size), panel.frequency, panel.zone))
            for scale in self.static:
                value = np.array([_column(panel, panel.static, scale.name)[n]])
                parts.append(np.repeat(scale.apply(value), size, 0))
            for scale in self.future:
                parts.append(_fit(scale.apply(_column(panel, panel.future, scale.name)[n]), size))
            for scale in self.past:
                parts.append(_fit(scale.apply(_column(panel, panel.past, scale.name)[n]), size))
            rows.append(np.concatenate(parts, 1))
        return rows


def _scale(name: str, values: np.ndarray) -> Scale:
    if values.dtype.kind not in "fiu":
        text = values.astype(str)
        return Scale(name, names=tuple(sorted(set(text) - {""})), masked=bool((text == "").any()))
    known = np.isfinite(values)
    if not known.any():
        raise UserError(f"column {name}: has no value at all; leave it out")
    deviation = float(values[known].std())
    return Scale(name, float(values[known].mean()), deviation or 1.0, (), not bool(known.all()))


def _column(panel: Panel, columns: Mapping[str, Any], name: str) -> Any:
    if name not in columns:
        raise UserError(f"{panel.where}: the model reads column {name}, which is not there")
    return columns[name]


def _fit(rows: np.ndarray, size: int) -> np.ndarray:
    """So many rows: cut, or filled up with zeros."""
    fitting = np.zeros((size, rows.shape[1]), np.float32)
    fitting[: min(size, len(rows))] = rows[:size]
    return fitting
