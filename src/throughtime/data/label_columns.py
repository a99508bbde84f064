"""Texts and labels from the columns of a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from throughtime.data.label_names import LABELS, TEXTS, Columns, RawTexts, chosen, label_columns
from throughtime.data.label_notes import counted
from throughtime.data.label_rows import Rows, separator_of
from throughtime.data.label_sets import of_columns_of_truths
from throughtime.data.table import TableData, objects, read_table
from throughtime.errors import UserError


def of_columns(source: Any, meant: Columns, encoding: str) -> RawTexts:
    if isinstance(source, dict):  # arrays of mixed values would turn a missing one into text
        source = {name: objects(list(values)) for name, values in source.items()}
    table = source if isinstance(source, TableData) else read_table(source, encoding, "labels", typed=True)
    names = list(table.columns)
    kept, notes = answered(table)
    meant = meant.among(names)
    if meant.wanted and meant.label is None and {"options", "accept"} <= set(names):  # a choice made in Prodigy
        meant = replace(meant, label="accept")
    some = label_columns(names, meant.label) if meant.wanted else []
    t, y = chosen(names, meant.text, meant.label, table.where, meant.wanted and not some, notes)

    def column(name: str) -> list[Any]:
        values = table.columns[name]
        return list(values if kept is None else values[kept])

    texts = column(names[t])
    labels = None if y is None else column(names[y])
    rows = [table.first_row + int(i) for i in (range(len(texts)) if kept is None else kept)]
    if some:
        columns = [(name, column(name)) for name in some]
        return _of_truths(texts, columns, rows, table.where, notes, (names[t], meant.label))
    return RawTexts(texts, labels, rows, table.where, notes, True, (names[t], None if y is None else names[y]))


_RULE = re.compile(r"\A([^\n]*\n)[ ]*\|?(?:[ ]*:?-{3,}:?[ ]*\|?)+(?=\n)")
"""What stands below the header of a table in Markdown."""

ANSWERS = {"accept", "reject", "ignore"}
"""What people say of an example in Prodigy."""


def answered(table: TableData) -> tuple[np.ndarray | None, list[str]]:
    """Which rows of a table of Prodigy somebody accepted, and a note on the others; None for all of another table."""
    if "answer" not in table.columns:
        return None, []
    answers = list(table.columns["answer"])
    there = {one for one in answers if one is not None}
    if not there or not there <= ANSWERS:
        return None, []
    counts = Counter(answers)
    told = [f"{counted(counts[one], 'example')} with the answer {one}" for one in ("reject", "ignore") if counts[one]]
    kept = np.array([i for i, one in enumerate(answers) if one in ("accept", None)], np.int64)
    return kept, [f"{' and '.join(told)}: left out"] if told else []


def _of_truths(
    texts: list[Any],
    columns: Sequence[tuple[str, Sequence[Any]]],
    rows: list[int],
    where: str,
    notes: list[str],
    chosen: tuple[str | None, str | None],
) -> RawTexts:
    """Texts whose labels are several columns of 0 and 1."""
    labels = of_columns_of_truths(columns, rows, where)
    return RawTexts(texts, labels, rows, where, notes, True, chosen, tuple(name for name, _ in columns))


def of_table(content: str, where: str, suffix: str, meant: Columns) -> RawTexts:
    wanted = meant.wanted
    separator, content = separator_of(content, suffix)
    if separator == "|":
        content = _RULE.sub(r"\1", content, count=1)
    rows = Rows.of(content, separator, where)
    width = len(rows.first)
    names = [name.strip() for name in rows.first]
    meant = meant.among(names)
    text, label = meant.text, meant.label
    given = [name for name in (text, label) if name is not None]
    some = [name for name in names if name]
    numbered = some == [str(i) for i in range(len(some))]  # pandas writes such a header; else "1" may be a first label
    some_labels = label_columns(names, label) if wanted else []
    named = bool(some_labels) or any(name in names and (numbered or not name.isdecimal()) for name in given)
    known = any(name.lower() in (*TEXTS, *LABELS) for name in names)
    places = bool(given) and all(name.isdecimal() and int(name) < width for name in given)
    notes: list[str] = []
    remembered = meant.known[0] is not None and not meant.known[0].isdecimal()
    header = named or known or bool(given and not places)
    header = header or (not given and (width > 2 or (width > 1 and remembered)))
    if header:
        twice = [name for name in names if name and names.count(name) > 1] if width < 5000 else []
        if twice:
            raise UserError(f"{where}: two columns are named {twice[0]!r}")
        t, y = chosen(names, text, label, where, wanted and not some_labels, notes)
        if rows.count == 1:
            raise UserError(f"{where}: there are no rows below the header")
        columns = (names[t], None if y is None else names[y])
        if some_labels:
            numbers, (texts, *truths) = rows.columns([t, *map(names.index, some_labels)], 1)
            both = list(zip(some_labels, truths, strict=True))
            return _of_truths(texts, both, numbers, where, notes, (names[t], label))
    else:
        place = meant.known[0]
        if text is None and not wanted and place is not None and place.isdecimal() and 1 < width > int(place):
            text = place
        t, y = _unnamed(rows, text, label, where, wanted)
        columns = (str(t), None if y is None else str(y))
        notes.append(
            f"no header line: texts in column {t}" + (f", labels in column {y}" if y is not None else "") + ", from 0"
        )
    numbers, (texts, *labels) = rows.columns([t] if y is None else [t, y], int(header))
    if header:
        heads = [names[place] for place in ([t] if y is None else [t, y])]
        again = {
            i for i, cells in enumerate(zip(texts, *labels, strict=True)) if [cell.strip() for cell in cells] == heads
        }
        if again and wanted:  # of files that were put together
            notes.append(f"{counted(len(again), 'row')} like the header: left out")
            kept = [i for i in range(len(texts)) if i not in again]
            numbers, texts = [numbers[i] for i in kept], [texts[i] for i in kept]
            labels = [[own[i] for i in kept] for own in labels]
    return RawTexts(texts, labels[0] if labels else None, numbers, where, notes, False, columns)


def _unnamed(rows: Rows, text: str | None, label: str | None, where: str, wanted: bool) -> tuple[int, int | None]:
    """The places of texts and labels in rows without a header."""
    width = len(rows.first)
    y: int | None
    if text is None and label is None:
        if width == 1 and wanted:
            raise UserError(f"{where}: expected a text and a label in each row, got one value; separate them by a tab")
        kinds = [len(set(map(hash, rows.column(i)))) for i in (0, width - 1)]
        few = 0 if kinds[0] < kinds[-1] else width - 1
        if width == 2 and (wanted or kinds[few] <= rows.count / 2 + 1):
            head, *others = rows.columns([few], 0)[1][0]
            if others and head not in others:
                names = ", ".join(name.strip()[:40] for name in rows.first)
                raise UserError(
                    f"{where}: which columns hold texts and labels? the first row reads {names}; name them with text "
                    'and label, or "0" and "1" if it is no header'
                )
        return width - 1 - few, few if wanted else None
    if width > 2 and wanted and (text is None or label is None):
        raise UserError(f"{where}: there are {width} columns and no header; give the places of text and label")
    other = (1 - int(text or label or 0)) % width
    t = int(text) if text is not None else other
    y = (int(label) if label is not None else other) if wanted else None
    if t == y:
        raise UserError(f"{where}: column {t} cannot be the texts and the labels; name both")
    return t, y
