"""Series that tests of baselines share."""

from __future__ import annotations

import numpy as np


def series(count: int = 6, steps: int = 240, season: int = 12) -> list[np.ndarray]:
    rng, t = np.random.default_rng(0), np.arange(steps)
    return [
        (n + 1) * (20 + 0.05 * t + 5 * np.sin(2 * np.pi * t / season) + rng.standard_normal(steps))
        for n in range(count)
    ]
