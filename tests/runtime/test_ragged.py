"""Texts of any lengths in batches: every row once, no batch over its budget."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.runtime.ragged import ROWS, TOKENS, batches, chunks


@settings(max_examples=150, deadline=None)
@given(lengths=st.lists(st.integers(1, 60), max_size=50), tokens=st.integers(1, 200), rows=st.integers(1, 12))
def test_every_row_once_and_no_batch_over_its_budget(lengths: list[int], tokens: int, rows: int) -> None:
    found = list(batches(np.array(lengths, np.int64), tokens, rows))
    assert sorted(row for batch in found for row in batch.tolist()) == list(range(len(lengths)))
    costs = [max(lengths[row] for row in batch) * len(batch) for batch in found]
    for batch, cost in zip(found, costs, strict=True):
        assert 1 <= len(batch) <= rows
        assert cost <= tokens or len(batch) == 1
    ordered = [lengths[row] for batch in found for row in batch]
    assert ordered == sorted(ordered)
    for batch, after in itertools.pairwise(found):  # none is smaller than it must be
        assert len(batch) == rows or lengths[after[0]] * (len(batch) + 1) > tokens


def test_the_limits_are_those_named() -> None:
    assert [len(batch) for batch in batches(np.full(1000, 1))] == [ROWS, 1000 - ROWS]
    assert [len(batch) for batch in batches(np.full(50, TOKENS // 4))] == [4] * 12 + [2]
    assert [len(batch) for batch in batches(np.array([TOKENS + 1, 1]))] == [1, 1]


def test_rows_of_one_length_keep_their_order() -> None:
    assert np.concatenate(list(batches(np.array([2, 1, 2, 1, 2]), 4, 2))).tolist() == [1, 3, 0, 2, 4]


@settings(max_examples=50, deadline=None)
@given(items=st.lists(st.integers(), max_size=20), size=st.integers(1, 7))
def test_chunks_take_no_more_than_they_give(items: list[int], size: int) -> None:
    taken = 0

    def source() -> Iterator[int]:
        nonlocal taken
        for item in items:
            taken += 1
            yield item

    given = 0
    for part in chunks(source(), size):
        given += len(part)
        assert list(part) == items[given - len(part) : given]
        assert taken == given
        assert len(part) == size or given == len(items)
    assert given == len(items)


def test_long_items_make_short_chunks() -> None:
    texts = ["a" * 400, "b" * 400, "c" * 400, "d" * 2000, "e"]
    assert [list(map(len, part)) for part in chunks(texts, 10, 1000)] == [[400, 400], [400], [2000], [1]]
