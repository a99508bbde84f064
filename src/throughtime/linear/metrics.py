"""How good a classifier's answers are, and how far its probabilities can be relied on.

Classes are numbers 0..C-1. A truth outside them is a label that training never saw: an error everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.linear.calibration import temperature as temperature

BINS = 15
"""Bins of the calibration error, as Guo et al. take."""

_ONE_SIDED = 1.6448536269514722
"""The standard normal's 95 % quantile."""


def accuracy(predicted: np.ndarray, truth: np.ndarray) -> float:
    """The share (0 without a text) of (N,) answers that are right."""
    _same("accuracy", predicted, truth)
    return float((predicted == truth).mean()) if len(truth) else 0.0


def macro_f1(predicted: np.ndarray, truth: np.ndarray) -> float:
    """The mean over classes of 2 tp / (2 tp + fp + fn); classes that are in truth or predicted, (N,) each, count."""
    _same("macro F1", predicted, truth)
    classes, numbers = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    if not len(classes):
        return 0.0
    true, said = numbers[: len(truth)], numbers[len(truth) :]
    right = np.bincount(true[true == said], minlength=len(classes))
    f1 = 2 * right / (np.bincount(true, minlength=len(classes)) + np.bincount(said, minlength=len(classes)))
    return float(f1.mean())


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(C, C) int64, how many of class row were called class column. A truth outside has no row and is left out."""
    _same("confusion", predicted, truth)
    known = (truth >= 0) & (truth < classes)
    found = np.bincount(truth[known] * classes + predicted[known], minlength=classes * classes)
    return found.reshape(classes, classes).astype(np.int64)


def reliability(probabilities: np.ndarray, truth: np.ndarray, bins: int = BINS) -> dict[str, list[Any]]:
    """How often answers of a confidence are right. probabilities: (N, C). truth: (N,).

    The confidence is the highest probability; bins (a, b] of equal widths from 0 to 1. Returns edges (bins + 1),
    counts, and by bin the mean confidence and the accuracy, None for an empty bin.
    """
    _same("reliability", probabilities, truth)
    top = probabilities.max(1) if len(truth) else np.zeros(0)
    right = probabilities.argmax(1) == truth if len(truth) else np.zeros(0)
    own = np.clip(np.ceil(top.astype(np.float64) * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(own, minlength=bins)
    sums = [np.bincount(own, value, bins) for value in (top, right)]
    means = [[float(s / n) if n else None for s, n in zip(total, counts, strict=True)] for total in sums]
    edges = np.linspace(0, 1, bins + 1).tolist()
    return {"edges": edges, "counts": counts.tolist(), "confidence": means[0], "accuracy": means[1]}


def calibration_error(probabilities: np.ndarray, truth: np.ndarray, bins: int = BINS) -> float:
    """The expected calibration error: the mean over texts of |accuracy - confidence| of their bin of `reliability`.

    Source: Guo et al. 2017, arXiv:1706.04599, equation 3.
    """
    found = reliability(probabilities, truth, bins)
    parts = zip(found["counts"], found["confidence"], found["accuracy"], strict=True)
    return float(sum(n * abs(a - c) for n, c, a in parts if n) / max(1, len(truth)))


def coverage_at(
    confidence: np.ndarray, right: np.ndarray, target: float, bound: bool = False, quantile: float = _ONE_SIDED
) -> float | None:
    """The least confidence such that of the answers (N,) at least as sure, the share `target` at least is right.

    bound: not the share itself but its Wilson lower bound, one-sided 95 % by `quantile`, must reach the target: on few
    texts a share is easily too good by chance. None where no confidence suffices.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953; selective classification, Geifman and El-Yaniv 2017,
    arXiv:1705.08500.
    """
    _same("coverage", confidence, right)
    order = np.argsort(-confidence, kind="stable")
    sure, n = confidence[order], np.arange(1, len(order) + 1)
    share = np.cumsum(right[order]) / n
    if bound:
        z2 = quantile**2
        spread = quantile * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
        share = (share + z2 / (2 * n) - spread) / (1 + z2 / n)
    enough = share >= target - 1e-12
    enough[:-1] &= sure[:-1] != sure[1:]  # equally sure answers are kept or left together
    last = np.flatnonzero(enough)
    return float(sure[last[-1]]) if len(last) else None


def fuse(log_probabilities: Sequence[np.ndarray], truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
        raise UserError(f"fuse: expected log-probabilities (N={len(truth)}, C) of every model, got {shapes}")
    if not all(np.isfinite(one).all() for one in parts):
        raise UserError("fuse: expected finite log-probabilities")
    count = len(parts)
    known = (truth >= 0) & (truth < parts[0].shape[1])
    scales = np.array([1 / temperature(one, truth, 1.0) for one in parts])
    tried: list[tuple[int, float, np.ndarray, float, np.ndarray]] = []
    for weights in _mixtures(count) if known.any() else []:
        joined = sum(w * s * one[known] for w, s, one in zip(weights, scales, parts, strict=True) if w)
        factor = 1 / temperature(np.asarray(joined), truth[known], 1.0)
        losses = -normalised(np.asarray(joined) * factor)[np.arange(int(known.sum())), truth[known]]
        level = 2 if len(set(weights[weights > 0])) > 1 else int((weights == 0).any())
        tried.append((level, float(losses.mean()), weights, factor, losses))
    if not tried:
        return np.full(count, 1 / count), scales
    least = min(tried, key=lambda one: one[1])

    def close(one: tuple[int, float, np.ndarray, float, np.ndarray]) -> bool:
        apart = one[4] - least[4]
        error = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else np.inf
        return bool(apart.mean() <= error)

    chosen = min((one for one in tried if close(one)), key=lambda one: one[:2])
    return chosen[2], chosen[3] * scales


def fused(log_probabilities: Sequence[np.ndarray], weights: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """(N, C) float64 log-probabilities of several models joined as `fuse` says."""
    parts = zip(weights, scales, log_probabilities, strict=True)
    return normalised(np.asarray(sum(w * s * np.asarray(one, np.float64) for w, s, one in parts)))


def normalised(logits: np.ndarray) -> np.ndarray:
    """(N, C) less the log of the sum of the exponentials."""
    own = logits - logits.max(1, keepdims=True)
    found: np.ndarray = own - np.log(np.exp(own).sum(1, keepdims=True))
    return found


def _mixtures(count: int) -> list[np.ndarray]:
    """Weights that sum to 1: equal ones of every subset, and for up to four models all multiples of a tenth (of a
    fifth from three on)."""
    found = []
    for size in range(1, count + 1) if count <= 4 else (1, count):
        for some in combinations(range(count), size):
            weights = np.zeros(count)
            weights[list(some)] = 1 / size
            found.append(weights)
    steps = 10 if count == 2 else 5
    if 1 < count <= 4:
        grid = product(range(steps + 1), repeat=count - 1)
        found += [np.array([*g, steps - sum(g)]) / steps for g in grid if sum(g) <= steps]
    return found


def _same(what: str, one: np.ndarray, other: np.ndarray) -> None:
    if len(one) != len(other):
        raise UserError(f"{what}: expected as many answers as truths, got {len(one)} and {len(other)}")
