"""A forecaster's windows beside every baseline's, on the same origins, and the verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from throughtime.baselines import series_metrics as metrics
from throughtime.baselines.intervals import judged
from throughtime.baselines.linear import LinearMap, WindowMLP
from throughtime.baselines.simple import (
    Baseline,
    Drift,
    Median,
    Naive,
    Naive2,
    SeasonalNaive,
    SeasonMean,
    Zero,
    carried,
)
from throughtime.baselines.statistical import KINDS, Statistical, TooSlow
from throughtime.baselines.verdict import FEWEST, compared, span_in_words, too_few, verdict
from throughtime.errors import UserError
from throughtime.options import Json

_ROWS = 20_000
"""Windows a baseline predicts at once."""

_NEGLIGIBLE = 1e-6
"""An error so small, relative to how far the values usually are from their mean, is none but for rounding."""


def all_baselines(season: int, seconds: float) -> list[Baseline]:
    """Every baseline; seconds: how long each of statsforecast's may take, 0 leaves them out. Not all of them say
    something about all histories (`applies`)."""
    baselines: list[Baseline] = [Naive(), Drift(), Median(), Zero()]
    if season > 1:
        baselines += [SeasonalNaive(), SeasonMean(), Naive2()]
    baselines += [LinearMap(), WindowMLP()]
    if seconds > 0:
        baselines += [Statistical(kind, seconds) for kind in KINDS]
    return baselines


@dataclass(frozen=True)
class Backtest:
    """Windows that are forecast.

    histories: (L_n,) whole series, NaN where missing. origins: (M, 2), pairs of a series' number and of how many values
    are seen; the H after them are compared. season: in steps, 1 for none. shared: whether the series run side by side,
    such as the columns of one installation, so that what happens to one happens to others. starts: (N,) the place of
    each series' first value on a common clock, in steps; None where they begin together, or none is known. width: steps
    of a stretch of time whose windows go together; None: two horizons, which neighbouring windows share. UserError for
    an origin without a past.
    """

    histories: Sequence[np.ndarray]
    origins: np.ndarray
    horizon: int
    season: int = 1
    shared: bool = False
    starts: np.ndarray | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        if not len(self.origins) or self.origins[:, 1].min() < 1:
            raise UserError("compare: every window needs a past; give origins from 1 up")

    @cached_property
    def actual(self) -> np.ndarray:
        """(M, H) what came, NaN where missing."""
        return np.stack([_coming(self.histories[s], o, self.horizon) for s, o in self.origins])

    @cached_property
    def series(self) -> np.ndarray:
        """The numbers of the series that have windows."""
        return np.unique(self.origins[:, 0])

    @cached_property
    def before(self) -> list[np.ndarray]:
        """Of each of these, what lies before its first window: what a baseline learns from."""
        first = {int(s): int(self.origins[self.origins[:, 0] == s, 1].min()) for s in self.series}
        return [self.histories[s][: first[int(s)]] for s in self.series]

    @cached_property
    def scales(self) -> np.ndarray:
        """(M,) what MASE divides each window's error by."""
        scale = dict(zip(self.series.tolist(), metrics.scales(self.before, self.season), strict=True))
        return np.array([scale[s] for s in self.origins[:, 0].tolist()])

    def losses(self, forecast: np.ndarray, metric: str) -> np.ndarray:
        """(M,) of "mae" or "mase"."""
        error = metrics.window_mean(metrics.absolute(self.actual, forecast))
        return error / self.scales if metric == "mase" else error

    def negligible(self, metric: str) -> float:
        """A loss up to which it is none but for rounding."""
        known = self.actual[np.isfinite(self.actual)]
        if not len(known):
            return 0.0
        spread = float(np.abs(known - known.mean()).mean()) or float(np.abs(known).mean())
        return _NEGLIGIBLE * (1.0 if metric == "mase" else spread)

    def groups(self) -> tuple[np.ndarray, str]:
        """Windows that go together: those of one stretch of time, of all series, since neighbouring windows overlap and
        series share shocks. Only where there are few such stretches, and the series do not run side by side, is each
        taken for itself, which is told."""
        width = self.width or (1 if self.horizon == 1 else 2 * self.horizon)
        series = self.origins[:, 0]
        clock = self.origins[:, 1] if self.starts is None else self.origins[:, 1] + self.starts[series]
        blocks = clock // width
        count = len(np.unique(blocks))
        if self.shared or count >= FEWEST or len(np.unique(series)) < FEWEST:
            return blocks, "windows" if count == len(blocks) else "stretches of time"
        return series, "series, taken as independent"


