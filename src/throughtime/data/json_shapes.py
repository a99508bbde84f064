"""JSON of one object that is a table in one of its parts or its keys: as pandas writes frames, as services answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.dates import plausible
from throughtime.data.text import read_text
from throughtime.data.written import Text
from throughtime.errors import UserError


def shaped_columns(path: Path) -> dict[str, Text | np.ndarray] | None:
    """The columns of a JSON file; None where it is none of these: columns, index and data apart; columns whose rows
    have dates or other names; one name and number after another; lists of one length in one of its parts, such as
    {"hourly": {"time": [...], "wind": [...]}}.

    Raises UserError where several parts are tables.
    """
    content = read_text(path)
    if not content.lstrip().startswith("{"):
        return None
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return None  # lines of objects, or what is told elsewhere
    if whole.keys() >= {"columns", "index", "data"} and _rows(whole["data"], len(whole["columns"])):
        return _columns(whole["columns"], whole["index"], zip(*whole["data"], strict=True))
    parts = {name: part for name, part in whole.items() if isinstance(part, dict)}
    if parts and len(parts) == len(whole):
        return _named(parts)
    if len(whole) > 2 and all(isinstance(one, int | float) for one in whole.values()) and _dates(list(whole)):
        return _columns(["value"], list(whole), [whole.values()])
    tables = {name: part for name, part in parts.items() if _lists(part)}
    if len(tables) > 1:
        raise UserError(f"{path}: {', '.join(tables)} are tables of their own; keep the one that is meant")
    return None if not tables else {name: _cells(cells) for name, cells in next(iter(tables.values())).items()}


def _named(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Text | np.ndarray] | None:
    """Columns of rows that have names, or rows of columns whose own names are dates."""
    keys = [list(part) for part in parts.values()]
    if any(one != keys[0] for one in keys[1:]) or not keys[0]:
        return None
    if _dates(list(parts)) and not _dates(keys[0]):
        return _columns(keys[0], list(parts), zip(*(part.values() for part in parts.values()), strict=True))
    if keys[0] == [str(n) for n in range(len(keys[0]))] or not _dates(keys[0]):
        return None
    return _columns(list(parts), keys[0], [part.values() for part in parts.values()])


def _columns(names: Sequence[Any], index: Sequence[Any], columns: Any) -> dict[str, Text | np.ndarray]:
    found = {str(name): _cells(list(cells)) for name, cells in zip(names, columns, strict=True)}
    return {"index": _cells(list(index)), **found}


def _cells(values: Sequence[Any]) -> Text | np.ndarray:
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return Text.of([None if value is None else str(value) for value in values])


def _rows(data: Any, width: int) -> bool:
    return isinstance(data, list) and bool(data) and all(isinstance(row, list) and len(row) == width for row in data)


def _lists(part: Mapping[str, Any]) -> bool:
    lengths = {len(one) if isinstance(one, list) else -1 for one in part.values()}
    return len(part) > 1 and len(lengths) == 1 and lengths.pop() > 1


def _dates(names: Sequence[str]) -> bool:
    """Whether names are dates, or count milliseconds since 1970."""
    if all(name.isdecimal() and len(name) >= 8 for name in names):
        return True
    text = Text.of(list(names))
    return plausible(text, text.missing())
