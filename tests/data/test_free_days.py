"""Holidays by country: which days, how longer steps count them, and what is said where they are not to be had."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from throughtime.data.features import Features
from throughtime.data.free_days import FreeDays
from throughtime.data.frequency import Frequency
from throughtime.data.series import read_series
from throughtime.errors import UserError


def _times(first: str, last: str, unit: str = "D") -> np.ndarray:
    return np.arange(np.datetime64(first, unit), np.datetime64(last, unit)).astype("datetime64[us]")


def test_days_and_their_neighbours() -> None:
    times = _times("2023-12-24", "2024-01-03")
    rows = FreeDays.of("US", times).features(times, Frequency.of("D"))
    assert rows[:, 0].tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]  # Christmas and New Year
    assert rows[:, 1].tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert rows[:, 2].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 1]


def test_the_first_day_sees_the_year_before() -> None:
    rows = FreeDays.of("DE", _times("2024-12-26", "2024-12-30")).features(
        _times("2024-12-27", "2024-12-28"), Frequency.of("D")
    )
    assert rows.tolist() == [[0, 0, 1]]


def test_hours_are_of_the_day_of_their_zone() -> None:
    hours = _times("2024-12-24T22", "2024-12-25T02", "h")
    rows = FreeDays.of("US", hours).features(hours, Frequency.of("h"), "Europe/Berlin")
    assert rows[:, 0].tolist() == [0, 1, 1, 1]


def test_longer_steps_count() -> None:
    months = _times("2024-10", "2025-02", "M")
    rows = FreeDays.of("DE", months).features(months, Frequency.of("MS"))
    assert np.allclose(rows[:, 0] * 5, [1, 0, 2, 1])


def test_parts_of_countries_differ() -> None:
    times = _times("2024-01-06", "2024-01-07")
    assert [FreeDays.of(code, times).features(times, Frequency.of("D"))[0, 0] for code in ("DE-BY", "DE-BE")] == [1, 0]


@pytest.mark.parametrize(
    ("code", "said"),
    [("XX", "knows no country 'XX'"), ("DE-QQ", "knows no part 'QQ' of DE"), ("china", "knows no country 'china'")],
)
def test_what_is_no_country(code: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        FreeDays.of(code, _times("2024-01-01", "2024-02-01"))
    assert "\n" not in str(caught.value)


def test_years_without_holidays() -> None:
    with pytest.raises(UserError, match="knows none of CN in 1800 to 1800"):
        FreeDays.of("CN", _times("1800-01-01", "1800-02-01"))


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    times = _times("2024-01-01", "2024-03-01")
    kept = FreeDays.from_json(FreeDays.of("CN", times).to_json())
    monkeypatch.setitem(sys.modules, "holidays", None)
    assert kept.features(_times("2024-02-10", "2024-02-11"), Frequency.of("D"))[0, 0] == 1
    assert kept.features(_times("2029-10-01", "2029-10-02"), Frequency.of("D"))[0, 0] == 1
    with pytest.raises(
        UserError, match=r"CN from 2030 to 2030 need the holidays package \(those of 2023 to 2029 are kept\)"
    ):
        kept.features(_times("2030-01-05", "2030-01-06"), Frequency.of("D"))
    with pytest.raises(UserError, match="need the holidays package: pip install"):
        FreeDays.of("CN", times)


def test_the_ends_of_the_calendar() -> None:
    last = np.array(["9999-12-31"], "datetime64[us]")
    kept = FreeDays("US", 1, 9999, ("9999-12-31",))
    assert kept.features(last, Frequency.of("D")).tolist() == [[1, 0, 0]]
    assert kept.features(np.array(["0001-01-01"], "datetime64[us]"), Frequency.of("D")).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("days", [["2024-02-30"], ["soon"], "2024-01-01", [1]])
def test_damaged_days(days: object) -> None:
    with pytest.raises(UserError):
        FreeDays.from_json({"country": "CN", "first": 2024, "last": 2024, "days": days})


def test_features_of_a_table() -> None:
    days = _times("2024-12-20", "2025-01-03")
    panel = read_series({"ds": days, "y": np.arange(len(days), dtype=float)})
    made = Features.of(panel, False, holidays="US")
    rows = made.apply(panel, 4)
    assert made.known(panel) == 3
    assert rows is not None
    assert np.flatnonzero(rows[0][:, 0]).tolist() == [5, 12]
    with pytest.raises(UserError, match="have no dates; leave holidays out"):
        Features.of(read_series({"y": np.arange(9.0)}), holidays="US")
