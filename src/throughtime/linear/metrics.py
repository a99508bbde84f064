"""How good a classifier's answers are, and how far its probabilities can be relied on.

Classes are numbers 0..C-1. A truth outside them is a label that training never saw: an error everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from throughtime.errors import UserError

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


def _same(what: str, one: np.ndarray, other: np.ndarray) -> None:
    if len(one) != len(other):
        raise UserError(f"{what}: expected as many answers as truths, got {len(one)} and {len(other)}")
