"""Windows of many series, and what is known of each series besides."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.models.resolve import trace_of
from throughtime.tasks.forecast.data import held_for_validation
from throughtime.tasks.forecast.model import ForecastConfig
from throughtime.tasks.forecast.series import Series
from throughtime.tasks.forecast.statistics import Statistics, seasonal_change
from throughtime.tasks.forecast.windows import Epoch, Histories, Windows


def test_windows_are_every_origin_once() -> None:
    config = ForecastConfig.stack(2, 3, 4, (1,), [trace_of("gru")], hidden=3, embedding=3)
    series = [np.arange(20.0), np.arange(100.0, 107.0), np.full(30, np.nan), np.arange(3.0)]
    histories = Histories(config, series)
    windows = Windows(histories)
    assert sorted(map(tuple, windows.origins.tolist())) == [(0, o) for o in range(6, 17)] + [(1, 3)]
    batch = windows.batch(np.arange(len(windows)))
    for n, (one, origin) in enumerate(windows.origins):
        assert batch.actual[n].tolist() == series[one][origin : origin + 4].tolist()
        seen = series[one][max(0, origin - 6) : origin]
        assert batch.seen.level[n, 0] == pytest.approx(seen.mean())
        assert batch.seen.past[:, n, 2:].sum() == len(seen)
    assert [tuple(pair) for pair in Windows(histories, [4, 4, 4, 0], last=True).origins.tolist()] == [(0, 16), (1, 3)]
    assert Windows(histories, [10] * 4).origins.tolist() == [[0, 6]]
    epochs = [Epoch(len(windows), 5, [0, number]) for number in (0, 0, 1)]
    assert [len(epoch) for epoch in epochs] == [2, 2, 2]
    seen = [windows.batch(epoch[1][0]).actual.tolist() for epoch in epochs]
    assert seen[0] == seen[1] != seen[2]


def test_a_window_sees_the_course_of_the_season_from_where_it_stands() -> None:
    config = ForecastConfig.stack(1, 3, 4, (1,), [trace_of("gru")], hidden=3, embedding=3, profile=True)
    series = Series([np.arange(20.0) ** 2, np.arange(30.0) ** 3], phases=np.array([3, 1]))
    statistics = Statistics.of(series, 5)
    assert statistics.profiles is not None
    windows, origins = np.array([0, 1, 1]), np.array([7, 12, 3])
    found = Histories(config, series, statistics).window(windows, origins)
    assert found.profile is not None
    for row, one, origin in zip(found.profile, windows, origins, strict=True):
        season = statistics.profiles[one].tolist()
        assert len(set(season)) == 5
        places = range(origin - config.lookback, origin + config.horizon)
        assert row.tolist() == [season[(series.places[one] + place) % 5] for place in places]


def test_the_change_of_a_series() -> None:
    assert seasonal_change(np.array([1.0, 5, 3, 6, np.nan, 9]), 2) == pytest.approx((2 + 1 + 3) / 3)
    assert seasonal_change(np.full(10, 3.0), 2) == 1.0
    assert seasonal_change(np.array([1.0, 4.0]), 5) == 3.0


def test_the_course_over_a_season_begins_at_the_phase() -> None:
    series = Series([np.array([1.0, 2, 3, 11, np.nan, 13, 99])], phases=np.array([2]))
    statistics = Statistics.of(series, 3, [1])
    assert statistics.profiles is not None
    assert statistics.profiles.tolist() == [[2.0, 8.0, 6.0]]  # 2; 3 and 13; 1 and 11: the first stands at place 2
    assert statistics.measures[0, 0] == pytest.approx(6.0)
    assert np.isnan(Statistics.of(Series([np.array([5.0])]), 2).profiles).tolist() == [[False, True]]  # type: ignore


def test_steps_that_are_held_for_validation() -> None:
    values = [np.zeros(100), np.zeros(30), np.zeros(9)]
    assert held_for_validation(values, 0.1, 4).tolist() == [10, 4, 4]
    assert held_for_validation(values, 0.1, 5).tolist() == [10, 5, 0]  # the last is too short to give any
    assert held_for_validation(values, 20, 4).tolist() == [20, 20, 0]
    assert held_for_validation(values, 0, 4).tolist() == [0, 0, 0]