def compare(
    backtest: Backtest,
    forecast: np.ndarray,
    quantiles: np.ndarray | None = None,
    levels: Sequence[float] = (),
    baselines: Sequence[Baseline] | None = None,
    seconds: float = 60.0,
    metric: str = "mae",
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Json]:
    """Figures of a model and of the baselines, by the same windows, and whether the model is better.

    forecast: (M, H), quantiles: (M, H, Q) of levels. A baseline learns from what is before the first origin of each
    series, and predicts from what is before each. metric: "mae", or "mase" where the series differ in size and change:
    what the verdict is about. say: told what goes on.

    Returns mae, rmse, mse, smape, mase, owa, crps, coverage where defined; windows, by_horizon, residuals, baselines,
    intervals, verdict.
    """
    if not np.isfinite(forecast).all():
        raise UserError("compare: every window needs a finite forecast; a forecast that is missing is no score")
    if not np.isfinite(backtest.scales).any():
        metric = "mae"  # of series that repeat themselves exactly there is no change to divide by
    counts = {"windows": len(backtest.origins), "series": len(backtest.series)}
    result: dict[str, Json] = {**counts, "horizon": backtest.horizon, "season": backtest.season}
    result |= metrics.measure(backtest.actual, forecast, backtest.scales, quantiles, levels)
    result["by_horizon"] = {"mae": _by_step(backtest.actual, forecast)}
    result["residuals"] = _residuals(backtest.actual - forecast, backtest.scales, backtest.origins)
    whole = [carried(one) for one in backtest.histories]
    entries: dict[str, dict[str, Json]] = {}
    losses: dict[str, np.ndarray] = {}
    for baseline in all_baselines(backtest.season, seconds) if baselines is None else baselines:
        if not baseline.applies(backtest.before):
            continue
        try:
            entry, theirs = _entry(backtest, baseline, whole)
        except (TooSlow, ImportError) as reason:
            missing = getattr(reason, "name", None)
            entries[baseline.name] = {"skipped": f"needs {missing}" if missing else str(reason)}
            say(f"{baseline.name}: skipped, {entries[baseline.name]['skipped']}")
            continue
        entries[baseline.name], losses[baseline.name] = entry, backtest.losses(theirs, metric)
        said = f" ({entry['note']})" if "note" in entry else ""
        say(f"{baseline.name}: MAE {_shown(entry['mae'])}{said}")
    reference = entries.get("Naive2", {})
    if isinstance(reference.get("mase"), float):
        for one in [result, *entries.values()]:
            one["owa"] = _owa(one, reference)
    groups, unit = backtest.groups()
    if quantiles is not None and (words := judged(backtest.actual, quantiles, levels, groups, unit)):
        result["intervals"] = words
    result["baselines"] = entries
    if losses:
        best = min(losses, key=lambda name: float(np.nanmean(losses[name])))
        pair, least = (backtest.losses(forecast, metric), losses[best]), backtest.negligible(metric)
        result["verdict"] = verdict(*pair, best, metric.upper(), unit, groups, negligible=least).to_json()
    return result


def _entry(backtest: Backtest, baseline: Baseline, whole: Sequence[np.ndarray]) -> tuple[dict[str, Json], np.ndarray]:
    """A baseline's figures and forecasts. whole: the histories, what is missing carried on."""
    began = time.perf_counter()
    baseline.fit(backtest.before, backtest.season, backtest.horizon)
    parts = []
    for start in range(0, len(backtest.origins), _ROWS):
        parts.append(baseline.predict([whole[s][:o] for s, o in backtest.origins[start : start + _ROWS]]))
    theirs = np.concatenate(parts)
    entry: dict[str, Json] = metrics.measure(backtest.actual, theirs, backtest.scales)
    entry["by_horizon"] = {"mae": _by_step(backtest.actual, theirs)}
    entry["seconds"] = round(time.perf_counter() - began, 2)
    if failed := getattr(baseline, "failed", 0):
        entry["failed"] = failed
    if note := getattr(baseline, "note", ""):
        entry["note"] = note
    return entry, theirs


