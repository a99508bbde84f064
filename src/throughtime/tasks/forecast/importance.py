"""By how much a forecaster errs more where what it reads beside the values is that of another time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from throughtime.baselines import series_metrics as metrics
from throughtime.baselines.compare import Backtest
from throughtime.baselines.verdict import FEWEST, compared, too_few
from throughtime.options import Json
from throughtime.tasks.forecast.answers import medians
from throughtime.tasks.forecast.scaling import Window
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.tables import TableForecaster

_MOST, _REPEATS = 256, 2
"""Windows that are looked at, evenly spread, and how often they are permuted."""

NEIGHBOURS = "neighbours"


def importance(model: TableForecaster, series: Series, ids: Sequence[str], backtest: Backtest) -> list[dict[str, Json]]:
    """For each covariate, the calendar, holidays and neighbours: by how much the mean absolute error rises, in the
    series' unit, where windows get it from other windows, drawn at random; the most important first.

    series, ids, backtest: windows that nothing was learned from. Returns name, mae (as it is), rise, low and high (its
    95 % interval over stretches of time, where there are enough) and a sentence each; nothing for a model with an
    output at every step, whose windows are not taken apart, or one that reads values alone.

    Source: permutation importance, Fisher, Rudin and Dominici 2019, arXiv:1801.01489, section 3, over whole windows.
    """
    running, record = model.model, model.record
    read = _parts(model, len(np.unique(backtest.origins[:, 0])))
    if running.config.every or not read:
        return []
    places = np.unique(np.linspace(0, len(backtest.origins) - 1, _MOST).round().astype(int))
    origins, actual = backtest.origins[places], backtest.actual[places]
    groups, unit = (backtest.groups()[0][places], backtest.groups()[1])

    def errors(exchange: Callable[[Window, Window], Window] | None = None, seed: int = 0) -> np.ndarray:
        """(M, 2): of each window the sum of its errors, and how many there are."""
        partners = np.random.default_rng(seed).permutation(origins)
        given = None if exchange is None else (partners, exchange)
        found = metrics.absolute(
            actual, medians(running.predict_at(series, origins, ids, exchange=given), running.levels)
        )
        known = np.isfinite(found)
        return np.stack([np.where(known, found, 0.0).sum(1), known.sum(1)], 1)

    own = errors()
    entries: list[dict[str, Json]] = []
    for name, exchange in read:
        both = compared(np.mean([errors(exchange, n) for n in range(_REPEATS)], 0), own, unit, groups)
        entries.append(
            _entry(name, record.data.target, both.ours - both.theirs, both.theirs, both.difference, both.groups, unit)
        )
    return sorted(entries, key=lambda entry: -float(str(entry["rise"])))


def _entry(
    name: str, target: str, rise: float, mae: float, between: tuple[float, float], groups: int, unit: str
) -> dict[str, Json]:
    entry: dict[str, Json] = {"name": name, "mae": mae, "rise": rise}
    told = (
        f"{name}: with that of other windows in its place the MAE of {target} {'rises' if rise >= 0 else 'falls'} by "
    )
    told += f"{abs(rise):.4g} from {mae:.4g}"
    if groups < FEWEST:
        return {**entry, "sentence": f"{told}; {too_few(groups, unit)} to tell what it is worth."}
    low, high = between
    end = "" if low > 0 else ": that it is worth anything is not shown"
    return {**entry, "low": low, "high": high, "sentence": f"{told} (95 % interval {low:+.3g} to {high:+.3g}){end}."}


def _parts(model: TableForecaster, series: int) -> list[tuple[str, Callable[[Window, Window], Window]]]:
    """What is read beside the values, by name, and what takes it from other windows."""
    found: list[tuple[str, Callable[[Window, Window], Window]]] = []
    made = model.record.data.features
    if made is not None:
        frequency = model.ends().frequency
        static = {scale.name for scale in made.static}
        for name, first, last in made.parts(frequency):
            if series > 1 or name not in static:  # what never changes cannot be exchanged within one series
                found.append((name, _exchange(first, last)))
    if model.model.config.neighbours:
        found.append((NEIGHBOURS, lambda own, other: replace(own, others=other.others)))
    return found


def _exchange(first: int, last: int) -> Callable[[Window, Window], Window]:
    def exchanged(own: Window, other: Window) -> Window:
        assert own.features is not None
        assert other.features is not None
        features = own.features.copy()
        features[..., first:last] = other.features[..., first:last]
        return replace(own, features=features)

    return exchanged
