"""Clocks of zones, against what zoneinfo says of single times."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from throughtime.data.zones import matching, offset_name, offsets, to_local, to_utc, zone_of
from throughtime.errors import UserError

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "UTC")


def moments(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[us]")


@pytest.mark.parametrize("zone", ZONES)
def test_clocks_are_those_of_zoneinfo(zone: str) -> None:
    times = np.datetime64("2015-01-01T00:30", "us") + np.arange(0, 24 * 800, 5) * np.timedelta64(1, "h")
    expected = [t.item().replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for t in times]
    local = to_local(times, zone)
    assert local.tolist() == expected
    first, last = to_utc(local, zone)
    assert ((first == times) | (last == times)).all()


def test_an_hour_comes_twice_and_one_never() -> None:
    first, last = to_utc(moments("2016-10-30T02:30", "2016-03-27T02:30", "2016-06-01T00:00"), "Europe/Berlin")
    assert first[0] == np.datetime64("2016-10-30T00:30")
    assert last[0] == np.datetime64("2016-10-30T01:30")
    assert np.isnat(first[1])
    assert np.isnat(last[1])
    assert first[2] == last[2] == np.datetime64("2016-05-31T22:00")


def test_fixed_offsets_are_zones() -> None:
    assert offset_name(-5 * 3600 - 1800) == "-05:30"
    assert offset_name(0) == "UTC"
    assert offsets(moments("2016-01-01"), "-05:30").tolist() == [-19800]
    assert to_local(moments("2016-01-01"), "+02:00")[0] == np.datetime64("2016-01-01T02:00")
    with pytest.raises(UserError, match="expected the name of a time zone such as Europe/Berlin, got 'Moon'"):
        zone_of("Moon")
    assert datetime(2016, 7, 1, tzinfo=zone_of("+02:00")).isoformat() == "2016-07-01T00:00:00+02:00"


def test_a_zone_is_known_by_its_offsets() -> None:
    times = np.datetime64("2016-01-01", "us") + np.arange(24 * 366) * np.timedelta64(1, "h")
    assert matching(times, offsets(times, "Europe/Paris")) == "Europe/Berlin"  # today the same
    assert matching(times, offsets(times, "America/New_York")) is not None
    assert matching(times, np.where(np.arange(len(times)) % 2, 3600, 7200)) is None
    assert str(matching(times, np.full(len(times), 3600))).startswith("Africa/")  # no zone with a summer time
