"""What the order of tokens does is claimed only where an interval says so."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.tasks.reading.control import in_words, order_effect


def answers(right: np.ndarray) -> np.ndarray:
    """Of one answer a text, whether it is right."""
    return np.stack([right.astype(float), np.ones(len(right))], 1)


def test_an_effect_of_order_is_shown_by_its_interval() -> None:
    rng = np.random.default_rng(0)
    own, mixed = rng.random(400) < 0.9, rng.random(400) < 0.6
    found = order_effect(answers(own), answers(mixed), np.arange(400))
    assert found["gain"] == pytest.approx(own.mean() - mixed.mean())
    differences = own.astype(float) - mixed
    error = differences.std() / 20
    assert found["low"] == pytest.approx(differences.mean() - 1.96 * error, abs=0.01)
    assert found["high"] == pytest.approx(differences.mean() + 1.96 * error, abs=0.01)
    low, high = 100 * found["low"], 100 * found["high"]
    between = f"(95 % interval of the difference {low:+.1f} to {high:+.1f} points)"
    assert in_words(found) == f"it lives by their order {between}."
    assert order_effect(answers(own), answers(mixed), np.arange(400)) == found
    other = order_effect(answers(mixed), answers(own), np.arange(400))
    assert in_words(other).startswith("what it makes of their order misleads it here (95 % interval")


def test_no_effect_is_claimed_where_the_interval_includes_none() -> None:
    texts = np.arange(100)
    some, fewer = texts < 82, texts >= 20
    for own, mixed, gain in ((some, fewer, 0.02), (fewer, some, -0.02)):
        found = order_effect(answers(own), answers(mixed), texts)
        assert found["gain"] == pytest.approx(gain)
        assert found["low"] < 0 < found["high"]
        assert in_words(found).startswith("no effect of their order is shown (95 % interval")


def test_texts_that_are_the_same_count_once() -> None:
    rng = np.random.default_rng(2)
    own, mixed = rng.random(60) < 0.8, rng.random(60) < 0.7
    alone = order_effect(answers(own), answers(mixed), np.arange(60))
    thrice = np.arange(180) // 3
    copies = order_effect(answers(own[thrice]), answers(mixed[thrice]), thrice)
    assert copies == alone
    few = order_effect(answers(own), answers(mixed), np.arange(60) % 4)
    assert (few["low"], few["high"]) == (None, None)
    assert in_words(few) == "too few texts to tell what their order does."


def test_every_token_counts() -> None:
    """Of texts with many tokens all of them: the shares are of tokens, not of texts."""
    own = np.array([[9.0, 10], [1, 1], [1, 1], [1, 1], [1, 1], [1, 1]])
    mixed = np.array([[4.0, 10], [1, 1], [1, 1], [1, 1], [1, 1], [1, 1]])
    assert order_effect(own, mixed, np.arange(6))["gain"] == pytest.approx(5 / 15)
