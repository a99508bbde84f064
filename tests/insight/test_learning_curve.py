"""Quality against the amount of data."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.errors import UserError
from throughtime.insight.learning_curve import fit, points

AMOUNTS = np.repeat([1e3, 2e3, 4e3, 8e3, 16e3], 2)


def law(n: np.ndarray | float, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    n = np.asarray(n, float)
    return 1.2 + 30 * n**-0.5 + noise * np.random.default_rng(seed).standard_normal(n.shape)


def test_a_law_is_found_again() -> None:
    found = fit(AMOUNTS.tolist(), law(AMOUNTS).tolist(), "tokens", "loss")
    assert found.exponent == pytest.approx(0.5, abs=0.03)
    assert found.floor == pytest.approx(1.2, abs=0.02)
    assert found.doubled[0] == pytest.approx(float(law(32e3)), rel=1e-3)
    assert "Twice the data (32,000 tokens)" in found.sentence
    assert found.gain[0] > 0


def test_the_interval_covers_what_comes() -> None:
    """The noise-free loss at twice the data lies inside a 90 % interval about nine times of ten; here in 40 draws."""
    inside = 0
    for seed in range(40):
        found = fit(AMOUNTS.tolist(), law(AMOUNTS, 0.02, seed).tolist(), "tokens", "loss", draws=200)
        inside += found.doubled[1] <= float(law(32e3)) <= found.doubled[2]
    assert inside >= 28


def test_what_did_not_get_better_is_said() -> None:
    losses = [3.0, 2.5, 2.2, 2.0, 2.1]
    found = fit([1.0, 2.0, 4.0, 8.0, 16.0], losses, "tokens", "loss")
    assert "no better than half of it" in found.sentence


def test_too_few_points_are_refused() -> None:
    with pytest.raises(UserError, match="at least 3 amounts"):
        fit([1.0, 2.0, 2.0], [1.0, 1.0, 1.0], "tokens", "loss")
    with pytest.raises(UserError, match="no number"):
        fit([1.0, 2.0, 3.0], [1.0, 1.0, float("inf")], "tokens", "loss")


def test_an_interrupted_curve_goes_on() -> None:
    kept: dict[str, list[float]] = {"0.5 0": [50.0, 3.0]}
    done: list[tuple[float, int]] = []
    saved: list[int] = []

    def train(share: float, seed: int) -> tuple[float, float]:
        done.append((share, seed))
        return 100 * share, 1.0

    amounts, losses = points(train, [0.5, 1.0], 2, kept=kept, save=lambda: saved.append(len(kept)))
    assert done == [(0.5, 1), (1.0, 0), (1.0, 1)]
    assert (amounts, losses) == ([50, 50, 100, 100], [3, 1, 1, 1])
    assert saved == [2, 3, 4]
