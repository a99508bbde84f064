"""What the rule chooses of a forecaster, and that it leaves alone what somebody chose."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from throughtime import Forecaster
from throughtime.tasks.forecast.facts import Facts
from throughtime.tasks.forecast.options import ForecastOptions
from throughtime.tasks.forecast.rule import Seconds, choose, useful_steps
from throughtime.tasks.forecast.speed import seconds_a_step
from throughtime.training.job import Learner, SideBySideJob
from throughtime.training.processes import share


def seasonal(count: int, steps: int, season: int = 24, drift: float = 0.0) -> list[np.ndarray]:
    """Series with a season, noise and a level that may wander."""
    rng, t = np.random.default_rng(0), np.arange(steps)
    return [
        50
        + 5 * np.sin(2 * np.pi * t / season)
        + rng.standard_normal(steps)
        + drift * rng.standard_normal(steps).cumsum()
        for _ in range(count)
    ]


def walks(count: int = 8, steps: int = 1500) -> list[np.ndarray]:
    """Random walks."""
    return list(np.random.default_rng(1).standard_normal((count, steps)).cumsum(1))


def chosen(
    series: list[np.ndarray], horizon: int = 24, seconds: Seconds | None = None, threads: int = 1, **given: Any
) -> ForecastOptions:
    """Options for series, by the rule."""
    options = ForecastOptions(horizon, **({"minutes": 3} | given))
    facts = Facts.of(series, horizon, options.season, None)
    return choose(facts, options, seconds or (lambda tried: 0.005 * ((tried.hidden or 128) / 128) ** 2), threads)[0]


def test_hourly_series_that_drift() -> None:
    found = chosen(seasonal(7, 6000, drift=0.5))
    assert (found.season, found.segment, found.lookback) == (24, 24, 336)
    assert found.lags == (1, 24, 168, 336)
    assert (found.scaling, found.nonnegative, found.profile, found.loss) == ("last", False, 0, "mae")


def test_short_series_are_scaled_by_their_windows() -> None:
    assert chosen(seasonal(50, 700, drift=0.5)).scaling == "window"
    assert chosen(seasonal(50, 700, drift=0.5), scaling="series").scaling == "series"


def test_many_short_series_leave_few_windows_each() -> None:
    walking = walks(1000, 10)
    assert chosen(walking[:20], 3).lookback == 3  # half of what is before the horizon
    assert chosen(walking, 3).lookback == 6
    assert chosen(walking, 2).lookback == 4  # two horizons


def test_one_value_or_two_are_scaled_by_their_series() -> None:
    for horizon, lookback in (3, 1), (2, 2):
        found = chosen(walks(1000, 4), horizon)
        assert (found.lookback, found.scaling) == (lookback, "last")


def test_months_have_no_weeks() -> None:
    found = chosen(seasonal(30, 120, 12, 0.1), 18)
    assert (found.season, found.segment, found.lags) == (12, 12, (1, 12, 24))
    assert found.lookback == 48  # as many windows as steps in one


def test_a_course_without_drift_is_seen_with_its_level() -> None:
    assert chosen(seasonal(7, 6000)).scaling == "series"


def test_a_level_that_counts() -> None:
    rng, series = np.random.default_rng(0), [np.zeros(3000)]
    for t in range(1, 3000):
        series[0][t] = 0.8 * series[0][t - 1] + rng.standard_normal()
    assert chosen(series, 6).scaling == "series"


COUNTS = np.random.default_rng(5).poisson(0.5 + 0.4 * np.sin(2 * np.pi * np.arange(2000) / 7)).astype(float)
LEVELS = (0.1, 0.5, 0.9)


def test_small_counts_are_told_by_their_distribution() -> None:
    assert chosen([COUNTS], 7, quantiles=LEVELS).distribution == "negative_binomial"
    assert chosen([COUNTS], 7).distribution == "none"
    assert chosen([COUNTS], 7, quantiles=LEVELS, distribution="none").distribution == "none"
    assert chosen([COUNTS], 7, quantiles=LEVELS, loss="mae").distribution == "none"
    assert chosen([COUNTS], 7, quantiles=LEVELS, every=True).distribution == "none"


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("either 0 or 1", np.minimum(COUNTS, 1)),
        ("ratings", np.random.default_rng(0).integers(2, 6, 2000).astype(float)),
        ("below zero", COUNTS - 1),
        ("halves", COUNTS / 2),
        ("many at a time", COUNTS * 40),
        ("none at all", COUNTS * 0),
    ],
)
def test_other_whole_numbers_are_no_small_counts(what: str, values: np.ndarray) -> None:
    assert chosen([values], 7, quantiles=LEVELS).distribution == "none", what


def test_where_nothing_beats_the_last_value_little_is_tried() -> None:
    found = chosen(walks(), 10)
    assert (found.season, found.lags, found.hidden, found.dropout, found.learning_rate) == (1, (1,), 64, 0.5, 5e-3)
    assert found.minutes is not None
    assert found.minutes < 0.3


def test_a_short_horizon_beside_a_long_season_sees_the_mean_course() -> None:
    found = chosen(seasonal(1, 4000, 288), 1)
    assert found.scaling == "last"
    assert chosen(seasonal(1, 4000, 288), 1, profile=0).scaling == "series"
    assert (found.season, found.profile, found.segment, found.lookback, found.lags) == (288, 288, 1, 24, (1,))


def test_a_long_season_is_cut_where_the_horizon_is_long() -> None:
    found = chosen(seasonal(1, 8000, 288), 288)
    assert (found.season, found.profile, found.segment) == (288, 0, 48)
    assert found.lookback is not None
    assert found.lookback % 48 == 0


def test_counts_that_are_mostly_zero() -> None:
    found = chosen([np.random.default_rng(n).poisson(0.3, 500).astype(float) for n in range(5)], 5)
    assert (found.loss, found.scaling, found.nonnegative) == ("mse", "series", True)


def test_zeros_with_nothing_below_stay_so() -> None:
    assert chosen([np.maximum(0, one - 50) for one in seasonal(2, 900)]).nonnegative is True
    assert chosen(seasonal(2, 900)).nonnegative is False
    assert chosen([one - 50 for one in seasonal(2, 900)]).nonnegative is False


@pytest.mark.parametrize(("values", "minutes"), [(3000, 1.0), (20_000, 3.0), (60_000, 3.0), (60_000, 30.0)])
def test_a_budget_buys_members_until_there_is_nothing_to_gain(values: int, minutes: float) -> None:
    series = seasonal(10, values // 10, drift=0.3)
    slow, quick = (chosen(series, seconds=lambda tried, k=k: k, minutes=minutes) for k in (1.0, 1e-4))  # type: ignore
    assert (slow.ensemble_size, slow.minutes, slow.warm_up) == (1, minutes, min(100, int(6 * minutes)))
    assert quick.ensemble_size == 5
    assert quick.minutes is not None
    assert quick.minutes < minutes
    facts = Facts.of(series, 24, None, None)
    steps = 60 * quick.minutes / (5 * 1e-4)
    assert steps >= 1.4 * useful_steps(facts, quick) or quick.minutes == 0.05


def test_models_count_side_by_side() -> None:
    series, asked = seasonal(10, 3000, drift=0.3), list[int]()
    useful = useful_steps(Facts.of(series, 24, None, None), chosen(series, ensemble_size=1))

    def seconds(tried: ForecastOptions) -> float:
        asked.append(tried.members)
        return 0.01 if tried.members == 1 else 0.012

    def members(times: float, threads: int = 2, **given: Any) -> int:
        asked.clear()
        minutes = 1.25 * useful * 0.01 * times / 60
        return chosen(series, seconds=seconds, threads=threads, minutes=minutes, **given).members

    assert (members(1.3), asked) == (2, [1, 2])  # two on two threads take 1.2 times as long as one
    assert (members(1.3, 1), asked) == (1, [1])
    assert (members(1.1), members(1.7), members(1.9)) == (1, 2, 3)  # three take 1.8 times as long
    assert (members(0.9), asked) == (1, [1])  # nothing is measured that cannot be paid for
    assert (members(1.3, 8), asked) == (5, [1, 5])
    assert (members(0.9, ensemble_size=4), asked) == (4, [1, 2])


def test_a_wider_state_where_there_is_time_and_much_to_learn() -> None:
    many, few = seasonal(10, 6000, drift=0.3), seasonal(4, 600, drift=0.3)
    assert chosen(many, minutes=30).hidden == 256
    assert chosen(many, minutes=0.5).hidden == 128
    assert chosen(few, minutes=30).hidden == 64


def test_large_sets_seen_a_few_times_need_no_validation_part() -> None:
    many = seasonal(100, 4000, drift=0.3)
    assert chosen(many, minutes=1).validation == 0
    assert chosen(many, minutes=1, quantiles=(0.1, 0.5, 0.9)).validation == 0.1
    assert chosen(seasonal(1, 400), minutes=1).validation == 0.1


def test_what_somebody_chose_stays() -> None:
    given: dict[str, Any] = {
        **{"season": 7, "segment": 3, "lookback": 21, "lags": (2, 5), "scaling": "level", "loss": "mse", "hidden": 20},
        **{"embedding": 9, "dropout": 0.25, "batch": 33, "learning_rate": 0.123, "ensemble_size": 2, "profile": 7},
        **{"nonnegative": True, "validation": 40, "warm_up": 3},
    }
    found = chosen(seasonal(3, 900), **given)
    assert {name: getattr(found, name) for name in given} == given


def test_every_choice_has_a_reason_and_holds() -> None:
    facts = Facts.of(seasonal(3, 900), 24, None, None)
    options, choices = choose(facts, ForecastOptions(24, minutes=3), lambda tried: 0.01)
    assert {one.name for one in choices} >= {"season", "segment", "lookback", "lags", "scaling", "ensemble_size"}
    assert all(one.why for one in choices)
    assert all(getattr(options, one.name) == one.value for one in choices)


def test_steps_are_not_measured() -> None:
    def never(tried: ForecastOptions) -> float:
        raise AssertionError("measured")

    found = chosen(seasonal(3, 900), seconds=never, minutes=None, steps=10)
    assert (found.ensemble_size, found.hidden, found.minutes) == (1, 64, None)
    assert found.warm_up == 1
    found = chosen(seasonal(3, 900), seconds=never, minutes=1 / 60)
    assert (found.ensemble_size, found.minutes) == (1, 1 / 60)


@pytest.mark.parametrize(
    ("series", "horizon"),
    [
        ([np.arange(30.0)], 5),
        ([np.arange(30.0)], 12),
        ([np.ones(100)], 5),
        ([np.zeros(40)], 3),
        ([np.array([1.0, np.nan, 2.0, np.nan, np.nan, 4.0, 3.0])], 2),
        ([np.ones(4), np.arange(200.0)], 3),
        ([np.random.default_rng(0).standard_normal(40) for _ in range(500)], 7),
    ],
)
def test_short_constant_and_broken_series_get_settings_that_work(series: list[np.ndarray], horizon: int) -> None:
    model = Forecaster(horizon, threads=1).fit(series, steps=3, quiet=True)
    assert np.isfinite(model.predict()).all()
    assert {one.name for one in model.record.choices} >= {"season", "lookback"}


def test_a_budget_of_a_second() -> None:
    model = Forecaster(5, threads=1).fit([np.arange(30.0)], minutes=1 / 60, quiet=True)
    assert np.isfinite(model.predict()).all()
    assert model.record is not None
    assert model.record.options.minutes == 1 / 60


def test_the_speed_is_measured_and_the_run_repeats_what_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    from throughtime.tasks.forecast import speed

    measured = []

    def seconds(job: Any, minutes: float, threads: int) -> float:
        measured.append(job)
        return 1e-6  # so quick that little time is needed

    monkeypatch.setattr(speed, "seconds_a_step", seconds)
    model = Forecaster(3, threads=1, ensemble_size=1).fit(walks(2, 200), minutes=1, quiet=True)
    assert len(measured) == 1
    assert model.record is not None
    assert model.record.options.minutes == 0.05
    assert model.outcome is not None
    assert model.outcome.seconds < 10


def test_a_measurement_trains_all_models_side_by_side_and_changes_nothing() -> None:
    asked, parameters = torch.zeros(2, 5), [torch.ones(3, requires_grad=True) for _ in range(2)]
    share([asked])

    class Two(SideBySideJob):
        steps_per_epoch = 2

        def __init__(self) -> None:
            super().__init__({}, lambda arrays, note: None)

        def epoch(self, number: int) -> list[list[int]]:
            return [[1, 2], [3, 4]]

        def member_loss(self, number: int, batch: int) -> tuple[Any, int]:
            asked[number, batch] = 1
            return (parameters[number] * batch).sum(), 1

        def learners(self) -> list[Learner]:
            return [Learner({"w": parameters[i]}, partial(self._member, i)) for i in range(2)]

    before = torch.get_num_threads()
    assert seconds_a_step(Two(), 1e-6, 2) > 0
    assert asked.tolist() == [[0, 1, 0, 1, 0], [0, 0, 1, 0, 1]]
    assert all(bool((value == 1).all()) for value in parameters)
    assert torch.get_num_threads() == before
