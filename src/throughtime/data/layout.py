"""What the columns of a table are: series or their names, or tables whose rows are series; and what is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from throughtime.data.counted_times import of_numbers
from throughtime.data.date_parts import PARTS, part_of, plain_name
from throughtime.data.dates import parse, plausible
from throughtime.data.list_rows import IDS
from throughtime.data.reading import Reading
from throughtime.data.series_table import SeriesTable
from throughtime.data.time_columns import Times
from throughtime.data.time_finding import TIMES
from throughtime.data.written import Text, small
from throughtime.errors import UserError

_ROWS = {
    *("", "index", "idx", "id", "row", "rowid", "rownumber", "rowname", "rownames", "no", "nr", "num", "number", "n"),
    *(
        "instant",
        "obs",
        "observation",
        "record",
        "recordid",
        "seq",
        "step",
        "timestep",
        "timeidx",
        "t",
        "sequence",
        "unnamed0",
        "level0",
        "serialno",
        "sno",
    ),
    *("序号", "编号", "行号"),
}
"""Names of columns that number the rows."""

_COUNTER = 30
"""Rows in each of which the first column is one more: it counts them, whatever its name."""

_YEAR = re.compile(r"(?:X|Y|YR)?(?:19|20)\d\d(?:\.0|年| \[YR\d{4}\])?")
"""Names of columns that are years."""

_NAMING = re.compile(
    r"(?:^|[^a-z])(?:id|code|key|no|nr|store|shop|item|sku|product|article|station|sensor|device|site|meter|customer|client"
    r"|region|city|country|location|lane|line|unit|dept|department|family|type|name|stn|sta|table)s?(?:$|[^a-z])|编号|代码|站|店",
    re.IGNORECASE,
)
"""Names of columns of whole numbers that may name series."""


def turned(table: SeriesTable, reading: Reading) -> tuple[SeriesTable, Reading] | None:
    """A table whose rows are series, as a long one, and how that is read; None where rows are no series.

    Its columns are named by steps one after another (V2, V3, ...; d_1, d_2, ...; 1990, 1991, ...) or by dates, and
    others hold texts that name the rows.
    """
    if reading.time or reading.target or reading.past or reading.future or len(table.names) < 4:
        return None
    names = table.names
    first, dates = _positions(names)
    while dates is None and first < len(names) and table.holds(names[first]) == "texts":
        first += 1  # as in M4's files, whose first column has a name like the others
    steps = names[first:]
    rest = [name for name in names[:first] if not (name == "column 1" and _numbered(table, name))]
    if len(steps) < 3 or any(table.holds(name) == "times" for name in steps):
        return None
    if any(table.holds(name) == "texts" for name in steps):
        if dates is None or not all(table.holds(name) == "texts" for name in rest):
            return None
        table.numbers(next(name for name in steps if table.holds(name) == "texts"), "a step")  # says what stands there
    if dates is None and (not rest or any(table.holds(name) == "times" for name in rest)):
        return None
    if any(table.holds(name) == "times" for name in rest):
        return None
    labels = [
        name for name in rest if table.holds(name) == "texts" or plain_name(name) in _ROWS or _NAMING.search(name)
    ]
    if dates is None and (not labels or table.holds(labels[0]) != "texts"):
        return None
    if rest and not labels and len(rest) > 1:
        return None
    chosen = list(reading.id) or _naming(table, labels or rest)
    if chosen is None:
        return None
    values = np.stack([table.numbers(name, "a step") for name in steps], 1)
    known = np.isfinite(values)
    ends = np.where(known.any(1), values.shape[1] - known[:, ::-1].argmax(1), 0)
    if not ends.all():
        row = table.rows[int(np.argmin(ends))]
        raise UserError(f"{table.where}: row {row}: the series has no value at all; leave it out")
    taken = np.arange(len(steps)) < ends[:, None]
    series, places = np.nonzero(taken)
    ids = joined(table, chosen) if chosen else Text(["value"], np.zeros(len(table), np.int64))
    long = SeriesTable(
        {"unique_id": ids.some(series), "ds": places if dates is None else dates[places], "y": values[taken]},
        table.where,
        table.rows[series],
        notes=table.notes,
        laid_out=True,
    )
    left = [name for name in rest if name not in chosen]
    long.notes.append(
        f"rows are series: {', '.join(chosen) or 'one row'} names them, {steps[0]} to {steps[-1]} are their steps"
        + (f"; left out: {', '.join(left[:8])}" if left else "")
    )
    if dates is None:
        long.columns["ds"] = places.astype(np.float64)
    return long, replace(reading, target=("y",), time=("ds",), id=("unique_id",))


def _positions(names: Sequence[str]) -> tuple[int, np.ndarray | None]:
    """From which column on names are those of steps, one after another, and their dates where they say such."""
    first = len(names)
    while first and _YEAR.fullmatch(names[first - 1]):
        first -= 1
    if len(names) - first >= 3:
        years = np.array([float(re.sub(r"\D", "", name)[:4]) for name in names[first:]])
        if (np.diff(years) == years[1] - years[0]).all() and years[1] != years[0]:
            counted = of_numbers(years, "year", "", None)
            assert counted is not None
            return first, counted[0]
    text = Text.of(list(names))
    dated = [_dated(name) for name in names]
    first = len(names)
    while first and dated[first - 1]:
        first -= 1
    if len(names) - first >= 3:
        text = Text.of(list(names[first:]))
        if all(name.isdecimal() for name in text.kinds):
            counted = of_numbers(np.array([float(name) for name in text.kinds]), "date", "", None)
            stamps = None if counted is None else counted[0]
        else:
            stamps = parse(text, "the names of the columns", np.ones(len(text), int)).stamps
        apart = None if stamps is None else np.diff(stamps).astype(np.int64)
        if apart is not None and ((apart > 0).all() or (apart < 0).all()):
            return first, stamps
    first = len(names)
    last = re.fullmatch(r"(.*?)(\d+)", names[-1])
    if last:
        number = int(last[2])
        while first and re.fullmatch(rf"{re.escape(last[1])}0*{number - (len(names) - first)}", names[first - 1]):
            first -= 1
    return first, None


def _dated(name: str) -> bool:
    if re.fullmatch(r"(?:19|20)\d{4}(?:\d\d)?", name):
        return True
    text = Text.of([name])
    return plausible(text, text.missing())


def _numbered(table: SeriesTable, name: str) -> bool:
    """Whether a column numbers the rows."""
    values = table.parsed(name).values
    return len(values) > 1 and bool((np.diff(values) == 1).all())


def _naming(table: SeriesTable, labels: Sequence[str]) -> list[str] | None:
    """The first of the columns, or as many as it takes, whose texts are different in every row."""
    if not labels:
        return [] if len(table) == 1 else None
    for count in range(1, min(len(labels), 4) + 1):
        for some in combinations(labels, count):
            text = joined(table, some)
            if len(np.unique(text.codes)) == len(table) and not text.missing()[text.codes].any():
                return list(some)
    return None


def joined(table: SeriesTable, names: Sequence[str]) -> Text:
    """Columns as one text a row: a/b."""
    texts = [table.text(name) for name in names]
    if len(texts) == 1:
        kinds, inverse = np.unique(np.array(texts[0].kinds, object).astype(str), return_inverse=True)
        return Text([str(kind) for kind in kinds], small(inverse)[texts[0].codes])
    key = np.zeros(len(table), np.int64)
    for text in texts:
        key = np.unique(key * (len(text.kinds) + 1) + text.codes, return_inverse=True)[1]
    _, first, codes = np.unique(key, return_index=True, return_inverse=True)
    return Text(["/".join(text.kinds[text.codes[i]] for text in texts) for i in first], small(codes))


def find_ids(table: SeriesTable, reading: Reading, times: Times) -> tuple[str, ...]:
    """The columns that name the series, none where there is one: as asked for, by their names, or such that no two
    rows of a series are of one time. UserError where several columns may be meant."""
    if reading.id:
        for name in reading.id:
            table.column(name, "the series' name")
        return reading.id
    known = [name for name in table.names if name in IDS]
    if known:
        return (known[0],)
    if times.wall is None or not _repeats(times.wall, np.zeros(len(table), np.uint8)):
        return ()
    if len(np.unique(times.wall)) > 0.75 * len(table):
        return ()  # a few rows that are there twice, which refusing them says
    taken = {*times.columns, *reading.target, *reading.past, *reading.future}
    open_ = [
        name for name in table.names if name not in taken and name not in table.twice and _names_series(table, name)
    ]
    where = f"{table.where}: several rows are of one time; say which column names the series (id)"
    for count in range(1, min(len(open_), 4) + 1):
        texts = {some: joined(table, some) for some in combinations(open_[:12], count)}
        fitting = [some for some, text in texts.items() if not _repeats(times.wall, text.codes)]
        if not fitting:
            continue
        first = texts[fitting[0]].codes
        if any(_different(first, texts[some].codes) for some in fitting[1:]):
            shown = " or ".join(", ".join(some) for some in fitting[:4])
            raise UserError(f"{where}: {shown}")
        table.notes.append(f"series: named by column{'s' if count > 1 else ''} {', '.join(fitting[0])}")
        return fitting[0]
    return ()


def _names_series(table: SeriesTable, name: str) -> bool:
    holds = table.holds(name)
    if holds == "texts":
        text = table.text(name)
        return 1 < len(text.kinds) <= max(2, len(table) / 2) and not text.missing()[text.codes].any()
    if holds != "numbers" or not _NAMING.search(name):
        return False
    values = table.parsed(name).values
    return bool(_whole(values) and len(np.unique(values)) <= max(2, len(values) / 2))


def _repeats(wall: np.ndarray, codes: np.ndarray) -> bool:
    """Whether two rows of one series are of one time."""
    if not len(wall):
        return False
    since = wall.astype("datetime64[us]").astype(np.int64) if wall.dtype.kind == "M" else wall.astype(np.int64)
    since -= since.min()
    since //= max(1, int(np.gcd.reduce(since)))
    several = int(codes.max()) + 1
    if int(since.max()) < (1 << 62) // several:
        since *= several
        since += codes
        since.sort()
        return bool((since[1:] == since[:-1]).any())
    order = np.lexsort((wall, codes))
    return bool(((np.diff(codes[order]) == 0) & (wall[order][1:] == wall[order][:-1])).any())


def _different(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two ways to name rows tell them apart differently."""
    both = len(np.unique(a.astype(np.int64) * (int(b.max()) + 1) + b))
    return not both == len(np.unique(a)) == len(np.unique(b))


