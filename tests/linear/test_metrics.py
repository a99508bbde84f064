"""A classifier's figures, against scikit-learn and slow definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.errors import UserError
from throughtime.linear.metrics import (
    accuracy,
    calibration_error,
    confusion,
    coverage_at,
    macro_f1,
    reliability,
)

PAIRS = st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 4)), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(pairs=PAIRS)
def test_scores_are_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, predicted = np.array(pairs).T
    assert accuracy(predicted, truth) == pytest.approx(metrics.accuracy_score(truth, predicted))
    expected = metrics.f1_score(truth, predicted, average="macro", zero_division=0)
    assert macro_f1(predicted, truth) == pytest.approx(expected)
    seen = truth >= 0
    found = confusion(truth, predicted, 5)
    assert found.dtype == np.int64
    assert found.sum() == seen.sum()
    if seen.any():
        expected = metrics.confusion_matrix(truth[seen], predicted[seen], labels=range(5))
        np.testing.assert_array_equal(found, expected)


def test_scores_by_hand() -> None:
    truth, predicted = np.array([0, 0, 1, -1]), np.array([0, 1, 1, 1])
    assert accuracy(predicted, truth) == 0.5
    assert macro_f1(predicted, truth) == pytest.approx((2 / 3 + 2 / 4 + 0) / 3)
    assert confusion(truth, predicted, 2).tolist() == [[1, 1], [0, 1]]
    none = np.zeros(0, int)
    assert accuracy(none, none) == macro_f1(none, none) == 0
    assert confusion(none, none, 2).tolist() == [[0, 0], [0, 0]]
    assert calibration_error(np.zeros((0, 2)), none) == 0
    with pytest.raises(UserError, match="as many answers as truths, got 1 and 2"):
        accuracy(np.zeros(1), np.zeros(2))


def slow_error(probabilities: np.ndarray, truth: np.ndarray, bins: int) -> float:
    total = 0.0
    for b in range(bins):
        members = [n for n, p in enumerate(probabilities) if b / bins < max(p) <= (b + 1) / bins]
        if members:
            right = sum(int(np.argmax(probabilities[n])) == truth[n] for n in members)
            total += abs(right - sum(max(probabilities[n]) for n in members)) / len(truth)
    return total


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 60), bins=st.integers(1, 20), seed=st.integers(0, 99))
def test_the_calibration_error_is_that_of_a_slow_sum(count: int, bins: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(3), count)
    truth = rng.integers(-1, 3, count)
    assert calibration_error(probabilities, truth, bins) == pytest.approx(slow_error(probabilities, truth, bins))
    order = rng.permutation(count)
    again = calibration_error(probabilities[order], truth[order], bins)
    assert again == pytest.approx(calibration_error(probabilities, truth, bins))


def test_reliability_by_hand() -> None:
    probabilities = np.array([[0.6, 0.4], [0.3, 0.7], [1.0, 0.0], [0.5, 0.5]])
    found = reliability(probabilities, np.array([0, 0, 0, -1]), 5)
    np.testing.assert_allclose(found["edges"], [0, 0.2, 0.4, 0.6, 0.8, 1])
    assert found["counts"] == [0, 0, 2, 1, 1]
    assert found["confidence"] == [None, None, pytest.approx(0.55), pytest.approx(0.7), 1]
    assert found["accuracy"] == [None, None, 0.5, 0, 1]
    error = calibration_error(probabilities, np.array([0, 0, 0, -1]), 5)
    assert error == pytest.approx((2 * 0.05 + 0.7) / 4)


def slow_coverage(confidence: np.ndarray, right: np.ndarray, target: float, z: float) -> float | None:
    for threshold in sorted(set(confidence.tolist())):
        kept = right[confidence >= threshold]
        n, p = len(kept), kept.mean()
        low = (p + z * z / (2 * n) - z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)
        if low >= target - 1e-12:
            return float(threshold)
    return None


@settings(max_examples=150, deadline=None)
@given(
    cases=st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=30),
    target=st.sampled_from([0.0, 0.5, 0.8, 0.95, 1.0]),
    bound=st.booleans(),
)
def test_the_threshold_is_the_least_that_suffices(cases: list[tuple[int, bool]], target: float, bound: bool) -> None:
    confidence, right = np.array([c / 6 for c, _ in cases]), np.array([r for _, r in cases])
    expected = slow_coverage(confidence, right, target, 1.6448536269514722 if bound else 0.0)
    assert coverage_at(confidence, right, target, bound) == expected


def test_the_bound_keeps_its_promise() -> None:
    """19 of 20 right: the share reaches 95 %, its lower bound does not."""
    right = np.arange(20) > 0
    assert coverage_at(np.full(20, 0.9), right, 0.95) == 0.9
    assert coverage_at(np.full(20, 0.9), right, 0.95, bound=True) is None
    assert coverage_at(np.zeros(0), np.zeros(0, bool), 0.5) is None
