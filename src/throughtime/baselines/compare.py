"""A forecaster's windows beside every baseline's, on the same origins, and the verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.baselines import series_metrics as metrics
from throughtime.baselines.linear import LinearMap, WindowMLP
from throughtime.baselines.simple import Baseline, Drift, Naive, Naive2, SeasonalNaive, SeasonMean, carried
from throughtime.baselines.statistical import KINDS, Statistical, TooSlow
from throughtime.baselines.verdict import verdict
from throughtime.errors import UserError

METRICS = ("mae", "rmse", "mse", "smape", "mase", "owa", "crps")
"""What may decide; lower is better."""

_ROWS = 20_000
"""Windows a baseline predicts at once."""


def all_baselines(season: int, seconds: float) -> list[Baseline]:
    """Every baseline that applies; seconds: how long each of statsforecast's may take, 0 leaves them out."""
    found: list[Baseline] = [Naive(), Drift()]
    if season > 1:
        found += [SeasonalNaive(), SeasonMean(), Naive2()]
    found += [LinearMap(), WindowMLP()]
    if seconds > 0:
        found += [Statistical(kind, seconds) for kind in KINDS]
    return found


def compare(
    histories: Sequence[np.ndarray],
    origins: np.ndarray,
    horizon: int,
    season: int,
    forecast: np.ndarray,
    quantiles: np.ndarray | None = None,
    levels: Sequence[float] = (),
    baselines: Sequence[Baseline] | None = None,
    seconds: float = 60.0,
    metric: str = "mae",
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Figures of a model and of the baselines, by the same windows, and whether the model is better.

    histories: (L_n,) whole series, NaN where missing. origins: (M, 2), pairs of a series' number and of how many values
    are seen; the H after them are compared. forecast: (M, H), quantiles: (M, H, Q) of levels. A baseline learns from
    what is before the first origin of each series, and predicts from what is before each. metric: "mae", or "mase"
    where the series differ in size: what the verdict is about. say: told what goes on.

    Returns mae, rmse, mse, smape, mase, owa, crps, coverage where defined; windows, by_horizon, residuals, baselines,
    verdict.
    """
    if not np.isfinite(forecast).all() or not len(origins) or origins[:, 1].min() < 1:
        raise UserError(
            "compare: every window needs a past and a finite forecast; a forecast that is missing is no score"
        )
    steps = np.arange(horizon)
    actual = np.stack([_coming(histories[s], o, steps) for s, o in origins])
    series = np.unique(origins[:, 0])
    first = {int(s): int(origins[origins[:, 0] == s, 1].min()) for s in series}
    before = [histories[s][: first[int(s)]] for s in series]
    scale = dict(zip(series.tolist(), metrics.scales(before, season), strict=True))
    scales = np.array([scale[s] for s in origins[:, 0].tolist()])
    found: dict[str, Any] = {"windows": len(origins), "series": len(series), "horizon": horizon, "season": season}
    found.update(metrics.measure(actual, forecast, scales, quantiles, levels))
    found["by_horizon"] = {"mae": _by_step(actual, forecast)}
    found["residuals"] = _residuals(actual - forecast, scales, origins)
    whole = [carried(one) for one in histories]
    entries: dict[str, dict[str, Any]] = {}
    losses: dict[str, np.ndarray] = {}
    for baseline in all_baselines(season, seconds) if baselines is None else baselines:
        began = time.perf_counter()
        try:
            baseline.fit(before, season, horizon)
            parts = []
            for start in range(0, len(origins), _ROWS):
                parts.append(baseline.predict([whole[s][:o] for s, o in origins[start : start + _ROWS]]))
            theirs = np.concatenate(parts)
        except (TooSlow, ImportError) as reason:
            missing = getattr(reason, "name", None)
            entries[baseline.name] = {"skipped": f"needs {missing}" if missing else str(reason)}
            say(f"{baseline.name}: skipped, {entries[baseline.name]['skipped']}")
            continue
        entry = metrics.measure(actual, theirs, scales)
        entry["by_horizon"] = {"mae": _by_step(actual, theirs)}
        entry["seconds"] = round(time.perf_counter() - began, 2)
        if getattr(baseline, "failed", 0):
            entry["failed"] = baseline.failed  # type: ignore[attr-defined]
        entries[baseline.name] = entry
        losses[baseline.name] = _losses(actual, theirs, scales, metric)
        say(f"{baseline.name}: MAE {_shown(entry['mae'])}")
    reference = entries.get("Naive2", {})
    if isinstance(reference.get("mase"), float):
        for entry in [found, *entries.values()]:
            entry["owa"] = _owa(entry, reference)
    found["baselines"] = entries
    if losses:
        best = min(losses, key=lambda name: float(np.nanmean(losses[name])))
        groups, unit = _groups(origins, horizon)
        ours = _losses(actual, forecast, scales, metric)
        found["verdict"] = verdict(ours, losses[best], best, metric.upper(), unit, groups).to_json()
    return found


def control(histories: Sequence[np.ndarray], origins: np.ndarray, forecast: np.ndarray, mae: float) -> dict[str, Any]:
    """What the order of the past is worth: forecasts (M, H) from windows whose steps were put in a random order, beside
    the model's own mean absolute error. Returns mae, and a sentence."""
    steps = np.arange(forecast.shape[1])
    actual = np.stack([_coming(histories[s], o, steps) for s, o in origins])
    mixed = metrics.mean(metrics.absolute(actual, forecast))
    if mixed is None or not mae:
        return {"mae": mixed, "sentence": "What the order of the past is worth cannot be told."}
    change = mixed / mae - 1
    told = f"With the steps of the past in random order the MAE is {_shown(mixed)}, {abs(change):.1%} "
    rest = "above" if change >= 0 else "below"
    end = "." if change >= _WORTH else ": the model gains next to nothing from their order."
    return {"mae": mixed, "sentence": f"{told}{rest} the model's own{end}"}


_WORTH = 0.01
"""A smaller rise of the error, as a share, is called next to nothing."""

_BINS, _LAGS = 40, 24


def _residuals(errors: np.ndarray, scales: np.ndarray, origins: np.ndarray) -> dict[str, Any]:
    """Of errors (M, H), actual less forecast: bias, their mean by steps ahead; edges and counts, a histogram of them in
    the scale of MASE, its ends open; autocorrelation, of the first step's error with those of the next origins, where
    these are evenly apart; stride, by how many steps."""
    relative = (errors / scales[:, None])[np.isfinite(errors) & (scales > 0)[:, None]]
    found: dict[str, Any] = {"bias": [metrics.mean(column) for column in errors.T]}
    if len(relative):
        reach = max(float(np.quantile(np.abs(relative), 0.99)), 1e-12)
        counts, edges = np.histogram(np.clip(relative, -reach, reach), _BINS, (-reach, reach))
        found |= {"edges": edges.tolist(), "counts": counts.tolist()}
    apart = {int(d) for s in np.unique(origins[:, 0]) for d in np.diff(origins[origins[:, 0] == s, 1])}
    if len(apart) == 1:
        sums, power = np.zeros(_LAGS + 1), 0
        for s in np.unique(origins[:, 0]):
            own = errors[origins[:, 0] == s, 0]
            own = np.where(np.isfinite(own), own - np.nanmean(own) if np.isfinite(own).any() else 0.0, 0.0)
            if len(own) > 4 * _LAGS and own.any():
                own = own / np.sqrt((own**2).sum())
                sums += [(own[lag:] * own[: len(own) - lag]).sum() for lag in range(_LAGS + 1)]
                power += 1
        if power:
            found |= {"autocorrelation": (sums[1:] / power).tolist(), "stride": apart.pop()}
    return found


def _coming(history: np.ndarray, origin: int, steps: np.ndarray) -> np.ndarray:
    found = np.full(len(steps), np.nan)
    part = history[origin : origin + len(steps)]
    found[: len(part)] = part
    return found


def _by_step(actual: np.ndarray, forecast: np.ndarray) -> list[float | None]:
    return [metrics.mean(error) for error in metrics.absolute(actual, forecast).T]


def _losses(actual: np.ndarray, forecast: np.ndarray, scales: np.ndarray, metric: str) -> np.ndarray:
    error = metrics.window_mean(metrics.absolute(actual, forecast))
    return error / scales if metric == "mase" else error


def _owa(entry: Mapping[str, Any], reference: Mapping[str, Any]) -> float | None:
    """The mean of sMAPE and MASE, each relative to Naive2's. Source: Makridakis et al. 2020, section 2."""
    if not isinstance(entry.get("mase"), float) or not reference["smape"] or not reference["mase"]:
        return None
    return float((entry["smape"] / reference["smape"] + entry["mase"] / reference["mase"]) / 2)


def _groups(origins: np.ndarray, horizon: int) -> tuple[np.ndarray, str]:
    """Windows that go together: those of one stretch of time, of all series, since neighbouring windows overlap and
    series share shocks. Only where there are few such stretches is each series taken for itself, which is told."""
    width = 1 if horizon == 1 else 2 * horizon
    blocks, series = origins[:, 1] // width, origins[:, 0]
    count = len(np.unique(blocks))
    if count >= 5 or len(np.unique(series)) < 5:
        return blocks, "windows" if count == len(blocks) else "stretches of time"
    return series, "series, taken as independent"


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "none"
