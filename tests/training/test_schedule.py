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


def simulate(seconds_of: list[float], minutes: float, validation: float = 0.0) -> tuple[list[float], list[float]]:
    """Run a budget of minutes; step i takes seconds_of[i], every 100th step `validation` seconds more: the progress
    before each step, and the seconds after it, the last being the end of all."""
    budget, elapsed, progress, times = Budget(minutes, "minutes", 100), 0.0, [], []
    for step in itertools.count():
        if budget.over(step, elapsed, validation):
            return progress, [*times, elapsed + validation]
        progress.append(budget.progress(step, elapsed, validation))
        elapsed += seconds_of[min(step, len(seconds_of) - 1)] + (validation if step % 100 == 50 else 0.0)
        times.append(elapsed)
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
        [0.05] * 300 + [0.01],  # other programs are at work in the first quarter
    ],
)
@pytest.mark.parametrize("validation", [0.0, 0.3])
def test_minutes_are_kept_and_progress_is_the_share_of_the_time(seconds_of: list[float], validation: float) -> None:
    progress, times = simulate(seconds_of, 1.0, validation)
    assert 57.0 <= times[-1] <= 60.0 + max(seconds_of) + validation
    assert all(a <= b for a, b in itertools.pairwise(progress))
    assert progress[-1] > 0.97
    assert progress[1:] == pytest.approx([time / (60.0 - validation) for time in times[: len(progress) - 1]])


def test_time_for_what_follows_the_loop_is_kept_and_the_rate_still_falls_to_its_end() -> None:
    budget, step, done = Budget(1.0, "minutes", 100), 0, 0.0
    while not budget.over(step, 0.01 * step, reserve=6.0):
        done = budget.progress(step, 0.01 * step, reserve=6.0)
        step += 1
    assert 5390 <= step <= 5400
    assert done > 0.99


def test_progress_does_not_fall_where_less_time_has_to_be_kept() -> None:
    budget = Budget(1.0, "minutes", 100)
    assert budget.progress(10, 27.0, reserve=6.0) == pytest.approx(0.5)
    assert budget.progress(11, 27.1, reserve=0.0) == pytest.approx(0.5)
    assert budget.progress(12, 45.0, reserve=0.0) == pytest.approx(0.75)


def test_an_attempt_ends_by_its_steps_or_by_the_time() -> None:
    budget = Budget(1.0, "minutes", 100, attempt=200)
    assert budget.progress(100, 10.0) == pytest.approx(0.5)
    assert not budget.ended(199)
    assert budget.ended(200)
    assert budget.fits(900, 200, 10.0)  # 0.05 seconds a step, 50 seconds left
    assert not budget.fits(1100, 200, 10.0)
    budget.begin(200, 10.0, 2000)
    assert budget.progress(200, 10.0) == 0.0
    assert budget.progress(300, 35.0) == pytest.approx(0.5)  # half of the time that was left, a twentieth of the steps
    assert not budget.ended(300)
    assert budget.over(400, 60.0)


def test_steps_and_epochs_are_one_attempt() -> None:
    budget = Budget(300, "steps", 100, attempt=10)
    assert not budget.ended(100)
    assert budget.progress(150, 1.0) == 0.5
    assert not budget.fits(1, 150, 1.0)


def test_the_state_comes_back() -> None:
    budget = Budget(1.0, "minutes", 100, attempt=500)
    budget.begin(400, 20.0, 1000)
    budget.progress(500, 30.0)
    other = Budget(1.0, "minutes", 100)
    other.restore(budget.to_json())
    assert other.progress(600, 35.0) == budget.progress(600, 35.0) == pytest.approx(0.375)
    assert other.to_json() == budget.to_json()
    assert not other.changed
    longer = Budget(2.0, "minutes", 100)
    longer.restore(budget.to_json())
    assert longer.changed
    assert longer.progress(600, 35.0) == pytest.approx(0.2)  # of the steps of the attempt
    assert not longer.over(1400, 60.0)
