"""Intervals against what came, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.baselines.intervals import judged

LEVELS = (0.05, 0.5, 0.95)


def windows(inside: int, count: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """So many of `count` windows with their value between -1 and 1, spread evenly; the quantiles."""
    actual = np.full((count, 1), 2.0)
    actual[np.linspace(0, count - 1, inside).round().astype(int)] = 0.0
    return actual, np.tile([-1.0, 0.0, 1.0], (count, 1, 1))


@pytest.mark.parametrize(
    ("inside", "holds", "begin"),
    [
        (90, True, "The 90 % interval holds: 90.0 % of what came lies inside the 90 % interval (95 % interval 8"),
        (82, False, "The 90 % interval is too narrow; 82.0 % of what came lies inside"),
        (2, False, "The 90 % interval is far too narrow: 9.8 times as many values lie outside as should; 2.0 %"),
        (100, False, "The 90 % interval is far wider than it has to be: 100.0 % of what came lies inside"),
    ],
)
def test_intervals_are_judged_in_words(inside: int, holds: bool, begin: str) -> None:
    found = judged(*windows(inside), LEVELS, np.arange(100), "windows")
    assert found is not None
    assert found["inside"] == inside / 100
    assert found["holds"] is holds
    assert str(found["sentence"]).startswith(begin)
    assert "over 100 windows" in str(found["sentence"])


def test_few_windows_say_little_but_what_is_plain() -> None:
    found = judged(*windows(3, 4), LEVELS, np.arange(4), "windows")
    assert found is not None
    assert found["holds"] is None
    assert found["sentence"] == (
        "75.0 % of what came lies inside the 90 % interval; 4 windows are too few to tell whether it holds."
    )
    none = judged(windows(4, 4)[0], windows(4, 4)[1] + 9, LEVELS, np.arange(4), "windows")
    assert none is not None
    assert none["holds"] is False
    assert str(none["sentence"]).startswith("The 90 % interval is far too narrow: 10.0 times as many")


def test_what_is_no_central_interval_is_not_judged() -> None:
    actual, quantiles = windows(90)
    assert judged(actual, quantiles, (0.1, 0.5, 0.8), np.arange(100), "windows") is None
    assert judged(actual * np.nan, quantiles, LEVELS, np.arange(100), "windows") is None