def find_targets(table: SeriesTable, reading: Reading, times: Times, ids: Sequence[str]) -> list[str]:
    """The columns to forecast: as asked for, y, or all of numbers that are neither parts of the date nor numbers of
    rows. What is left out is told."""
    taken = {*times.columns, *ids, *reading.past, *reading.future, *reading.static}
    targets = list(reading.target)
    if not targets and "y" in table.names:
        targets = ["y"]
    if twice := [name for name in targets if name in taken]:
        raise UserError(f"{table.where}: column {twice[0]} cannot be the target and something else")
    if targets:
        return targets
    left: dict[str, list[str]] = {}
    for name in table.names:
        if name in taken:
            continue
        why = _no_series(table, name, times)
        if why is None:
            table.column(name, "a series")
            targets.append(name)
        else:
            left.setdefault(why, []).append(name)
    shown = "; ".join(
        f"{', '.join(names[:8])}{', ...' if len(names) > 8 else ''} ({why})" for why, names in left.items()
    )
    if not targets:
        there = shown or ", ".join(table.names[:20])
        raise UserError(f"{table.where}: no column of numbers to forecast; there are {there}{_first_slip(table, left)}")
    more = f" and {len(targets) - 12} more" if len(targets) > 12 else ""
    table.notes.append(f"forecast: column{'s' if len(targets) > 1 else ''} {', '.join(targets[:12])}{more}")
    if left:
        table.notes.append(f"left out: {shown}")
    return targets


