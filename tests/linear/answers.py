"""Answers of models of known quality."""

from __future__ import annotations

import numpy as np

from throughtime.linear.ensemble import log_softmax


def drawn(count: int, classes: int = 3, seed: int = 0, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities that are right about themselves, but for noise, and the truth drawn from them."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.standard_normal((count, classes))
    truth = np.array([rng.choice(classes, p=p) for p in np.exp(log_softmax(logits))])
    return log_softmax(logits + noise * rng.standard_normal(logits.shape)), truth


def nll(log: np.ndarray, truth: np.ndarray) -> float:
    return float(-log_softmax(log)[np.arange(len(truth)), truth].mean())
