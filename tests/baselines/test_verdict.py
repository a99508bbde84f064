"""Verdicts on errors of answers: of baselines that make none, and of answers that belong together."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.baselines.verdict import verdict


@pytest.mark.parametrize(
    ("wrong", "end"), [(1.0, "majority class is without error, the model is not."), (0.0, "both are without error.")]
)
def test_a_perfect_baseline_is_told(wrong: float, end: str) -> None:
    found = verdict(np.full(9, wrong), np.zeros(9), "majority class", "error rate", "texts")
    assert found.sentence == f"No verdict on error rate: {end}"
    assert found.skill is None


def test_a_model_without_error_beats_one_that_has_some() -> None:
    wrong = (np.arange(300) % 4 == 0).astype(float)
    told = verdict(np.zeros(300), wrong, "n-grams", "error rate", "texts")
    assert told.skill is True
    assert told.sentence.startswith("The model beats the best baseline, n-grams: ")
    assert "error rate is 100.0% below its own" in told.sentence
    assert "over 300 texts" in told.sentence


def test_what_belongs_together_counts_once() -> None:
    wrong = (np.arange(300) % 4 == 0).astype(float)
    same = verdict(wrong, wrong, "n-grams", "error rate", "sentences", np.arange(300) // 3)
    assert same.skill is None
    assert same.groups == 100
    assert "over 100 sentences" in same.sentence
