"""Contexts and replies as numbers."""

from __future__ import annotations

import pytest

from throughtime.errors import UserError
from throughtime.tasks.choosing.data import CONTEXT, REPLY, Vocabulary, batch
from throughtime.tasks.choosing.model import TURNS


def test_words_that_stand_twice_are_known() -> None:
    known = Vocabulary.fit(["The dog runs.", "the dog", "a cat."])
    assert known.words == (".", "dog", "the")
    (ids, turns), (other, ago) = known.contexts([["A dog", "the cat."], [""]])
    assert ids.tolist() == [0, 2, 3, 0, 1]
    assert turns.tolist() == [1, 1, 0, 0, 0]
    assert (other.tolist(), ago.tolist()) == ([0], [0])
    ((reply, signs),) = known.replies(["the dog"])
    assert (reply.tolist(), signs.tolist()) == ([3, 2], [TURNS - 1] * 2)


def test_the_end_of_a_context_and_the_beginning_of_a_reply_are_read() -> None:
    known = Vocabulary(("a", "b"))
    ((ids, turns),) = known.contexts([["b " * 99, "a " * 30]])
    assert len(ids) == CONTEXT
    assert ids.tolist() == [2] * (CONTEXT - 30) + [1] * 30
    assert turns.tolist() == [1] * (CONTEXT - 30) + [0] * 30
    assert len(known.replies(["a " * 99])[0][0]) == REPLY
    far = known.contexts([["a"] * 20])[0][1]
    assert far.tolist()[:16] == [TURNS - 2] * 16


def test_batches() -> None:
    known = Vocabulary(("a", "b"))
    ids, turns, lengths = batch(known.replies(["a b a", "b"]))
    assert ids.tolist() == [[1, 2], [2, 0], [1, 0]]
    assert turns[:, 1].tolist() == [TURNS - 1, 0, 0]
    assert lengths.tolist() == [3, 1]


@pytest.mark.parametrize("data", [None, {}, {"words": [1]}, {"words": ["a", "a"]}, {"words": [""]}])
def test_damaged(data: object) -> None:
    with pytest.raises(UserError, match="the file is damaged"):
        Vocabulary.from_json(data)
