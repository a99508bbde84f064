"""Forecasts from earlier origins beside what came: as a table, and by models that are trained anew for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.tasks.forecast.answers import has_median, medians, texts
from throughtime.tasks.forecast.callers import Caller
from throughtime.tasks.forecast.incoming import moment
from throughtime.tasks.forecast.tables import TableForecaster

if TYPE_CHECKING:
    from throughtime.tasks.forecast.answering import Answering

_MOST = 100_000

_KEPT = ("past", "minutes")
"""Choices that a model which is trained anew keeps."""


@dataclass(frozen=True)
class Backtests:
    """Forecasts (M, K, Q) of a panel's series at origins (M, 2): pairs of a series' number and of how many values were
    seen. levels: of the quantiles, empty for points."""

    panel: Panel
    origins: np.ndarray
    values: np.ndarray
    levels: tuple[float, ...]

    def _columns(self) -> tuple[list[str], list[np.ndarray], np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Of every step that lies within its series: names, times by window, cutoffs, what came, what was forecast."""
        panel, names, times, cutoffs, came, numbers = self.panel, [], [], [], [], []
        for (n, origin), values in zip(self.origins.tolist(), self.values, strict=True):
            count = min(values.shape[0], len(panel.values[n]) - origin)
            names += [panel.ids[n]] * count
            times.append(panel.times(n, origin, count))
            cutoffs += [panel.times(n, origin - 1, 1)] * count
            came.append(panel.values[n][origin : origin + count])
            point = [medians(values, self.levels)[:, None]] if has_median(self.levels) else []
            numbers.append(np.concatenate([*point, *([values] if self.levels else [])], 1)[:count])
        heads = ["forecast"] * has_median(self.levels) + [f"q{100 * level:g}" for level in self.levels]
        columns = dict(zip(heads, np.ascontiguousarray(np.concatenate(numbers).T), strict=True))
        return names, times, np.concatenate(cutoffs), np.concatenate(came), columns

    def frame(self, caller: Caller) -> Any:
        """A frame: the series' name, the time, cutoff (the last one that was seen), y, forecast and the quantiles."""
        names, times, cutoffs, came, columns = self._columns()
        head: dict[str, np.ndarray | list[str]] = {caller.id: names, caller.time: np.concatenate(times)}
        return caller.frame({**head, "cutoff": cutoffs, "y": came, **columns}, self.panel.axis)

    def csv(self) -> str:
        """The same as text: unique_id, ds, cutoff, y, forecast and the quantiles."""
        names, times, cutoffs, came, columns = self._columns()
        every = np.concatenate(times)
        stamps, seen = texts([every, cutoffs], self.panel.axis)
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["unique_id", "ds", "cutoff", "y", *columns])
        for i, name in enumerate(names):
            y = repr(float(came[i])) if np.isfinite(came[i]) else ""
            writer.writerow([name, stamps[i], seen[i], y, *(repr(float(one[i])) for one in columns.values())])
        return out.getvalue()


def cutoffs(
    panel: Panel, horizon: int, least: int, windows: int, stride: int | None, given: Sequence[Any] = ()
) -> list[np.ndarray]:
    """Of each backtest, from the earliest on, its origins (M, 2): pairs of a series' number and of values seen.

    windows: how many, `stride` steps apart (None: a horizon), the last of them a horizon before each series' end.
    given: times of the last value that is seen, instead. least: values a series must have before an origin. UserError
    where no series reaches so far.
    """
    for name, number in (("windows", windows), ("stride", 1 if stride is None else stride)):
        if type(number) is not int or not 1 <= number <= _MOST:
            raise UserError(f"backtest: {name} must be an integer from 1 to {_MOST:,}, got {number!r}")
    found = []
    lengths = [len(one) for one in panel.values]
    if len(given):
        for value in given:
            at = moment(value, panel.axis, last=True)
            seen = [int((panel.times(n, 0, length) <= at).sum()) for n, length in enumerate(lengths)]
            found.append((f"until {value}", seen))
    else:
        step = stride or horizon
        for back in range(windows - 1, -1, -1):
            found.append(
                (f"{back * step + horizon} steps before the end", [n - horizon - back * step for n in lengths])
            )
    origins = []
    for name, seen in found:
        pairs = [(n, o) for n, o in enumerate(seen) if o >= least and np.isfinite(panel.values[n][o:]).any()]
        if not pairs:
            raise UserError(
                f"backtest: {name} no series has {least} values before and one after; take fewer windows or a smaller "
                "stride, or give more data"
            )
        origins.append(np.array(pairs))
    return origins


def refitted(
    model: Answering, panel: Panel, origins: Sequence[np.ndarray], quiet: bool = True, **changes: Any
) -> Backtests:
    """Forecasts by models that are trained anew, for each set of origins on what lies before them.

    model: fitted, whose options and reading they have; what was chosen for it by its data is chosen anew by what lies
    before each origin, but for the columns that are read and the length of the training. changes: options in place of
    these, such as minutes.
    """
    assert model.record is not None
    own = type(model)().options
    anew_chosen = {one.name: getattr(own, one.name) for one in model.record.choices if one.name not in _KEPT}
    options = model.record.options.replaced(**{**anew_chosen, "holdout": 0.0, "start": None, **changes})
    values, levels = [], tuple(options.quantiles)
    for some in origins:
        numbers, seen = some.T
        part = some_of(panel, numbers)
        anew: Any = type(model).of(options)
        anew.fit(part.head(seen.tolist()), quiet=quiet)
        if anew.outcome.ended == "interrupted":
            raise KeyboardInterrupt  # of all of them, not of this one
        table = TableForecaster(anew.fitted(), anew.record)
        at = np.stack([np.arange(len(numbers)), seen], 1)
        values.append(anew.fitted().predict_at(table.series(part), at, part.ids))
    return Backtests(panel, np.concatenate(list(origins)), np.concatenate(values), levels)


def some_of(panel: Panel, numbers: np.ndarray) -> Panel:
    """The series with these numbers."""

    def few(columns: dict[str, Any]) -> dict[str, Any]:
        return {name: [column[n] for n in numbers] for name, column in columns.items()}

    ids, starts, values = ([of[n] for n in numbers] for of in (panel.ids, panel.starts, panel.values))
    beside = {"past": few(panel.past), "future": few(panel.future), "static": few(panel.static)}
    given: dict[str, Any] = {"ids": ids, "starts": starts, "values": values, **beside}
    return replace(panel, **given)
