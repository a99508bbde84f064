"""Forecasts of real series beside what costs nothing: etth1, exchange, pems, los, stocks, beijing.

    python -m benchmarks.forecast NAME [SEED] [--validation] [--tuned] [--minutes=M]

Nothing is said but the series, what is known beside them, the horizon and the split; everything else is chosen as for
anybody. --tuned takes settings that were chosen by hand on the validation parts (--validation scores these); without it
the test part is scored once. Every figure comes with the same windows' figures of the baselines, and a verdict with its
interval. --minutes=0.1 tries whether it runs, and keeps no record. Splits: benchmarks/series_data.py.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import series_data, timing
from throughtime import Forecaster
from throughtime.baselines.compare import Backtest, compare
from throughtime.tasks.forecast.series import Series

HORIZONS = (96, 192, 336, 720)
TUNED: dict[str, dict[str, Any]] = {
    "etth1": {
        **{"season": 24, "lookback": 96, "segment": 24, "lags": (1, 24), "scaling": "last", "dropout": 0.5},
        **{"hidden": 256, "embedding": 64, "ensemble_size": 3, "steps": 600, "learning_rate": 5e-3},
    },
    "exchange": {
        **{"season": 1, "lookback": 96, "segment": 24, "lags": (1,), "scaling": "level", "dropout": 0.5, "hidden": 64},
        **{"embedding": 64, "steps": 200, "learning_rate": 5e-3},
    },
    "pems": {
        **{"season": 1, "segment": 1, "lookback": 12, "lags": (1,), "scaling": "series", "hidden": 64, "embedding": 32},
        **{"dropout": 0.5, "ensemble_size": 5, "steps": 600, "validation": False, "learning_rate": 5e-3},
    },
    "los": {
        **{"season": 288, "lookback": 24, "segment": 1, "lags": (1,), "scaling": "series", "loss": "mse"},
        **{"profile": 288, "hidden": 64, "embedding": 64, "dropout": 0.0, "nonnegative": True, "steps": 2000},
        **{"validation": False, "learning_rate": 5e-3},
    },
    "stocks": {
        **{"season": 1, "lookback": 20, "segment": 1, "lags": (1,), "scaling": "window", "hidden": 32},
        **{"embedding": 32, "dropout": 0.5, "steps": 500, "learning_rate": 5e-3},
    },
    "beijing": {
        **{"season": 24, "lookback": 168, "segment": 6, "lags": (1, 24), "scaling": "series", "hidden": 128},
        **{"embedding": 64, "dropout": 0.3, "nonnegative": True, "steps": 1500, "learning_rate": 5e-3},
        "past": ("DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir"),
    },
}
"""Chosen by hand; that of ETTh1 is the first choice by benchmarks.etth1_choice, docs/log.md tells of the second."""
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def settings(name: str) -> dict[str, Any]:
    """What is said of a set: nothing, or what was chosen by hand."""
    said = TUNED[name] if "--tuned" in sys.argv else {}
    tried = minutes()
    return said if tried is None else {**{k: v for k, v in said.items() if k != "steps"}, "minutes": tried}


def minutes() -> float | None:
    """The budget of a trial, None where none is asked for."""
    given = [argument for argument in sys.argv if argument.startswith("--minutes=")]
    return float(given[0].removeprefix("--minutes=")) if given else None


def season(model: Forecaster) -> int:
    """The season a fitted model goes by."""
    assert model.record is not None
    return model.record.options.season or 1


def row(name: str, found: dict[str, Any], model: Forecaster, began: float) -> dict[str, Any]:
    """What is printed of a comparison: the model's figures, and the best baselines'."""
    assert model.outcome is not None
    best = {n: e for n, e in found["baselines"].items() if "skipped" not in e}
    entry = {
        "what": name,
        "MAE": found["mae"],
        "RMSE": found["rmse"],
        "MSE": found["mse"],
        "best baseline": min(best, key=lambda n: best[n]["mae"]),
        "its MAE": min(e["mae"] for e in best.values()),
        "its RMSE": min(e["rmse"] for e in best.values()),
        "seconds": time.perf_counter() - began,
    }
    print(f"{name}: {found['verdict']['sentence']}", flush=True)
    for n, e in found["baselines"].items():
        print(
            f"    {n}: {e.get('skipped') or ', '.join(f'{m} {e[m]:.4f}' for m in ('mae', 'rmse', 'mse'))}", flush=True
        )
    if found.get("coverage"):
        print("    inside: " + ", ".join(f"{v:.1f} % of {k} %" for k, v in found["coverage"].items()), flush=True)
    return entry


def multivariate(name: str, validating: bool, seed: int, horizons: tuple[int, ...]) -> list[dict[str, Any]]:
    """All columns as series of one model, every window of the part scored."""
    values, train, valid, end = series_data.etth1() if name == "etth1" else series_data.exchange_rate()
    columns = [np.ascontiguousarray(column) for column in values.T]
    first, last = (train, valid) if validating else (valid, end)
    rows = []
    for horizon in horizons:
        began = time.perf_counter()
        model = Forecaster(horizon, **settings(name), seed=seed)
        ids = [str(n) for n in range(len(columns))]
        model.fit([c[:valid] for c in columns], validation=valid - train, ids=ids, quiet=True)
        every = 1 if not validating else 5
        origins = np.array([(n, o) for n in range(len(columns)) for o in range(first, last - horizon + 1, every)])
        series = [c[:last] for c in columns]
        forecast = model.fitted().predict_at(Series(series), origins, ids)[..., 0]
        found = compare(Backtest(series, origins, horizon, season(model)), forecast, seconds=0)
        rows.append(row(f"{name} {horizon}", found, model, began))
    rows.append({"what": f"{name} mean", **{m: float(np.mean([r[m] for r in rows])) for m in ("MAE", "RMSE", "MSE")}})
    return rows


def etth1(validating: bool, seed: int) -> list[dict[str, Any]]:
    return multivariate("etth1", validating, seed, HORIZONS)


def exchange(validating: bool, seed: int) -> list[dict[str, Any]]:
    return multivariate("exchange", validating, seed, (96,))


def pems(validating: bool, seed: int) -> list[dict[str, Any]]:
    flow, minutes, train = series_data.pems()
    day = 2 * np.pi * (minutes % 1440) / 1440
    weekday = np.eye(7, dtype=np.float32)[minutes // 1440][:, :5]
    known = np.stack([np.sin(day), np.cos(day), np.sin(2 * day), np.cos(2 * day), *weekday.T], 1).astype(np.float32)
    last = train if validating else len(flow)
    first = train - 1440 if validating else train
    rows = []
    for calendar in (False, True):
        began = time.perf_counter()
        options = settings("pems")
        if not calendar:  # as published: from the last 12 values, whatever the time
            options = {**options, "lookback": 12, "profile": 0}
        elif options:
            options = {**options, "profile": 288}
        model = Forecaster(1, seed=seed, **options)
        features = known[: first + 1] if calendar else None
        phase = [int(minutes[0] % 1440) // 5]
        model.fit(
            [flow[:first]],
            features=None if features is None else [features],
            known=0 if features is None else known.shape[1],
            phases=phase,
            ids=["lane"],
            quiet=True,
        )
        origins = np.stack([np.zeros(last - first, int), np.arange(first, last)], 1)
        given = Series([flow[:last]], [known[:last]] if calendar else None, np.array(phase))
        forecast = model.fitted().predict_at(given, origins, ["lane"])[..., 0]
        found = compare(Backtest([flow[:last]], origins, 1, 288 if calendar else 1), forecast, seconds=0)
        rows.append(row("pems with the calendar" if calendar else "pems, last 12 values", found, model, began))
    return rows


def los(validating: bool, seed: int) -> list[dict[str, Any]]:
    values, train = series_data.los_loop()
    last = train if validating else len(values)
    first = int(0.9 * train) if validating else train
    columns = [np.ascontiguousarray(column) for column in values.T]
    began = time.perf_counter()
    model = Forecaster(3, seed=seed, **settings("los"))
    ids = [str(n) for n in range(len(columns))]
    model.fit([c[:first] for c in columns], ids=ids, quiet=True)
    origins = np.array([(n, o) for n in range(len(columns)) for o in range(first, last - 2)])
    forecast = model.fitted().predict_at(Series([c[:last] for c in columns]), origins, ids)[:, 2:, 0]
    return [_third(columns, origins, forecast, first, last, began)]


def _third(
    columns: list[np.ndarray],
    origins: np.ndarray,
    forecast: np.ndarray,
    first: int,
    last: int,
    began: float,
) -> dict[str, Any]:
    """The third step alone, beside each baseline's third step."""
    from throughtime.baselines.compare import all_baselines
    from throughtime.baselines.simple import filled
    from throughtime.baselines.verdict import verdict

    actual = np.array([columns[n][o + 2] for n, o in origins])
    ours = np.abs(actual - forecast[:, 0])
    theirs = {}
    for baseline in all_baselines(288, 0):
        baseline.fit([c[:first] for c in columns], 288, 3)
        whole = [filled(c[:last]) for c in columns]
        theirs[baseline.name] = np.abs(actual - baseline.predict([whole[n][:o] for n, o in origins])[:, 2])
        print(f"    {baseline.name}: RMSE {np.sqrt((theirs[baseline.name] ** 2).mean()):.4f}", flush=True)
    best = min(theirs, key=lambda name: float((theirs[name] ** 2).mean()))
    told = verdict(ours**2, theirs[best] ** 2, best, "squared error", "times", origins[:, 1])
    print(f"los: {told.sentence}", flush=True)
    return {
        "what": "los, 15 minutes ahead",
        "MAE": float(ours.mean()),
        "RMSE": float(np.sqrt((ours**2).mean())),
        "best baseline": best,
        "its RMSE": float(np.sqrt((theirs[best] ** 2).mean())),
        "seconds": time.perf_counter() - began,
    }


