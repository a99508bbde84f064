"""What stands in JSON text: rows that are lines, an array, or a list within an object, each with its number."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from throughtime.errors import UserError

LISTS = ("data", "rows", "items", "examples", "records", "documents")
"""Names of the list that a file's one object may hold."""


def looks_like_json(content: str) -> bool:
    """Whether a text is JSON by its beginning: an object or an array whose first line, or all of it, can be parsed."""
    start = content.lstrip()
    if start[:1] not in ("{", "["):
        return False
    for part in (start.split("\n", 1)[0], start):
        try:
            return isinstance(json.loads(part), dict | list)
        except (ValueError, RecursionError):
            continue
    return False


def json_values(content: str, where: str) -> tuple[list[Any], int]:
    """The values of a JSON text, and how the first is counted: lines from 1, parts of an array from 0.

    Raises UserError with the row of what is no JSON.
    """
    try:
        whole = json.loads(content)
    except RecursionError:
        raise UserError(f"{where}: row 1: the JSON is nested too deeply") from None
    except ValueError as error:
        return _lines(content, where, error), 1
    if isinstance(whole, list) and all(isinstance(one, dict | list) for one in whole):
        return whole, 0
    return [whole], 1


def _lines(content: str, where: str, first: ValueError) -> list[Any]:
    lines = content.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise UserError(f"{where}: the file is empty")
    if lines[0].strip() in ("[", "{"):  # an array or object over several lines, which is broken
        raise UserError(f"{where}: expected JSON ({first})")
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            why = f"({error})" if line.strip() else "and no empty line between"
            raise UserError(f"{where}: row {number}: expected one JSON object a line {why}") from None
    return found


def json_objects(content: str, where: str) -> tuple[list[dict[str, Any]], int]:
    """The objects of a JSON text that are rows of a table, and how the first is counted.

    Of an object that is a list of objects under a usual name ({"data": [...]}) these; of one of columns, as pandas
    writes them, or of equally long lists, their rows.
    """
    values, first = json_values(content, where)
    if len(values) == 1 and first == 1 and isinstance(values[0], dict):
        values, first = _rows(values[0])
    for number, value in enumerate(values, first):
        if not isinstance(value, dict):
            raise UserError(f"{where}: row {number}: expected a JSON object, got {json.dumps(value)[:40]!r}")
    return values, first


SHORT, KNOWN, _OFTEN = 40, 1 << 16, 64
"""Characters up to which texts that are the same are one in memory; how many such of a column; and how many new names
pass before they are counted."""


def line_columns(content: str, check: Callable[[int, int], None]) -> dict[str, list[Any]] | None:
    """The columns of at least two lines of an object each, None where a value has none; None where the text is anything
    else, or where something is wrong, which json_objects tells.

    The objects are let go one by one: all of them take many times the memory of their values. check: called with the
    number of names and of rows, now and then, to refuse too many.
    """
    columns: dict[str, list[Any]] = {}
    known: dict[str, str] = {}
    count, first, ended = 0, 0, False
    while first < len(content):
        end = content.find("\n", first)
        line = content[first : end if end >= 0 else len(content)]
        first += len(line) + 1
        if not line.strip():
            ended = True
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if ended or not isinstance(row, dict):
            return None
        for name, value in row.items():
            if isinstance(value, str) and len(value) <= SHORT:
                row[name] = known.setdefault(value, value)
            if name not in columns:
                columns[name] = [None] * count
                if len(columns) % _OFTEN == 0:
                    check(len(columns), count)
        for name, column in columns.items():
            column.append(row.get(name))
        count += 1
        if len(known) > KNOWN:
            known.clear()
    return columns if count > 1 else None


def _rows(whole: dict[str, Any]) -> tuple[list[Any], int]:
    for name in LISTS:
        inner = whole.get(name)
        if isinstance(inner, list) and inner and all(isinstance(one, dict) for one in inner):
            return inner, 0
    each = list(whole.values())
    if all(isinstance(one, dict) for one in each) and len({tuple(one) for one in each}) == 1 and each and each[0]:
        return [dict(zip(whole, row, strict=True)) for row in zip(*(one.values() for one in each), strict=True)], 0
    if all(isinstance(one, list) for one in each) and len({len(one) for one in each}) == 1:
        nested = any(isinstance(part, list) for one in each for part in one)
        if nested or (len(each[0]) > 1 and not whole.keys() & {"tokens", "words"}):
            return [dict(zip(whole, row, strict=True)) for row in zip(*each, strict=True)], 0
    return [whole], 1
