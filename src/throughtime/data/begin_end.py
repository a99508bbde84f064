"""Steps of which a table says where they begin and where they end: in two columns, or in one cell."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from throughtime.data.date_parts import CLOCK
from throughtime.data.dates import parse, plausible
from throughtime.data.series_table import SeriesTable
from throughtime.data.written import Text

_WORDS = re.compile(r"[A-Z]?[a-zà-ÿ]+|[A-Z]+(?![a-z])|[^\x00-\x7f]+")
_BEGIN = (
    "start",
    "begin",
    "anfang",
    "from",
    "von",
    "open",
    "since",
    "debut",
    "début",
    "inicio",
    "desde",
    "开始",
    "起始",
)
_END = ("end", "stop", "until", "bis", "close", "finish", "till", "fin", "hasta", "结束", "截止", "终止")

_BETWEEN = (" - ", " – ", " — ", " to ", " bis ", " until ", "--", "–", "—", "~", "～", "至", "/", "-")
"""What stands between the beginning and the end of a step in one cell, the surest first."""


def begins(name: str) -> bool:
    """Whether a column is named as the beginning of something."""
    return _named(name, _BEGIN)


def ends(name: str) -> bool:
    """Whether a column is named as the end of something."""
    return _named(name, _END, "to", "au")


def _named(name: str, prefixes: tuple[str, ...], *whole: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    return any(word.startswith(prefixes) or word in whole for word in words)


def beginning(table: SeriesTable, names: Sequence[str], dayfirst: bool | None) -> str | None:
    """Of columns of times the one that says where steps begin, where another says where they end and none begins
    before the one before it ends; None for other columns."""
    first, last = [name for name in names if begins(name)], [name for name in names if ends(name)]
    if len(first) != 1 or len(last) != 1 or first == last:
        return None
    both = [_stamps(table, name, dayfirst) for name in (first[0], last[0])]
    if any(np.isnat(one).any() for one in both) or not _follow(*both):
        return None
    table.notes.append(f"column {first[0]} says where steps begin, {last[0]} where they end")
    return first[0]


def _follow(first: np.ndarray, last: np.ndarray) -> bool:
    """Whether spans of time follow one another."""
    order = np.lexsort((last, first))
    first, last = first[order], last[order]
    same = first[1:] == first[:-1]
    after = np.where(same, last[1:] == last[:-1], first[1:] >= last[:-1])
    return bool((first <= last).all() and after.all())


def _stamps(table: SeriesTable, name: str, dayfirst: bool | None) -> np.ndarray:
    cells = table.columns[name]
    if isinstance(cells, np.ndarray):
        return cells
    gone = cells.missing(table.style.missing)
    if gone.any():
        return np.full(len(cells), np.datetime64("NaT"), "datetime64[us]")
    return parse(cells, f"{table.where}, column {name}", table.rows, dayfirst).stamps


def halves(text: Text) -> Text | None:
    """Of cells that say from when and until when, the first half; None where they say one time."""
    if plausible(text, text.missing()):
        return None
    for sign in _BETWEEN:
        parts = [kind.split(sign) for kind in text.kinds]
        if not all(len(part) == 2 for part in parts):
            continue
        first, last = (Text([part[k].strip() for part in parts], text.codes) for k in (0, 1))
        clocks = all(CLOCK.fullmatch(kind) for kind in last.kinds)
        if all(_dates(one) for one in ((first,) if clocks else (first, last))):
            return first
    return None


def _dates(text: Text) -> bool:
    """Whether all of some texts look like dates."""
    return all(plausible(one, one.missing()) for one in (Text.of([kind]) for kind in text.kinds[:100]))
