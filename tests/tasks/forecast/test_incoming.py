"""New tables and what the model learned: steps, blanks, categories, and times that are asked for."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from throughtime.data.axis import TimeAxis
from throughtime.data.features import Features, Scale
from throughtime.data.frequency import Frequency
from throughtime.data.panel import Panel
from throughtime.errors import UserError
from throughtime.tasks.forecast.incoming import alike, check_covariates, check_steps, moment

nan = float("nan")


def panel(values: list[float], frequency: str = "h", **more: Any) -> Panel:
    start: Any = 0 if frequency == "steps" else np.datetime64("2024-01-01", "us")
    return Panel(["a"], [start], Frequency.of(frequency), [np.array(values)], where="new.csv", **more)


def test_steps_must_be_those_that_were_learned() -> None:
    check_steps(panel([1.0]), TimeAxis("ds", "h"), True)  # one row is enough
    check_steps(panel([1.0, nan, nan, 2.0, 3.0]), TimeAxis("ds", "h"), True)
    with pytest.raises(UserError, match=r"^new.csv: the model learned steps of 1 hour, these are 15 minutes; give"):
        check_steps(panel([1.0, 2.0], "15min"), TimeAxis("ds", "h"), True)
    with pytest.raises(UserError, match=r"the model learned steps of 1 business day, these are 1 day"):
        check_steps(panel([1.0, 2.0], "D"), TimeAxis("ds", "B"), True)
    days = [1.0, *[nan] * 23] * 4
    with pytest.raises(UserError, match=r"learned steps of 1 hour, these values lie 24 of them apart"):
        check_steps(panel(days), TimeAxis("ds", "h"), True)
    check_steps(panel(days), TimeAxis("ds", "h"), False)  # as in training
    with pytest.raises(UserError, match=r"the model learned steps of 1 hour, these rows have no dates"):
        check_steps(panel([1.0], "steps"), TimeAxis("ds", "h"), True)
    check_steps(panel([1.0], "steps"), TimeAxis(), True)
    assert alike([np.array([1.0, 2.0, 5.0, nan, 3.0])])
    assert not alike([np.array([1.0, nan, 3.0, nan, 2.0, nan, 4.0])])


def test_blanks_that_are_to_be_known_are_refused() -> None:
    features = Features(False, future=(Scale("price", 2.0, 1.0),))
    price = {"price": [np.array([1.0, 2.0, 3.0, nan, 5.0])]}
    given = panel([1.0, 2.0], future=price)
    with pytest.raises(UserError) as told:
        check_covariates(given, features, 3)
    assert str(told.value) == (
        "new.csv: series a: column price is blank at 2024-01-01 03:00:00, and is to be known 3 steps after the last y; "
        "fill it in"
    )
    check_covariates(given, features, 1)
    masked = Features(False, future=(Scale("price", 2.0, 1.0, masked=True),))
    assert check_covariates(given, masked, 3) == []  # the model learned what a missing price means


def test_blanks_and_new_categories_are_told() -> None:
    features = Features(
        False,
        static=(Scale("kind", names=("u", "v")),),
        future=(Scale("day", names=("mo", "tu")),),
        past=(Scale("wind"),),
    )
    given = panel(
        [1.0, 2.0],
        past={"wind": [np.array([nan, 2.0])]},
        future={"day": [np.array(["mo", "su", "tu", "sa"], object)]},
        static={"kind": ["w"]},
    )
    assert check_covariates(given, features, 2) == [
        "column day: 'sa', 'su' not in training (mo, tu): it tells the model nothing",
        "column wind: 1 blank, which training never had: taken as its mean",
        "column kind: 'w' not in training (u, v): it tells the model nothing",
    ]


BERLIN = TimeAxis("ds", "h", "Europe/Berlin", "utc")


@pytest.mark.parametrize(
    ("value", "axis", "last", "expected"),
    [
        ("2024-03-01", TimeAxis("ds", "D"), False, "2024-03-01T00:00:00"),
        ("2024-03-01 14:30", TimeAxis("ds", "h"), True, "2024-03-01T14:30:00"),
        ("2024-03-01", TimeAxis("ds", "h"), True, "2024-03-01T23:59:59.999999"),
        (date(2024, 3, 1), TimeAxis("ds", "h"), False, "2024-03-01T00:00:00"),
        (np.datetime64("2024-03-01T05"), TimeAxis("ds", "h"), False, "2024-03-01T05:00:00"),
        ("2024-07-01 14:00", BERLIN, False, "2024-07-01T12:00:00"),
        ("2024-07-01T14:00+00:00", BERLIN, False, "2024-07-01T14:00:00"),
        ("2024-10-27 02:00", BERLIN, False, "2024-10-27T00:00:00"),  # the hour that comes twice
        ("2024-10-27 02:00", BERLIN, True, "2024-10-27T01:00:00"),
        (
            datetime(2024, 7, 1, 23, tzinfo=timezone(timedelta(hours=-1))),
            TimeAxis("ds", "D", "Europe/Berlin", "local"),
            False,
            "2024-07-02T02:00:00",
        ),
    ],
)
def test_times_that_are_asked_for(value: Any, axis: TimeAxis, last: bool, expected: str) -> None:
    assert moment(value, axis, last) == np.datetime64(expected, "us")


@pytest.mark.parametrize(
    ("value", "axis", "words"),
    [
        ("soon", TimeAxis("ds", "D"), "expected a date such as 2024-03-01 14:00, got 'soon'"),
        (3, TimeAxis("ds", "D"), "expected a date such as 2024-03-01, got 3"),
        ("2024-03-01", TimeAxis(), "the model's rows have no dates"),
        ("2024-03-31 02:30", BERLIN, "the clock of Europe/Berlin leaves out 2024-03-31 02:30:00"),
    ],
)
def test_times_that_are_none(value: Any, axis: TimeAxis, words: str) -> None:
    with pytest.raises(UserError, match=words):
        moment(value, axis)
    assert moment(7, TimeAxis()) == 7
