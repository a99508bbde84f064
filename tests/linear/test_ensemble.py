"""Weights of several models: those that know something have one, those that add nothing have none."""

from __future__ import annotations

import numpy as np
import pytest

from tests.linear.answers import drawn, nll
from throughtime.errors import UserError
from throughtime.linear.calibration import temperature
from throughtime.linear.ensemble import MAJORITY, RECURRENCE, combine, decide, in_words, log_softmax, mixture, stand


def joined_by(logs: list[np.ndarray], weights: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """What a mixture answers."""
    named = {str(k): one for k, one in enumerate(logs)}
    return combine(named, {str(k): w * s for k, (w, s) in enumerate(zip(weights, scales, strict=True))})


def test_models_that_know_different_things_are_joined() -> None:
    rng = np.random.default_rng(0)
    parts = [2 * rng.standard_normal((2000, 3)) for _ in range(2)]
    truth = np.array([rng.choice(3, p=p) for p in np.exp(log_softmax(parts[0] + 0.3 * parts[1]))])
    logs = [log_softmax(3 * parts[0]), log_softmax(parts[1])]
    half = slice(0, 1000), slice(1000, 2000)
    weights, scales = mixture([one[half[0]] for one in logs], truth[half[0]])
    assert weights.sum() == pytest.approx(1)
    assert weights.min() > 0
    joined = joined_by([one[half[1]] for one in logs], weights, scales)
    np.testing.assert_allclose(np.exp(joined).sum(1), 1)
    best = log_softmax(parts[0] + 0.3 * parts[1])[half[1]]
    single = min(nll(one[half[1]] / temperature(one, truth), truth[half[1]]) for one in logs)
    assert nll(joined, truth[half[1]]) < single - 0.5 * (single - nll(best, truth[half[1]]))


def test_what_adds_nothing_is_left_out_and_few_texts_decide_nothing() -> None:
    log, truth = drawn(3000)
    useless = drawn(3000, seed=1)[0]
    weights, scales = mixture([log, useless], truth)
    # The useless one's temperature makes it say next to nothing; with weight it must not cost much.
    assert nll(joined_by([log, useless], weights, scales), truth) < nll(log, truth) + 0.01
    noisy = drawn(3000, noise=2.0)[0]
    weights, scales = mixture([noisy, log], truth)  # what the first knows the second knows better
    assert weights.tolist() == [0, 1]
    assert scales[1] == pytest.approx(1, abs=0.1)
    bad = log_softmax(-log)
    weights, scales = mixture([log, bad, log + 0.1], truth)
    assert nll(joined_by([log, bad, log], weights, scales), truth) < nll(log, truth) + 0.01
    few = mixture([log[:4], useless[:4], drawn(3000, noise=1)[0][:4]], truth[:4])
    np.testing.assert_allclose(few[0], 1 / 3)
    assert (few[1] < 3).all()
    for unseen in (truth[:0], np.full(5, -1)):
        weights, scales = mixture([log[: len(unseen)], useless[: len(unseen)]], unseen)
        assert weights.tolist() == [0.5, 0.5]
        assert scales.tolist() == [1, 1]
    assert mixture([log], truth)[0].tolist() == [1]
    assert mixture([log] * 6, truth)[0].tolist() == pytest.approx([1 / 6] * 6)


def test_a_mixture_checks_what_it_is_given() -> None:
    log, truth = drawn(5)
    for parts in ([], [log, log[:4]], [log[:, :2], log]):
        with pytest.raises(UserError, match="ensemble: expected log-probabilities"):
            mixture(parts, truth)
    with pytest.raises(UserError, match="finite"):
        mixture([np.full((5, 3), -np.inf)], truth)


def test_a_recurrence_that_knows_nothing_has_no_weight() -> None:
    log, truth = drawn(2000)
    noisy = drawn(2000, noise=2.0)[0]
    found = decide(noisy, {MAJORITY: noisy, "n-grams": log}, truth, linear_models=True)  # all it knows they know better
    assert found.weights[RECURRENCE] == 0
    assert found.weights["n-grams"] > 0.9
    assert found.linear_weights.keys() == {"n-grams"}
    assert in_words(found.weights) == "n-grams 100%"
    alone = decide(noisy, {"n-grams": log}, truth, linear_models=False)
    assert alone.weights.keys() == {RECURRENCE}
    assert alone.linear_weights == found.linear_weights


def test_n_grams_that_know_nothing_have_no_weight() -> None:
    log, truth = drawn(2000)
    noisy = drawn(2000, noise=2.0)[0]
    found = decide(log, {"n-grams": noisy}, truth, linear_models=True)
    assert found.weights["n-grams"] == 0
    assert found.weights[RECURRENCE] == pytest.approx(1, abs=0.1)
    assert in_words(found.weights) == f"{RECURRENCE} 100%"


def test_both_have_weight_where_each_knows_something() -> None:
    rng = np.random.default_rng(0)
    parts = [2 * rng.standard_normal((2000, 3)) for _ in range(2)]
    truth = np.array([rng.choice(3, p=p) for p in np.exp(log_softmax(parts[0] + parts[1]))])
    logs = [log_softmax(one) for one in parts]
    found = decide(logs[0], {"n-grams": logs[1]}, truth, linear_models=True)
    answer = combine({RECURRENCE: logs[0], "n-grams": logs[1]}, found.weights)
    np.testing.assert_allclose(np.exp(answer).sum(1), 1)
    assert nll(answer, truth) < min(nll(one, truth) for one in logs) - 0.1
    assert temperature(answer, truth) == pytest.approx(1, abs=0.02)


def test_without_a_validation_text_the_recurrence_answers() -> None:
    log, _ = drawn(5)
    for truth in (np.zeros(0, np.int64), np.full(5, -1)):
        found = decide(log[: len(truth)], {"n-grams": log[: len(truth)]}, truth, linear_models=True)
        assert found.weights == {RECURRENCE: 1.0}


def test_earlier_weights_stand_until_a_validation_part_speaks_against_them() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    sure, guess = (log_softmax(s * np.eye(2)[truth] + rng.normal(size=(400, 2))) for s in (4.0, 0.0))
    parts = {RECURRENCE: sure, "linear": guess}
    wrong, right = {RECURRENCE: 0.0, "linear": 1.0}, {RECURRENCE: 1.0, "linear": 0.0}
    assert not stand(wrong, right, parts, truth)
    assert stand(right, wrong, parts, truth)
    few = {name: one[:1] for name, one in parts.items()}
    assert stand(wrong, right, few, truth[:1])
    assert not stand({}, right, parts, truth)
    assert not stand({"another": 1.0}, right, parts, truth)
