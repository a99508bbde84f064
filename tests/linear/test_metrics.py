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
    fuse,
    fused,
    macro_f1,
    normalised,
    reliability,
    temperature,
)

PAIRS = st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 4)), min_size=1, max_size=40)


def drawn(count: int, classes: int = 3, seed: int = 0, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities that are right about themselves, but for noise, and the truth drawn from them."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.standard_normal((count, classes))
    truth = np.array([rng.choice(classes, p=p) for p in np.exp(normalised(logits))])
    return normalised(logits + noise * rng.standard_normal(logits.shape)), truth


def nll(log: np.ndarray, truth: np.ndarray) -> float:
    return float(-normalised(log)[np.arange(len(truth)), truth].mean())


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


def test_the_temperature_is_found() -> None:
    log, truth = drawn(4000)
    for factor in (0.25, 1.0, 3.0):
        assert temperature(factor * log, truth) == pytest.approx(factor, rel=0.1)
        near = [nll(factor * log / (temperature(factor * log, truth) * k), truth) for k in (0.98, 1, 1.02)]
        assert near[1] == min(near)
    with_unseen = np.append(truth, -1)
    assert temperature(np.vstack([log, log[:1]]), with_unseen) == temperature(log, truth)
    assert temperature(log[:0], truth[:0]) == 1
    sure = np.array([[3.0, 0.0]])
    assert temperature(sure, np.array([0])) == pytest.approx(0.05, rel=0.01)
    assert 0.3 < temperature(sure, np.array([0]), prior=1.0) < 1
    assert temperature(sure, np.array([1])) == pytest.approx(20, rel=0.01)


def test_models_that_know_different_things_are_joined() -> None:
    rng = np.random.default_rng(0)
    parts = [2 * rng.standard_normal((2000, 3)) for _ in range(2)]
    truth = np.array([rng.choice(3, p=p) for p in np.exp(normalised(parts[0] + 0.3 * parts[1]))])
    logs = [normalised(3 * parts[0]), normalised(parts[1])]
    half = slice(0, 1000), slice(1000, 2000)
    weights, scales = fuse([one[half[0]] for one in logs], truth[half[0]])
    assert weights.sum() == pytest.approx(1)
    assert weights.min() > 0
    joined = fused([one[half[1]] for one in logs], weights, scales)
    np.testing.assert_allclose(np.exp(joined).sum(1), 1)
    best = normalised(parts[0] + 0.3 * parts[1])[half[1]]
    single = min(nll(one[half[1]] / temperature(one, truth), truth[half[1]]) for one in logs)
    assert nll(joined, truth[half[1]]) < single - 0.5 * (single - nll(best, truth[half[1]]))


def test_what_adds_nothing_is_left_out_and_few_texts_decide_nothing() -> None:
    log, truth = drawn(3000)
    useless = drawn(3000, seed=1)[0]
    weights, scales = fuse([log, useless], truth)
    # The useless one's temperature makes it say next to nothing; with weight it must not cost much.
    assert nll(fused([log, useless], weights, scales), truth) < nll(log, truth) + 0.01
    noisy = drawn(3000, noise=2.0)[0]
    weights, scales = fuse([noisy, log], truth)  # what the first knows the second knows better
    assert weights.tolist() == [0, 1]
    assert scales[1] == pytest.approx(1, abs=0.1)
    bad = normalised(-log)
    weights, scales = fuse([log, bad, log + 0.1], truth)
    assert nll(fused([log, bad, log], weights, scales), truth) < nll(log, truth) + 0.01
    few = fuse([log[:4], useless[:4], drawn(3000, noise=1)[0][:4]], truth[:4])
    np.testing.assert_allclose(few[0], 1 / 3)
    assert (few[1] < 3).all()
    for unseen in (truth[:0], np.full(5, -1)):
        weights, scales = fuse([log[: len(unseen)], useless[: len(unseen)]], unseen)
        assert weights.tolist() == [0.5, 0.5]
        assert scales.tolist() == [1, 1]
    assert fuse([log], truth)[0].tolist() == [1]
    assert fuse([log] * 6, truth)[0].tolist() == pytest.approx([1 / 6] * 6)


def test_fusing_checks_what_it_is_given() -> None:
    log, truth = drawn(5)
    for parts in ([], [log, log[:4]], [log[:, :2], log]):
        with pytest.raises(UserError, match="fuse: expected log-probabilities"):
            fuse(parts, truth)
    with pytest.raises(UserError, match="finite"):
        fuse([np.full((5, 3), -np.inf)], truth)


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
