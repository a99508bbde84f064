"""Attributions where the right ones are known, and the deletion check."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from throughtime.errors import UserError
from throughtime.insight.attribution import METHODS, Question, attribute, check, ranking


def linear(signed: bool = True) -> tuple[Question, np.ndarray]:
    rng = np.random.default_rng(0)
    x, neutral, weight = (torch.tensor(rng.standard_normal((12, 3)), dtype=torch.float64) for _ in range(3))
    question = Question(lambda v: (v * weight).sum((1, 2))[:, None], x, neutral, signed)
    return question, ((x - neutral) * weight).sum(1).numpy()


@pytest.mark.parametrize("method", METHODS)
def test_a_linear_answer_is_its_terms(method: str) -> None:
    question, terms = linear()
    np.testing.assert_allclose(attribute(question, method), terms, rtol=1e-6)  # captum sums in float32


def test_integrated_gradients_add_up_to_the_answer() -> None:
    rng = np.random.default_rng(1)
    weight = torch.tensor(rng.standard_normal((8, 2)))
    x, neutral = torch.tensor(rng.standard_normal((8, 2))), torch.zeros(8, 2, dtype=torch.float64)
    question = Question(lambda v: (v * weight).sum((1, 2)).tanh()[:, None], x, neutral, True)
    total = float(question.score(x[None])[0] - question.score(neutral[None])[0])
    assert attribute(question, "integrated_gradients").sum() == pytest.approx(total, rel=1e-6)


def test_the_check_tells_a_right_order_from_a_wrong_one() -> None:
    question, terms = linear()
    right = check(question, ranking(question, terms, "occlusion"))
    assert right.holds
    assert right.top == pytest.approx(terms.max())
    assert not check(question, np.argsort(terms)).holds
    moved, terms = linear(signed=False)
    assert check(moved, ranking(moved, terms, "occlusion")).top == pytest.approx(np.abs(terms).max())


def test_an_unknown_method_is_told_with_the_valid_ones() -> None:
    with pytest.raises(UserError, match="occlusion, integrated_gradients"):
        attribute(linear()[0], "lime")
