"""M4 hourly, 414 series, 48 hours ahead: OWA of one global recurrent model.

    python -m benchmarks.m4 [MINUTES] [SEED] [--validation] [--tuned]

Nothing is said but the series, the horizon and the budget; --tuned takes settings that were chosen by hand. With
--validation the last 48 hours of the training file are predicted, as when settings are chosen; otherwise the official
test file, after learning all of the training file. OWA is the mean of sMAPE and MASE relative to Naive2's on the test
(18.383 and 2.395; Makridakis et al. 2020, doi:10.1016/j.ijforecast.2019.04.014). Seasonal naive: 0.627.
"""

from __future__ import annotations

import csv
import sys
import time
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.text import DATA
from throughtime import Forecaster

HORIZON, SEASON = 48, 24
NAIVE2 = (18.383, 2.395)
TUNED: dict[str, Any] = {
    **{"season": SEASON, "loss": "mase_smape", "lags": (1, 24, 168, 336), "hidden": 128, "embedding": 64},
    **{"dropout": 0.0, "ensemble_size": 3, "nonnegative": True, "validation": False, "learning_rate": 1e-2},
}
"""Chosen by hand on the validation part."""


def read(name: str) -> list[np.ndarray]:
    """The series of one of the competition's files, a row each."""
    path = DATA / "m4-hourly" / name
    if not path.is_file():
        raise SystemExit(f"benchmarks.m4: there is no {path}; set THROUGHTIME_DATA")
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [np.array([float(value) for value in row[1:] if value not in ("", "NA")]) for row in rows]


def scores(forecast: np.ndarray, actual: np.ndarray, history: list[np.ndarray]) -> dict[str, float]:
    """sMAPE in percent, MASE and OWA, as the competition has them."""
    smape = float(np.mean(200 * np.abs(forecast - actual) / (np.abs(forecast) + np.abs(actual))))
    change = np.array([np.abs(h[SEASON:] - h[:-SEASON]).mean() for h in history])
    mase = float(np.mean(np.abs(forecast - actual).mean(1) / change))
    return {"sMAPE": smape, "MASE": mase, "OWA": (smape / NAIVE2[0] + mase / NAIVE2[1]) / 2}


def main() -> None:
    numbers = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    minutes = float(numbers[0]) if numbers else 10.0
    seed = int(numbers[1]) if len(numbers) > 1 else 0
    train, actual = read("Hourly-train.csv"), np.stack(read("Hourly-test.csv"))
    validating = "--validation" in sys.argv
    if validating:
        actual = np.stack([one[-HORIZON:] for one in train])
        train = [one[:-HORIZON] for one in train]
    began = time.perf_counter()
    tuned = "--tuned" in sys.argv
    model = Forecaster(HORIZON, seed=seed, **(TUNED if tuned else {}))
    model.fit(train, minutes=minutes)
    seconds = time.perf_counter() - began
    assert model.outcome is not None
    seasonal = np.stack([np.tile(one[-SEASON:], HORIZON // SEASON) for one in train])
    rows = [{"forecast": "seasonal naive", **scores(seasonal, actual, train)}]
    what = "tuned" if tuned else "defaults"
    rows.append({"forecast": f"{what}, seed {seed}", **scores(model.predict(), actual, train)})
    windows = model.outcome.tokens / model.outcome.seconds
    name = ("m4_validation" if validating else f"m4_{minutes:g}_{seed}") + ("_tuned" if tuned else "")
    timing.report(name, rows, seconds=seconds, steps=model.outcome.steps, windows_per_second=windows)


if __name__ == "__main__":
    main()
