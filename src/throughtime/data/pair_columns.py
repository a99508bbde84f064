"""Which columns of a table, of objects within its rows, or of lists are the two sides of pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from throughtime.data.lines import Odd
from throughtime.data.table import Row, TableData, objects, read_table
from throughtime.errors import UserError

USUAL = (
    ("source", "target"),
    ("src", "tgt"),
    ("src", "trg"),
    ("src", "mt"),
    ("document", "summary"),
    ("article", "highlights"),
    ("article", "summary"),
    ("article", "title"),
    ("dialogue", "summary"),
    ("text", "summary"),
    ("text", "headline"),
    ("description", "synopsis"),
    ("content", "title"),
    ("question", "answer"),
    ("questions", "answers"),
    ("query", "answer"),
    ("query", "response"),
    ("prompt", "response"),
    ("prompt", "completion"),
    ("context", "response"),
    ("context", "reply"),
    ("message", "reply"),
    ("instruction", "output"),
    ("input", "output"),
    ("input", "target"),
    ("原文", "译文"),
    ("正文", "摘要"),
    ("问题", "答案"),
    ("问题", "回答"),
)
"""Names of both sides' columns, where none are given; the first pair that is there counts."""

_LANGUAGES = """
af ar bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko ku la lo
lt lv mk ml mn mr ms my nb ne nl nn no pa pl ps pt ro ru sa si sk sl so sq sr sv sw ta te tg th tl tr uk ur uz vi zh
zh-cn zh-tw zh_cn zh_tw zh-hans zh-hant en-us en-gb pt-br cmn eng deu fra spa jpn rus ita por kor ara
"""

CODES = frozenset(_LANGUAGES.split())
"""Names of languages as columns and files have them (ISO 639)."""


@dataclass(frozen=True)
class Meant:
    """What was said of the columns. source, target: None for nothing. paired: whether there must be targets. known: the
    columns that training read."""

    source: str | None
    target: str | None
    paired: bool = True
    known: tuple[str | None, str | None] = (None, None)


@dataclass
class RawPairs:
    """Both sides as they stand in a source; rows: how an editor counts each."""

    sources: Sequence[Any]
    targets: Sequence[Any]
    rows: Sequence[int]
    where: str
    notes: list[str] = field(default_factory=list)
    odd: list[Odd] = field(default_factory=list)
    columns: tuple[str | None, str | None] = (None, None)


def _columns(rows: Iterable[Row], where: str) -> tuple[list[int], list[list[str]]]:
    """The numbers of rows and their columns, kept as the rows come; UserError for rows of different widths."""
    numbers: list[int] = []
    columns: list[list[str]] = []
    odd: tuple[int, int] | None = None
    for number, cells in rows:
        if not numbers:
            columns = [[] for _ in cells]
        if len(cells) != len(columns):
            odd = odd or (number, len(cells))
        if odd is None:
            numbers.append(number)
            for column, cell in zip(columns, cells, strict=True):
                column.append(cell)
    if not numbers:
        raise UserError(f"{where}: the file is empty")
    if odd is not None:
        raise UserError(
            f"{where}: row {odd[0]:,} has {odd[1]} values, the first row {len(columns)}; a text that holds the "
            "separator has to be in quotes, or the separator be taken out"
        )
    return numbers, columns


def of_rows(rows: Iterable[Row], where: str, meant: Meant, odd: list[Odd]) -> RawPairs:
    """Rows of cells, with or without a header."""
    numbers, cells = _columns(rows, where)
    width = len(cells)
    names = [column[0].strip() for column in cells]
    notes: list[str] = []
    if _is_header(names, meant):
        columns = dict(zip(names, cells, strict=True))
        if len(columns) < len(names):
            raise UserError(f"{where}: two columns have one name; rename one of them")
        if len(numbers) == 1:
            raise UserError(f"{where}: there are no rows below the header")
        s, t = _chosen(columns, meant, where, notes)
        targets = [] if t is None else columns[t][1:]
        return RawPairs(columns[s][1:], targets, numbers[1:], where, notes, odd, (s, t))
    first, second = _places(width, meant, where)
    sources = cells[first]
    targets = [] if second is None else cells[second]
    if width > 1:
        notes.append(
            f"no header line: sources in column {first}"
            + ("" if second is None else f", targets in column {second}")
            + ", from 0"
        )
    columns_read = (str(first), None if second is None else str(second))
    return RawPairs(sources, targets, numbers, where, notes, odd, columns_read)


def _is_header(names: list[str], meant: Meant) -> bool:
    lower = [name.lower() for name in names]
    said = [name for name in (meant.source, meant.target) if name is not None and not name.isdecimal()]
    if said or any(name in names for name in (meant.source, meant.target, meant.known[0]) if name is not None):
        return True
    if any(a in lower and (b in lower or not meant.paired) for a, b in USUAL):
        return True
    return len(names) > 1 and sum(name in CODES for name in lower) >= 2


def _places(width: int, meant: Meant, where: str) -> tuple[int, int | None]:
    """The places of both sides in rows without a header."""
    given = [None if name is None else int(name) for name in (meant.source, meant.target)]
    remembered = [None if name is None or not name.isdecimal() else int(name) for name in meant.known]
    for place in given:
        if place is not None and place >= width:
            raise UserError(f"{where}: no column {place}; there are {width}, counted from 0")
    if not meant.paired:
        first = given[0] if given[0] is not None else remembered[0] if (remembered[0] or 0) < width else 0
        return (first or 0), None
    if given == [None, None] and None not in remembered and max(p or 0 for p in remembered) < width:
        given = remembered
    if given == [None, None] and width == 2:
        given = [0, 1]
    if width == 2 and None in given:
        place = next(p for p in given if p is not None)
        given = [p if p is not None else 1 - place for p in given]
    if width < 2:
        raise UserError(f"{where}: expected a source and a target in each row, got one value; separate them by a tab")
    if None in given or given[0] == given[1]:
        raise UserError(
            f"{where}: which of the {width} columns are source and target? give their names or places, such as "
            "--source 0 --target 1"
        )
    return int(given[0] or 0), int(given[1] or 0)


