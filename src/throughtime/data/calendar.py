"""What the calendar says of a time: features that are known of every step to come."""

from __future__ import annotations

import numpy as np

from throughtime.data.frequency import Frequency
from throughtime.data.zones import to_local

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
    local = to_local(times, zone)
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
