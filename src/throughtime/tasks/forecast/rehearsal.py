"""Whether the level of series itself says something: two linear maps, learned on the beginning, tried on what follows.

One map sees a window less its last value and forecasts changes, whatever the level; the other one also sees how far the
last value is from the series' mean. Where series come back to their mean (load, traffic, air) the second one does
better on later parts; where their level drifts it does worse, since the mean of the beginning says nothing of the end.
A single late part misleads (the season of the year decides it), so three parts vote with their mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.tasks.forecast.statistics import level_and_scale

_SERIES, _WINDOWS, _AHEAD = 32, 3_000, 5
"""Of what is tried: series, windows of each part, steps ahead, at most."""

PARTS = (0.4, 0.6, 0.8)
"""Shares of each series that are learned; the fifth after each is forecast."""

_RIDGE = 1e-2


@dataclass(frozen=True)
class Rehearsal:
    """Mean absolute errors relative to the last value's: drifting, of the map of changes; reverting, of the one that
    sees the level too; seasonal, of the value one season ago. 1 where nothing could be
    tried."""

    drifting: float = 1.0
    reverting: float = 1.0
    seasonal: float = 1.0
    tried: bool = False


def rehearse(series: Sequence[np.ndarray], horizon: int, season: int) -> Rehearsal:
    """Try both maps on series (L_n,), NaN where missing. season: 1 for none."""
    order = np.linspace(0, len(series) - 1, min(len(series), _SERIES)).round().astype(int)
    some = [filled(series[n]) for n in order]
    found = [one for share in PARTS if (one := _part(some, horizon, season, share)) is not None]
    if not found:
        return Rehearsal()
    naive, drifting, reverting, seasonal = np.mean(found, 0)
    if naive <= 0:
        return Rehearsal()
    return Rehearsal(float(drifting / naive), float(reverting / naive), float(seasonal / naive), True)


def _part(series: Sequence[np.ndarray], horizon: int, season: int, share: float) -> list[float] | None:
    """The errors of the last value, of both maps and of one season ago on one part; None where it is too short."""
    before, after = list[tuple[np.ndarray, np.ndarray]](), list[tuple[np.ndarray, np.ndarray]]()
    rng = np.random.default_rng(0)
    reach = max(2 * season, 16)
    for one in series:
        middle, end = int(share * len(one)), int((share + 0.2) * len(one))
        measure = level_and_scale(one[:middle])
        for rows, first, last in ((before, reach, middle - horizon), (after, max(reach, middle), end - horizon)):
            if last > first:
                count = min(last - first, max(1, _WINDOWS // len(series)))
                origins = first + rng.choice(last - first, count, replace=False)
                rows.append(map_windows(one, origins, horizon, season, *measure))
    if not before or not after:
        return None
    x, y = (np.concatenate(rows) for rows in zip(*before, strict=True))
    coming, actual = (np.concatenate(rows) for rows in zip(*after, strict=True))
    if len(x) < 3 * x.shape[2]:
        return None
    errors = np.zeros(4)
    for k in range(y.shape[1]):
        widths = (x.shape[2] - less for less in (1, 0))
        maps = [coming[:, k, :width] @ fit_map(x[:, k, :width], y[:, k]) for width in widths]
        each = [np.zeros(len(actual)), *maps, coming[:, k, 0]]
        errors += [np.abs(actual[:, k] - one).mean() for one in each]
    return [float(error) for error in errors]


def map_windows(
    one: np.ndarray, origins: np.ndarray, horizon: int, season: int, level: float, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """(B, k, F) what the maps see at origins, the distance from the level last, and (B, k) what came; less the last
    value, in the series' scale."""
    ahead = np.unique(np.linspace(0, horizon - 1, min(horizon, _AHEAD)).round().astype(int))
    last = one[origins - 1]
    back = one[origins[:, None] - np.arange(2, 9)]
    width = max(1, season // 4) if season > 1 else 4
    blocks = np.stack([one[origins[:, None] - np.arange(i * width + 1, (i + 1) * width + 1)].mean(1) for i in range(4)])
    common = np.concatenate([back, blocks.T], 1) - last[:, None]
    lags = [season, 2 * season] if season > 1 else []
    rows = []
    for k in ahead:
        seasonal = [one[origins - lag + k % lag] - last for lag in lags] or [np.zeros(len(last))]
        rows.append(np.concatenate([np.stack(seasonal, 1), common, (level - last)[:, None]], 1))
    return np.stack(rows, 1) / scale, (one[origins[:, None] + ahead] - last[:, None]) / scale


def fit_map(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    weights: np.ndarray = np.linalg.solve(x.T @ x + _RIDGE * len(x) * np.eye(x.shape[1]), x.T @ y)
    return weights


def filled(values: np.ndarray) -> np.ndarray:
    """Gaps by straight lines."""
    known = np.isfinite(values)
    if known.all() or not known.any():
        return values
    filled: np.ndarray = np.interp(np.arange(len(values)), np.flatnonzero(known), values[known])
    return filled
