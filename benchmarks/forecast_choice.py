"""What the forecaster's rule chooses, beside what a search finds: regrets on real and generated series.

    python -m benchmarks.forecast_choice [STEPS] [NAME ...]

Of every set the last stretch is forecast from rolling origins, and only what comes before it is learned: the test parts
of the other benchmarks are not touched. The rule's choice is trained for STEPS (300), then every variant of it, one
option changed at a time. Printed: the mean absolute error by that of the last value, and the regret, by how much of the
best variant's error the rule's is larger. One model each, one seed: differences of one percent are chance. What is done
already is not done again (benchmarks/regrets.py): sets may be given one at a time, and a table of all there are is
printed each time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import series_data, timing
from benchmarks.regrets import RULE, Kept, table
from throughtime import Forecaster
from throughtime.tasks.forecast.series import Series

Columns = list[np.ndarray]


def thinned(columns: np.ndarray | Columns, every: int) -> Columns:
    """Some of the columns (T, N), or of the series."""
    each = list(columns.T) if isinstance(columns, np.ndarray) else columns
    return [np.ascontiguousarray(one) for one in each[::every]]


def etth1() -> Columns:
    values, _, valid, _ = series_data.etth1()
    return thinned(values[:valid], 1)


def exchange() -> Columns:
    values, _, valid, _ = series_data.exchange_rate()
    return thinned(values[:valid], 1)


def stocks() -> Columns:
    values, train, _ = series_data.stocks50()
    return thinned(values[:train], 2)


def roads() -> Columns:
    values, train = series_data.los_loop()
    return thinned(values[:train], 4)


def lane() -> Columns:
    flow, _, train = series_data.pems()
    return [flow[:train]]


def air() -> Columns:
    values, _, train = series_data.beijing_air()
    return [values[:train]]


def generated(kind: str) -> Columns:
    """Series of a known kind."""
    rng = np.random.default_rng(0)
    if kind == "hours of two seasons":
        t = np.arange(2000)
        course = np.where(t % 168 < 120, 1.0, 0.3) * np.sin(2 * np.pi * t / 24)
        return [50 * (2 + course) + 5 * rng.standard_normal(2000) for _ in range(10)]
    if kind == "days":
        return [10 + np.tile([1, 0, 0, 0, 1, 3, 4.0], 120) + rng.standard_normal(840) for _ in range(20)]
    if kind == "months with a trend":
        t = np.arange(144)
        slopes = rng.uniform(-0.1, 0.3, 60)
        return [20 + s * t + 3 * np.sin(2 * np.pi * t / 12 + s) + rng.standard_normal(144) for s in slopes]
    if kind == "quarters":
        return [30 + np.cumsum(rng.normal(0.3, 0.5, 60)) + np.tile(rng.normal(0, 2, 4), 15) for _ in range(60)]
    if kind == "random walks":
        return list(rng.standard_normal((20, 800)).cumsum(1))
    if kind == "back to a mean":
        series = []
        for _ in range(10):
            one = np.zeros(1000)
            for t in range(1, 1000):
                one[t] = 0.8 * one[t - 1] + rng.standard_normal()
            series.append(one + 10)
        return series
    if kind == "growth":
        return [np.exp(np.cumsum(rng.normal(0.004, 0.02, 700))) for _ in range(20)]
    assert kind == "seldom"
    return [rng.poisson(rate, 600).astype(float) for rate in rng.uniform(0.05, 0.6, 40)]


SETS: dict[str, tuple[int, Callable[[], Columns]]] = {
    "m4 hourly, every fourth": (48, lambda: thinned(series_data.m4_hourly()[0], 4)),
    "etth1": (96, etth1),
    "exchange": (96, exchange),
    "stocks": (1, stocks),
    "roads": (3, roads),
    "lane": (1, lane),
    "lane, an hour": (12, lane),
    "air": (24, air),
    **{
        kind: (horizon, lambda kind=kind: generated(kind))  # type: ignore[misc]
        for kind, horizon in (
            ("hours of two seasons", 24),
            ("days", 14),
            ("months with a trend", 12),
            ("quarters", 8),
            ("random walks", 10),
            ("back to a mean", 6),
            ("growth", 20),
            ("seldom", 7),
        )
    },
}

WINDOWS = 1500
"""Windows that are scored of a set, at most."""


def variants(model: Forecaster) -> dict[str, dict[str, Any]]:
    """What the rule chose, with one option changed."""
    assert model.record is not None
    o = model.record.options
    hidden, rate, lookback = o.hidden or 1, o.learning_rate or 1.0, o.lookback or 1
    changed: dict[str, dict[str, Any]] = {
        f"scaling {one}": {"scaling": one} for one in ("window", "last", "series") if one != o.scaling
    }
    changed |= {"hidden halved": {"hidden": hidden // 2}, "hidden doubled": {"hidden": 2 * hidden}}
    changed |= {"rate halved": {"learning_rate": rate / 2}, "rate doubled": {"learning_rate": 2 * rate}}
    changed |= {f"dropout {d}": {"dropout": d} for d in (0.0, 0.3, 0.5) if d != o.dropout}
    changed["half the steps"] = {"steps": (o.steps or 2) // 2}
    changed["twice the steps"] = {"steps": 2 * (o.steps or 2)}
    if lookback >= 2 * (o.segment or 1):
        lags = tuple(lag for lag in o.lags or () if lag <= lookback // 2)
        changed["half the look-back"] = {"lookback": lookback // 2, "lags": lags}
    if (o.season or 1) > 1:
        changed["no season"] = {"season": 1, **dict.fromkeys(("segment", "lookback", "lags", "profile"))}
    if o.linear:
        changed["no linear map"] = {"linear": 0}
    if o.loss == "mae":
        changed["squared error"] = {"loss": "mse"}
    return changed


def error(columns: Columns, horizon: int, **options: Any) -> tuple[float, Forecaster]:
    """The mean absolute error by the last value's, each series in its own deviation, and the model."""
    held = [max(horizon, len(one) // 10) for one in columns]
    ids = [str(n) for n in range(len(columns))]
    model = Forecaster(horizon, **options)
    model.fit([one[: len(one) - k] for one, k in zip(columns, held, strict=True)], ids=ids, quiet=True)
    lengths = [len(one) for one in columns]
    every = [(n, o) for n, k in enumerate(held) for o in range(lengths[n] - k, lengths[n] - horizon + 1)]
    origins = np.array(every)[np.linspace(0, len(every) - 1, min(WINDOWS, len(every))).round().astype(int)]
    forecast = model.fitted().predict_at(Series(columns), origins, ids)[..., 0]
    ours, naive = 0.0, 0.0
    for (n, o), row in zip(origins, forecast, strict=True):
        scale = float(np.nanstd(columns[n])) or 1.0
        past, coming = columns[n][:o], columns[n][o : o + horizon]
        last = past[np.isfinite(past)][-1]
        known = np.isfinite(coming)
        ours += float(np.abs(coming - row)[known].sum()) / scale
        naive += float(np.abs(coming - last)[known].sum()) / scale
    return ours / max(1e-12, naive), model


def result(name: str, steps: int, **options: Any) -> dict[str, Any]:
    """Of a set the error with some options, what was chosen, and the variants of that."""
    ours, model = error(SETS[name][1](), SETS[name][0], **({"steps": steps} | options))
    chose = {one.name: one.value for one in model.chosen}
    return {"error": ours, "season": chose.get("season"), "scaling": chose.get("scaling"), "tried": variants(model)}


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options as they were before they were kept: JSON has no tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 300
    only = [argument for argument in sys.argv[1:] if not argument.isdigit()]
    if unknown := [name for name in only if name not in SETS]:
        raise SystemExit(f"benchmarks.forecast_choice: no set {unknown[0]!r}; there are {', '.join(SETS)}")
    kept, losses, chose = Kept(f"forecast_choice_{steps}"), dict[str, dict[str, float]](), dict[str, Any]()
    for name in SETS:
        worked = not only or name in only
        if not worked and not kept.done(name, RULE):
            continue
        first = kept.get(name, RULE, make=partial(result, name, steps))
        changes = {what: _plain(one) for what, one in first["tried"].items()}
        if worked or all(kept.done(name, what) for what in changes):
            each = {
                what: kept.get(name, what, make=partial(result, name, steps, **one)) for what, one in changes.items()
            }
            losses[name] = {RULE: first["error"], **{what: one["error"] for what, one in each.items()}}
            chose[name] = {"season": first["season"], "scaling": first["scaling"]}
    rows, summary = table(losses, relative=True)
    timing.report("forecast_choice", [{**row, **chose[row["what"]]} for row in rows], **summary)


if __name__ == "__main__":
    main()