def stocks(validating: bool, seed: int) -> list[dict[str, Any]]:
    values, train, names = series_data.stocks50()
    last, first = (train, train - 252) if validating else (len(values), train)
    columns = [np.ascontiguousarray(column) for column in values.T]
    began = time.perf_counter()
    model = Forecaster(1, seed=seed, **settings("stocks"))
    model.fit([c[:first] for c in columns], validation=252, quiet=True)
    origins = np.array([(n, o) for n in range(len(names)) for o in range(first, last)])
    series = [c[:last] for c in columns]
    forecast = model.fitted().predict_at(Series(series), origins)[..., 0]
    found = compare(Backtest(series, origins, 1), forecast, seconds=0, metric="mase")
    return [row("stocks, next day", found, model, began)]


def beijing(validating: bool, seed: int) -> list[dict[str, Any]]:
    """The table as it stands in its file: which columns are covariates is found, as for anybody."""
    from throughtime import read_series
    from throughtime.tasks.forecast.tables import TableForecaster

    file, year = series_data.file("beijing-air", "pollution.csv"), 8760
    began = time.perf_counter()
    options = {"target": "pm2.5", **settings("beijing")}
    with tempfile.TemporaryDirectory() as folder:
        lines = file.read_text().splitlines(keepends=True)
        source = Path(folder) / file.name
        source.write_text("".join(lines[: len(lines) - year * validating]))
        hours = len(lines) - 1 - year * validating
        model = Forecaster(24, quantiles=LEVELS, seed=seed, holdout=year / hours, validation=year, **options)
        model.fit(source, quiet=True)
        assert model.record is not None
        past = model.record.options.past or ()
        print(f"known up to now: {', '.join(past) or 'no other column'}", flush=True)
        for one in model.chosen:
            print(f"    {one}: {one.why}", flush=True)
        panel = read_series(source, "pm2.5", past=past)
    first, last = hours - year, hours
    origins = np.array([(0, o) for o in range(first, last - 23, 24)])
    table = TableForecaster(model.fitted(), model.record)
    quantiles = model.fitted().predict_at(table.series(panel), origins, panel.ids)
    backtest = Backtest(panel.values, origins, 24, 24)
    found = compare(backtest, quantiles[..., 3], quantiles, LEVELS, seconds=0 if validating else 600)
    return [row("beijing, next 24 hours", found, model, began)]


SETS: dict[str, Callable[[bool, int], list[dict[str, Any]]]] = {
    "etth1": etth1,
    "exchange": exchange,
    "pems": pems,
    "los": los,
    "stocks": stocks,
    "beijing": beijing,
}


def main() -> None:
    given = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    validating = "--validation" in sys.argv
    if not given or given[0] not in SETS:
        raise SystemExit(f"benchmarks.forecast: expected one of {', '.join(SETS)}")
    seed = int(given[1]) if len(given) > 1 else 0
    rows = SETS[given[0]](validating, seed)
    if minutes() is not None:
        print(rows)
        return
    tuned = "_tuned" if "--tuned" in sys.argv else ""
    timing.report(f"forecast_{given[0]}_{'validation' if validating else seed}{tuned}", rows)


if __name__ == "__main__":
    main()
