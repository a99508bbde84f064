"""Dates in blocks, whatever way they are written."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.data import dates
from throughtime.data.date_patterns import of_format
from throughtime.data.dates import parse
from throughtime.data.written import Text
from throughtime.errors import UserError


@pytest.mark.parametrize("size", [1, 3, 1 << 13])
def test_dates_in_blocks_are_the_dates(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "_BLOCK", size)
    text = Text.of(["2024-01-31", "1 Feb 2024", "2024-02-02 13:05:07.25", "2024-W06", "2024Q2", "2024-01-31"])
    found = parse(text, "a", np.arange(len(text)))
    wanted = ["2024-01-31", "2024-02-01", "2024-02-02T13:05:07.25", "2024-02-05", "2024-04-01", "2024-01-31"]
    np.testing.assert_array_equal(found.stamps, np.array(wanted, "datetime64[us]"))
    assert (found.written, found.offsets) == ("%Y-%m-%d %H:%M:%S.%f", None)
    zones = parse(Text.of(["2024-01-31 10:00-03:30", "2024-01-31 10:00Z", "2024-01-31 10:00+14:00"]), "a", np.arange(3))
    assert zones.offsets is not None
    assert zones.offsets.tolist() == [-12_600, 0, 50_400]
    assert parse(Text.of(["31.12.99", "1.1.2000"]), "a", np.arange(2)).stamps[0] == np.datetime64("1999-12-31")


@pytest.mark.parametrize("size", [1, 3, 1 << 13])
def test_the_first_that_is_no_date_is_named(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "_BLOCK", size)
    text = Text.of([*(f"2024-01-{day:02}" for day in range(1, 10)), "soon", "2024-01-11", "later"])
    with pytest.raises(UserError, match="a: row 11: expected a date such as 2016-03-01 14:00, got 'soon'"):
        parse(text, "a", 2 + np.arange(len(text)))


def test_a_way_of_writing_without_a_year_is_refused() -> None:
    for form in ("%a", "%d.%m.", "%H:%M"):
        with pytest.raises(UserError, match="says no year"):
            of_format(form)
