"""Rows onto the steps of a grid of time: the clock that counts, the place of each row, and several rows of one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.data import zones
from throughtime.data.frequency import Frequency, infer, on_day
from throughtime.data.reading import Reading
from throughtime.data.series_table import SeriesTable
from throughtime.data.time_columns import Times
from throughtime.errors import UserError

DAY = 86_400_000_000
_SHORT = 100_000
"""Microseconds of a step below which no hours of the day are looked for: a day has too many of them to count."""
_NICE = [
    int(k * 1e6) for k in (0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200)
]
_NICE += [k * 3_600_000_000 for k in (3, 4, 6, 8, 12, 24, 168)]

Groups = list[tuple[str, np.ndarray]]
"""Of each series its name and its rows."""


@dataclass(frozen=True)
class Stamps:
    """times: (N,) datetime64[us] or int64 of each row, None where rows are steps. clock: what they are, see TimeAxis.
    frequency: of their steps."""

    times: np.ndarray | None
    clock: str
    frequency: Frequency


def shown(time: Any) -> str:
    """A time, for messages."""
    return str(time).replace("T", " ").removesuffix(".000000").removesuffix(" 00:00:00")


def settle(table: SeriesTable, times: Times, groups: Groups, reading: Reading, notes: list[str]) -> Stamps:
    """The clock and the frequency on which a table's times lie, as asked for or as found."""
    asked = None if reading.frequency in (None, "steps") else Frequency.of(str(reading.frequency))
    if times.wall is None or reading.frequency == "steps" or not times.dated:
        if asked is not None and times.wall is None:
            raise UserError(f"{table.where}: frequency {reading.frequency} needs a column of times; name it with time")
        return Stamps(times.wall, "local", Frequency("steps"))
    wall = times.wall
    instants = times.instants
    if instants is None and times.zone is not None:
        instants = _instants(table, wall, times.zone, groups)
    found = [("local", wall)] if instants is None else [("local", wall), ("utc", instants)]
    if asked is not None:
        long = asked.kind != "fixed" or (
            asked.count >= DAY and not str(reading.frequency).lower().endswith(("h", "min", "s"))
        )
        clock, stamps = found[0] if long or len(found) == 1 else found[1]
        _check_there(table, stamps, wall, times)
        return Stamps(stamps, clock, asked.fitting([stamps[rows] for _, rows in groups]))
    inferred: dict[str, Frequency] = {}
    for clock, stamps in found:
        if clock == "utc" and np.isnat(stamps).any() and "local" in inferred and _from_a_day(inferred["local"]):
            continue
        _check_there(table, stamps, wall, times)
        each = [_distinct(stamps[rows]) for _, rows in groups]
        step = _rough(each) if reading.round else infer(each)
        if step is not None and (reading.round or all(_fits(step, one) for one in each)):
            inferred[clock] = step
        elif step is not None and len(found) == 1:
            inferred[clock] = step  # placing the rows says which does not fit
    if not inferred:
        for name, rows in groups:
            own = np.sort(found[-1][1][rows])
            if reading.aggregate is None and (own[1:] == own[:-1]).any():
                ordered = rows[np.argsort(found[-1][1][rows], kind="stable")]
                place(table, Stamps(found[-1][1], found[-1][0], Frequency("fixed")), name, ordered, times, None, notes)
        hint = "give one (frequency), with round where times waver, or take rows as steps"
        if all(len(rows) == 1 for _, rows in groups):
            hint = "one row shows none: give more rows, or say it (frequency)"
        raise UserError(f"{table.where}: column {', '.join(times.columns)}: no frequency is to be seen; {hint}")
    local = "local" in inferred and (_from_a_day(inferred["local"]) or "utc" not in inferred)
    clock = "local" if local else "utc"
    step = inferred[clock]
    _check_nights(table, step, wall, times)
    notes.append(f"frequency: {step}")
    if clock == "utc" and times.changing:
        notes.append("offsets change as those of no one zone: times are UTC; name the zone with timezone")
    return Stamps(dict(found)[clock], clock, step)


