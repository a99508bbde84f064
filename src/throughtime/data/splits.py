"""Rows into parts: what belongs together stays together, and each label has its share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.errors import UserError


@dataclass(frozen=True)
class _Group:
    rows: list[int]
    label: str


def grouped_split(
    keys: Sequence[Hashable], labels: Sequence[str] | None, share: float, seed: int, who: str = "split"
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from and rows held back, int64 in ascending order; the same seed gives the same.

    who: where the rows come from, for errors. keys: rows of one key stay on one side. labels: each label has about
    `share` of its rows held back, and at least one group of rows to learn from; None: all are alike. A group counts for
    the label most of its rows have. Raises UserError where a side would be empty or share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise UserError(f"{who}: share must be between 0 and 1, got {share}")
    groups = _groups(keys, labels, seed)
    if len(groups) < 2:
        raise UserError(
            f"{who}: {len(keys):,} row{'s' * (len(keys) != 1)} of one kind cannot be two parts; give at least two "
            "different ones"
        )
    by_label: dict[str, list[_Group]] = {}
    for group in groups:
        by_label.setdefault(group.label, []).append(group)
    held: list[_Group] = []
    debt = 0.0  # rows that are due to be held back
    for own in by_label.values():
        debt = min(max(debt, -1.0), 1.0)  # carried on so that small labels have their share together, big groups alone
        for place, group in enumerate(own):
            size = len(group.rows)
            debt += share * size
            if place and debt >= size / 2:
                held.append(group)
                debt -= size
    if not held:
        spare = [group for own in by_label.values() if len(own) > 1 for group in own] or groups
        held = [min(spare, key=lambda group: len(group.rows))]
    chosen = np.zeros(len(keys), bool)
    for group in held:
        chosen[group.rows] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def folds(keys: Sequence[Hashable], labels: Sequence[str] | None, count: int, seed: int) -> list[np.ndarray]:
    """`count` parts, int64 rows in ascending order each, that hold every row once; the same seed gives the same.

    keys, labels: as for grouped_split; each label is spread evenly. Raises UserError for fewer groups than parts.
    """
    if count < 2:
        raise UserError(f"folds: expected at least 2, got {count}")
    groups = _groups(keys, labels, seed)
    if len(groups) < count:
        raise UserError(f"folds: {count} need as many groups of rows, there are {len(groups)}; ask for fewer")
    parts: list[list[int]] = [[] for _ in range(count)]
    own: list[Counter[str]] = [Counter() for _ in range(count)]
    for group in sorted(groups, key=lambda group: -len(group.rows)):
        place = min(range(count), key=lambda i: (own[i][group.label], len(parts[i])))
        parts[place] += group.rows
        own[place][group.label] += len(group.rows)
    return [np.sort(np.array(part, np.int64)) for part in parts]


def _groups(keys: Sequence[Hashable], labels: Sequence[str] | None, seed: int) -> list[_Group]:
    """In an order that the seed gives."""
    if labels is not None and len(labels) != len(keys):
        raise UserError(f"split: {len(keys):,} keys and {len(labels):,} labels; each row needs both")
    if not len(keys):
        raise UserError("split: there are no rows")
    rows: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    groups = list(rows.values())
    order = np.random.default_rng(seed).permutation(len(groups))
    found = []
    for i in order:
        counts = Counter("" if labels is None else labels[row] for row in groups[i])
        found.append(_Group(groups[i], min(counts, key=lambda label: (-counts[label], label))))
    return found
