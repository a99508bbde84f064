"""A table of two hourly series, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

TINY: dict[str, Any] = {"hidden": 12, "embedding": 12, "steps": 30, "batch": 32, "threads": 1, "seconds": 0}
TINY |= {"lookback": 48, "quiet": True}
OPTIONS: dict[str, Any] = {"horizon": 6, "future": ["open"], "past": ["wind"], "static": ["kind"]}


def table(path: Path, days: int = 20, plant: float = 0.0) -> Path:
    """Two hourly series, one of which follows a covariate known beforehand; plant: added to the last day's values."""
    rng = np.random.default_rng(0)
    lines = ["unique_id,ds,y,open,wind,kind"]
    for n, name in enumerate("ab"):
        for i in range(24 * days):
            time = np.datetime64("2016-02-01T00") + i
            y = 50 + 10 * np.sin(2 * np.pi * i / 24) + 5 * (i % 7 == 0) + rng.standard_normal()
            y += plant * (i >= 24 * (days - 1))
            lines.append(f"{name},{time},{y:.3f},{int(i % 7 == 0)},{rng.random():.2f},{'uv'[n]}")
    path.write_text("\n".join(lines))
    return path
