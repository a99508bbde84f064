"""Ensemble weights: how much the recurrence and each linear model count, by what a validation part tells.

    log p = weight_0 log p_recurrence + sum_k weight_k log p_k,  made to sum to 1

First the linear models are joined (`mixture`, which prefers the simplest), then their mixture with the recurrence, in
tenths; one temperature makes the result as sure as it is right.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np

from throughtime.errors import UserError
from throughtime.linear.calibration import temperature
from throughtime.storage.parameters import check_finite_output

RECURRENCE = "recurrence"
"""The name of the recurrent members among the weights, beside those of linear models."""

MAJORITY = "majority class"
"""The linear model that never has a weight."""

OUT_OF_SCOPE = "out of scope"
"""What is answered where the model is not sure enough."""

_STEPS = 10

_MOST = 1e6
"""What a weight is below."""


class Weights(NamedTuple):
    """Of all models, by name; and of the linear models where they answer alone, none where there are none."""

    weights: dict[str, float]
    linear_weights: dict[str, float]


def combine(log_probabilities: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """The weighted sum of log probabilities (N, C), by name, made to sum to 1: (N, C) float64."""
    check_finite_output(log_probabilities.values())
    return log_softmax(sum(weights[name] * one for name, one in log_probabilities.items()))


def log_softmax(x: Any) -> np.ndarray:
    """Logarithms of the probabilities along the last axis."""
    shifted: np.ndarray = x - x.max(-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted


def check_weights(who: str, weights: Mapping[str, float], linear: Collection[str], threshold: float | None) -> None:
    """UserError unless weights and threshold are such, of models that are there. linear: names of linear models."""
    sound = all(isinstance(weight, int | float) and 0 <= weight < _MOST for weight in weights.values())
    if weights.keys() - {RECURRENCE, *linear} or not sound or not any(weights.values()):
        raise UserError(f"{who}: expected weights of {RECURRENCE} and of linear models; config.json is damaged")
    if threshold is not None and not (isinstance(threshold, float) and 0 <= threshold <= 1):
        raise UserError(f"{who}: expected a threshold from 0 to 1, got {threshold!r}; config.json is damaged")


def decide(recurrence: np.ndarray, linear: Mapping[str, np.ndarray], truth: np.ndarray, linear_models: bool) -> Weights:
    """The weights that a validation part tells.

    recurrence, linear: log probabilities (N, C). truth: (N,) class numbers, others say nothing. linear_models: whether
    those may have weights at all.
    """
    known = (truth >= 0) & (truth < recurrence.shape[1])
    alone, right = recurrence[known], truth[known]
    parts = {name: one[known] for name, one in linear.items() if name != MAJORITY}
    linear_weights: dict[str, float] = {}
    if parts and len(right):
        shares, scales = mixture(list(parts.values()), right)
        linear_weights = {name: float(w) for name, w in zip(parts, shares * scales, strict=True)}
    if not len(right):
        return Weights({RECURRENCE: 1.0}, linear_weights)
    mixed = combine(parts, linear_weights) if linear_weights and linear_models else None
    best, least = (1.0, 1.0), np.inf
    for tenths in range(_STEPS + 1) if mixed is not None else (_STEPS,):
        share = tenths / _STEPS
        joined = share * alone + ((1 - share) * mixed if mixed is not None else 0.0)
        factor = 1.0 / temperature(joined, right, prior=1.0)
        loss = float(-log_softmax(joined * factor)[np.arange(len(right)), right].mean())
        if loss < least:
            best, least = (share, factor), loss
    share, factor = best
    weights = {RECURRENCE: share * factor}
    if mixed is not None:
        weights |= {name: (1 - share) * factor * weight for name, weight in linear_weights.items()}
    return Weights(weights, linear_weights)


def stand(
    earlier: Mapping[str, float], found: Mapping[str, float], parts: Mapping[str, np.ndarray], truth: np.ndarray
) -> bool:
    """Whether the weights of an earlier training stand: where those found by a validation part, whose mean negative
    log-likelihood is the least there, are not better by more than one standard error of the paired differences.

    parts: log probabilities (N, C) by name. truth: (N,) class numbers, others say nothing. Source: see `mixture`.
    """
    if not earlier or not earlier.keys() <= parts.keys():
        return False
    known = (truth >= 0) & (truth < next(iter(parts.values())).shape[1])
    rows, right = np.arange(int(known.sum())), truth[known]
    if len(rows) < 2:
        return True
    one, other = (
        -log_softmax(combine({name: parts[name][known] for name in weights}, weights))[rows, right]
        for weights in (earlier, found)
    )
    apart = one - other
    return bool(apart.mean() <= apart.std(ddof=1) / np.sqrt(len(apart)))


def in_words(weights: Mapping[str, float]) -> str:
    """The shares of the weights, the largest first."""
    total = sum(weights.values()) or 1.0
    shares = sorted(((weight / total, name) for name, weight in weights.items() if weight), reverse=True)
    return ", ".join(f"{name} {share:.0%}" for share, name in shares)


class _Mixture(NamedTuple):
    """Weights (K,) that were tried. level: 0 for equal weights of all, 1 of some, 2 for others. factor: what their
    common temperature makes of the sum. losses: (N,)."""

    level: int
    loss: float
    weights: np.ndarray
    factor: float
    losses: np.ndarray


def mixture(log_probabilities: Sequence[np.ndarray], truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How to join K models: log p = sum_k weight_k scale_k log p_k, renormalised. Each (N, C); truth (N,), a
    validation part.

    Each model first gets a temperature of its own (scale 1 / T_k, drawn to 1 as by one more text). Then a grid of
    weights that sum to 1 is tried, each with one temperature more, which is put into the scales. Of those whose mean
    negative log-likelihood is within one standard error (of the paired differences) of the least, the simplest is
    taken: equal weights of all; else equal weights of some; else any. Returns weights (K,) and scales (K,).

    Source: the one standard error rule, Breiman et al. 1984, doi:10.1201/9781315139470, section 3.4.3.
    """
    parts = [np.asarray(one, np.float64) for one in log_probabilities]
    if not parts or any(one.shape != parts[0].shape or len(one) != len(truth) for one in parts):
        shapes = ", ".join(str(one.shape) for one in parts) or "none"
        raise UserError(f"ensemble: expected log-probabilities (N={len(truth)}, C) of every model, got {shapes}")
    if not all(np.isfinite(one).all() for one in parts):
        raise UserError("ensemble: expected finite log-probabilities")
    count = len(parts)
    known = (truth >= 0) & (truth < parts[0].shape[1])
    scales = np.array([1 / temperature(one, truth, 1.0) for one in parts])
    tried: list[_Mixture] = []
    for weights in _candidates(count) if known.any() else []:
        joined = np.asarray(sum(w * s * one[known] for w, s, one in zip(weights, scales, parts, strict=True) if w))
        factor = 1 / temperature(joined, truth[known], 1.0)
        losses = -log_softmax(joined * factor)[np.arange(int(known.sum())), truth[known]]
        level = 2 if len(set(weights[weights > 0])) > 1 else int((weights == 0).any())
        tried.append(_Mixture(level, float(losses.mean()), weights, factor, losses))
    if not tried:
        return np.full(count, 1 / count), scales
    least = min(tried, key=lambda one: one.loss)

    def close(one: _Mixture) -> bool:
        apart = one.losses - least.losses
        error = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else np.inf
        return bool(apart.mean() <= error)

    chosen = min((one for one in tried if close(one)), key=lambda one: (one.level, one.loss))
    return chosen.weights, chosen.factor * scales


def _candidates(count: int) -> list[np.ndarray]:
    """Weights that sum to 1: equal ones of every subset, and for up to four models all multiples of a tenth (of a
    fifth from three on)."""
    candidates = []
    for size in range(1, count + 1) if count <= 4 else (1, count):
        for some in combinations(range(count), size):
            weights = np.zeros(count)
            weights[list(some)] = 1 / size
            candidates.append(weights)
    steps = 10 if count == 2 else 5
    if 1 < count <= 4:
        grid = product(range(steps + 1), repeat=count - 1)
        candidates += [np.array([*g, steps - sum(g)]) / steps for g in grid if sum(g) <= steps]
    return candidates