def _first_slip(table: SeriesTable, left: Mapping[str, Sequence[str]]) -> str:
    """What stands in the first column of texts in place of a number, and where."""
    for name in left.get("texts", ()):
        cells, found = table.columns[name], table.parsed(name)
        if isinstance(cells, Text) and found.bad is not None:
            return f"; row {table.rows[cells.row(found.bad)]}, column {name}: {found.why}"
    return ""


_NEAR = 32 * 86_400_000_000
"""Microseconds up to which another time of a row is taken for that of its step's end, or of its writing."""

_BESIDE = 24
"""Columns beside a target that are looked at, at most."""


def columns_beside(
    table: SeriesTable, reading: Reading, times: Times, ids: Sequence[str], targets: Sequence[str]
) -> tuple[str, ...]:
    """Columns of numbers, without a slip among them, that are neither targets nor anything else."""
    taken = {*times.columns, *ids, *reading.future, *reading.static, *targets}
    found = []
    for name in table.names:
        if name in taken or name in table.twice or _no_series(table, name, times) is not None:
            continue
        numbers = table.parsed(name)
        sound = numbers.bad is None and not np.isinf(numbers.values).any() and table.stands_in(name) is None
        if sound and np.isfinite(numbers.values).mean() > 0.5:
            found.append(name)
    return tuple(found[:_BESIDE])


