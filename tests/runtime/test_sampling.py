"""Drawing tokens: the right distribution, the right cut, the same draws for the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from throughtime.errors import UserError
from throughtime.runtime.sampling import Sampler

P = np.array([0.4, 0.25, 0.2, 0.1, 0.05])
LOGITS = np.log(P).astype(np.float32) + 3
DRAWS = 20_000


def shares(**options: Any) -> np.ndarray:
    sampler = Sampler(5, seed=1, **options)
    return np.bincount([sampler.draw(LOGITS) for _ in range(DRAWS)], minlength=5) / DRAWS


def expected(kept: int, temperature: float = 1.0) -> np.ndarray:
    p = np.where(np.arange(5) < kept, P ** (1 / temperature), 0)
    return p / p.sum()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, expected(5)),
        ({"temperature": 0.5}, expected(5, 0.5)),
        ({"temperature": 2.0}, expected(5, 2.0)),
        ({"top_k": 3}, expected(3)),
        ({"top_k": 9}, expected(5)),
        ({"top_p": 0.64}, expected(2)),
        ({"top_p": 0.66}, expected(3)),
        ({"top_p": 0.1}, expected(1)),
        ({"top_p": 1.0}, expected(5)),
        ({"top_k": 3, "top_p": 0.7}, expected(2)),
        ({"greedy": True}, expected(1)),
        ({"temperature": 0}, expected(1)),
    ],
)
def test_draws_follow_the_distribution(options: dict[str, Any], wanted: np.ndarray) -> None:
    got = shares(**options)
    assert (got[wanted == 0] == 0).all()
    deviation = np.sqrt(wanted * (1 - wanted) / DRAWS)
    assert (np.abs(got - wanted) <= 4.5 * deviation).all(), got


def test_top_k_keeps_k_of_equal_ones() -> None:
    sampler = Sampler(50, top_k=3, seed=0)
    assert len({sampler.draw(np.zeros(50, np.float32)) for _ in range(300)}) == 3


def test_rare_tokens_are_as_rare_as_they_should_be() -> None:
    logits = np.array([0.0, -9.0], np.float32)
    sampler = Sampler(2, seed=3)
    count = sum(sampler.draw(logits) for _ in range(60_000))
    assert 1 <= count <= 20  # expected 7.4


def test_the_seed_decides() -> None:
    def draws(seed: int | tuple[int, int] | None) -> list[int]:
        sampler = Sampler(5, seed=seed)
        return [sampler.draw(LOGITS) for _ in range(50)]

    assert draws(7) == draws(7)
    assert draws(7) != draws(8)
    assert draws((7, 0)) != draws((7, 1))
    assert draws(None) != draws(None)


def test_logits_are_not_changed() -> None:
    logits = LOGITS.copy()
    for options in ({}, {"top_k": 2}, {"top_p": 0.5}):
        Sampler(5, temperature=0.3, seed=0, **options).draw(logits)
    np.testing.assert_array_equal(logits, LOGITS)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"temperature": -1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": 1.5}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"seed": -1}, "seed"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Sampler(5, **options)
