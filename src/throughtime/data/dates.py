"""Columns of text as points in time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from throughtime.errors import UserError

_DATE = re.compile(
    r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})"
    r"(?:[ T]+(\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
)
_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")


def parse(
    texts: Sequence[str], where: str, first_row: int, dayfirst: bool | None = None, zone: str | None = None
) -> tuple[np.ndarray, str | None, list[str]]:
    """Dates as datetime64[us], their zone, and what was decided on the way.

    Years stand first (2016-03-01, 2016/03/01 14:00, 20160301, 2016-03) or last (01/03/2016): then dayfirst says which
    of the two others is the day; None finds it in the column. Times with an offset become UTC, those without one stay
    as they are; zone: the name of a zone, in which times without an offset are meant. where, first_row: for errors,
    which name the row as an editor counts.
    """
    unique, inverse = np.unique(np.asarray(texts, object).astype(str), return_inverse=True)
    parts: list[Split] = []
    for text in unique:
        split = _split(text.strip())
        if split is None:
            row = first_row + int(np.argmax(inverse == len(parts)))
            raise UserError(f"{where}: row {row}: expected a date such as 2016-03-01 14:00, got {text[:40]!r}")
        parts.append(split)
    notes = []
    last = [split for split in parts if not split[0]]
    if last:
        dayfirst, note = _order([(split[1], split[2]) for split in last], [parts[i] for i in inverse], dayfirst, where)
        notes += note
    offsets = {split[4] is not None for split in parts}
    if len(offsets) > 1:
        missing = next(i for i, split in enumerate(parts) if split[4] is None)
        row = first_row + int(np.argmax(inverse == missing))
        raise UserError(f"{where}: row {row}: a time without an offset among times with one; give all of them one")
    local = _zone(zone, where)
    stamps = []
    for number, split in enumerate(parts):
        try:
            stamp = _stamp(split, bool(dayfirst), local)
        except (ValueError, OverflowError):
            row = first_row + int(np.argmax(inverse == number))
            order = "" if split[0] else f" with the {'day' if dayfirst else 'month'} first"
            raise UserError(f"{where}: row {row}: {str(unique[number])!r} is no date{order}") from None
        stamps.append(stamp)
    name = "UTC" if offsets == {True} and zone is None else zone
    return np.array(stamps, "datetime64[us]")[inverse], name, notes


Split = tuple[bool, int, int, int, "timedelta | None", "tuple[int, int, int, int]"]
"""Whether the year stands first, three numbers as they stand, the offset, and hour, minute, second, microsecond."""


def _split(text: str) -> Split | None:
    clock = (0, 0, 0, 0)
    if match := _COMPACT.fullmatch(text) or _MONTH.fullmatch(text):
        day = int(match.group(3)) if match.lastindex == 3 else 1
        return True, int(match.group(1)), int(match.group(2)), day, None, clock
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    first, _, second, third, hour, minute, whole, part, offset = match.groups()
    if len(first) < 3 and len(third) != 4:
        return None
    clock = (int(hour or 0), int(minute or 0), int(whole or 0), int((part or "0").ljust(6, "0")[:6]))
    shift = None
    if offset:
        sign = -1 if offset[0] == "-" else 1
        digits = offset[1:].replace(":", "") if offset[0] in "+-" else "0000"
        shift = sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return len(first) > 2, int(first), int(second), int(third), shift, clock


def _order(
    pairs: Sequence[tuple[int, int]], rows: Sequence[Split], dayfirst: bool | None, where: str
) -> tuple[bool, list[str]]:
    """Whether the day stands first, and what is to be said of how that was found."""
    day = any(first > 12 for first, _ in pairs)
    month = any(second > 12 for _, second in pairs)
    if dayfirst is not None:
        return dayfirst, []
    if day and month:
        raise UserError(f"{where}: some dates have the day first and some the month; write them one way")
    if day or month:
        return day, [f"dates read with the {'day' if day else 'month'} first"]
    rising = []
    for order in (True, False):
        stamps = [(one[3], *((one[2], one[1]) if order else (one[1], one[2])), *one[5]) for one in rows if not one[0]]
        rising.append(all(a <= b for a, b in pairwise(stamps)))
    if rising[0] != rising[1]:
        return rising[0], [f"dates read with the {'day' if rising[0] else 'month'} first, as only so they are in order"]
    raise UserError(f"{where}: dates may have the day or the month first; say which with dayfirst")


def _zone(name: str | None, where: str) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(f"{where}: expected the name of a time zone such as Europe/Berlin, got {name!r}") from None


def _stamp(split: Split, dayfirst: bool, local: ZoneInfo | None) -> datetime:
    first, a, b, c, offset, clock = split
    year, month, day = (a, b, c) if first else (c, b, a) if dayfirst else (c, a, b)
    stamp = datetime(year, month, day, *clock)
    if offset is not None:
        return stamp - offset
    if local is None:
        return stamp
    return stamp.replace(tzinfo=local).astimezone(UTC).replace(tzinfo=None)
