"""Series of which nothing can be told: whole trainings with nothing said, and what the verdict claims of each.

    python -m benchmarks.no_skill [SEED ...] [--minutes M]

For every seed (0): 4,000 days of independent sparse counts (nine of ten are zero, the others as they come), and five
random walks of 1,000 days, each a file and a training of its own by `throughtime train forecast FILE --horizon h
--minutes m`. No true skill is there, so every claim of it is false. Printed: the verdict of each, and how many claim
skill; the status is 1 where one does.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.forecast_files import learned

WALKS, STEPS, COUNTS = 5, 1000, 4000
_HORIZONS = {"counts": 7, "walk": 5}


def counts(seed: int) -> np.ndarray:
    """(4000,) independent counts, nine of ten of them zero."""
    rng = np.random.default_rng([seed, 0])
    return np.where(rng.random(COUNTS) < 0.1, 1 + rng.poisson(1.0, COUNTS), 0).astype(float)


def walk(seed: int, number: int) -> np.ndarray:
    """(1000,) a random walk."""
    return 100 + np.random.default_rng([seed, 1 + number]).standard_normal(STEPS).cumsum()


def table(values: np.ndarray) -> str:
    """A file of days and values."""
    days = np.datetime64("2012-01-01") + np.arange(len(values))
    return "day,value\n" + "".join(f"{day},{value:.6g}\n" for day, value in zip(days, values, strict=True))


def row(name: str, values: np.ndarray, minutes: float, seconds: float) -> dict[str, Any]:
    """What the verdict of a training says."""
    told = learned(table(values), _HORIZONS[name.split()[0]], minutes, seconds, ())
    verdict = (told.get("evaluation") or {}).get("verdict") or {}
    sentence = told.get("refused") or verdict.get("sentence", "no verdict")
    print(f"{name}: {sentence}", flush=True)
    return {"series": name, "skill": verdict.get("skill"), "gain %": 100 * verdict.get("gain", float("nan"))}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.no_skill")
    parser.add_argument("seeds", nargs="*", type=int, metavar="SEED")
    parser.add_argument("--minutes", type=float, default=0.3)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each of the slow baselines")
    given = parser.parse_args()
    rows = []
    for seed in given.seeds or [0]:
        series = [(f"counts {seed}", counts(seed)), *((f"walk {seed}.{n}", walk(seed, n)) for n in range(WALKS))]
        rows += [row(name, values, given.minutes, given.seconds) for name, values in series]
    claimed = sum(one["skill"] is True for one in rows)
    timing.report("no_skill", rows, claimed=claimed)
    raise SystemExit(1 if claimed else 0)


if __name__ == "__main__":
    main()
