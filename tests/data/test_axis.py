"""Where rows stand in time, as a model keeps it."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.data.axis import TimeAxis
from throughtime.errors import UserError


def test_an_axis_is_kept_as_json() -> None:
    axis = TimeAxis("Month", "1MS", "Asia/Tokyo", "local", "%Y-%m")
    assert TimeAxis.from_json(axis.to_json()) == axis
    with pytest.raises(UserError, match="Mars"):
        TimeAxis(zone="Mars")
    with pytest.raises(UserError, match="frequency"):
        TimeAxis(frequency="often")


def test_instants_and_what_the_clock_shows() -> None:
    times = np.array(["2016-07-01T22:00"], "datetime64[us]")
    hours = TimeAxis("ds", "1h", "Europe/Berlin", "utc")
    assert hours.local(times)[0] == np.datetime64("2016-07-02T00:00")
    assert hours.instants(times)[0] == times[0]
    assert hours.offsets(times) == [7200]
    days = TimeAxis("ds", "1D", "Europe/Berlin", "local")
    assert days.local(times)[0] == times[0]
    assert days.instants(times)[0] == np.datetime64("2016-07-01T20:00")
    left_out = np.array(["2016-03-27T02:30"], "datetime64[us]")
    assert days.instants(left_out)[0] == np.datetime64("2016-03-27T01:30")
    assert TimeAxis().offsets(times) is None
