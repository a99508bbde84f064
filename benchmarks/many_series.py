"""10,000 series of 200 steps: train one forecaster and forecast them all, on two threads; time and peak memory.

python -m benchmarks.many_series [MINUTES]
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from benchmarks import timing
from throughtime import Forecaster

COUNT, STEPS, HORIZON, SEASON = 10_000, 200, 14, 7


def series() -> list[np.ndarray]:
    """Daily series with a week's season, a level that wanders, and noise."""
    rng, t = np.random.default_rng(0), np.arange(STEPS + HORIZON)
    found = []
    for _ in range(COUNT):
        week = rng.normal(0, 1, SEASON)
        level = 20 + np.cumsum(rng.normal(0, 0.2, len(t)))
        found.append(rng.lognormal(0, 1) * (level + week[t % SEASON] + rng.normal(0, 0.5, len(t))))
    return found


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    whole = series()
    began = time.perf_counter()
    model = Forecaster(HORIZON, SEASON, hidden=64, threads=2)
    model.fit([one[:STEPS] for one in whole], minutes=minutes, batch=1024, quiet=True)
    trained = time.perf_counter() - began
    began = time.perf_counter()
    forecast = model.predict()
    seconds = time.perf_counter() - began
    actual = np.stack([one[STEPS:] for one in whole])
    naive = np.stack([one[STEPS - SEASON + np.arange(HORIZON) % SEASON] for one in whole])
    scale = np.array([np.abs(one[SEASON:STEPS] - one[: STEPS - SEASON]).mean() for one in whole])
    rows = [
        {"forecast": name, "MASE": float((np.abs(f - actual).mean(1) / scale).mean())}
        for name, f in (("seasonal naive", naive), ("model", forecast))
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    timing.report("many_series", rows, training_seconds=trained, forecasting_seconds=seconds, peak_gib=peak)


if __name__ == "__main__":
    main()
