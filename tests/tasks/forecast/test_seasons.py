"""Seasons are found where series repeat themselves, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.tasks.forecast.facts import Facts
from throughtime.tasks.forecast.seasons import Seasons, find_seasons


def course(period: int, steps: int, noise: float, seed: int = 0, trend: float = 0.0) -> np.ndarray:
    """A course drawn at random, over and over, with noise and a trend."""
    rng = np.random.default_rng(seed)
    shape = rng.standard_normal(period)
    found: np.ndarray = np.tile(shape, steps // period + 1)[:steps] + noise * rng.standard_normal(steps)
    return found + trend * np.arange(steps)


@pytest.mark.parametrize(
    ("period", "steps", "trend"),
    [(4, 60, 0.3), (7, 400, 0.0), (12, 144, 0.1), (24, 700, -0.01), (11, 300, 0.0), (52, 320, 0.0), (288, 3000, 0.0)],
)
def test_a_season_is_found_with_or_without_a_trend(period: int, steps: int, trend: float) -> None:
    found = find_seasons([course(period, steps, 0.4, trend=trend)])
    assert found.period == period
    assert found.strength > 0.2


def test_the_day_is_the_season_and_the_week_the_longer_one() -> None:
    t = np.arange(2000)
    working = np.where(t % 168 < 120, 1.0, 0.2)
    noise = np.random.default_rng(0).standard_normal(2000)
    found = find_seasons([working * np.sin(2 * np.pi * t / 24) + 0.2 * noise])
    assert (found.period, found.longer) == (24, 168)


@pytest.mark.parametrize("steps", [200, 400, 600, 1000, 1500, 3000])
def test_a_random_walk_has_none(steps: int) -> None:
    for seed in range(12):
        rng = np.random.default_rng([seed, steps])
        assert find_seasons([rng.standard_normal(steps).cumsum()]).period == 1


def test_noise_counts_and_what_never_changes_have_none() -> None:
    rng = np.random.default_rng(0)
    for one in (rng.standard_normal(900), rng.poisson(0.3, 500).astype(float), np.ones(200), np.arange(30.0)):
        assert find_seasons([one]) == Seasons()
    assert find_seasons([np.full(50, np.nan)]) == Seasons()


def test_gaps_do_not_hide_a_season_and_do_not_make_one() -> None:
    rng = np.random.default_rng(0)
    gaps = rng.random(900) < 0.2
    assert find_seasons([np.where(gaps, np.nan, course(24, 900, 0.3))]).period == 24
    assert find_seasons([np.where(gaps, np.nan, rng.standard_normal(900).cumsum())]).period == 1


def test_series_vote() -> None:
    seasonal = [course(12, 240, 0.5, seed) for seed in range(6)]
    walks = [np.random.default_rng(seed).standard_normal(240).cumsum() for seed in range(3)]
    assert find_seasons([*seasonal, *walks]).period == 12
    assert find_seasons([seasonal[0], *walks]).period == 1


def test_a_frequency_says_which_seasons_may_be() -> None:
    assert find_seasons([course(11, 700, 0.3)], usual=(24, 168)).period == 1
    assert find_seasons([course(24, 700, 1.0)], usual=(24, 168)).period == 24


def test_a_trend_is_no_season() -> None:
    for seed in range(4):
        growing = np.abs(np.random.default_rng(seed).standard_normal(300)).cumsum()
        assert find_seasons([growing], usual=(7,)) == Seasons()
        assert find_seasons([growing], usual=(12,)) == Seasons()


def test_years_have_no_calendar_that_makes_twelve_of_eleven() -> None:
    one = course(11, 300, 0.6)
    assert find_seasons([one], usual=()).period == 11


def wandering(seed: int, steps: int = 300) -> np.ndarray:
    """Waves of 9 to 13 steps and different heights, one after another."""
    rng, waves = np.random.default_rng(seed), list[np.ndarray]()
    while sum(map(len, waves)) < steps:
        length = int(rng.integers(9, 14))
        waves.append(rng.uniform(40, 140) * np.sin(np.pi * np.arange(length) / length) ** 2)
    return np.concatenate(waves)[:steps]


def test_a_cycle_that_moves_on_is_found_and_none_in_random_walks_and_noise() -> None:
    found = [Facts.of([wandering(seed)], 10, None, ()).seasons for seed in (0, 1)]
    assert [one.period for one in found] == [11, 11]
    assert found[0].drifting
    for seed in range(5):
        rng = np.random.default_rng(seed)
        walk, noise, counts = rng.standard_normal(400).cumsum(), rng.standard_normal(400), rng.poisson(0.1, 1000)
        for one in (walk, noise, counts.astype(float)):
            for horizon in (1, 10):
                assert Facts.of([one], horizon, None, ()).seasons == Seasons()
    assert Facts.of([wandering(0)], 10, 12, ()).season == 12  # what is given stays