def control(backtest: Backtest, shuffled: np.ndarray, forecast: np.ndarray) -> dict[str, Json]:
    """What the order of the past is worth: forecasts (M, H) from windows whose steps were put in a random order, beside
    those from the windows themselves.

    Returns mae, that of the shuffled ones; rise, by how much it is above the model's own, as a share, with low and
    high, its 95 % interval; and a sentence, which claims no more than the interval shows.
    """
    theirs, ours = (_sums(metrics.absolute(backtest.actual, one)) for one in (shuffled, forecast))
    groups, unit = backtest.groups()
    both = compared(theirs, ours, unit, groups)
    mixed = metrics.mean(metrics.absolute(backtest.actual, shuffled))
    if mixed is None or not both.groups or not both.theirs:
        return {"mae": mixed, "sentence": "What the order of the past is worth cannot be told."}
    rise, low, high = -both.gain, -both.high, -both.low
    units = both.in_units(backtest.negligible("mae"))
    share = f"{abs(rise):.1%} {'above' if rise >= 0 else 'below'} the model's own"
    told = f"With the steps of the past in random order the MAE is {_shown(mixed)}, "
    told += f"with the steps in order {both.theirs:.3g}" if units else share
    result = {"mae": mixed, "rise": rise, "low": low, "high": high}
    if both.groups < FEWEST:
        sentence = f"{told}; {too_few(both.groups, unit)} to tell what their order is worth."
        return {"mae": mixed, "rise": rise, "sentence": sentence}
    between = f"95 % interval {span_in_words(low, high, 'above', 'below')} over {both.groups:,} {unit}"
    between = both.difference_between() if units else between
    if high < _WORTH:
        end = ": the model gains next to nothing from their order."
    else:
        end = "." if low > 0 else ": that their order is worth anything is not shown."
    return {**result, "sentence": f"{told} ({between}){end}"}


_WORTH = 0.01
"""A smaller rise of the error, as a share, is called next to nothing."""

_BINS, _LAGS = 40, 24


def _sums(errors: np.ndarray) -> np.ndarray:
    """(M, 2): of each window the sum of its errors, and how many there are."""
    known = np.isfinite(errors)
    return np.stack([np.where(known, errors, 0.0).sum(1), known.sum(1)], 1)


def _residuals(errors: np.ndarray, scales: np.ndarray, origins: np.ndarray) -> dict[str, Json]:
    """Of errors (M, H), actual less forecast: bias, their mean by steps ahead; edges and counts, a histogram of them in
    the scale of MASE, its ends open; autocorrelation, of the first step's error with those of the next origins, where
    these are evenly apart; stride, by how many steps."""
    relative = (errors / scales[:, None])[np.isfinite(errors) & (scales > 0)[:, None]]
    residuals: dict[str, Json] = {"bias": [metrics.mean(column) for column in errors.T]}
    if len(relative):
        reach = max(float(np.quantile(np.abs(relative), 0.99)), 1e-12)
        counts, edges = np.histogram(np.clip(relative, -reach, reach), _BINS, (-reach, reach))
        residuals |= {"edges": edges.tolist(), "counts": counts.tolist()}
    apart = {int(d) for s in np.unique(origins[:, 0]) for d in np.diff(origins[origins[:, 0] == s, 1])}
    if len(apart) == 1:
        sums, power = np.zeros(_LAGS + 1), 0
        for s in np.unique(origins[:, 0]):
            first = errors[origins[:, 0] == s, 0]
            first = np.where(np.isfinite(first), first - np.nanmean(first) if np.isfinite(first).any() else 0.0, 0.0)
            if len(first) > 4 * _LAGS and first.any():
                first = first / np.sqrt((first**2).sum())
                sums += [(first[lag:] * first[: len(first) - lag]).sum() for lag in range(_LAGS + 1)]
                power += 1
        if power:
            residuals |= {"autocorrelation": (sums[1:] / power).tolist(), "stride": apart.pop()}
    return residuals


def _coming(history: np.ndarray, origin: int, count: int) -> np.ndarray:
    values = np.full(count, np.nan)
    part = history[origin : origin + count]
    values[: len(part)] = part
    return values


def _by_step(actual: np.ndarray, forecast: np.ndarray) -> list[float | None]:
    return [metrics.mean(error) for error in metrics.absolute(actual, forecast).T]


def _owa(entry: Mapping[str, Json], reference: Mapping[str, Json]) -> float | None:
    """The mean of sMAPE and MASE, each relative to Naive2's. Source: Makridakis et al. 2020, section 2."""
    if not isinstance(entry.get("mase"), float) or not reference["smape"] or not reference["mase"]:
        return None
    return float((entry["smape"] / reference["smape"] + entry["mase"] / reference["mase"]) / 2)


def _shown(value: Json) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "none"
