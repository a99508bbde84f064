"""The choice of ETTh1's settings: rolling origins inside the first 16 months, the test months unseen.

    python -m benchmarks.etth1_choice [HORIZON ...] [VARIANT ...]

Three times, some months are learned and the four after them are forecast: 4 and 4, 8 and 4, 12 and 4. A single
validation part of four summer months says little about the winter after it; three parts cover the year. Printed: the
mean squared error of every variant on each part, and their mean. The settings
named tuned in benchmarks.forecast have the least.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from benchmarks import series_data, timing
from benchmarks.forecast import TUNED
from throughtime import Forecaster
from throughtime.tasks.forecast.series import Series

MONTH = 30 * 24
PARTS = (4, 8, 12)
VARIANTS: dict[str, dict[str, Any]] = {
    "scaling by the series": {"scaling": "series"},
    "by the window's level": {"scaling": "level"},
    "by the last value": {},
    "state of 64": {"hidden": 64},
    "state of 256": {"hidden": 256},
    "300 steps": {"steps": 300},
    "1200 steps": {"steps": 1200},
    "segments of 12": {"segment": 12},
    "three models": {"ensemble_size": 3},
    "dropout 0.2": {"dropout": 0.2},
    "dropout 0.7": {"dropout": 0.7},
    "only the last value is a reference": {"lags": (1,)},
    "four days are references": {"lags": (1, 24, 48, 72, 96)},
    "no last value among them": {"lags": (24, 48, 72, 96)},
    "learning rate 2e-3": {"learning_rate": 2e-3},
    "weight decay 0.3": {"weight_decay": 0.3},
    "embedding of 256": {"embedding": 256},
}
START = {**TUNED["etth1"], "scaling": "last", "hidden": 128, "ensemble_size": 1}
"""Where every variant begins."""


def main() -> None:
    horizons = [int(argument) for argument in sys.argv[1:] if argument.isdigit()] or [96, 336]
    only = [argument for argument in sys.argv[1:] if not argument.isdigit()]
    values, *_ = series_data.etth1()
    rows = []
    for horizon in horizons:
        for name, variant in VARIANTS.items():
            if only and name not in only:
                continue
            errors = []
            for months in PARTS:
                first, last = months * MONTH, (months + 4) * MONTH
                own = series_data.standardised(values, first)
                columns = [np.ascontiguousarray(column) for column in own.T]
                ids = [str(n) for n in range(len(columns))]
                settings = {**START, **variant}
                model = Forecaster(horizon, **{**settings, "steps": settings["steps"] * months // 12})
                model.fit([c[:first] for c in columns], validation=False, ids=ids, quiet=True)
                origins = np.array([(n, o) for n in range(len(columns)) for o in range(first, last - horizon + 1, 5)])
                forecast = model.fitted().predict_at(Series([c[:last] for c in columns]), origins, ids)[..., 0]
                actual = np.stack([columns[n][o : o + horizon] for n, o in origins])
                errors.append(float(np.square(forecast - actual).mean()))
                print(f"{horizon} {name} {months}: {errors[-1]:.4f}", flush=True)
            parts = {f"after {months} months": error for months, error in zip(PARTS, errors, strict=True)}
            rows.append({"horizon": horizon, "variant": name, **parts, "mean": float(np.mean(errors))})
    timing.report("etth1_choice", rows)


if __name__ == "__main__":
    main()
