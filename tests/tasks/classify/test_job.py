"""What a classifier's training minimises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.tasks.reading.texts import NONE, TINY, easy
from throughtime import Classifier

SURE: dict[str, Any] = {**TINY, **NONE, "word_dropout": 0.0}


@pytest.mark.parametrize(("smoothing", "balanced"), [(0.0, False), (0.3, False), (0.0, True)])
def test_the_loss(alone: None, smoothing: float, balanced: bool) -> None:
    """That of the first step, of all texts at once, with weights that hardly move."""
    texts, labels = easy(30)
    texts, labels = texts + easy(30, 1, "x")[0], labels + ["x"] * 30
    options = {**SURE, "naive_bayes": "off", "label_smoothing": smoothing, "balanced": balanced}
    model = Classifier(**options).fit(
        texts, labels, validation=easy(9, 2), steps=1, batch=60, learning_rate=1e-30, average=0.0, log_every=1
    )
    assert model.model is not None
    assert model.outcome is not None
    logs = model.model.recurrence(texts)
    truth = np.array([model.classes.index(label) for label in labels])
    wanted = -(1 - smoothing) * logs[np.arange(60), truth] - smoothing * logs.mean(1)
    if balanced:
        wanted *= 60 / (3 * np.bincount(truth))[truth]
    assert model.outcome.history[0]["loss"] == pytest.approx(wanted.mean(), rel=1e-5)
