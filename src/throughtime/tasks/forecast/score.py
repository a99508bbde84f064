"""How good a folder's forecasts are, beside the baselines: a backtest from rolling origins. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.baselines.compare import Backtest, compare, control
from throughtime.baselines.verdict import FEWEST
from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.tasks.forecast.answers import medians, texts
from throughtime.tasks.forecast.backtest import Backtests
from throughtime.tasks.forecast.importance import importance
from throughtime.tasks.forecast.incoming import check_covariates
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.tables import TableForecaster

WINDOWS = 2000
"""Windows that an evaluation scores where nothing is said."""

METRICS = ("mae", "mase")
"""What the verdict may be about."""

DRAWN, _SEEN = 3, 3
"""Windows that are shown against what came, and how many horizons of their past with them."""


def evaluate_folder(
    directory: str | Path,
    data: Any,
    stride: int | None = None,
    seconds: float = 60.0,
    metric: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Json]:
    """Backtest the model in a folder; what `throughtime evaluate` does. See `evaluate`."""
    check_options(stride, seconds, metric)
    model = TableForecaster.load(directory)
    panel = model.read(data)
    if model.record.data.features is not None:
        for note in check_covariates(panel, model.features, 0):
            say(note)
    return {"data": str(data), **evaluate(model, panel, None, stride, seconds, metric, say)}


def importance_of(model: TableForecaster, panel: Panel, series: Series) -> list[dict[str, Json]]:
    """See tasks.forecast.importance: by the windows of a panel that nothing was learned from; nothing where there are
    none."""
    try:
        origins = _origins(model, panel, None)
    except UserError:
        return []
    levels = model.model.levels
    tests = Backtests(panel, origins, np.zeros((len(origins), model.model.config.horizon, max(1, len(levels)))), levels)
    return importance(model, series, panel.ids, _backtest(tests, model.record.options.season or 1))


def check_options(stride: int | None, seconds: float, metric: str | None) -> None:
    """UserError for what no evaluation can do."""
    if stride is not None and (type(stride) is not int or stride < 1):
        raise UserError(f"evaluate: stride must be a positive number of steps, got {stride!r}")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < _FOREVER:
        raise UserError(f"evaluate: seconds must be from 0 to below {_FOREVER:,}, got {seconds!r}")
    if metric not in (None, *METRICS):
        raise UserError(f"evaluate: metric must be {' or '.join(METRICS)}, got {metric!r}")


_FOREVER = 1_000_000


def evaluate(
    model: TableForecaster,
    panel: Panel,
    series: Series | None = None,
    stride: int | None = None,
    seconds: float = 60.0,
    metric: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Json]:
    """The model's figures and the baselines' from rolling origins, and the verdict.

    Of the series it was trained on, the steps it did not learn from are forecast; of others, all that have a past.
    series: the panel as the model takes it, None where its features are made of the panel. stride: steps between two
    origins; None takes as many as make 2,000 windows, at most a horizon apart. seconds: for each of the slow baselines.
    metric: "mae" or "mase", which the verdict is about; None takes mase where there are several series. say: told what
    goes on. Returns what baselines.compare.compare does, `examples`, see `judge`, `shuffled`, see
    baselines.compare.control, and `importance`, see tasks.forecast.importance.
    """
    check_options(stride, seconds, metric)
    running = model.model
    origins = _origins(model, panel, stride)
    inputs, levels = series or model.series(panel), running.levels
    tests = Backtests(panel, origins, running.predict_at(inputs, origins, panel.ids), levels)
    result = judge(tests, model.record.options.season or 1, seconds, metric, say)
    if not running.config.every:
        mixed = medians(running.predict_at(inputs, origins, panel.ids, shuffle=0), levels)
        backtest = _backtest(tests, model.record.options.season or 1)
        result["shuffled"] = control(backtest, mixed, medians(tests.values, levels))
    if found := importance(model, inputs, panel.ids, _backtest(tests, model.record.options.season or 1)):
        result["importance"] = found
    told = result.get("verdict")
    if isinstance(told, dict) and told["skill"] is None and told["groups"] < FEWEST:
        told["sentence"] += " Models trained anew from earlier origins tell more: throughtime evaluate ... --refits 8."
    return result


def judge(
    tests: Backtests,
    season: int,
    seconds: float,
    metric: str | None = None,
    say: Callable[[str], None] = lambda line: None,
    width: int | None = None,
) -> dict[str, Json]:
    """Backtests beside the baselines, see `evaluate`; and `examples`, some of them against what came, for pictures.

    width: steps of a stretch of time whose windows go together, see baselines.compare.Backtest.
    """
    panel, levels = tests.panel, tests.levels
    backtest = _backtest(tests, season, width)
    metric = metric or ("mase" if len(panel) > 1 else "mae")
    quantiles = tests.values if levels else None
    result = compare(
        backtest, medians(tests.values, levels), quantiles, levels, seconds=seconds, metric=metric, say=say
    )
    result["target"] = panel.target
    result["examples"] = _examples(tests)
    return result


def _backtest(tests: Backtests, season: int, width: int | None = None) -> Backtest:
    """What the baselines are given. Series of one clock run side by side, as the columns of one installation do; so do
    rows without dates, where all series are of one length. Those of different lengths are taken as independent."""
    panel, horizon = tests.panel, tests.values.shape[1]
    starts, shared = None, len({len(one) for one in panel.values}) == 1
    if panel.dated:
        places = panel.frequency.index(np.array(panel.starts))
        starts, shared = np.round(places - places.min()).astype(np.int64), True
    return Backtest(panel.values, tests.origins, horizon, season, shared and len(panel) > 1, starts, width)


def _examples(tests: Backtests) -> list[Json]:
    """Up to three windows, the last of as many series, or evenly spread over a single one's."""
    panel, horizon = tests.panel, tests.values.shape[1]
    numbers = np.unique(tests.origins[:, 0])
    if len(numbers) > 1:
        rows = [int(np.flatnonzero(tests.origins[:, 0] == n)[-1]) for n in numbers[:DRAWN]]
    else:
        rows = sorted(set(np.linspace(0, len(tests.origins) - 1, DRAWN).round().astype(int).tolist()))
    examples: list[Json] = []
    for row in rows:
        n, origin = (int(one) for one in tests.origins[row])
        first = max(0, origin - _SEEN * horizon)
        count = min(horizon, len(panel.values[n]) - origin)
        times = texts([panel.times(n, first, origin + count - first)], panel.axis)[0]
        came = [float(v) if np.isfinite(v) else None for v in panel.values[n][first : origin + count]]
        values = tests.values[row, :count]
        example: dict[str, Json] = {
            "unique_id": panel.ids[n],
            "ds": list(times),
            "y": list(came),
            "seen": origin - first,
        }
        example["forecast"] = medians(values, tests.levels).tolist()
        if len(tests.levels) > 1:
            low, high = values[:, 0].tolist(), values[:, -1].tolist()
            example |= {"low": low, "high": high, "levels": [tests.levels[0], tests.levels[-1]]}
        examples.append(example)
    return examples


