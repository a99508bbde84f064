"""What a forecaster begins with: a linear map, and the mixture of it and the other references that errs least.

Where series hold little more than a line through their last values, a recurrence needs many values to find it; so it is
given that, in closed form, and corrects what is left. The mixture is weighed on the later windows by maps fitted to the
earlier ones, as Breiman 1996 stacks regressions, so that no reference gains from having seen what it is weighed on.

Sources: the shift by the last value: Zeng et al. 2022, arXiv:2205.13504, section 3 (NLinear); stacking with weights
that are not negative: Breiman 1996, doi:10.1007/BF00117832.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from throughtime.baselines.linear import ridge_map
from throughtime.models.ops_numpy import NumpyOps
from throughtime.tasks.forecast.ensemble import prefixes
from throughtime.tasks.forecast.model import LINEAR, ForecastConfig, linear_inputs
from throughtime.tasks.forecast.windows import Windows

_WINDOWS, _ROWS = 10_000, 512
"""Windows that are looked at, evenly spread; at once."""

_RIDGES = (1e-5, 1e-3, 1e-1, 1e1)
"""By how much of the mean of its diagonal the Gram matrix is made larger; the best on the later windows is taken."""

_LATE, _LEAST = 0.8, 20
"""Windows from this share of each series on are the later ones; how many there must be at least."""

_SPREAD = 0.05
"""The part of the mixture that all references share, so that training may still choose another one."""

_FAR = 10.0
"""A larger error, in the window's scale, counts as this one."""


def begun(
    config: ForecastConfig, parameters: Mapping[str, np.ndarray], windows: Windows, members: int
) -> dict[str, np.ndarray]:
    """Parameters of some models before they learn, with the linear map and the mixture of references that suit the
    windows; as they are where the model has no such map, or no window has all of its horizon observed."""
    found = dict(parameters)
    if not config.linear:
        return found
    x, y, references, late = _seen(config, windows)
    if not len(x):
        return found
    ridge = _RIDGES[-2]
    enough = late.sum() >= _LEAST and not late.all()
    if enough:
        ridge, tried = _best_map(x, y, late)
        each = np.concatenate([references[:, late], tried[None]]) - y[late]
        shares = (1 - _SPREAD) * _mixture(each) + _SPREAD / config.references
    weights = ridge_map(x, y, ridge)
    for prefix in prefixes(members):
        found[prefix + LINEAR] = np.ascontiguousarray(weights.T, dtype=parameters[prefix + LINEAR].dtype)
        if enough:
            found[prefix + "mixture"] = np.ascontiguousarray(np.log(shares), dtype=parameters[prefix + "mixture"].dtype)
    return found


def _best_map(x: np.ndarray, y: np.ndarray, late: np.ndarray) -> tuple[float, np.ndarray]:
    """The ridge by which a map fitted to the earlier windows errs least on the later ones, and what it says of them."""
    tried = {one: x[late] @ ridge_map(x[~late], y[~late], one) for one in _RIDGES}
    ridge = min(tried, key=lambda one: float(np.abs(tried[one] - y[late]).mean()))
    return ridge, tried[ridge]


def _seen(config: ForecastConfig, windows: Windows) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of windows whose horizon was observed: (M, W) what the map reads, (M, K) what came and (R, M, K) the references,
    both less the last value, and (M,) which windows are the later ones of their series."""
    numbers = np.unique(np.linspace(0, len(windows) - 1, min(len(windows), _WINDOWS)).round().astype(int))
    later, ops = _later(windows)[numbers], NumpyOps()
    parts = []
    for first in range(0, len(numbers), _ROWS):
        rows = slice(first, first + _ROWS)
        batch = windows.batch(numbers[rows])
        x, last = linear_inputs(ops, config, batch.seen.past, batch.seen.references)
        came = (batch.actual - batch.seen.level) / batch.seen.scale
        known = np.isfinite(came).all(1)
        parts.append((x[known], (came - last)[known], (batch.seen.references - last)[:, known], later[rows][known]))
    x, y, references, late = zip(*parts, strict=True)
    wide = np.concatenate(references, 1).astype(np.float64)
    return np.concatenate(x).astype(np.float64), np.concatenate(y), wide, np.concatenate(late)


def _later(windows: Windows) -> np.ndarray:
    """(M,) which windows are the later ones of their series."""
    series, origins = windows.origins.T
    ends = np.zeros(int(series.max()) + 1)
    np.maximum.at(ends, series, origins)
    late: np.ndarray = origins > _LATE * ends[series]
    return late


def _mixture(errors: np.ndarray) -> np.ndarray:
    """(R, K) shares, of each step ahead not negative and adding up to 1, by which errors (R, M, K) are least in the
    square; a reference whose share would be below 0 is left out, the one furthest below first."""
    errors = np.clip(errors, -_FAR, _FAR)
    gram = np.einsum("amk,bmk->kab", errors, errors)
    shares = np.zeros(gram.shape[:2])
    for k, one in enumerate(gram):
        kept = np.arange(len(one))
        while True:
            part = one[np.ix_(kept, kept)] + np.eye(len(kept)) * (1e-9 * np.trace(one) + 1e-300)
            found = np.linalg.solve(part, np.ones(len(kept)))
            if (found >= 0).all():
                break
            kept = np.delete(kept, found.argmin())
        shares[k, kept] = found / found.sum()
    return shares.T
