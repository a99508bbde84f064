"""What the calendar says of a time: features that are known of every step to come."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from throughtime.data.frequency import Frequency

_DAY = np.timedelta64(1, "D")


def names(frequency: Frequency) -> list[str]:
    """The features of a frequency, in the order of `features`."""
    names = []
    if frequency.kind == "fixed" and frequency.count < 86_400_000_000:
        names += [f"{f} of {k} x time of day" for k in (1, 2) for f in ("sine", "cosine")]
    if frequency.kind == "business" or (frequency.kind == "fixed" and frequency.count <= 86_400_000_000):
        names += ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    if frequency.kind != "steps":
        names += ["sine of time of year", "cosine of time of year"]
    return names


def features(times: np.ndarray, frequency: Frequency, zone: str | None = None) -> np.ndarray:
    """(L,) datetime64[us] to (L, P) float32: sines and cosines of the time of day and of the year, the day of the week.

    zone: where times are UTC, the zone whose clock and calendar count.
    """
    local = _local(times, zone)
    days = local.astype("datetime64[D]")
    columns: list[np.ndarray] = []
    if frequency.kind == "fixed" and frequency.count < 86_400_000_000:
        angle = 2 * np.pi * ((local - days.astype("datetime64[us]")) / _DAY)
        columns += [f(k * angle) for k in (1, 2) for f in (np.sin, np.cos)]
    if frequency.kind == "business" or (frequency.kind == "fixed" and frequency.count <= 86_400_000_000):
        weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        columns += [(weekday == d).astype(np.float64) for d in range(7)]
    if frequency.kind != "steps":
        angle = 2 * np.pi * ((days - days.astype("datetime64[Y]").astype("datetime64[D]")) / _DAY) / 365.25
        columns += [np.sin(angle), np.cos(angle)]
    if not columns:
        return np.zeros((len(times), 0), np.float32)
    return np.stack(columns, 1).astype(np.float32)


def _local(times: np.ndarray, zone: str | None) -> np.ndarray:
    if zone is None or zone == "UTC":
        return times
    from datetime import UTC, datetime

    place = ZoneInfo(zone)
    hours, inverse = np.unique(times.astype("datetime64[h]"), return_inverse=True)
    shifts = []
    for hour in hours.astype("datetime64[s]").astype(np.int64):
        shift = datetime.fromtimestamp(int(hour), UTC).astimezone(place).utcoffset()
        assert shift is not None
        shifts.append(int(shift.total_seconds()))
    local: np.ndarray = times + np.array(shifts)[inverse] * np.timedelta64(1, "s")
    return local
