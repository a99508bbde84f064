"""Several labels a text: from lists, cells with a sign between labels, columns of 0 and 1, and indicator matrices.

The labels of a text are kept as one text, a JSON array of their names in order: so a set is compared, counted and kept
like one label.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from throughtime.data.label_values import missing
from throughtime.errors import UserError

SIGNS = ("|", ";")
"""Signs between labels that are looked for where nobody named one; a comma is, where several labels are asked for."""

_MAYBE = (",", "/", "#", "+", " ")
"""Signs that stand within labels more often; where the cells look like several labels, it is said."""

INDICATOR = "indicator"
"""What labels were that came as a matrix of 0 and 1."""

_TRUTHS = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}


@dataclass(frozen=True)
class LabelRule:
    """How labels are read. drop_missing: leave texts out that have none. several: whether a text has several labels,
    None: as the data say. separator: the sign between them in a cell, None: found."""

    drop_missing: bool = False
    several: bool | None = None
    separator: str | None = None


AS_FOUND = LabelRule()
"""Nobody said anything."""


class Found(NamedTuple):
    """Labels as lists of labels, None where they are missing; a note on how they were found; the sign between them."""

    labels: list[Any]
    note: str
    separator: str | None


@lru_cache(1 << 16)
def members(written: str) -> tuple[str, ...]:
    """The labels of a set that `as_one` wrote."""
    return tuple(json.loads(written))


def as_one(labels: Iterable[str]) -> str:
    """A set of labels as one text."""
    return json.dumps(sorted(set(labels)), ensure_ascii=False)


def flat(written: Iterable[str]) -> list[str]:
    """All labels of some sets, one after the other."""
    return [label for one in written for label in members(one)]


def rarest(written: Sequence[str]) -> list[str]:
    """Of each set its rarest label, "" of an empty one: what a split goes by, so that each label has its share."""
    counts = Counter(flat(written))
    return [min(members(one), key=lambda label: (counts[label], label), default="") for one in written]


def multi_hot(written: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """(N, C) bool, which labels each set has; labels that are none of the names have no column."""
    place = {name: i for i, name in enumerate(names)}
    found = np.zeros((len(written), len(names)), bool)
    for row, one in enumerate(written):
        found[row, [place[label] for label in members(one) if label in place]] = True
    return found


def is_set(value: Any) -> bool:
    """Whether a value is several labels, not one."""
    return isinstance(value, list | tuple | set | frozenset) or (isinstance(value, np.ndarray) and value.ndim == 1)


def sets_of(values: Sequence[Any], rows: Sequence[int], where: str, rule: LabelRule) -> Found | None:
    """Labels as lists of labels; None where each text has one label.

    values: as they stand in a source. Raises UserError with the row where it is not clear what they are.
    """
    there = [value for value in values if not missing_set(value)]
    lists = any(map(is_set, there))
    if rule.several is False:
        if lists:
            row = rows[next(i for i, value in enumerate(values) if is_set(value))]
            raise UserError(
                f"{where}: row {row}: expected one label, got a list; leave multi_label out, or give one label a text"
            )
        return None
    if lists and rule.several is None and not all(map(is_set, there)):
        row = rows[next(i for i, value in enumerate(values) if is_set(value))]
        raise UserError(
            f"{where}: row {row}: expected one label, a text or a number, got list; where texts have several, give "
            "every one a list, or say so with multi_label"
        )
    if lists:
        return Found([_listed(value) for value in values], "several labels a text, from lists", None)
    texts = [value for value in there if isinstance(value, str)]
    if rule.separator is None and texts and len(texts) == len(there) and (parsed := _parsed(texts)) is not None:
        each = iter(parsed)
        found = [None if missing_set(value) else next(each) for value in values]
        return Found(found, "several labels a text, from lists", None)
    sign = rule.separator or _sign(texts, where, rule.several is True)
    if sign is None and not rule.several:
        return None
    told = "several labels a text" if sign is None else f"several labels a text, {sign!r} between them"
    empty = sum(isinstance(value, str) and not value.strip() for value in values)
    if empty:
        told += f"; {empty:,} empty cells are texts without a label"
    return Found([_split(value, sign) for value in values], told, sign)


ALONE = "each list of labels holds one: one label a text; --multi-label reads them as sets"
"""Told where lists are taken out of."""


def alone(values: Sequence[Any]) -> bool:
    """Whether all labels that are there are lists of one label each."""
    there = [value for value in values if not missing_set(value)]
    return bool(there) and all(is_set(value) and len(value) == 1 for value in there)


def out_of(value: Any) -> Any:
    """The label of a list that holds one; what else stands there as it is."""
    return next(iter(value)) if is_set(value) else value


def missing_set(value: Any) -> bool:
    """Whether it is said nowhere which labels a text has; an empty list says that it has none."""
    return not is_set(value) and missing(value)


def _listed(value: Any) -> list[Any] | None:
    if is_set(value):
        return list(value)
    return None if missing(value) else [value]


def _split(value: Any, sign: str | None) -> list[Any] | None:
    if isinstance(value, str):
        if missing(value) and value.strip():
            return None
        parts = [value] if sign is None else value.split(sign)
        return [part.strip() for part in parts if part.strip()]
    return None if missing(value) else [value]


def _parsed(texts: Sequence[str]) -> list[list[Any]] | None:
    """Cells that are lists as JSON or Python writes them; None where they are not, all of them."""
    found = []
    for text in texts:
        cell = text.strip()
        if not (cell.startswith("[") and cell.endswith("]")):
            return None
        value: Any = None
        for read in (json.loads, ast.literal_eval):
            try:
                value = read(cell)
                break
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
        if not isinstance(value, list):
            return None
        found.append(value)
    return found


def _sign(texts: Sequence[str], where: str, asked: bool) -> str | None:
    """The sign between labels in cells, None where there is none. asked: whether somebody said that there are several.

    Where nobody did, a sign counts only where nothing else explains the cells: their parts are fewer than the different
    cells, each stands in several of those, and these are of several sizes.
    """
    cells = {text.strip() for text in texts}
    there = [sign for sign in SIGNS if any(sign in cell for cell in cells)]
    if asked:
        if len(there) > 1:
            raise UserError(f"{where}: cells hold both | and ;, which is between labels? name it, --label-separator")
        return there[0] if there else "," if any("," in cell for cell in cells) else None
    clear = [sign for sign in there if _clear(cells, sign)]
    return clear[0] if len(clear) == 1 else None


def _clear(cells: Iterable[str], sign: str) -> bool:
    each = {frozenset(part.strip() for part in cell.split(sign) if part.strip()) for cell in cells}
    each.discard(frozenset())
    counts = Counter(part for one in each for part in one)
    sizes = {len(one) for one in each}
    return len(sizes) > 1 and len(counts) < len(each) and min(counts.values()) > 1


def unsplit(values: Sequence[Any], rule: LabelRule) -> list[str]:
    """A note where labels hold a sign that could stand between several, and are taken for one label."""
    if rule.several is not None or rule.separator is not None:
        return []
    cells = [value for value in values if isinstance(value, str)]
    different = set(cells)
    for sign in (*SIGNS, *_MAYBE):
        if any(sign in cell.strip(sign) for cell in different) and (sign in SIGNS or _clear(different, sign)):
            how = "--multi-label splits them" if sign in (*SIGNS, ",") else f"--label-separator '{sign}' splits them"
            return [f"labels hold {sign!r} and are taken as one label each; {how}"]
    return []


def of_columns_of_truths(
    columns: Sequence[tuple[str, Sequence[Any]]], rows: Sequence[int], where: str
) -> list[list[str]]:
    """Several columns of 0 and 1, as lists of the names of those that are 1. UserError for another value."""
    found: list[list[str]] = [[] for _ in rows]
    for name, values in columns:
        for place, value in enumerate(values):
            written = str(value).strip().lower() if not isinstance(value, bool | np.bool_) else str(bool(value)).lower()
            if written not in _TRUTHS:
                got = "nothing" if missing(value) else repr(str(value)[:40])
                raise UserError(f"{where}: row {rows[place]}, column {name}: expected 0 or 1, got {got}")
            if _TRUTHS[written]:
                found[place].append(name)
    return found


def indicator(labels: Any) -> tuple[list[list[Any]], list[str]] | None:
    """An indicator matrix (N, C) of 0 and 1, as lists of labels, and the names of its columns; None for another thing.

    labels: an array, its rows as lists, a sparse matrix or a frame, as scikit-learn's MultiLabelBinarizer makes them.
    UserError for other
    values in such a matrix.
    """
    names = [str(name) for name in labels.columns] if hasattr(labels, "columns") else None
    if hasattr(labels, "toarray"):
        labels = labels.toarray()
    elif names is not None and hasattr(labels, "to_numpy"):
        labels = labels.to_numpy()
    elif _is_matrix(labels):
        labels = np.array(labels)
    if not isinstance(labels, np.ndarray) or labels.ndim != 2:
        return None
    if labels.dtype.kind not in "biuf" or not np.isin(labels, (0, 1)).all():
        raise UserError(f"classifier: expected labels (N,), or (N, C) of 0 and 1, got {labels.shape} of other values")
    names = [str(i) for i in range(labels.shape[1])] if names is None else names
    return [[names[i] for i in np.flatnonzero(row)] for row in labels], names


def _is_matrix(rows: Any) -> bool:
    """Whether lists are the rows of a matrix of 0 and 1, not sets of two labels: equally long, and some row has a value
    twice."""
    if not isinstance(rows, list | tuple) or not rows or not all(map(is_set, rows)):
        return False
    values = [list(row) for row in rows]
    whole = all(isinstance(one, int | np.integer | np.bool_) and one in (0, 1) for row in values for one in row)
    return whole and len({len(row) for row in values}) == 1 and any(len(set(row)) < len(row) for row in values)
