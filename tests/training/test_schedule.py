"""Budgets and the learning rate."""

from __future__ import annotations

import itertools

import pytest

from throughtime.training.schedule import Budget, learning_rate


def test_the_rate_warms_up_and_falls_to_its_final_fraction() -> None:
    rates = [learning_rate(0.1, step / 1000, step, 50, 0.02) for step in range(1001)]
    assert rates[0] == pytest.approx(0.1 / 51)
    assert max(rates) == pytest.approx(0.1, rel=0.01)
    assert rates.index(max(rates)) in range(45, 55)
    assert rates[1000] == pytest.approx(0.002)
    assert all(a >= b for a, b in itertools.pairwise(rates[60:]))


def test_epochs_and_steps_are_known_from_the_start() -> None:
    assert Budget(3, "epochs", 20).total == 60
    budget = Budget(8, "steps", 20)
    assert [budget.progress(step, 0.0) for step in (0, 2, 8, 9)] == [0.0, 0.25, 1.0, 1.0]
    assert not budget.over(7, 1e9)
    assert budget.over(8, 0.0)


def simulate(seconds_of: list[float], minutes: float, validation: float = 0.0) -> tuple[Budget, list[float], float]:
    """Run a budget of minutes; step i takes seconds_of[i], every 100th step `validation` seconds more."""
    budget, elapsed, progress = Budget(minutes, "minutes", 100), 0.0, []
    for step in itertools.count():
        if budget.over(step, elapsed, validation):
            return budget, progress, elapsed + validation
        progress.append(budget.progress(step, elapsed))
        elapsed += seconds_of[min(step, len(seconds_of) - 1)] + (validation if step % 100 == 50 else 0.0)
        budget.measure(step + 1, elapsed, validation)
    raise AssertionError


@pytest.mark.parametrize(
    "seconds_of",
    [
        [0.01],
        [1.0, 0.01],  # a slow first step
        [0.01] * 1000 + [0.02],  # the machine becomes slower
        [0.02] * 1000 + [0.01],  # faster
        [0.7],
        [0.01] * 4500 + [0.05],  # much slower close to the end
    ],
)
@pytest.mark.parametrize("validation", [0.0, 0.3])
def test_minutes_are_kept(seconds_of: list[float], validation: float) -> None:
    budget, progress, elapsed = simulate(seconds_of, 1.0, validation)
    assert 57.0 <= elapsed <= 60.0 + max(seconds_of) + validation
    assert all(a <= b for a, b in itertools.pairwise(progress))
    jumps = [b - a for a, b in itertools.pairwise(progress)]
    assert max(jumps) < 0.06
    assert progress[-1] > 0.9
    assert budget.estimates


def test_a_steady_machine_is_measured_only_early() -> None:
    budget, progress, _ = simulate([0.01], 1.0)
    assert len(budget.estimates) == 5
    assert budget.total == pytest.approx(6000, abs=3)
    assert progress[3000] == pytest.approx(0.5, abs=0.002)


def test_time_for_what_follows_the_loop_is_kept_and_the_rate_still_falls_to_its_end() -> None:
    budget, step = Budget(1.0, "minutes", 100), 0
    while not budget.over(step, 0.01 * step, reserve=6.0):
        done = budget.progress(step, 0.01 * step)
        step += 1
        budget.measure(step, 0.01 * step, reserve=6.0)
    assert 5390 <= step <= 5400
    assert done > 0.99


def test_the_state_comes_back() -> None:
    budget, _, _ = simulate([0.01], 1.0)
    other = Budget(1.0, "minutes", 100)
    other.restore(budget.to_json())
    assert other.progress(3000, 30.0) == budget.progress(3000, 30.0)
    assert other.to_json() == budget.to_json()
    longer = Budget(2.0, "minutes", 100)
    longer.restore(budget.to_json())
    assert longer.total is None
    assert not longer.over(budget.total or 0, 60.0)
