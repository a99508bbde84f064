"""Splits: no group on two sides, each label its share."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughtime.data.labelled import Texts
from throughtime.data.pairs import Pairs
from throughtime.data.splits import folds, grouped_split
from throughtime.data.tagged import Tagged
from throughtime.errors import UserError

ROWS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abc")), min_size=2, max_size=60)


@given(ROWS, st.floats(0.01, 0.99), st.integers(0, 5), st.booleans())
def test_no_group_is_on_two_sides(rows: list[tuple[int, str]], share: float, seed: int, plain: bool) -> None:
    keys, labels = [key for key, _ in rows], [label for _, label in rows]
    if len(set(keys)) < 2:
        with pytest.raises(UserError, match="of one kind cannot be two parts"):
            grouped_split(keys, labels, share, seed)
        return
    train, held = grouped_split(keys, None if plain else labels, share, seed)
    assert sorted([*train, *held]) == list(range(len(rows)))
    assert len(train)
    assert len(held)
    assert (np.diff(train) > 0).all()
    assert (np.diff(held) > 0).all()
    assert not {keys[i] for i in train} & {keys[i] for i in held}


@given(ROWS, st.integers(2, 6), st.integers(0, 5))
def test_folds_hold_every_row_once(rows: list[tuple[int, str]], count: int, seed: int) -> None:
    keys, labels = [key for key, _ in rows], [label for _, label in rows]
    if len(set(keys)) < count:
        with pytest.raises(UserError, match=f"folds: {count} need as many groups of rows"):
            folds(keys, labels, count, seed)
        return
    parts = folds(keys, labels, count, seed)
    assert sorted(row for part in parts for row in part) == list(range(len(rows)))
    assert all(len(part) for part in parts)
    assert all((np.diff(part) > 0).all() for part in parts)
    owners = Counter((keys[row], n) for n, part in enumerate(parts) for row in part)
    assert len({key for key, _ in owners}) == len(owners)


def test_each_label_has_its_share() -> None:
    labels = ["a"] * 600 + ["b"] * 300 + ["c"] * 100 + ["d"]
    for seed in range(5):
        train, held = grouped_split(range(len(labels)), labels, 0.1, seed)
        counts = Counter(labels[i] for i in held)
        assert abs(counts["a"] - 60) <= 1
        assert abs(counts["b"] - 30) <= 1
        assert abs(counts["c"] - 10) <= 1
        assert counts["d"] == 0  # the only one is to be learned from
        assert "d" in {labels[i] for i in train}
    for part in folds(range(len(labels)), labels, 5, 0):
        counts = Counter(labels[i] for i in part)
        assert (counts["a"], counts["b"], counts["c"]) == (120, 60, 20)


def test_small_labels_have_their_share_together() -> None:
    labels = [str(i // 4) for i in range(400)]
    _, held = grouped_split(range(400), labels, 0.1, 0)
    assert abs(len(held) - 40) <= 4
    assert max(Counter(labels[i] for i in held).values()) <= 2


def test_a_big_group_does_not_take_the_share_of_another_label() -> None:
    keys, labels = [0] * 200 + list(range(1, 41)), ["a"] * 200 + ["b"] * 40
    for seed in range(200):  # in some the big one comes first
        _, held = grouped_split(keys, labels, 0.1, seed)
        assert 2 <= len(held) <= 6
        assert {labels[i] for i in held} == {"b"}


def test_the_seed_decides() -> None:
    keys = list(range(100))
    first, same, other = (grouped_split(keys, None, 0.2, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == same != other
    assert len(first) == 20
    one, two, three = ([part.tolist() for part in folds(keys, None, 3, seed)] for seed in (1, 1, 2))
    assert one == two != three


def test_at_least_one_row_on_each_side() -> None:
    for seed in range(5):
        train, held = grouped_split(["x"] * 9 + ["y"] * 3, None, 0.01, seed)
        assert (len(train), held.tolist()) == (9, [9, 10, 11])
    train, held = grouped_split(["x", "y"], ["a", "b"], 0.99, 0)
    assert len(train) == len(held) == 1


@pytest.mark.parametrize(
    ("keys", "labels", "share", "words"),
    [
        ([1, 2], None, 0.0, "share must be between 0 and 1, got 0.0"),
        ([1, 2], None, 1.0, "share must be between 0 and 1"),
        ([1, 1, 1], None, 0.5, "3 rows of one kind cannot be two parts; give at least two different ones"),
        ([], None, 0.5, "there are no rows"),
        ([1, 2], ["a"], 0.5, "2 keys and 1 labels; each row needs both"),
    ],
)
def test_splits_that_cannot_be(keys: list[int], labels: Any, share: float, words: str) -> None:
    with pytest.raises(UserError, match=words):
        grouped_split(keys, labels, share, 0)


def test_what_cannot_be_parted_is_told_with_its_file() -> None:
    same = [["turn", "on"]] * 3
    with pytest.raises(UserError, match=r"^a\.csv: 3 rows of one kind cannot be two parts"):
        Texts(["so"] * 3, ["a", "b", "a"], "a.csv").split(0.1, 0)
    with pytest.raises(UserError, match=r"^a\.conll: 3 rows of one kind"):
        Tagged(same, [["O", "O"]] * 3, [], "a.conll").split(0.1, 0)
    with pytest.raises(UserError, match=r"^a\.tsv: 2 rows of one kind"):
        Pairs(["so"] * 2, ["ja"] * 2, "a.tsv").split(0.1, 0)


def test_folds_that_cannot_be() -> None:
    with pytest.raises(UserError, match="folds: expected at least 2, got 1"):
        folds([1, 2], None, 1, 0)