def _origins(model: TableForecaster, panel: Panel, stride: int | None) -> np.ndarray:
    """(M, 2): each series' number and how many of its values are seen, with something to compare after it."""
    config, values = model.model.config, panel.values
    firsts = _first_origins(model, panel)
    rooms = [len(v) - config.horizon - f + 1 for f, v in zip(firsts, values, strict=True)]
    total = sum(max(0, room) for room in rooms)
    if not total:
        raise UserError(
            f"{panel.where}: no series has {config.horizon} steps beyond what the model learned from; give later data, "
            "or train with a larger --holdout"
        )
    step = stride or max(1, min(config.horizon, -(-total // WINDOWS)))
    pairs = [(n, o) for n, (f, room) in enumerate(zip(firsts, rooms, strict=True)) for o in range(f, f + room, step)]
    seen = [np.isfinite(values[n][max(0, o - config.lookback) : o]).any() for n, o in pairs]
    coming = [np.isfinite(values[n][o : o + config.horizon]).any() for n, o in pairs]
    origins = [pair for pair, a, b in zip(pairs, seen, coming, strict=True) if a and b]
    if not origins:
        raise UserError(f"{panel.where}: beyond what the model learned from no value was observed; give later data")
    return np.array(origins)


def _first_origins(model: TableForecaster, panel: Panel) -> Sequence[int]:
    """Of each series, how many values are seen at least: those that were learned from, or a look-back."""
    config, fitted, firsts = model.model.config, model.fitted, []
    for n, (name, values) in enumerate(zip(panel.ids, panel.values, strict=True)):
        first = min(config.lookback, max(1, len(values) - config.horizon))
        if (i := fitted.places.get(name)) is not None:
            learned = fitted.index.learned[i] + _shift(fitted.index.starts[i], panel, n)
            first = max(1, learned)
        firsts.append(first)
    return firsts


def _shift(start: str | int, panel: Panel, n: int) -> int:
    """By how many steps a series began earlier in training than now, negative where it begins earlier now."""
    now = panel.starts[n]
    if isinstance(now, np.datetime64) and isinstance(start, str) and panel.dated:
        indices = panel.frequency.index(np.array([np.datetime64(start, "us"), now]))
        return round(float(indices[0] - indices[1]))
    return start - now if isinstance(start, int) and isinstance(now, int) else 0
