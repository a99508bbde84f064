"""What is answered, by hand: times on the file's clock in one form, all digits, and what is no forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from throughtime.data.axis import TimeAxis
from throughtime.errors import UserError
from throughtime.tasks.forecast.answers import Forecasts, medians, texts
from throughtime.tasks.forecast.callers import Caller


def times(*stamps: str) -> list[np.ndarray]:
    return [np.array(stamps, "datetime64[us]")]


@pytest.mark.parametrize(
    ("axis", "given", "expected"),
    [
        (TimeAxis("ds", "D"), ["2024-01-31", "2024-02-01"], ["2024-01-31", "2024-02-01"]),
        (TimeAxis("ds", "1MS"), ["2024-01-01"], ["2024-01-01"]),
        # an hour's step keeps its hour at midnight too
        (
            TimeAxis("ds", "h"),
            ["2024-01-31T23", "2024-02-01T00"],
            ["2024-01-31 23:00:00", "2024-02-01 00:00:00"],
        ),
        (TimeAxis("ds", "h"), ["2024-02-01T00"], ["2024-02-01 00:00:00"]),
        (TimeAxis("ds", "D"), ["2024-02-01T06"], ["2024-02-01 06:00:00"]),
        (
            TimeAxis("ds", "250ms"),
            ["2024-02-01T00:00:00.000", "2024-02-01T00:00:00.250"],
            ["2024-02-01 00:00:00.000", "2024-02-01 00:00:00.250"],
        ),
        (TimeAxis("ds", "5us"), ["2024-02-01T00:00:00"], ["2024-02-01 00:00:00.000000"]),
        # summer time ends in Berlin on 2024-10-27 at 01:00 UTC: its hour from two to three comes twice
        (
            TimeAxis("ds", "h", "Europe/Berlin", "utc"),
            ["2024-10-27T00", "2024-10-27T01", "2024-10-27T02"],
            ["2024-10-27 02:00:00+02:00", "2024-10-27 02:00:00+01:00", "2024-10-27 03:00:00+01:00"],
        ),
        (TimeAxis("ds", "h", "-03:30", "utc"), ["2024-01-01T00"], ["2023-12-31 20:30:00-03:30"]),
        (TimeAxis("ds", "h", "UTC", "utc"), ["2024-01-01T00"], ["2024-01-01 00:00:00+00:00"]),
        # days of Berlin's clock, around the change of 2024-03-31, of a file with offsets, and without
        (
            TimeAxis("ds", "D", "Europe/Berlin", "local", "%Y-%m-%d %H:%M%z"),
            ["2024-03-31", "2024-04-01"],
            ["2024-03-31 00:00:00+01:00", "2024-04-01 00:00:00+02:00"],
        ),
        (TimeAxis("ds", "D", "Europe/Berlin", "local"), ["2024-03-31", "2024-04-01"], ["2024-03-31", "2024-04-01"]),
    ],
)
def test_times_are_told_on_the_files_clock_in_one_form(axis: TimeAxis, given: list[str], expected: list[str]) -> None:
    assert texts(times(*given), axis) == [expected]


def test_steps_are_numbers() -> None:
    assert texts([np.arange(3, 5)], TimeAxis()) == [["3", "4"]]


def forecasts(values: list[list[float]], levels: tuple[float, ...], **more: Any) -> Forecasts:
    """Of one series, two days."""
    array = np.array(values).reshape(1, 2, -1)
    return Forecasts(["a"], times("2024-01-01", "2024-01-02"), array, levels, [], "y", TimeAxis("ds", "D"), **more)


def test_every_digit_is_kept() -> None:
    found = forecasts([[12347118.49], [1 / 3]], ())
    assert found.csv() == "unique_id,ds,forecast\na,2024-01-01,12347118.49\na,2024-01-02,0.3333333333333333\n"
    assert found.to_json() == [{"unique_id": "a", "ds": ["2024-01-01", "2024-01-02"], "forecast": [12347118.49, 1 / 3]}]


def test_a_quantile_is_not_called_the_forecast() -> None:
    without = forecasts([[1.0, 9.0], [2.0, 4.0]], (0.1, 0.9))
    assert without.csv().splitlines()[0] == "unique_id,ds,q10,q90"
    assert "forecast" not in without.to_json()[0]  # type: ignore[operator]
    assert without.point.tolist() == [[5.0, 3.0]]  # for pictures and scores: between both, as far from each
    within = forecasts([[1.0, 3.0, 9.0], [2.0, 3.0, 4.0]], (0.1, 0.5, 0.9))
    assert within.csv().splitlines()[:2] == ["unique_id,ds,forecast,q10,q50,q90", "a,2024-01-01,3.0,1.0,3.0,9.0"]
    with pytest.raises(UserError, match=r"the quantiles 0\.8, 0\.9 have no median among or between them; add 0\.5"):
        medians(np.zeros((1, 2)), (0.8, 0.9))


def test_the_median_between_its_neighbours() -> None:
    """log(u / (1 - u)) is -2.1972 at 0.1 and 0.4055 at 0.6: 0 lies at 0.8442 of the way."""
    assert medians(np.array([0.0, 100.0]), (0.1, 0.6)) == pytest.approx(84.42, abs=0.01)


def test_only_what_was_asked_for() -> None:
    found = forecasts([[1.0], [2.0]], (), keep=np.array([[False, True]]))
    assert found.csv() == "unique_id,ds,forecast\na,2024-01-02,2.0\n"
    assert found.to_json() == [{"unique_id": "a", "ds": ["2024-01-02"], "forecast": [2.0]}]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_frames_are_of_the_callers_kind(kind: str) -> None:
    pytest.importorskip(kind)
    narwhals = pytest.importorskip("narwhals")
    values, axis = np.array([[[1.0, 2.0, 3.0]]]), TimeAxis("when", "h", "Europe/Berlin", "utc")
    found = Forecasts(["a"], times("2024-01-01T00"), values, (0.1, 0.5, 0.9), [], "y", axis)
    frame = narwhals.from_native(found.frame(Caller(kind, "shop", "when")), eager_only=True)
    assert str(frame.implementation) == kind
    assert frame.columns == ["shop", "when", "forecast", "q10", "q50", "q90"]
    assert frame["shop"].to_list() == ["a"]
    assert [frame[name][0] for name in ("forecast", "q10", "q50", "q90")] == [2.0, 1.0, 2.0, 3.0]
    assert frame["when"].dtype.time_zone == "Europe/Berlin"
    assert frame["when"][0].isoformat() == "2024-01-01T01:00:00+01:00"
    naive = narwhals.from_native(found.frame(Caller(kind, aware=False)), eager_only=True)
    assert naive["ds"].dtype == narwhals.Datetime("us")
    assert naive["ds"][0].isoformat() == "2024-01-01T01:00:00"
    fixed = Forecasts(
        ["a"], times("2024-01-01T00"), values, (0.1, 0.5, 0.9), [], "y", TimeAxis("w", "h", "+09:00", "utc")
    )
    assert narwhals.from_native(fixed.frame(Caller(kind)))["ds"][0].isoformat() == "2024-01-01T09:00:00+09:00"


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_dates_stay_dates(kind: str) -> None:
    pytest.importorskip(kind)
    narwhals = pytest.importorskip("narwhals")
    frame = narwhals.from_native(forecasts([[1.0], [2.0]], ()).frame(Caller(kind, date=True)))
    assert frame["ds"].dtype == narwhals.Date()
    assert [str(one) for one in frame["ds"].to_list()] == ["2024-01-01", "2024-01-02"]
