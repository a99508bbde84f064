"""Quantiles that hold on the validation part; and that part learned in the end, when it has said what it had to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from throughtime.tasks.forecast.ensemble import Ensemble
from throughtime.tasks.forecast.windows import Windows

CALIBRATED = 50
"""The least validation windows by which quantiles are calibrated."""

_ROWS = 256


@dataclass
class Later:
    """What is learned towards the end of a training.

    windows: all, those of the validation part among them. shifts: made of the outputs (M, K, Q) for the validation
    windows, what the quantiles are shifted by; said: that of the last outputs before these windows were learned, None
    until then.
    """

    windows: Windows
    shifts: Callable[[np.ndarray], tuple[float, ...]]
    said: tuple[float, ...] | None = None


def shifts(ensemble: Ensemble, held: Windows, outputs: np.ndarray | None = None) -> tuple[float, ...]:
    """By how much to shift each quantile but the median so that as many validation values lie below it as should; ()
    of point forecasts, and where the windows are too few to tell.

    outputs: (M, K, Q) for the windows, in their scale; None: the ensemble's.

    Source: the idea of conformalized quantile regression, Romano et al. 2019, arXiv:1905.03222, section 4, with one
    shift a quantile, over all steps ahead.
    """
    if not ensemble.levels or len(held) < CALIBRATED:
        return ()
    parts = []
    for first in range(0, len(held), _ROWS):
        rows = np.arange(first, min(first + _ROWS, len(held)))
        batch = held.batch(rows)
        seen = batch.seen
        level, scale = seen.level[..., None], seen.scale[..., None]
        given = ensemble.outputs(seen) if outputs is None else outputs[rows]
        forecasts = (ensemble.forecasts(given, seen) - level) / scale
        actual = (batch.actual - seen.level) / seen.scale
        known = np.isfinite(actual)
        parts.append(actual[known][:, None] - forecasts[known])
    rest = np.concatenate(parts)
    return tuple(
        0.0 if level == 0.5 else float(np.quantile(rest[:, i], level)) for i, level in enumerate(ensemble.levels)
    )
