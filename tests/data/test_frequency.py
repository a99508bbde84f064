"""Frequencies, with pandas as the judge: the times that come next are its own, or the table is refused in a line."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.data.series import read_series
from throughtime.errors import UserError

pd = pytest.importorskip("pandas")

# fmt: off
FREQUENCIES = (
    "250ms", "s", "5s", "30s", "min", "5min", "10min", "15min", "30min", "45min", "90min", "h", "2h", "3h", "4h",
    "6h", "8h", "12h", "D", "2D", "3D", "7D", "10D", "30D", "B", "W-SUN", "W-MON", "W-FRI", "2W-SUN", "4W-MON",
    "MS", "ME", "BMS", "BME", "2MS", "2ME", "6MS", "QS-JAN", "QE-DEC", "QE-NOV", "BQS-JAN", "BQE-DEC", "YS-JAN",
    "YE-DEC", "YS-APR", "YE-JUN", "BYS-JAN", "BYE-DEC", "SMS-15", "SME-15", "WOM-3FRI", "bh",
)
# fmt: on
REFUSED = {"SMS-15", "SME-15", "WOM-3FRI", "bh"}
ZONES = (None, "UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney")


@pytest.mark.parametrize("zone", ZONES)
def test_the_next_thirty_times_are_those_of_pandas(zone: str | None) -> None:
    wrong = []
    for name in FREQUENCIES:
        for start in ("2023-10-20", "2024-02-29"):
            times = pd.date_range(start, periods=90, freq=name, tz=zone)
            frame = pd.DataFrame({"t": times[:60], "v": range(60)})
            try:
                panel = read_series(frame)
            except UserError as error:
                if name not in REFUSED or "\n" in str(error):
                    wrong.append((name, str(error)))
                continue
            own = panel.times(0, 60, 30)
            expected = times[60:].tz_localize(None) if panel.axis.clock == "local" else times[60:].tz_convert("UTC")
            naive = expected.tz_localize(None) if expected.tz is not None else expected
            if own.tolist() != naive.to_numpy().astype("datetime64[us]").tolist() or name in REFUSED:
                wrong.append((name, panel.axis, own[:3]))
    assert not wrong


@pytest.mark.parametrize(
    "days", ["Sun Mon Tue Wed Thu", "Mon Tue Wed Thu Fri Sat", "Wed Thu Fri Sat Sun Mon", "Sat Sun Mon Tue"]
)
@pytest.mark.parametrize("zone", [None, "Asia/Riyadh", "Europe/Berlin"])
def test_the_days_of_other_weeks(days: str, zone: str | None) -> None:
    times = pd.date_range("2024-03-01", periods=70, freq=pd.offsets.CustomBusinessDay(weekmask=days), tz=zone)
    closed = 17  # a holiday
    frame = pd.DataFrame({"t": times[:40].delete(closed), "v": np.delete(np.arange(40.0), closed)})
    panel = read_series(frame)
    assert panel.times(0, 0, 70).tolist() == times.tz_localize(None).to_numpy().astype("datetime64[us]").tolist()
    assert np.isnan(panel.values[0]).nonzero()[0].tolist() == [closed]
    alone = read_series(frame[-1:], frequency=panel.axis.frequency)
    assert alone.times(0, 0, 20).tolist() == panel.times(0, 39, 20).tolist()
    assert panel.frequency.seasons == (len(days.split()),)


def test_few_weeks_tell_nothing_of_their_days() -> None:
    times = [day for day in pd.date_range("2024-03-04", periods=20) if day.day_of_week != 6]
    panel = read_series(pd.DataFrame({"t": times, "v": range(len(times))}))
    assert panel.axis.frequency == "1D"


@pytest.mark.parametrize("name", ["fast", "M-32", "0D", "2B", "bh", "C", "QE-13", "B-MON-FRI", "B-MON-SUN", "B-SUN"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UserError, match="frequency: expected a name such as h, 15min, D"):
        read_series({"ds": np.array(["2024-01-01"], "datetime64[D]"), "v": [1]}, frequency=name)


def test_one_row_needs_a_frequency_that_is_said() -> None:
    one = {"ds": np.array(["2024-01-31"], "datetime64[D]"), "v": [1]}
    with pytest.raises(UserError, match="no frequency is to be seen; one row shows none: give more rows"):
        read_series(one)
    panel = read_series(one, frequency="ME")
    assert panel.times(0, 1, 1)[0] == np.datetime64("2024-02-29")
