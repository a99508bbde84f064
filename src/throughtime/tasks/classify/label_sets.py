"""What the validation part decides of a model of several labels a text. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from throughtime.linear.ensemble import RECURRENCE
from throughtime.linear.model import NgramModel
from throughtime.linear.several import combined, decide, micro_f1, probabilities, thresholds
from throughtime.tasks.reading.data import Decided
from throughtime.tasks.reading.options import ReaderOptions


def decided_sets(
    recurrence: np.ndarray,
    linear: Mapping[str, NgramModel],
    texts: Sequence[str],
    truth: np.ndarray,
    options: ReaderOptions,
    classes: Sequence[str],
) -> tuple[Decided, float]:
    """What texts of a validation part decide, weights and thresholds, and the micro F1 by that.

    recurrence: its log odds (N, C) of the texts. truth: (N, C) bool, in the order of classes.
    """
    apart = {name: one.logits(texts).astype(np.float64) for name, one in linear.items()}
    weights, linear_weights = decide(recurrence, apart, truth, options.linear_models)
    shares = probabilities(combined({n: {RECURRENCE: recurrence, **apart}[n] for n in weights}, weights))
    found = thresholds(shares, truth)
    choices = {name: one.choice for name, one in linear.items() if one.choice}
    said = dict(zip(classes, map(float, found), strict=True))
    return Decided(weights, linear_weights, None, choices, said), micro_f1(shares >= found, truth)
