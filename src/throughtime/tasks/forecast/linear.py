"""What a forecaster begins with: a linear map of the last values, which is nearly all of its references' mixture.

Where series hold little more than a line through their last values, a recurrence needs many values to find it; so it is
given that, in closed form, and corrects what is left. The map is a ridge regression, mixed with exponential smoothing
(tasks/forecast/smoothing.py), which has next to nothing to learn. They are weighed on the later windows by maps fitted
to the earlier ones, as Breiman 1996 stacks regressions, so that none gains from having seen what it is weighed on.

Sources: the shift by the last value: Zeng et al. 2022, arXiv:2205.13504, section 3 (NLinear); stacking with weights
that are not negative: Breiman 1996, doi:10.1007/BF00117832.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from throughtime.baselines.linear import ridge_map
from throughtime.models.ops_numpy import NumpyOps
from throughtime.tasks.forecast.ensemble import prefixes
from throughtime.tasks.forecast.model import CONSTANT, LINEAR, ForecastConfig, linear_inputs
from throughtime.tasks.forecast.smoothing import smoothings
from throughtime.tasks.forecast.windows import Windows

_WINDOWS, _ROWS = 10_000, 512
"""Windows that are looked at, evenly spread; at once."""

_RIDGES = (1e-5, 1e-3, 1e-1, 1e1)
"""By how much of the mean of its diagonal the Gram matrix is made larger; the best on the later windows is taken."""

_LATE, _LEAST = 0.8, 5
"""Windows from this share of each series on are the later ones; how many there must be at least."""

_SPREAD = 0.01
"""The part of the mixture that all references share, so that training may still choose another one."""

SMOOTHED = 1024
"""Values that smoothing reads, at most."""

_FAR = 10.0
"""A larger error, in the window's scale, counts as this one."""

_ALIKE = 1e-3
"""What is added to the mean squares of smoothings, so that of two that are nearly alike neither gets all."""

_EVEN, _WORSE = 0.5, 1.1
"""How far the shares of the regression and of smoothing are drawn towards equal ones, since few windows tell little;
unless the error became so many times larger."""

_AHEAD = 48
"""Steps ahead by which smoothings are weighed, at most."""


def begun(
    config: ForecastConfig,
    parameters: Mapping[str, np.ndarray],
    windows: Windows,
    members: int,
    width: int,
    season: int = 1,
    levels: Sequence[float] = (),
) -> dict[str, np.ndarray]:
    """Parameters of some models before they learn, with the linear map that suits the windows as nearly all of the
    references' mixture; as they are where the model has no such map, or no window has all of its horizon observed.

    width: of how many of the last values a regression is taken; smoothing reads all that the map does. season: in
    steps, 1 for none. levels: of quantiles, which begin as far apart as the map errs on the later windows: few steps
    teach them no spread.
    """
    found = dict(parameters)
    if not config.linear:
        return found
    x, y, late = _seen(config, windows)
    if not len(x):
        return found
    near = np.concatenate([x[:, -width:], np.ones((len(x), 1))], 1)
    weights, enough = _padded(ridge_map(near, y, _RIDGES[-1]), x), late.sum() >= _LEAST and not late.all()
    if enough:
        ridge, tried = _best_map(near, y, late)
        smooth = _smoothing(x[late], y[late], season)
        errors = np.stack([tried, x[late] @ smooth]) - y[late]
        parts = _drawn_together(errors)
        weights = parts[0] * _padded(ridge_map(near, y, ridge), x)
        weights[:-1] += parts[1] * smooth
    shares = np.full(parameters[prefixes(members)[0] + "mixture"].shape, _SPREAD / config.references)
    shares[-1] += 1 - _SPREAD
    values = {LINEAR: weights[:-1].T, CONSTANT: weights[-1], "mixture": np.log(shares)}
    if enough and len(levels) == config.outputs > 1 and config.distribution == "none":
        rest = -np.tensordot(parts, errors, 1)
        apart = [0.0 if level == 0.5 else np.quantile(rest, level) for level in levels]
        values["output.b_y"] = np.tile(apart, config.segment)
    for prefix in prefixes(members):
        for name, value in values.items():
            found[prefix + name] = np.ascontiguousarray(value, dtype=parameters[prefix + name].dtype)
    return found


