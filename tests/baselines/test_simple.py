"""Forecasts that cost nothing, by hand: the median, 0, and what Naive2 says where it has no season."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.baselines.compare import Backtest, compare
from throughtime.baselines.simple import Median, Naive2, Zero, sparse

nan = float("nan")


def test_the_median_of_what_was_observed() -> None:
    median = Median()
    median.fit([], 1, 3)
    histories = [np.array([9.0, 1, nan, 2, 100]), np.array([1.0, 2]), np.array([nan, nan])]
    assert median.predict(histories).tolist() == [[5.5] * 3, [1.5] * 3, [0.0] * 3]


@pytest.mark.parametrize(
    ("history", "zero", "rare"),
    [
        ([0.0, 0, 3, 0], True, True),
        ([5.0, 7, 6, 5], False, False),
        ([-0.1, 0.2, nan], True, False),  # returns
        ([0.0, 4, 2, 3, 5], True, False),  # one 0 in five: 1.25 steps from one demand to the next
        ([0.0, 0, nan], True, True),
        ([nan], False, False),
    ],
)
def test_where_zero_and_sparse_counts_stand(history: list[float], zero: bool, rare: bool) -> None:
    assert Zero().applies([np.array(history)]) is zero
    assert sparse(np.array(history)) is rare


def test_a_forecast_of_zero_stands_beside_sparse_counts() -> None:
    """MAE of 0 of the six that came is their mean, 0.5; the last value, 3, is off by 2.5."""
    histories = [np.array([0.0, 2, 0, 0, 0, 3, 1, 0, 0, 0, 2, 0, 6])]
    backtest = Backtest(histories, np.array([[0, 6]]), 6)
    found = compare(backtest, np.ones((1, 6)), seconds=0)["baselines"]
    assert found["zero"]["mae"] == found["median"]["mae"] == 0.5
    assert found["last value"]["mae"] == 2.5
    assert "zero" not in compare(Backtest([np.arange(5.0, 18)], np.array([[0, 6]]), 6), np.ones((1, 6)), seconds=0)


def test_naive2_says_where_it_is_the_last_value() -> None:
    season = np.tile([1.0, 5.0, 9.0, 5.0], 10)
    naive2, said = Naive2(), []
    naive2.fit([], 4, 4)
    naive2.predict([season])
    assert naive2.note == ""
    naive2.predict([season - 1])
    assert naive2.note == "the last value in 1 of 2 windows, whose past is not all above 0: its season multiplies"
    backtest = Backtest([season - 1], np.array([[0, 20], [0, 21]]), 4, 4)
    entry = compare(backtest, np.ones((2, 4)), seconds=0, say=said.append)["baselines"]["Naive2"]
    assert entry["note"] == "the last value in all windows, whose past is not all above 0: its season multiplies"
    assert any(line.startswith("Naive2: MAE ") and "its season multiplies" in line for line in said)
    above = compare(Backtest([season], np.array([[0, 20]]), 4, 4), np.ones((1, 4)), seconds=0)
    assert "note" not in above["baselines"]["Naive2"]
