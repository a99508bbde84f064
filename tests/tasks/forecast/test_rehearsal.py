"""Linear maps tell whether the level of a series says something."""

from __future__ import annotations

import numpy as np

from throughtime.tasks.forecast.rehearsal import Rehearsal, rehearse


def autoregression(share: float, steps: int, seed: int = 0) -> np.ndarray:
    """Each value is so much of the last one, and noise."""
    values, rng = np.zeros(steps), np.random.default_rng(seed)
    for t in range(1, steps):
        values[t] = share * values[t - 1] + rng.standard_normal()
    return values


def test_what_comes_back_to_its_mean_is_told_from_what_drifts() -> None:
    back = rehearse([autoregression(0.8, 1500, seed) for seed in range(3)], 10, 1)
    assert back.reverting < 0.95 * back.drifting
    walk = rehearse([autoregression(1.0, 1500, seed) for seed in range(3)], 10, 1)
    assert walk.reverting > walk.drifting
    assert walk.drifting > 0.99  # nothing beats the last value


def test_a_season_beats_the_last_value() -> None:
    t, rng = np.arange(400), np.random.default_rng(0)
    series = [0.05 * t + 3 * np.sin(2 * np.pi * t / 12) + 0.3 * rng.standard_normal(400) for _ in range(4)]
    found = rehearse(series, 12, 12)
    assert found.drifting < 0.4
    assert found.seasonal < 0.6


def test_gaps_are_bridged() -> None:
    series = autoregression(0.8, 1500)
    series[np.random.default_rng(1).random(1500) < 0.1] = np.nan
    found = rehearse([series], 10, 1)
    assert found.tried
    assert found.reverting < found.drifting


def test_where_nothing_can_be_tried_nothing_is_said() -> None:
    for series in (np.arange(30.0), np.ones(300), np.zeros(12), np.full(40, 7.0)):
        assert rehearse([series], 5, 1) in (Rehearsal(), rehearse([series], 5, 1))
    assert rehearse([np.arange(20.0)], 5, 1) == Rehearsal()
    assert rehearse([np.ones(300)], 5, 1) == Rehearsal()
    assert rehearse([np.arange(60.0)], 24, 12) == Rehearsal()
