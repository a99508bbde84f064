"""What an answer may not say."""

from __future__ import annotations

import numpy as np

from throughtime.tasks.sequence.repeats import Repeats

EDGE = 9
VISIBLE = np.array([True] * 8 + [False, False])
FOLDED = np.array([0, 1, 2, 3, 4, 5, 6, 0, 8, 9])  # 7 is a capital 0


def test_three_pieces_come_again_only_where_the_source_allows_it() -> None:
    sources = [np.array([5]), np.array([3, 1, 2, 3]), np.array([5, 6, 4, 5, 6, 4])]
    own = Repeats(sources, FOLDED, VISIBLE, EDGE)
    assert own.refused(0, [0, 1, 2, 4, 0, 1], 2)
    assert own.refused(0, [7, 1, 2, 4, 0, 1], 2)
    assert not own.refused(0, [0, 1, 2, 4, 0, 1], 3)
    assert not own.refused(0, [0, 1], 2)
    assert own.refused(0, [1, 1, 1], 1)
    assert not own.refused(1, [1, 2, 3, 4, 1, 2], 3)  # the source has it
    assert not own.refused(2, [0, 1, 2, 4, 0, 1], 2)  # the source says three of its own twice


def test_no_answer_is_blank() -> None:
    own = Repeats([np.array([5])], FOLDED, VISIBLE, EDGE)
    assert own.refused(0, [], EDGE)
    assert own.refused(0, [8, 8], EDGE)
    assert not own.refused(0, [8, 1], EDGE)
