"""What classes weigh in training, as scikit-learn names it: class_weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from throughtime.data.label_sets import multi_hot
from throughtime.errors import UserError
from throughtime.linear.fit import numbers
from throughtime.tasks.classify.options import ClassifierOptions


def class_weights(options: ClassifierOptions, classes: Sequence[str], truth: np.ndarray) -> np.ndarray | None:
    """(C,) float32, of each class; (2, C) of texts without and with each label, where a text may have several.

    truth: (N,) class numbers, or (N, C) bool. "balanced": N / (C n_c), of labels N / (2 n). None: all weigh the same.
    Raises UserError for a class that is none.
    """
    given: Any = "balanced" if options.balanced else options.class_weight
    if given is None:
        return None
    several = truth.ndim == 2
    if given == "balanced":
        if several:
            there = np.maximum(1, np.stack([(~truth).sum(0), truth.sum(0)]))
            weights: np.ndarray = (len(truth) / (2 * there)).astype(np.float32)
            return weights
        counts = np.maximum(1, np.bincount(truth, minlength=len(classes)))
        by_class: np.ndarray = (len(truth) / (len(classes) * counts)).astype(np.float32)
        return by_class
    if unknown := [name for name in given if name not in classes]:
        there = ", ".join(list(classes)[:20])
        raise UserError(f"{options.who}: class_weight: {unknown[0]!r} is no class; there are {there}")
    own = np.array([given.get(name, 1.0) for name in classes], np.float32)
    return np.stack([np.ones_like(own), own]) if several else own


def of_texts(weights: np.ndarray | None, truth: np.ndarray) -> np.ndarray | None:
    """What each text weighs, (N,), or each of its labels, (N, C)."""
    if weights is None:
        return None
    found: np.ndarray = np.where(truth, weights[1], weights[0]) if truth.ndim == 2 else weights[truth]
    return found


def truth_of(labels: Sequence[str], classes: Sequence[str], several: bool) -> np.ndarray:
    """Class numbers (N,) of labels, -1 for none; of sets of labels (N, C) bool."""
    return multi_hot(labels, classes) if several else numbers(labels, classes)
