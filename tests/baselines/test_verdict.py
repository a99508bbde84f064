"""Verdicts on errors of answers: of baselines that make none, and of answers that belong together."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.baselines.verdict import span_in_words, too_few, verdict


@pytest.mark.parametrize(
    ("wrong", "skill", "sentence"),
    [
        (np.ones(9), False, "The model is worse than majority class, which is without error: error rate is 1 over 9 "),
        (np.arange(9) == 0, None, "No verdict on error rate: majority class is without error, the model is not."),
        (np.ones(3), None, "No verdict on error rate: majority class is without error, the model is not."),
        (np.zeros(9), None, "No verdict on error rate: both are without error."),
    ],
)
def test_a_perfect_baseline_is_told(wrong: np.ndarray, skill: bool | None, sentence: str) -> None:
    found = verdict(wrong.astype(float), np.zeros(len(wrong)), "majority class", "error rate", "texts")
    assert found.sentence.startswith(sentence)
    assert found.skill is skill
    negligible = verdict(np.full(9, 1e-9), np.zeros(9), "last value", "MAE", "windows", negligible=1e-6)
    assert negligible.skill is None


def test_a_model_without_error_beats_one_that_has_some() -> None:
    wrong = (np.arange(300) % 4 == 0).astype(float)
    told = verdict(np.zeros(300), wrong, "n-grams", "error rate", "texts")
    assert told.skill is True
    assert told.sentence.startswith("The model beats the best baseline, n-grams: ")
    assert "error rate is 100.0% below its own" in told.sentence
    assert "over 300 texts" in told.sentence


def test_a_score_is_told_as_such_and_not_as_what_it_lacks() -> None:
    ours, theirs = np.full(40, 0.05), np.tile([0.1, 0.3], 20)
    told = verdict(ours, theirs, "CRF", "1 - F1", "texts")
    assert told.metric == "1 - F1"
    assert told.sentence.startswith(
        "The model beats the best baseline, CRF: F1 is 95.0% against 80.0%, and what is missing to 100% is 75.0% below "
        "its own (95 % interval "
    )
    other = verdict(theirs, theirs[::-1], "CRF", "1 - F1", "texts").sentence
    assert other.startswith("No proven skill: F1 is 80.0% against 80.0%, and what is missing to 100% is ")
    worse = verdict(theirs, ours, "CRF", "1 - F1", "texts").sentence
    assert worse.startswith("The model is worse than CRF: F1 is 80.0% against 95.0%, and what is missing to 100% is ")
    perfect = verdict(ours, np.zeros(40), "CRF", "1 - F1", "texts").sentence
    assert perfect == (
        "The model is worse than CRF, which is without error: F1 is 95.0% over 40 texts. Use CRF instead."
    )


def test_what_belongs_together_counts_once() -> None:
    wrong = (np.arange(300) % 4 == 0).astype(float)
    same = verdict(wrong, wrong, "n-grams", "error rate", "sentences", np.arange(300) // 3)
    assert same.skill is None
    assert same.groups == 100
    assert "over 100 sentences" in same.sentence


def test_an_interval_names_the_side_that_each_end_is_on() -> None:
    assert span_in_words(-0.163, 0.092) == "16.3% above to 9.2% below"
    assert span_in_words(0.1, 0.3) == "10.0% to 30.0% below"
    assert span_in_words(-0.3, -0.1) == "10.0% to 30.0% above"
    assert span_in_words(-0.163, 0.092, "fewer", "more") == "16.3% more to 9.2% fewer"
    rng = np.random.default_rng(0)
    wrong = (rng.random((2, 200)) < 0.3).astype(float)
    told = verdict(wrong[0], wrong[1], "n-grams", "error rate", "texts")
    assert told.skill is None
    assert f"(95 % interval {abs(told.low):.1%} above to {told.high:.1%} below over 200 texts)" in told.sentence


def test_what_is_many_times_worse_is_told_whatever_the_interval() -> None:
    """Three windows are too few for an interval, and one that is far off widens any; a thousand times is neither."""
    few = verdict(np.full(3, 1000.0), np.ones(3), "last value", "MAE", "stretches of time")
    assert few.skill is False
    assert few.sentence == (
        "The model is worse than last value: MAE is 1e+03, 1,000 times its 1 over 3 stretches of time, too few for an "
        "interval. Use last value instead."
    )
    far = verdict(np.array([*[0.5] * 19, 5000.0]), np.ones(20), "last value", "MAE", "windows")
    assert far.skill is False
    assert "250 times its 1 over 20 windows. Use last value instead." in far.sentence
    assert verdict(np.full(3, 1.5), np.ones(3), "last value", "MAE", "windows").skill is None


def test_few_groups_do_not_find_skill_by_chance() -> None:
    """Six groups without any difference: of 400 intervals 7 % leave out 0, and would do so in 15 % with the percentiles
    as they are."""
    rng, found = np.random.default_rng(0), 0
    for trial in range(400):
        ours = 5 + rng.standard_normal(6)
        found += verdict(ours, np.full(6, 5.0), "drift", "MAE", "windows", None, trial).skill is not None
    assert found <= 36


def test_a_baseline_without_error_but_for_rounding_is_better_however_few_windows() -> None:
    told = verdict(np.full(3, 1000.0), np.full(3, 1e-9), "seasonal naive", "MAE", "windows", negligible=1e-6)
    assert told.skill is False
    assert told.sentence == (
        "The model is worse than seasonal naive, which is without error but for rounding: MAE is 1e+03 over 3 windows. "
        "Use seasonal naive instead."
    )


def test_one_window_is_too_few() -> None:
    assert too_few(1, "windows") == "1 window is too few"
    assert too_few(1, "stretches of time") == "1 stretch of time is too few"
    assert too_few(3, "windows") == "3 windows are too few"