def _no_series(table: SeriesTable, name: str, times: Times) -> str | None:
    """Why a column is no series to forecast; None where it is one."""
    holds = table.holds(name)
    if holds != "numbers":
        return {"times": "times", "texts": "texts"}.get(holds, "no value")
    plain = plain_name(name)
    values = table.parsed(name).values
    named = plain in ("id", "code") or re.search(r"[a-z](?:ID|Id)$|_(?i:id|code)$", name)
    if named and _whole(values) and len(np.unique(values)) in (1, len(values)):
        return "a name"
    if _NAMING.search(name) and len(values) > 1 and _whole(values) and values.min() == values.max():
        return "a name"
    labels = name in table.index and bool((np.diff(values) > 0).all()) and bool((values == np.round(values)).all())
    counter = name == table.names[0] and len(values) >= _COUNTER and values[0] in (0, 1) and _numbered(table, name)
    if labels or counter or ((plain in _ROWS or plain in TIMES) and _numbered(table, name)):
        return "numbers of the rows"
    if times.dated and (_same_years(values, times) or _same_time(values, name, times)):
        return "the time once more"
    if plain in PARTS["year"] and _numbered(table, name):
        return "numbers of the rows"
    kind = part_of(table, name)
    if kind is not None and (_is_part(values, kind, times) if times.dated else kind == "year" or len(plain) > 3):
        return "part of the date"
    return None


def _whole(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all() and (values == np.round(values)).all())


def _same_time(values: np.ndarray, name: str, times: Times) -> bool:
    """Whether a column counts the time from 1970, or in digits, and lies within a step of the rows' own."""
    assert times.wall is not None
    if not len(values) or not np.isfinite(values).all() or values.min() < 1e6:
        return False
    try:
        counted = of_numbers(values, name, "", None)
    except UserError:
        return False
    if counted is None:
        return False
    wall = times.wall if times.instants is None else times.instants
    apart = np.abs((counted[0] - wall).astype(np.int64))
    return bool(apart.max() <= _NEAR)


def _same_years(values: np.ndarray, times: Times) -> bool:
    """Whether a column says the time once more, in years and parts of years."""
    assert times.wall is not None
    if (values == np.round(values)).all():
        return False
    day = times.wall.astype("datetime64[D]")
    year = day.astype("datetime64[Y]")
    parts = (day - year.astype("datetime64[D]")).astype(np.int64) / 365.25
    return bool((np.abs(values - (year.astype(np.int64) + 1970 + parts)) < 0.1).all())


def _is_part(values: np.ndarray, kind: str, times: Times) -> bool:
    """Whether a column says what the times say already."""
    assert times.wall is not None
    wall = times.wall.astype("datetime64[us]")
    days, months = wall.astype("datetime64[D]"), wall.astype("datetime64[M]")
    year = wall.astype("datetime64[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    clock = (wall - days.astype("datetime64[us]")).astype(np.int64) // 1_000_000
    yday = (days - wall.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) + 1
    known = {
        **{"year": year, "month": month, "day": (days - months.astype("datetime64[D]")).astype(np.int64) + 1},
        **{"hour": clock // 3600, "minute": clock // 60 % 60, "second": clock % 60, "quarter": (month + 2) // 3},
        "dayofyear": yday,
    }
    if kind in known:
        return bool((np.abs(values - known[kind]) <= (kind == "hour")).mean() > 0.95)
    return True
