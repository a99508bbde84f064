"""Clocks of time zones: instants to what a clock shows, and back, whole columns at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np

from throughtime.errors import UserError

_DAY, _SECOND = 86_400, 1_000_000
_FIXED = re.compile(r"([+-])(\d{2}):(\d{2})")


def zone_of(name: str, where: str = "timezone") -> tzinfo:
    """The zone of a name such as Europe/Berlin, UTC or +02:00; UserError where there is none."""
    if match := _FIXED.fullmatch(name):
        shift = timedelta(hours=int(match.group(2)), minutes=int(match.group(3)))
        return timezone(-shift if match.group(1) == "-" else shift)
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(f"{where}: expected the name of a time zone such as Europe/Berlin, got {name!r}") from None


def offset_name(seconds: int) -> str:
    """An offset from UTC as a zone's name: +02:00, or UTC."""
    if not seconds:
        return "UTC"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"


@dataclass(frozen=True)
class _Offsets:
    """begins: (M,) seconds since 1970 at which offsets (M,), in seconds, begin to hold."""

    begins: np.ndarray
    offsets: np.ndarray

    def at(self, seconds: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.offsets[np.searchsorted(self.begins, seconds, "right") - 1]
        return found


@lru_cache(maxsize=64)
def _offsets(name: str, first: int, last: int) -> _Offsets:
    """The offsets of a zone between two days, counted from 1970."""
    zone = zone_of(name)

    def offset(seconds: int) -> int:
        shift = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(zone).utcoffset()
        assert shift is not None
        return round(shift.total_seconds())

    begins, offsets = [first * _DAY], [offset(first * _DAY)]
    for day in range(first, last):
        low, high = day * _DAY, (day + 1) * _DAY
        if (new := offset(high)) == offsets[-1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if offset(middle) == new else (middle, high)
        begins.append(high)
        offsets.append(new)
    return _Offsets(np.array(begins), np.array(offsets))


def _around(name: str, times: np.ndarray) -> _Offsets:
    days = times.astype("datetime64[D]").astype(np.int64)
    if not len(days):
        return _offsets(name, 0, 1)
    first, last = max(-719_100, int(days.min()) - 2), min(2_932_800, int(days.max()) + 3)
    return _offsets(name, first // 366 * 366, -(-last // 366) * 366)


def offsets(times: np.ndarray, zone: str) -> np.ndarray:
    """(L,) seconds by which a zone's clock is ahead of UTC at instants, datetime64[us]."""
    return _around(zone, times).at(times.astype("datetime64[s]").astype(np.int64))


def to_local(times: np.ndarray, zone: str | None) -> np.ndarray:
    """Instants, datetime64[us] of UTC, as the zone's clock shows them."""
    if zone is None or zone == "UTC":
        return times
    local: np.ndarray = times.astype("datetime64[us]") + offsets(times, zone) * np.timedelta64(_SECOND, "us")
    return local


def to_utc(local: np.ndarray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    """What a clock shows, datetime64[us], as instants: the first and the last that it can be.

    They differ in the hour that comes twice; both are NaT for a time that the clock leaves out.
    """
    table, local = _around(zone, local), local.astype("datetime64[us]")
    first, last = (np.full(local.shape, np.datetime64("NaT"), "datetime64[us]") for _ in range(2))
    for offset in np.unique(table.offsets)[::-1]:  # the larger the offset, the earlier the instant
        instants = local - int(offset) * np.timedelta64(_SECOND, "us")
        holds = table.at(instants.astype("datetime64[s]").astype(np.int64)) == offset
        first = np.where(holds & np.isnat(first), instants, first)
        last = np.where(holds, instants, last)
    return first, last


def matching(times: np.ndarray, offset: np.ndarray, years: int = 3) -> str | None:
    """The zone whose clock had these offsets, seconds, at these instants, where all such zones also agree in the
    `years` after; None where no zone had them, or they go different ways."""
    order = np.argsort(times)
    times, offset = times[order], offset[order]
    turns = np.flatnonzero(np.diff(offset))
    probes = np.unique(np.concatenate([[0, len(times) - 1], turns, turns + 1]))
    ahead = times[-1] + np.arange(1, 366 * years) * np.timedelta64(_DAY * _SECOND, "us")
    fits: dict[bytes, str] = {}
    for name in sorted(available_timezones()):
        if "/" not in name or name.startswith("Etc/"):
            continue
        zone = ZoneInfo(name)
        if all(_offset(zone, times[i]) == offset[i] for i in probes) and (offsets(times, name) == offset).all():
            fits.setdefault(offsets(ahead, name).tobytes(), name)
            if name == "Europe/Berlin":  # the best known of many that are alike
                fits[offsets(ahead, name).tobytes()] = name
    return next(iter(fits.values())) if len(fits) == 1 else None


def _offset(zone: tzinfo, time: np.datetime64) -> int:
    moment: datetime = time.astype("datetime64[s]").astype(datetime)
    shift = moment.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    assert shift is not None
    return round(shift.total_seconds())
