"""How good an answer is likely to be, from what is known of it: fitted on the validation part.

    sure = sigmoid(w_0 + w . f)        f: mean log p of a piece, coverage, how much is copied, pieces a word, length

The weights minimise the cross-entropy with the quality that answers had there (from 0 to 1), so that of answers with a
confidence of 0.6 the mean quality is about 0.6.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from throughtime.runtime.beam import Answer

FEATURES = ("log p of a piece", "coverage", "copied", "pieces a word", "length")

_RIDGE = 1.0
"""How strongly weights are drawn to 0, in answers."""

FEWEST = 50
"""Answers that weights can be fitted on."""


def features(answer: Answer, source: str) -> np.ndarray:
    """(F,) what is known of an answer."""
    count = len(answer.ids) + 1
    covered = np.log(np.clip(answer.covered, 0.05, 1.0)).mean() if answer.shares.size else 0.0
    words = max(1, len(source.split()))
    return np.array(
        [answer.logarithm / count, covered, float(answer.copied.mean()), answer.shares.shape[1] / words, np.log(count)]
    )


def confidence(weights: Sequence[float], known: np.ndarray) -> float:
    """From 0 to 1. weights: (1 + F,)."""
    if len(weights) != 1 + len(known):
        return 0.0
    score = float(np.clip(weights[0] + float(np.dot(weights[1:], known)), -50.0, 50.0))
    return float(1.0 / (1.0 + np.exp(-score)))


def fit(known: np.ndarray, quality: np.ndarray) -> tuple[float, ...]:
    """The weights (1 + F,) for features (N, F) of answers and their quality (N,) from 0 to 1; none where those are too
    few. Newton's method on the standardized features."""
    if len(known) < FEWEST or not np.isfinite(known).all():
        return ()
    mean, deviation = known.mean(0), known.std(0)
    deviation = np.where(deviation > 1e-9, deviation, np.inf)
    x = np.concatenate([np.ones((len(known), 1)), (known - mean) / deviation], 1)
    ridge = _RIDGE * np.diag([1e-6, *[1.0] * known.shape[1]])
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (p - quality) + ridge @ weights
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + ridge + 1e-9 * np.eye(len(weights)), gradient)
        weights = weights - np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-9:
            break
    slopes = weights[1:] / deviation
    return tuple(float(one) for one in (weights[0] - float(slopes @ mean), *slopes))