def of_columns(data: Any, meant: Meant, encoding: str) -> RawPairs:
    """Columns of a table, a frame or a mapping, and those of objects within its rows."""
    if isinstance(data, dict):
        data = {name: objects(list(values)) for name, values in data.items()}
    table = data if isinstance(data, TableData) else read_table(data, encoding, "labels", typed=True)
    columns: dict[str, Any] = dict(table.columns)
    notes: list[str] = []
    for name, values in list(columns.items()):
        columns |= {inner: cells for inner, cells in _nested(name, values).items() if inner not in columns}
    s, t = _chosen(columns, meant, table.where, notes)
    rows = range(table.first_row, table.first_row + len(columns[s]))
    return RawPairs(list(columns[s]), [] if t is None else list(columns[t]), rows, table.where, notes, [], (s, t))


def _nested(name: str, values: Any) -> dict[str, Any]:
    """The columns within a column of objects, by their own names and by "outer.inner"."""
    if not any(isinstance(value, Mapping) for value in values):
        return {}
    inner = dict.fromkeys(str(key) for value in values if isinstance(value, Mapping) for key in value)
    if len(inner) > len(CODES):
        return {}
    found = {
        key: objects([value.get(key) if isinstance(value, Mapping) else None for value in values]) for key in inner
    }
    return {**found, **{f"{name}.{key}": cells for key, cells in found.items()}}


def _chosen(columns: Mapping[str, object], meant: Meant, where: str, notes: list[str]) -> tuple[str, str | None]:
    """The names of both sides' columns."""
    names = list(columns)
    source = meant.source if meant.source is not None or meant.known[0] not in names else meant.known[0]
    target = meant.target if meant.target is not None or meant.known[1] not in names else meant.known[1]
    if not meant.paired:
        target = None
    given = {"source": source, "target": target}
    for side, name in given.items():
        if name is not None and name not in names:
            if name.isdecimal() and int(name) < len(names):
                given[side] = names[int(name)]
                continue
            there = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
            raise UserError(f"{where}: no column {name!r} for the {side}; there are {there}")
    s, t = given["source"], given["target"]
    if s is None or (t is None and meant.paired):
        s, t = _found(names, s, t, meant.paired, where)
        notes.append(f"source: column {s}" + ("" if t is None else f"; target: column {t}"))
    if s == t:
        raise UserError(f"{where}: column {s!r} cannot be source and target; name both")
    return s, t


def _found(names: list[str], s: str | None, t: str | None, paired: bool, where: str) -> tuple[str, str | None]:
    """Both sides by usual names, two languages, or as the only columns there are."""
    lower = {name.lower(): name for name in reversed(names)}
    if s is None and t is None:
        for a, b in USUAL:
            if a in lower and (b in lower or not paired):
                return lower[a], lower[b] if paired else None
        codes = _languages(names)
        if len(codes) == 2 and paired:
            return codes[0], codes[1]
        if not paired and len(names) == 1:
            return names[0], None
    else:
        for a, b in USUAL:
            if s is not None and s.lower() == a and b in lower:
                return s, lower[b]
            if t is not None and t.lower() == b and a in lower:
                return lower[a], t
        own = s if s is not None else t
        codes = _languages([name for name in names if name != own])
        rest = codes if own is not None and own.lower() in CODES else [name for name in names if name != own]
        if len(rest) == 1:
            return (s, rest[0]) if s is not None else (rest[0], t)
    there = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    raise UserError(
        f"{where}: which columns are source and target? there are {there}; name them with --source and --target "
        "(source, target)"
    )


def _languages(names: list[str]) -> list[str]:
    """Names that are those of languages; "id" is Indonesian only where there is no other way to have two."""
    found = [name for name in names if name.lower() in CODES]
    return [name for name in found if name.lower() != "id"] if len(found) > 2 else found


def of_lists(data: list[Any], paired: bool) -> RawPairs:
    """A pair (sources, targets), a list of pairs, or sources alone where they need no targets."""
    if not paired:
        return RawPairs(data, [], range(len(data)), "data")
    sides = len(data) == 2 and all(hasattr(part, "__len__") and not isinstance(part, str | Mapping) for part in data)
    if sides and not all(len(part) == 2 and all(isinstance(text, str) for text in part) for part in data):
        sources, targets = list(data[0]), list(data[1])
        if len(sources) != len(targets):
            raise UserError(f"data: {len(sources):,} sources and {len(targets):,} targets; each source needs one")
        return RawPairs(sources, targets, range(len(sources)), "data")
    if data and all(isinstance(row, Mapping) for row in data):
        names = dict.fromkeys(str(name) for row in data for name in row)
        return of_columns({name: [row.get(name) for row in data] for name in names}, Meant(None, None), "utf-8")
    if sides:
        return RawPairs(list(data[0]), list(data[1]), range(2), "data")
    if not data or not all(isinstance(row, list | tuple) and len(row) == 2 for row in data):
        raise UserError("data: expected sources and targets as a pair (sources, targets), two lists of one length")
    return RawPairs([row[0] for row in data], [row[1] for row in data], range(len(data)), "data")