def _best_map(x: np.ndarray, y: np.ndarray, late: np.ndarray) -> tuple[float, np.ndarray]:
    """The ridge by which a map fitted to the earlier windows errs least on the later ones, and what it says of them."""
    tried = {one: x[late] @ ridge_map(x[~late], y[~late], one) for one in _RIDGES}
    ridge = min(tried, key=lambda one: float(np.abs(tried[one] - y[late]).mean()))
    return ridge, tried[ridge]


def _padded(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A map of the last values and a constant as one of all that x (M, W) holds, and a constant."""
    return np.concatenate([np.zeros((x.shape[1] + 1 - len(weights), weights.shape[1])), weights])


def _drawn_together(errors: np.ndarray) -> np.ndarray:
    """(2,) the shares of two by their errors (2, M, K), drawn towards equal ones where that does little harm."""
    shares = _shares(_gram(errors))
    drawn = (1 - _EVEN) * shares + _EVEN / len(shares)
    least, other = (float(np.abs(np.tensordot(one, errors, 1)).mean()) for one in (shares, drawn))
    return drawn if other <= _WORSE * least else shares


def _smoothing(x: np.ndarray, y: np.ndarray, season: int) -> np.ndarray:
    """(W, K) the mixture of smoothings that errs least. x: (M, W) values, y: (M, K) what came."""
    width, horizon = x.shape[1], y.shape[1]
    ahead = np.unique(np.linspace(0, horizon - 1, min(horizon, _AHEAD)).round().astype(int))
    gram = _gram(np.stack([x @ one[:, ahead] - y[:, ahead] for one in smoothings(width, horizon, season)]))
    shares = _shares(gram + np.eye(len(gram)) * (_ALIKE * np.trace(gram) / len(gram)))
    mixed = np.zeros((width, horizon))
    for share, one in zip(shares, smoothings(width, horizon, season), strict=True):
        if share > 0:
            mixed += share * one
    return mixed


def _seen(config: ForecastConfig, windows: Windows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of windows whose horizon was observed: (M, W) what the map reads and (M, K) what came, less the last value, and
    (M,) which windows are the later ones of their series."""
    numbers = np.unique(np.linspace(0, len(windows) - 1, min(len(windows), _WINDOWS)).round().astype(int))
    later, ops = _later(windows)[numbers], NumpyOps()
    parts = []
    for first in range(0, len(numbers), _ROWS):
        rows = slice(first, first + _ROWS)
        batch = windows.batch(numbers[rows])
        x, last = linear_inputs(ops, config, batch.seen.past, batch.seen.references)
        came = (batch.actual - batch.seen.level) / batch.seen.scale
        known = np.isfinite(came).all(1)
        parts.append((x[known], (came - last)[known], later[rows][known]))
    x, y, late = zip(*parts, strict=True)
    return np.concatenate(x).astype(np.float64), np.concatenate(y), np.concatenate(late)


def _later(windows: Windows) -> np.ndarray:
    """(M,) which windows are the later ones of their series."""
    series, origins = windows.origins.T
    ends = np.zeros(int(series.max()) + 1)
    np.maximum.at(ends, series, origins)
    late: np.ndarray = origins > _LATE * ends[series]
    return late


def _gram(errors: np.ndarray) -> np.ndarray:
    """(R, R) sums of products of errors (R, M, K)."""
    flat = np.clip(errors, -_FAR, _FAR).reshape(len(errors), -1)
    products: np.ndarray = flat @ flat.T
    return products


def _shares(gram: np.ndarray) -> np.ndarray:
    """(R,) shares, not negative and adding up to 1, by which errors with sums of products (R, R) are least; one whose
    share would be below 0 is left out, the one furthest below first."""
    shares, kept = np.zeros(len(gram)), np.arange(len(gram))
    while True:
        part = gram[np.ix_(kept, kept)] + np.eye(len(kept)) * (1e-9 * np.trace(gram) + 1e-300)
        found = np.linalg.solve(part, np.ones(len(kept)))
        if (found >= 0).all():
            break
        kept = np.delete(kept, found.argmin())
    shares[kept] = found / found.sum()
    return shares
