"""Whether intervals hold what they say, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from throughtime.baselines.verdict import FEWEST, compared, too_few
from throughtime.options import Json

_FAR = 2.0
"""So many times as many values outside as there should be are far too many; so much fewer, far too few."""

_PLAIN = 5.0
"""And so many times as many are too many, however few windows there are."""


def judged(
    actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float], groups: np.ndarray, unit: str
) -> dict[str, Json] | None:
    """The widest central interval of quantiles (M, H, Q) at levels, against what came, (M, H), NaN where missing.

    groups, unit: of windows, as Backtest.groups has them. Returns nominal and inside, the shares that should lie and
    lie inside, low and high, the 95 % interval of the latter where there are enough groups, holds (True, False for too
    few or too many inside, None where that cannot be told) and a sentence; None where there is no such interval.
    """
    if len(levels) < 2 or abs(levels[0] + levels[-1] - 1) > 1e-9 or not np.isfinite(actual).any():
        return None
    nominal, known = levels[-1] - levels[0], np.isfinite(actual)
    inside = known & (quantiles[..., 0] <= actual) & (actual <= quantiles[..., -1])
    counts = known.sum(1).astype(np.float64)
    both = compared(np.stack([inside.sum(1), counts], 1), np.stack([nominal * counts, counts], 1), unit, groups)
    share, name = both.ours, f"{100 * nominal:g} % interval"
    low, high = (max(0.0, nominal * (1 - both.high)), min(1.0, nominal * (1 - both.low)))
    outside = (1 - share) / (1 - nominal)
    holds: bool | None
    if both.groups >= FEWEST:
        holds = low <= nominal <= high
    else:
        holds = False if outside > _PLAIN else None
    told = f"{100 * share:.1f} % of what came lies inside the {name}"
    over = f"95 % interval {100 * low:.1f} to {100 * high:.1f} % over {both.groups:,} {both.unit}"
    if both.groups < FEWEST:
        over = f"{both.groups} {both.unit}"
    if holds:
        sentence = f"The {name} holds: {told} ({over})."
    elif holds is None:
        sentence = f"{told}; {too_few(both.groups, both.unit)} to tell whether it holds."
    elif share < nominal:
        far = "far too narrow" if outside > _FAR else "too narrow"
        times = f": {outside:.1f} times as many values lie outside as should" if outside > _FAR else ""
        sentence = f"The {name} is {far}{times}; {told} ({over}). Do not rely on it."
    else:
        far = "far wider" if outside < 1 / _FAR else "wider"
        sentence = f"The {name} is {far} than it has to be: {told} ({over})."
    result: dict[str, Json] = {"nominal": nominal, "inside": share, "holds": holds, "sentence": sentence}
    return {**result, "low": low, "high": high} if both.groups >= FEWEST else result
