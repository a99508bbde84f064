"""How good forecasts are. Arrays are (M, H): M windows, H steps ahead; NaN in `actual` is skipped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def absolute(actual: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """|y - f|, NaN where y is missing."""
    errors: np.ndarray = np.abs(actual - forecast)
    return errors


def window_mean(values: np.ndarray) -> np.ndarray:
    """The mean of each window over what was observed, (M,); NaN for a window without any."""
    known = np.isfinite(values)
    count = known.sum(1)
    total = np.where(known, values, 0.0).sum(1)
    means: np.ndarray = np.where(count > 0, total / np.maximum(1, count), np.nan)
    return means


def mean(values: np.ndarray) -> float | None:
    """The mean of what was observed, None where nothing was."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def smape(actual: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """200 |y - f| / (|y| + |f|), percent, 0 where both are 0.

    Source: Makridakis et al. 2020, doi:10.1016/j.ijforecast.2019.04.014, equation of section 2.
    """
    size = np.abs(actual) + np.abs(forecast)
    error = 200.0 * np.abs(actual - forecast)
    percent: np.ndarray = np.where(size == 0, 0.0, error / np.where(size == 0, 1.0, size))
    return percent


def scales(histories: Sequence[np.ndarray], season: int) -> np.ndarray:
    """The mean absolute change over a season in each history, (N,), NaN where there is none: what MASE divides by."""
    changes = np.full(len(histories), np.nan)
    for n, one in enumerate(histories):
        moved = np.abs(one[season:] - one[:-season])
        moved = moved[np.isfinite(moved)]
        if len(moved) and moved.mean() > 0:
            changes[n] = moved.mean()
    return changes


def crps(actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> float | None:
    """Scaled continuous ranked probability score from quantiles (M, H, Q): the mean over levels of twice the pinball
    loss, over the sum of |y|; None where nothing was observed.

    Source: Gneiting and Raftery 2007, doi:10.1198/016214506000001437, section 6; scaled as in utilsforecast's
    scaled_crps.
    """
    known = np.isfinite(actual)
    if not known.any() or not np.abs(actual[known]).sum():
        return None
    error = actual[known][:, None] - quantiles[known]
    at = np.asarray(levels)
    pinball = np.maximum(at * error, (at - 1) * error)
    return float(2 * pinball.mean(1).sum() / np.abs(actual[known]).sum())


def coverage(actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> dict[str, float]:
    """Nominal share of each central interval, in percent -> the share of observations inside it, in percent."""
    known = np.isfinite(actual)
    shares = {}
    for low in range(len(levels) // 2):
        high = len(levels) - 1 - low
        nominal = levels[high] - levels[low]
        inside = (quantiles[..., low] <= actual) & (actual <= quantiles[..., high])
        if known.any() and abs(levels[low] + levels[high] - 1) < 1e-9:
            shares[f"{100 * nominal:g}"] = 100 * float(inside[known].mean())
    return shares


def measure(
    actual: np.ndarray,
    forecast: np.ndarray,
    scale: np.ndarray,
    quantiles: np.ndarray | None = None,
    levels: Sequence[float] = (),
) -> dict[str, object]:
    """Every figure that is defined: mae, rmse, mse, smape (percent), mase, crps, coverage. scale: (M,) of `scales`."""
    error = absolute(actual, forecast)
    squared = mean(error**2)
    figures: dict[str, object] = {
        "mae": mean(error),
        "rmse": None if squared is None else float(np.sqrt(squared)),
        "mse": squared,
        "smape": mean(window_mean(np.where(np.isfinite(actual), smape(actual, forecast), np.nan))),
        "mase": mean(window_mean(error) / scale),
    }
    if quantiles is not None:
        figures["crps"] = crps(actual, quantiles, levels)
        figures["coverage"] = coverage(actual, quantiles, levels)
    return figures