def _check_nights(table: SeriesTable, step: Frequency, wall: np.ndarray, times: Times) -> None:
    """UserError where rows of steps below a day are never of some hours: nobody says whether those are missing."""
    if step.kind != "fixed" or not _SHORT <= step.count < DAY or DAY % step.count:
        return
    days = wall.astype("datetime64[D]")
    slots = (wall - days.astype("datetime64[us]")).astype(np.int64) // step.count
    there = np.bincount(slots, minlength=DAY // step.count)
    if len(there) < 4 or (there > 0).mean() >= 0.75 or len(np.unique(days)) < 4 or len(wall) < 3 * (there > 0).sum():
        return
    hours = [int(k) * step.count // 60_000_000 for k in np.flatnonzero((there == 0) & (np.roll(there, 1) > 0))]
    first = ", ".join(f"{minute // 60:02}:{minute % 60:02}" for minute in hours[:3])
    raise UserError(
        f"{table.where}: column {', '.join(times.columns)}: steps of {step}, but rows never go on at {first}; say "
        f"frequency {step.alias} to take the rest of the day as missing, or steps to take rows as they come"
    )


def _from_a_day(step: Frequency) -> bool:
    return step.kind != "fixed" or step.count >= DAY


def _fits(step: Frequency, stamps: np.ndarray) -> bool:
    """Whether rising times are those of a grid."""
    numbers, off = _numbered(step.index(stamps))
    return bool(not off.any() and _on_grid(step, stamps, numbers).all())


def _distinct(times: np.ndarray) -> np.ndarray:
    """Times in order, none twice; the same array where they are so."""
    return times if (times[1:] > times[:-1]).all() else np.unique(times)


def _numbered(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (N,) of float64, which are overwritten, as whole steps after the first; and which are off them."""
    at -= at[0]
    numbers = np.rint(at)
    np.subtract(at, numbers, out=at)
    np.abs(at, out=at)
    return numbers.astype(np.int64), at > 1e-9


def _on_grid(step: Frequency, stamps: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Which times are those of their places; months and business days say more than their numbers do."""
    if step.kind == "fixed":
        return np.ones(len(stamps), bool)
    if int(places[-1]) > 100_000:
        return np.ones(len(stamps), bool)
    on: np.ndarray = step.times(stamps[0], int(places[-1]) + 1)[places] == stamps
    return on


def _rough(times: list[np.ndarray]) -> Frequency | None:
    """The frequency of times that waver: the usual distance next to the middle one."""
    gaps = np.concatenate([np.diff(one).astype(np.int64) for one in times])
    if not len(gaps):
        return None
    middle = float(np.median(gaps))
    nearest = min(_NICE, key=lambda nice: abs(np.log(nice / middle)))
    return Frequency("fixed", nearest) if abs(nearest / middle - 1) < 0.05 else None


def _instants(table: SeriesTable, wall: np.ndarray, zone: str, groups: Groups) -> np.ndarray:
    """What the clock of a zone shows as UTC: where an hour comes twice, a series' first row of a time is the earlier
    one, and its second the later; in files that go backwards the other way round. NaT where the clock leaves a time
    out."""
    first, last = zones.to_utc(wall, zone)
    twice = np.flatnonzero((first != last) & ~np.isnat(first))
    if not len(twice):
        return first
    code = np.zeros(len(wall), np.int64)
    backwards = np.zeros(len(wall), bool)
    for number, (_, rows) in enumerate(groups):
        code[rows] = number
        backwards[rows] = wall[rows[-1]] < wall[rows[0]]
    seen: dict[tuple[int, int], list[int]] = {}
    for row in twice.tolist():
        seen.setdefault((int(code[row]), int(wall[row].astype(np.int64))), []).append(row)
    instants = first.copy()
    for both in seen.values():
        if len(both) == 2:
            later = both[0] if backwards[both[0]] else both[1]
            instants[later] = last[later]
    return instants


def _check_there(table: SeriesTable, stamps: np.ndarray, wall: np.ndarray, times: Times) -> None:
    """UserError for a time that the clock of the zone leaves out."""
    if np.isnat(stamps).any():
        place = int(np.isnat(stamps).argmax())
        raise UserError(
            f"{table.where}: row {table.rows[place]}, column {', '.join(times.columns)}: {shown(wall[place])} is left "
            f"out by the clock of {times.zone}; correct it, or name another timezone"
        )


def rounded(stamps: Stamps, reading: Reading, table: SeriesTable, notes: list[str]) -> Stamps:
    """Times moved to the nearest step, or to the beginning of the step they lie in where rows are to be aggregated."""
    step, times = stamps.frequency, stamps.times
    if times is None or times.dtype.kind != "M" or step.kind == "steps":
        return stamps
    if reading.round:
        if step.kind != "fixed":
            raise UserError(f"{table.where}: round moves times to steps of equal length, the steps are {step}")
        moved = _floored(step, times + np.timedelta64(step.count // 2, "us"))
        count = int((moved != times).sum())
        notes.append(f"{count:,} times moved to the nearest {step}, by up to {_duration(np.abs(moved - times).max())}")
    elif reading.aggregate is not None and reading.frequency is not None:
        moved = _floored(step, times)
        if (moved != times).any():
            notes.append(f"rows of one {step} taken together: their {reading.aggregate}")
    else:
        return stamps
    return Stamps(moved, stamps.clock, step)


def _duration(span: np.timedelta64) -> str:
    seconds = span.astype("timedelta64[us]").astype(np.int64) / 1e6
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} min"


def _floored(step: Frequency, times: np.ndarray) -> np.ndarray:
    """The beginnings of the steps in which times lie; of months, their day."""
    if step.kind == "months":
        months = times.astype("datetime64[M]").astype(np.int64) // step.count * step.count
        found: np.ndarray = on_day(months.astype("datetime64[M]"), step.day or "1").astype("datetime64[us]")
        return found
    if step.kind == "business":
        days = np.busday_offset(times.astype("datetime64[D]"), 0, roll="backward", weekmask=step.week)
        return np.asarray(days).astype("datetime64[us]")
    monday = 4 * DAY if step.count % (7 * DAY) == 0 else 0  # 1970-01-05
    count = times.astype(np.int64) - monday
    return (count // step.count * step.count + monday).astype("datetime64[us]")


def in_order(table: SeriesTable, stamps: Stamps, groups: Groups, labelled: bool, notes: list[str]) -> Groups:
    """The rows of each series in the order of time."""
    times, unsorted, ordered = stamps.times, 0, []
    if times is None:
        return groups
    for name, rows in groups:
        own = times[rows]
        if (own[1:] < own[:-1]).any():
            rows, unsorted = rows[np.argsort(own, kind="stable")], unsorted + 1
        ordered.append((name, rows))
    if unsorted:
        notes.append(f"rows put in the order of time in {unsorted} series" if labelled else "rows put in order")
    return ordered


def place(
    table: SeriesTable, stamps: Stamps, name: str, rows: np.ndarray, times: Times, wanted: str | None, notes: list[str]
) -> np.ndarray:
    """The step of each row of a series, in the order of time, from 0. wanted: what becomes of several rows of one step.

    UserError where a row lies between steps, or two share one and that is not wanted.
    """
    step, column = stamps.frequency, ", ".join(times.columns)
    if stamps.times is None or (step.kind == "steps" and stamps.times.dtype.kind == "M"):
        return np.arange(len(rows))
    own = stamps.times[rows]
    if wanted is None and (same := own[1:] == own[:-1]).any():
        k = int(same.argmax())
        time = _wall(times, rows[k], own[k])
        _refuse_two(table, rows[k : k + 2], name, f"are both of {shown(time)}; keep one{_perhaps_twice(time, times)}")
    at = own.astype(np.float64) if own.dtype.kind != "M" else step.index(own)
    numbers, off = _numbered(at)
    if wanted is None and (same := (numbers[1:] == numbers[:-1]) & ~off[1:] & ~off[:-1]).any():
        k = int(same.argmax())
        both = " and ".join(shown(own[i]) for i in (k, k + 1))
        _refuse_two(table, rows[k : k + 2], name, f"lie in one step of {step}: {both}; take another frequency")
    if own.dtype.kind == "M" and not off.any():
        off = ~_on_grid(step, own, numbers)
    if off.any():
        k = int(off.argmax())
        raise UserError(
            f"{table.where}: row {table.rows[rows[k]]}, column {column}: {shown(_wall(times, rows[k], own[k]))} is not "
            f"a whole number of steps ({step}) after the first; give another frequency, or round where times waver"
        )
    if numbers[-1] >= 50 * len(rows) + 1000:
        raise UserError(
            f"{table.where}: {f'series {name}: ' if name else ''}{len(rows)} rows over {numbers[-1] + 1:,} steps of "
            f"{step}, from {shown(own[0])} to {shown(own[-1])}; mend a time that is none, or "
            "give another frequency"
        )
    missing = int(numbers[-1]) - int((numbers[1:] != numbers[:-1]).sum())
    if missing:
        notes.append(f"{missing} steps missing{f' in series {name}' if name else ''}, kept as missing values")
    return numbers


def _wall(times: Times, row: int, own: Any) -> Any:
    return own if times.wall is None else times.wall[row]


def _perhaps_twice(time: Any, times: Times) -> str:
    """A hint where an hour may have come twice, as on a Sunday in autumn."""
    if times.zone is not None or not times.dated:
        return ""
    day = time.astype("datetime64[D]")
    sunday = (int(day.astype(np.int64)) + 3) % 7 == 6
    hour = (time - day).astype("timedelta64[h]").astype(int)
    return ", or name the timezone if this hour came twice" if sunday and hour <= 3 and time != day else ""


def _refuse_two(table: SeriesTable, rows: np.ndarray, name: str, said: str) -> None:
    a, b = sorted(int(table.rows[row]) for row in rows)
    of = f" of series {name}" if name else ""
    hint = ", or say what becomes of them (aggregate)" + ("" if name else ", or which column names the series (id)")
    raise UserError(f"{table.where}: rows {a} and {b}{of} {said}{hint}")


def aggregated(values: np.ndarray, starts: np.ndarray, how: str) -> np.ndarray:
    """Values, in order, of which each of starts (M,) begins those of one step: what becomes of them, (M,)."""
    if values.dtype.kind != "f" or how in ("first", "last"):
        ends = np.concatenate([starts[1:], [len(values)]]) - 1
        taken: np.ndarray = values[ends if how == "last" else starts]
        return taken
    known = np.isfinite(values)
    count = np.add.reduceat(known, starts)
    if how in ("min", "max"):
        function, empty = (np.minimum, np.inf) if how == "min" else (np.maximum, -np.inf)
        found = function.reduceat(np.where(known, values, empty), starts)
    elif how == "median":
        step = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(values))))
        ordered = values[np.lexsort((values, step))]  # missing ones stand last
        low, high = starts + np.maximum(count - 1, 0) // 2, starts + count // 2
        found = (ordered[low] + ordered[np.minimum(high, len(values) - 1)]) / 2
    else:
        found = np.add.reduceat(np.where(known, values, 0.0), starts)
        found = found / np.maximum(count, 1) if how == "mean" else found
    return np.where(count > 0, found, np.nan)
