"""What a validation part decides once a model has learned: ensemble weights, and when an answer is sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from throughtime.linear.ensemble import RECURRENCE, combine, decide, stand
from throughtime.linear.metrics import coverage_at
from throughtime.linear.model import NgramModel
from throughtime.tasks.earlier import Earlier
from throughtime.tasks.reading.data import Decided
from throughtime.tasks.reading.options import ReaderOptions


def decided(
    recurrence: np.ndarray,
    linear: Mapping[str, NgramModel],
    texts: Sequence[str],
    truth: np.ndarray,
    options: ReaderOptions,
    earlier: Earlier | None = None,
) -> tuple[Decided, float]:
    """What texts of a validation part decide, and the share of right answers by that.

    recurrence: its log probabilities (N, C) of the texts. truth: (N,) class numbers, -1 for what is no class, which
    says nothing. earlier: what was started from, whose weights stay where these texts, which are only the new ones, do
    not speak against them.
    """
    apart = {name: one.log_probabilities(texts).astype(np.float64) for name, one in linear.items()}
    weights, linear_weights = decide(recurrence, apart, truth, options.linear_models)
    parts = {RECURRENCE: recurrence, **apart}
    before = {} if earlier is None or not options.linear_models else dict(earlier.record.decided.weights)
    if stand(before, weights, parts, truth):
        weights = before
    answers = np.exp(combine({name: parts[name] for name in weights}, weights))
    known = truth >= 0
    right = answers[known].argmax(1) == truth[known]
    threshold = coverage_at(answers[known].max(1), right, options.sure)
    choices = {name: one.choice for name, one in linear.items() if one.choice}
    return Decided(weights, linear_weights, threshold, choices), float(right.mean()) if len(right) else 0.0
