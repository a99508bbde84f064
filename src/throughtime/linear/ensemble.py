"""Who has how much to say: the recurrence and linear models, joined by what a validation part tells.

    log p = weight_0 log p_recurrence + sum_k weight_k log p_k,  made to sum to 1

First the linear models are joined (classify_metrics.fuse, which prefers the simplest mixture), then their mixture with
the recurrence, in tenths; one temperature makes the result as sure as it is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from throughtime.linear import metrics
from throughtime.linear.calibration import temperature
from throughtime.storage.parameters import check_finite_output

MAJORITY = "majority class"
"""The linear model that never has a say."""

_STEPS = 10


RECURRENCE = "recurrence"
"""The name of the recurrent members in a fusion, beside those of linear models."""


OUT_OF_SCOPE = "out of scope"
"""What is answered where the model is not sure enough."""


def fuse(parts: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """The weighted sum of log probabilities (N, C), made to sum to 1."""
    check_finite_output(parts.values())
    return log_softmax(sum(weights[name] * own for name, own in parts.items()))


def log_softmax(x: Any) -> np.ndarray:
    """Logarithms of the probabilities along the last axis."""
    shifted: np.ndarray = x - x.max(-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted


def decide(
    recurrence: np.ndarray, linear: Mapping[str, np.ndarray], truth: np.ndarray, wide: bool
) -> tuple[dict[str, float], dict[str, float]]:
    """The weights of all, by name, and those of the linear models alone (empty where there are none).

    recurrence, linear: log probabilities (N, C) of a validation part. truth: (N,) class numbers, others say nothing.
    wide: whether linear models may have a say at all.
    """
    known = (truth >= 0) & (truth < recurrence.shape[1])
    own, right = recurrence[known], truth[known]
    parts = {name: one[known] for name, one in linear.items() if name != MAJORITY}
    without: dict[str, float] = {}
    if parts and len(right):
        weights, scales = metrics.fuse(list(parts.values()), right)
        without = {name: float(w) for name, w in zip(parts, weights * scales, strict=True)}
    if not len(right):
        return {RECURRENCE: 1.0}, without
    mixed = fuse(parts, without) if without and wide else None
    best, least = (1.0, 1.0), np.inf
    for tenths in range(_STEPS + 1) if mixed is not None else (_STEPS,):
        share = tenths / _STEPS
        both = share * own + ((1 - share) * mixed if mixed is not None else 0.0)
        factor = 1.0 / temperature(both, right, prior=1.0)
        loss = float(-log_softmax(both * factor)[np.arange(len(right)), right].mean())
        if loss < least:
            best, least = (share, factor), loss
    share, factor = best
    fusion = {RECURRENCE: share * factor}
    if mixed is not None:
        fusion |= {name: (1 - share) * factor * weight for name, weight in without.items()}
    return fusion, without


def told(fusion: Mapping[str, float]) -> str:
    """The shares in words."""
    total = sum(fusion.values()) or 1.0
    shares = sorted(((weight / total, name) for name, weight in fusion.items() if weight), reverse=True)
    return ", ".join(f"{name} {share:.0%}" for share, name in shares)
