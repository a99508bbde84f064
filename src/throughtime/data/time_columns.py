"""Which column of a table says the time, or which several, and what they say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from throughtime.data import zones
from throughtime.data.counted_times import FORMS, of_numbers
from throughtime.data.dates import TOTAL, parse, stamps_of
from throughtime.data.frequency import outside
from throughtime.data.reading import Reading
from throughtime.data.series_table import SeriesTable
from throughtime.data.written import Text
from throughtime.errors import UserError

TIMES = ("ds", "datetime", "date", "time", "timestamp")
"""Names of columns of times whose whole numbers may also be steps, the surest first."""

_COUNTED = {
    *("year", "yr", "years", "month", "yearmonth", "yyyymm", "yyyymmdd", "yearmonthday", "period", "week", "yearweek"),
    *("quarter", "day", "dt", "ts", "t", "epoch", "unix", "unixtime", "decimaldate", "decimalyear", "datetimeutc"),
    *("unixtimestamp", "unixtime", "epochtime", "timestampms", "opentime", "closetime"),
    *("jahr", "année", "annee", "año", "ano", "anno", "jaar", "år", "datum", "fecha", "data", "zeit", "monat", "mois"),
    "mes",
    *("日期", "时间", "年", "年份", "月份", "日期时间", "时间戳"),
}
"""Further names of columns whose numbers may be dates."""

PARTS = {
    "year": ("year", "yr", "yyyy", "jahr", "année", "annee", "año", "ano", "anno", "jaar", "år", "年", "年份"),
    "month": ("month", "mon", "mm", "mnth", "monthofyear", "monat", "mois", "mes", "mese", "maand", "月", "月份"),
    "day": ("day", "dd", "mday", "dayofmonth", "tag", "jour", "día", "dia", "giorno", "dag", "日"),
    "hour": ("hour", "hr", "hh", "hourofday", "stunde", "heure", "hora", "ora", "时", "小时"),
    "minute": ("minute", "min", "mi", "分", "分钟"),
    "second": ("second", "sec", "ss", "秒"),
    "quarter": ("quarter", "qtr", "q", "季度"),
    "week": ("week", "weekofyear", "isoweek", "weeknumber", "周"),
    "weekday": ("weekday", "dayofweek", "dow", "星期"),
    "dayofyear": ("dayofyear", "doy", "yday"),
}
"""Names of columns that are a part of a date."""

_RANGES = {
    **{"year": (1000, 9999), "month": (1, 12), "day": (1, 31), "hour": (0, 24), "minute": (0, 59), "second": (0, 59)},
    **{"quarter": (1, 4), "week": (1, 53), "weekday": (0, 7), "dayofyear": (1, 366)},
}
_MOST = 1 << 53
"""Whole numbers from here on are rounded as float64."""
_CLOCK = re.compile(r"\d{1,2}[:.h]\d{2}(?:[:.]\d{2}(?:\.\d+)?)?(?:\s*[ap]\.?m\.?)?", re.IGNORECASE)


@dataclass(frozen=True)
class Times:
    """columns: that say the time, none where rows are steps. wall: (N,) datetime64[us] as the file's clock shows it, or
    int64 steps; None where rows are steps. instants: the same in UTC, where the file says so. zone: of the clock, where
    the file says it, or was asked for. changing: whether offsets change and belong to no zone that is known. written:
    how, in directives of strftime. notes: what was decided."""

    columns: tuple[str, ...]
    wall: np.ndarray | None
    instants: np.ndarray | None = None
    zone: str | None = None
    changing: bool = False
    written: str = ""
    notes: tuple[str, ...] = ()

    @property
    def dated(self) -> bool:
        """Whether there are dates."""
        return self.wall is not None and self.wall.dtype.kind == "M"


def plain_name(name: str) -> str:
    """A name without case, spaces and signs."""
    return re.sub(r"[\W_]+", "", name.lower())


def part_of(table: SeriesTable, name: str) -> str | None:
    """Of a date, the part that a column is by its name and its numbers; None for no part."""
    kind = next((kind for kind, names in PARTS.items() if plain_name(name) in names), None)
    if kind is None:
        return None
    found = table.parsed(name)
    values = found.values
    if found.bad is not None and kind == "month":
        text = table.text(name)
        return kind if all(_month_name(one) for one in text.kinds) else None
    if found.bad is not None or not np.isfinite(values).all() or (values != np.round(values)).any():
        return None
    low, high = _RANGES[kind]
    return kind if low <= values.min() and values.max() <= high else None


def find_times(table: SeriesTable, reading: Reading) -> Times:
    """The times of a table, as they are asked for or as they are found. UserError where they cannot be, or where
    several columns may be meant."""
    names = reading.time or _found(table, reading)
    if not names:
        note = "no column of times: rows are steps" if reading.frequency != "steps" else "rows are steps"
        return Times((), None, notes=(note,))
    for name in names:
        table.column(name, "the time")
    _drop_totals(table, names[0])
    times = _read(table, names[0], reading) if len(names) == 1 else _combined(table, names, reading)
    shown = _shown(table, names)
    if times.wall is not None and np.issubdtype(times.wall.dtype, np.datetime64) and np.isnat(times.wall).any():
        row = table.rows[int(np.isnat(times.wall).argmax())]
        raise UserError(f"{table.where}: row {row}, column {shown}: the time is missing; fill it in, or leave it out")
    _check_years(table, shown, times.wall)
    _check_years(table, shown, times.instants)
    said = () if table.laid_out else (f"time: column{'s' if len(names) > 1 else ''} {shown}", *times.notes)
    return Times(
        tuple(names), times.wall, times.instants, times.zone, times.changing, times.written,
        said,
    )  # fmt: skip


def _shown(table: SeriesTable, names: Sequence[str]) -> str:
    """Columns as a note names them; one whose head is empty by its place."""
    if len(names) == 1 and names[0] == "column 1" and names[0] in table.index:
        return "1, which has no name"
    return " and ".join(names) if len(names) == 2 else ", ".join(names)


def _check_years(table: SeriesTable, name: str, times: np.ndarray | None) -> None:
    """UserError for a time that no calendar has: of a year before 1 or after 9999, or a number that may be rounded."""
    if times is None:
        return
    if times.dtype.kind == "M":
        wrong, expected = outside(times), "a time of the years 1 to 9999"
    else:
        wrong, expected = np.abs(times) >= _MOST, f"the number of a step, below {_MOST:,}"
    if wrong.any():
        row = table.rows[int(wrong.argmax())]
        raise UserError(f"{table.where}: row {row}, column {name}: expected {expected}; mend it, or leave the row out")


def _drop_totals(table: SeriesTable, name: str) -> None:
    """Leave out rows that hold a total instead of a time."""
    cells = table.columns[name]
    if not isinstance(cells, Text):
        return
    totals = np.fromiter((TOTAL.fullmatch(kind) is not None for kind in cells.kinds), bool, len(cells.kinds))
    gone = totals[cells.codes]
    if gone.any() and not gone.all():
        rows = table.rows[gone]
        table.notes.append(f"left out: {gone.sum()} rows of totals, the first in row {rows[0]}")
        table.keep(~gone)


def _found(table: SeriesTable, reading: Reading) -> Sequence[str]:
    """The columns that say the time, none where no column does."""
    taken = {*reading.target, *reading.id, *reading.past, *reading.future, *reading.static}
    names = [name for name in table.names if name not in taken]
    known = [name for one in TIMES for name in names if plain_name(name) == one]
    holding = [name for name in names if table.holds(name) == "times"]
    if len(holding) > 1:
        holding = [name for name in holding if len(table.text(name).kinds) > 1] or holding[:1]
    if holding:
        first = [name for name in known if name in holding]
        if len(holding) > 1 and not first:
            shown = ", ".join(holding[:5])
            raise UserError(f"{table.where}: columns {shown} all hold times; say which is the time (time)")
        return _with_clock(table, (first or holding)[0], names)
    parts = {kind: name for name in reversed(names) if (kind := part_of(table, name))}
    if "year" in parts and (finer := _finer(parts)):
        return [parts["year"], *finer]
    for name in [*known, *(n for n in names if plain_name(n) in _COUNTED)]:
        if table.holds(name) == "numbers" and (name in known or _counts(table, name, reading)):
            return [name]
        clock = table.text(name) if name in known else None
        if clock is not None and table.holds(name) == "texts" and not _clocks(table, name):
            return [name]  # a column of times in which something else stands: reading it says what
        if clock is not None and _clocks(table, name) and reading.frequency != "steps":
            raise UserError(
                f"{table.where}: column {name} holds times of the day without a day; give days, or take rows as they "
                "come (frequency steps)"
            )
    for name in table.index:
        if name in names and table.holds(name) == "numbers" and _counts(table, name, reading):
            if table.parsed(name).values.max() < 10_000:
                row = f"{table.parsed(name).values[0]:g}"
                raise UserError(
                    f"{table.where}: {name} may be years or numbers of rows ({row}, ...); name it with time, or leave "
                    "it out"
                )
            return [name]
    if "year" in parts and _numbering(table, parts["year"]):
        return [parts["year"]]
    first = [name for name in names[:1] if reading.frequency != "steps" and _unreadable_dates(table, name)]
    return first or [name for name in names[:1] if name not in table.index and _rising_dates(table, name, reading)]


def _numbering(table: SeriesTable, name: str) -> bool:
    """Whether numbers rise by one from row to row."""
    values = table.parsed(name).values
    return len(values) > 2 and bool((np.diff(values) == 1).all())


def _unreadable_dates(table: SeriesTable, name: str) -> bool:
    """Whether every text of a column is another one with a year in it: 2023H1, FY2024, 2024-01-01 to 2024-01-07. What
    it is to say is refused with its row where it is read, so that no time is lost."""
    if table.holds(name) != "texts":
        return False
    kinds = table.text(name).kinds
    return len(kinds) == len(table) > 2 and all(re.search(r"(?<!\d)(?:19|20)\d\d(?!\d)", kind) for kind in kinds)


def _rising_dates(table: SeriesTable, name: str, reading: Reading) -> bool:
    """Whether a column of any name holds rising numbers that are dates: years one after another, or more digits."""
    if table.holds(name) != "numbers" or not _counts(table, name, reading):
        return False
    values = table.parsed(name).values
    if len(values) < 3 or not (np.diff(values) > 0).all() or values.max() >= 1e8:
        return False
    return bool(values.min() >= 1e5 or (values.min() >= 1800 and values.max() <= 2100 and (np.diff(values) == 1).all()))


def _finer(parts: dict[str, str]) -> list[str]:
    """Columns that together with a year make a time."""
    if "month" in parts:
        chain = []
        for kind in ("month", "day", "hour", "minute", "second"):
            if kind not in parts:
                break
            chain.append(parts[kind])
        return chain
    return [parts[kind] for kind in ("quarter", "week", "dayofyear") if kind in parts][:1]


def _counts(table: SeriesTable, name: str, reading: Reading) -> bool:
    """Whether the numbers of a column are dates."""
    values = table.parsed(name).values
    if not np.isfinite(values).all() or table.parsed(name).bad is not None:
        return False
    if len(values) > 1 and values.min() == values.max():
        return False
    return (
        of_numbers(values, name, table.where, reading.date_format if reading.date_format in FORMS else None) is not None
    )


def _clocks(table: SeriesTable, name: str) -> bool:
    """Whether a column holds times of the day alone."""
    text = table.text(name)
    return bool(text.kinds) and all(_CLOCK.fullmatch(kind) for kind in text.kinds)


def _with_clock(table: SeriesTable, name: str, names: Sequence[str]) -> Sequence[str]:
    """A column of days with that of the time of day beside it, where there is one."""
    cells = table.columns[name]
    if isinstance(cells, Text):
        if any(":" in kind for kind in cells.kinds[:100]):
            return [name]
    elif (cells != cells.astype("datetime64[D]")).any():
        return [name]
    clocks = [one for one in names if one != name and _named_clock(one) and _clocks(table, one)]
    if len(clocks) == 1:
        return [name, clocks[0]]
    hours = [one for one in names if one != name and part_of(table, one) == "hour"]
    if len(hours) == 1 and len(set(table.text(name).kinds)) < len(table):
        minutes = [one for one in names if part_of(table, one) == "minute"]
        return [name, hours[0], *minutes[:1]]
    return [name]


def _named_clock(name: str) -> bool:
    return bool(re.search(r"time|hour|clock|uhr|zeit|hora|heure|时|hr", name, re.IGNORECASE))


def _read(table: SeriesTable, name: str, reading: Reading) -> Times:
    """The times that one column says."""
    cells, where = table.column(name, "the time"), f"{table.where}, column {name}"
    form = reading.date_format
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "M":
        _check_years(table, name, cells)
        zone = table.zones.get(name)
        if zone is None or np.isnat(cells).any():
            return _zoned(cells, None, reading, "")
        return _zoned(zones.to_local(cells, zone), cells, reading, "", zone)
    numbers = table.parsed(name)
    if numbers.bad is None and (form is None or form in FORMS):
        if not np.isfinite(numbers.values).all():
            row = table.rows[int(np.argmin(np.isfinite(numbers.values)))]
            raise UserError(
                f"{table.where}: row {row}, column {name}: the time is missing; fill it in, or leave it out"
            )
        counted = of_numbers(numbers.values, name, where, form)
        if counted is not None:
            stamps, written, said = counted
            note = f"column {name}: {said}"
            return _zoned(
                stamps, stamps if form in ("s", "ms") or "since" in said else None, reading, written, None, note
            )
        if form is None and part_of(table, name) == "year":
            return replace(_combined(table, [name], reading), notes=(f"column {name}: years",))
        whole = numbers.values == np.round(numbers.values)
        if not whole.all():
            row = table.rows[int(np.argmin(whole))]
            raise UserError(f"{table.where}: row {row}, column {name}: a step must be a whole number or a date")
        _check_years(table, name, numbers.values)
        return Times((name,), numbers.values.astype(np.int64), notes=(f"column {name}: whole numbers, one a step",))
    text = table.text(name)
    gone = text.missing(reading.missing)
    if gone.any():
        row = table.rows[text.row(int(gone.argmax()))]
        raise UserError(
            f"{table.where}: row {row}, column {name}: the time is missing; fill it in, or leave the row out"
        )
    dates = parse(text, where, table.rows, reading.dayfirst, None if form in FORMS else form)
    if dates.offsets is None:
        return _zoned(dates.stamps, None, reading, dates.written, None, *dates.notes)
    instants = dates.stamps - dates.offsets.astype("timedelta64[s]")
    _check_years(table, name, instants)
    different = np.unique(dates.offsets)
    if len(different) == 1:
        return _zoned(
            dates.stamps, instants, reading, dates.written, zones.offset_name(int(different[0])), *dates.notes
        )
    if reading.timezone is not None:
        return _zoned(dates.stamps, instants, reading, dates.written, reading.timezone, *dates.notes)
    _, first = np.unique(instants, return_index=True)
    zone = zones.matching(instants[first], dates.offsets[first])
    clock = [] if zone is None else [f"time zone: {zone}, or one with the same clock"]
    return Times((name,), dates.stamps, instants, zone, zone is None, dates.written, (*dates.notes, *clock))


def _zoned(
    wall: np.ndarray, instants: np.ndarray | None, reading: Reading, written: str, zone: str | None = None, *notes: str
) -> Times:
    """Times with the zone that was asked for, or is known."""
    if reading.timezone is not None:
        zones.zone_of(reading.timezone, "timezone")
        if instants is not None:
            return Times(
                (), zones.to_local(instants, reading.timezone), instants, reading.timezone, False, written, notes
            )
        return Times((), wall, None, reading.timezone, False, written, notes)
    return Times((), wall, instants if zone is not None else None, zone, False, written, notes)


def _combined(table: SeriesTable, names: Sequence[str], reading: Reading) -> Times:
    """The times that several columns say together."""
    kinds = [part_of(table, name) for name in names]
    if kinds[0] == "year" and all(kinds):
        fields = {str(kind): _part(table, name) for kind, name in zip(kinds, names, strict=True)}
        days = fields.pop("dayofyear", None)
        stamps, good = stamps_of(fields, "ymd")
        if days is not None:
            stamps = stamps + (days - 1).astype("timedelta64[D]")
        if not good.all():
            row = table.rows[int(np.argmin(good))]
            raise UserError(f"{table.where}: row {row}: columns {', '.join(names)} make no date")
        return _zoned(stamps, None, reading, "")
    base = _read(table, names[0], reading)
    if base.wall is None or not base.dated:
        raise UserError(f"{table.where}: column {names[0]} holds no days to which {', '.join(names[1:])} could belong")
    shift = np.zeros(len(table), "timedelta64[us]")
    for name, kind in zip(names[1:], kinds[1:], strict=True):
        if kind in ("hour", "minute", "second"):
            unit = {"hour": "h", "minute": "m", "second": "s"}[kind]
            shift = shift + _part(table, name).astype(f"timedelta64[{unit}]")
        elif _clocks(table, name):
            text = table.text(name)
            clock = parse(Text([f"2000-01-01 {one}" for one in text.kinds], text.codes), table.where, table.rows)
            shift = shift + (clock.stamps - np.datetime64("2000-01-01", "us"))
        else:
            raise UserError(
                f"{table.where}: column {name} is no part of a time; a year, a month, ... or 14:00 would be"
            )
    written = f"{base.written} %H:%M" if base.written else ""
    return _zoned(base.wall + shift, None, reading, written, None, *base.notes)


def _part(table: SeriesTable, name: str) -> np.ndarray:
    found = table.parsed(name)
    if found.bad is None:
        return found.values.astype(np.int64)
    text = table.text(name)
    numbers: np.ndarray = np.array([_month_name(kind) for kind in text.kinds])[text.codes]
    return numbers


def _month_name(text: str) -> int:
    """The number of a month by its name, 0 for no month."""
    names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    short = text.lower()[:3]
    return names.index(short) + 1 if short in names and text.isalpha() else 0
