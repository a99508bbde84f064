"""Quantiles of the distributions a forecaster may predict, by seeded draws: no further library is needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DRAWS = 1000


def quantiles(
    name: str, outputs: np.ndarray, level: np.ndarray, scale: np.ndarray, levels: Sequence[float], seed: int = 0
) -> np.ndarray:
    """Quantiles (..., B, K, Q) in the series' own unit.

    outputs: (..., B, K, 3 or 2), the parameters in the window's scale, as the losses of tasks/forecast/loss.py read
    them. level, scale: (B, 1).
    """
    rng = np.random.default_rng(seed)
    values = np.empty((*outputs.shape[:-1], len(levels)))
    flat = outputs.astype(np.float64)
    shape = (*outputs.shape[:-1],)
    levels_of, scales_of = np.broadcast_to(level, shape).reshape(-1), np.broadcast_to(scale, shape).reshape(-1)
    flat, into = flat.reshape(-1, flat.shape[-1]), values.reshape(-1, len(levels))
    for first in range(0, len(flat), 4096):
        part = slice(first, first + 4096)
        draws = _DRAWN[name](rng, flat[part], levels_of[part], scales_of[part])
        into[part] = np.quantile(draws, levels, axis=0).T
    return into.reshape(values.shape)


def _student_t(rng: np.random.Generator, outputs: np.ndarray, level: np.ndarray, scale: np.ndarray) -> np.ndarray:
    degrees = 2.0 + _softplus(outputs[:, 2])
    draws = rng.standard_t(degrees, (DRAWS, len(outputs)))
    values: np.ndarray = (outputs[:, 0] + (_softplus(outputs[:, 1]) + 1e-3) * draws) * scale + level
    return values


def _negative_binomial(
    rng: np.random.Generator, outputs: np.ndarray, level: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    mean = _softplus((outputs[:, 0] * scale + level) / scale) * scale + 1e-6
    count = 1.0 / (_softplus(outputs[:, 1]) + 1e-6)
    return rng.negative_binomial(count, count / (count + mean), (DRAWS, len(outputs))).astype(np.float64)


def _softplus(x: np.ndarray) -> np.ndarray:
    positive: np.ndarray = np.logaddexp(0.0, x)
    return positive


_DRAWN = {"student_t": _student_t, "negative_binomial": _negative_binomial}
