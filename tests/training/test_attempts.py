"""Several trainings in one budget."""

from __future__ import annotations

from throughtime.training.attempts import Attempts
from throughtime.training.schedule import Budget


def judged(attempts: Attempts, *losses: float, every: int = 100) -> None:
    for i, loss in enumerate(losses, 1):
        attempts.judged(loss, i * every)


def test_an_attempt_is_over_where_it_learns_by_heart_or_has_had_its_steps() -> None:
    budget, attempts = Budget(1.0, "minutes", 100, attempt=2000), Attempts(3)
    judged(attempts, 2.0, 1.5, 1.6, 1.6)
    assert not attempts.over(budget, 0.3, 400)
    attempts.judged(1.6, 500)
    assert attempts.over(budget, 0.3, 500)
    assert not attempts.over(budget, 0.8, 500)  # so late it may as well end
    attempts.judged(1.501, 600)
    assert not attempts.over(budget, 0.4, 600)  # hardly above its best
    assert attempts.over(budget, 0.4, 2000)


def test_a_single_training_goes_on_to_its_end() -> None:
    attempts = Attempts(1)
    judged(attempts, 1.0, 2.0, 2.0, 2.0, 2.0)
    assert not attempts.over(Budget(1.0, "minutes", 100), 0.3, 500)
    assert not Attempts(3).over(Budget(900, "steps", 100), 0.3, 500)


def test_the_next_one_is_longer_and_follows_only_where_the_last_one_gained_and_time_is_left() -> None:
    budget, attempts = Budget(1.0, "minutes", 100, attempt=2000), Attempts(3)
    judged(attempts, 2.0, 1.5, 1.6, 1.6, 1.6)
    assert attempts.next(budget, 500, 5.0, overall=1.5) == 510  # 1.7 times half as much again as its best step
    assert attempts.next(budget, 500, 5.0, overall=1.4) is None
    assert attempts.next(budget, 500, 58.0, overall=1.5) is None
    attempts.begin(500)
    assert (attempts.number, attempts.worse) == (1, 0)
    attempts.judged(1.45, 900)
    attempts.begin(1500)
    attempts.judged(1.4, 1600)
    assert attempts.next(budget, 1700, 10.0, overall=1.4) is None  # three are all


def test_one_on_all_goes_as_far_as_the_best_was_and_is_kept_at_its_end() -> None:
    budget, attempts = Budget(1.0, "minutes", 100), Attempts(2, whole=True)
    judged(attempts, 2.0, 1.5, 1.6, 1.6, 1.6)
    assert not attempts.waits(budget, 500, 5.0, 0.0)
    assert attempts.next(budget, 500, 5.0, overall=1.5) == 220  # a tenth more than the best step
    assert attempts.next(budget, 500, 40.0, overall=1.5) == 220  # of which 132 would do
    assert attempts.next(budget, 500, 50.0, overall=1.5) is None
    attempts.begin(500)
    budget.begin(500, 5.0, 220)
    assert attempts.waits(budget, 719, 9.0, 0.0)
    assert not attempts.waits(budget, 720, 9.0, 0.0)
    assert not attempts.waits(budget, 600, 59.5, 0.5)  # the time is over
    assert attempts.next(budget, 720, 9.0, overall=1.5) is None
    assert "whole" not in attempts.to_json()


def test_whether_another_one_follows_can_be_told_before() -> None:
    budget = Budget(1.0, "minutes", 100, attempt=1000)
    assert not Attempts(3).last_one(budget, 500, 5.0)  # 500 more steps and 1,700 take 22 of 55 seconds
    assert Attempts(3).last_one(budget, 500, 25.0)
    assert Attempts(1).last_one(budget, 500, 5.0)
    assert Attempts(3).last_one(Budget(1.0, "minutes", 100), 500, 5.0)  # it takes all the time there is


def test_the_state_comes_back() -> None:
    attempts, other = Attempts(4), Attempts(4)
    judged(attempts, 2.0, 1.5, 1.6)
    attempts.begin(300)
    other.restore(attempts.to_json())
    assert other == attempts
    attempts.judged(1.2, 400)
    other.restore(attempts.to_json())
    assert other == attempts
