"""The head of a table: which rows name the columns, and which below them say the units."""

from __future__ import annotations

import re
from collections.abc import Sequence

from throughtime.data.dates import plausible
from throughtime.data.table import Row
from throughtime.data.written import MISSING, Text
from throughtime.errors import UserError


def has_data(cells: Sequence[str]) -> bool:
    """Whether a row holds a number or a date."""
    return any(is_data(cell) for cell in cells)


def is_data(cell: str) -> bool:
    try:
        float(cell.replace(",", ".").rstrip("% "))
    except ValueError:
        text = Text.of([cell])
        return plausible(text, text.missing())
    return cell.lower() not in MISSING


def check_header(names: list[str], body: list[Row], where: str) -> None:
    """UserError where the row that should name the columns is one of data."""
    named = [name for name in names if name]
    shown = ",".join(names)[:60]
    ask = f"{where}: the first row must name the columns, got {shown!r}; add a row of names, or say there is no header"
    if all(is_data(name) for name in named):
        raise UserError(ask)
    for name, below in zip(names, body[0][1], strict=False):
        texts = Text.of([name]), Text.of([below])
        if all(plausible(text, text.missing()) for text in texts):
            raise UserError(ask)
    same = any(name == below and not is_data(name) for name, below in zip(names, body[0][1], strict=False) if name)
    if same and has_data(named):
        raise UserError(ask)


def levels(names: list[str], body: list[Row]) -> tuple[list[str], list[Row]]:
    """Names of several rows as one, where a row below them names the index alone, as pandas writes such columns."""
    for place, (_, cells) in enumerate(body[:4]):
        if len(cells) != len(names) or has_data(cells):
            break
        if place and cells[0] and not any(cells[1:]) and place + 1 < len(body) and has_data(body[place + 1][1]):
            rows = [names, *(row for _, row in body[:place])]
            joined = [" ".join(filter(None, column)) for column in zip(*rows, strict=True)]
            return [cells[0], *joined[1:]], body[place + 1 :]
    return names, body


def groups(names: list[str], body: list[Row], above: list[str]) -> tuple[list[str], list[Row], int]:
    """Names of two rows as one, where the upper one names groups of columns: the first of a group alone, or each.

    above: the row above the header. Whether that was used comes last.
    """
    for upper, lower, rest, used in (
        (names, body[0][1] if body else [], body[1:], 0),
        (above, names, body, 1),
    ):
        again = "" in upper[1:] or len(set(upper)) < len(upper)
        if (
            len(upper) != len(names)
            or len(lower) != len(names)
            or not again
            or not any(has_data(row) for _, row in rest[:2])
        ):
            continue
        if not upper[1] or not all(lower[1:]) or any(map(is_data, [*filter(None, upper), *filter(None, lower)])):
            continue
        groups = list(upper)
        for n in range(2, len(groups)):
            groups[n] = groups[n] or groups[n - 1]
        joined = [lower[0] or upper[0], *(f"{a} {b}" for a, b in zip(groups[1:], lower[1:], strict=True))]
        if len(set(joined)) == len(joined):
            return joined, rest, used
    return names, body, 0


def without_units(names: list[str], body: list[Row], notes: list[str]) -> list[Row]:
    """Without a row of units right below the header: texts where numbers stand below."""
    if len(body) < 2 or has_data(body[0][1]):
        return body
    if all(re.fullmatch(r"\d+[sdn]", cell) for cell in body[0][1]):  # widths and kinds, as the USGS writes them
        notes.append(f"left out: row {body[0][0]} of the columns' widths ({', '.join(body[0][1])[:40]})")
        return body[1:]
    cells, below = body[0][1], [row for _, row in body[1:6] if len(row) == len(names)]
    over = [
        bool(cell) and cell.lower() not in MISSING and all(is_data(row[n]) for row in below if row[n])
        for n, cell in enumerate(cells[: len(names)])
    ]
    texts = [any(row[n] and not is_data(row[n]) for row in below) for n in range(len(names))]
    held = [bool(cell) and texts[n] for n, cell in enumerate(cells[: len(names)])]
    if below and any(over) and not any(held):
        notes.append(f"units left out: row {body[0][0]} ({', '.join(cell for cell in cells if cell)[:60]})")
        return body[1:]
    return body
