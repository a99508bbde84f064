"""Sources that are too long to be read at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.tasks.sequence.pairs_made import TINY, made
from throughtime.data.pairs import Pairs
from throughtime.data.shared_bpe import SharedBPE
from throughtime.tasks.chat.stream import Generator
from throughtime.tasks.sequence.cutting import ALL, BEGINNING, END
from throughtime.tasks.sequence.data import Coded, bounds
from throughtime.tasks.summarize.stream import TextSummarizer

SIDES = made(40)
LONG = [f"{source} and a long tail {'of words ' * 30}" if i % 4 == 0 else source for i, source in enumerate(SIDES[0])]


@pytest.fixture(scope="module")
def fitted() -> Any:
    return throughtime.Summarizer(**{**TINY, "steps": 3, "longest": 40}).fit(LONG, SIDES[1], quiet=True)


def test_of_a_long_source_the_beginning_is_learned_from_and_read(fitted: Any) -> None:
    model: TextSummarizer = fitted.fitted()
    assert any("sources are longer than 40 pieces: of these the beginning is read" in note for note in fitted.notes())
    assert model.data.read == model.most == model.data.longest[0] == 40
    (one,) = model.answer([LONG[0]])
    assert one.left_out == len(model.pieces.encode(LONG[0])) - 40
    assert one.text == model.texts([model.pieces.decode(model.pieces.encode(LONG[0])[:40])])[0]


def test_numbers_of_a_summary_stand_in_its_text(fitted: Any) -> None:
    assert any("names and numbers" in note for note in fitted.notes())
    model: TextSummarizer = fitted.fitted()
    assert model.data.grounded
    for answer in model.answer(SIDES[0], wishes=None):
        assert {word for word in answer.text.split() if word.isdigit()} <= {*answer.source.split()}, answer


@pytest.mark.parametrize(("reads", "kept"), [(ALL, 2), (BEGINNING, 3), (END, 3)])
def test_what_is_learned_of_pairs(reads: str, kept: int) -> None:
    pairs = Pairs(["ab", "abcdefg", "x", ""], ["a", "b", "cd", "e"])
    pieces = SharedBPE.fit([["xyz"]], 257)
    found = Coded.of(pairs, pieces).within(4, reads)
    assert (len(found.pairs), found.cut, found.left) == (kept, kept - 2, 4 - kept)
    texts: Sequence[str] = [pieces.decode(found.pairs.sources[i]) for i in range(kept)]
    assert texts == {ALL: ["ab", "x"], BEGINNING: ["ab", "abc", "x"], END: ["ab", "defg", "x"]}[reads]
    assert found.pairs.targets.lengths.tolist() == ([2, 3] if reads == ALL else [2, 2, 3])


def test_of_a_conversation_the_end_is_read() -> None:
    chat = throughtime.Chat(**{**TINY, "steps": 2, "longest": 40}, mode="generate").fit(LONG, SIDES[1], quiet=True)
    model = chat.fitted().generator
    assert isinstance(model, Generator)
    assert any("of these the end is read" in note for note in chat.notes())
    ids = model.pieces.encode(LONG[0])
    np.testing.assert_array_equal(model.asked(LONG[0]).source, ids[-40:])
    ((_, read),), left = model.cut(LONG[0])
    np.testing.assert_array_equal(read, ids[-40:])
    assert left == len(ids) - 40


def test_a_few_far_longer_targets_do_not_make_answers_long() -> None:
    pieces = SharedBPE.fit([["xyz"]], 257)
    pairs = Pairs(["a" * 8] * 3000, ["b" * 9] * 2999 + ["c" * 150])
    slope, longest = bounds(Coded.of(pairs, pieces))
    assert longest == (9, 10)
    assert slope == pytest.approx(11 / 9)
    assert bounds(Coded.of(pairs.take(range(2990, 3000)), pieces))[1] == (9, 150)
