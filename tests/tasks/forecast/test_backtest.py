"""Which origins a backtest has, and its table, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from throughtime.data.axis import TimeAxis
from throughtime.data.frequency import Frequency
from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.tasks.forecast.backtest import Backtests, cutoffs
from throughtime.tasks.forecast.score import _backtest, _examples, judge

nan = float("nan")


def panel(*values: list[float], starts: tuple[str, ...] = ("2024-01-01", "2024-01-03"), **more: Any) -> Panel:
    begins = [np.datetime64(start, "us") for start in starts[: len(values)]]
    names, arrays = list("ab")[: len(values)], [np.array(one, float) for one in values]
    return Panel(names, begins, Frequency.of("D"), arrays, axis=TimeAxis("ds", "D"), **more)


def test_origins_are_counted_from_the_end_or_given() -> None:
    both = panel([*range(10)], [*range(5)])
    found = cutoffs(both, 2, 2, 3, None)
    assert [some.tolist() for some in found] == [[[0, 4]], [[0, 6]], [[0, 8], [1, 3]]]
    assert [some.tolist() for some in cutoffs(both, 2, 2, 2, 1)] == [[[0, 7], [1, 2]], [[0, 8], [1, 3]]]
    # 5 January is the fifth day of a, the third of b
    assert [some.tolist() for some in cutoffs(both, 2, 2, 1, None, ["2024-01-05"])] == [[[0, 5], [1, 3]]]
    for windows, stride, given, words in (
        (0, None, (), "windows must be an integer from 1 to 100,000, got 0"),
        (2, 0, (), "stride must be an integer from 1 to 100,000, got 0"),
        (6, None, (), "12 steps before the end no series has 2 values before and one after"),
        (1, None, ("2023-01-01",), "until 2023-01-01 no series has 2 values before"),
    ):
        with pytest.raises(UserError, match=words):
            cutoffs(both, 2, 2, windows, stride, given)


def test_the_table_of_a_backtest() -> None:
    tests = Backtests(panel([1, 2, 3, nan, 5]), np.array([[0, 2], [0, 4]]), np.arange(4.0).reshape(2, 2, 1), ())
    assert tests.csv().splitlines() == [
        "unique_id,ds,cutoff,y,forecast",
        "a,2024-01-03,2024-01-02,3.0,0.0",
        "a,2024-01-04,2024-01-02,,1.0",
        "a,2024-01-05,2024-01-04,5.0,2.0",  # the step after the end is none of the series
    ]


def test_what_is_shown_against_what_came() -> None:
    quantiles = np.array([[[0.0, 2.0, 4.0], [1.0, 3.0, 9.0]]])
    tests = Backtests(panel([1, 2, 3, nan, 5]), np.array([[0, 3]]), quantiles, (0.1, 0.5, 0.9))
    assert _examples(tests) == [
        {
            "unique_id": "a",
            "ds": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"],
            "y": [1.0, 2.0, 3.0, None, 5.0],
            "seen": 3,
            "forecast": [2.0, 3.0],
            "low": [0.0, 1.0],
            "high": [4.0, 9.0],
            "levels": [0.1, 0.9],
        }
    ]


def test_series_side_by_side_are_not_independent() -> None:
    """Seven columns of one installation, one window each: one stretch of time, which is too few to tell anything."""
    rng = np.random.default_rng(0)
    seven = [10 + rng.standard_normal(30) for _ in range(7)]
    starts = [np.datetime64("2024-01-01", "us")] * 7
    names = [f"module {n}" for n in range(7)]
    installed = Panel(names, starts, Frequency.of("D"), seven, axis=TimeAxis("ds", "D"))
    origins = np.array([[n, 26] for n in range(7)])
    values = np.stack([one[26:, None] for one in seven])[:, :4] + 0.01
    found = judge(Backtests(installed, origins, values, ()), 1, 0)["verdict"]
    assert "independent" not in found["sentence"]
    assert found["skill"] is None
    assert "1 stretch of time is too few to tell" in found["sentence"]
    alone = Panel(names, [0] * 7, Frequency.of("steps"), [one[n:] for n, one in enumerate(seven)])
    apart = Backtests(alone, np.array([[n, 26 - n] for n in range(7)]), values, ())
    assert judge(apart, 1, 0)["verdict"]["groups"] == 7  # of different lengths, as in M4, and without dates
    assert judge(apart, 1, 0)["verdict"]["sentence"].endswith("over 7 series, taken as independent).")
    # series that begin at different dates share a clock: 26 January is the same day for all of them
    late = [np.datetime64("2024-01-01", "us") + np.timedelta64(n, "D") for n in range(7)]
    dated = Panel(names, late, Frequency.of("D"), [one[n:] for n, one in enumerate(seven)])
    groups, unit = _backtest(Backtests(dated, np.array([[n, 26 - n] for n in range(7)]), values, ()), 1).groups()
    assert (len(np.unique(groups)), unit) == (1, "stretches of time")
