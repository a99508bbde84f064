"""A text much longer than the others is learned from in part, and read apart from them."""

from __future__ import annotations

from itertools import chain

import numpy as np

from throughtime.data.columns import Columns
from throughtime.data.tagged import Tagged, marked
from throughtime.models.examples import Examples
from throughtime.tasks.reading.job import _together
from throughtime.tasks.reading.lengths import TOKENS, cut_in_words, longest


def examples(lengths: list[int]) -> Examples:
    texts = [[f"{n}.{t}" for t in range(length)] for n, length in enumerate(lengths)]
    columns, _ = Columns.fit(texts, ("token",), spelling=True)
    return Examples.of(columns, texts, values=np.arange(sum(lengths), dtype=np.float32)[:, None])


def test_what_is_long_depends_on_the_others() -> None:
    assert longest(np.array([20] * 216 + [60_000])) == 512
    assert longest(np.array([600] * 100)) == 2400
    assert longest(np.zeros(0, np.int64)) == 512
    assert cut_in_words(np.array([20] * 9), "x") == ""
    told = cut_in_words(np.array([20] * 216 + [60_000]), "learned from by their first and last {half:,}")
    assert told == "1 text is of over 512 tokens, the longest of 60,000: learned from by their first and last 256"


def test_the_beginning_and_the_end_are_kept() -> None:
    whole = examples([3, 7, 2])
    cut = whole.cut(5)
    assert cut.lengths.tolist() == [3, 5, 2]
    encoded, values = cut.encoded, cut.encoded.values
    assert values is not None
    assert values[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 8, 9, 10, 11]
    assert encoded.ids[:, 0].tolist() == whole.encoded.ids[[0, 1, 2, 3, 4, 5, 8, 9, 10, 11], 0].tolist()
    assert encoded.spelled.tolist() == whole.encoded.spelled[[0, 1, 2, 3, 4, 5, 8, 9, 10, 11]].tolist()
    assert whole.cut(7) .encoded is whole.encoded  # fmt: skip


def test_texts_of_about_one_length_are_read_together() -> None:
    short = examples([2, 3, 2])
    assert [part.tolist() for part in _together(short, np.array([2, 0]))] == [[2, 0]]
    mixed = examples([20] * 7 + [TOKENS // 4])
    parts = _together(mixed, np.arange(8))
    assert [part.tolist() for part in parts] == [list(range(7)), [7]]


def test_sentences_are_cut_between_spans() -> None:
    tokens = [[f"t{i}" for i in range(10)], ["a", "b"]]
    tags = [["O", "O", "O", "B-x", "I-x", "I-x", "O", "B-y", "I-y", "I-y"], ["B-x", "I-x"]]
    parts = Tagged(tokens, tags, ["p", "q"], texts=["no text", "a b"]).in_parts(5)
    assert [len(one) for one in parts.tokens] == [3, 4, 3, 2]
    assert [*chain(*parts.tokens)] == [*chain(*tokens)]
    assert (parts.intents, parts.texts) == (["p", "p", "p", "q"], [None, None, None, "a b"])
    spans = [span["kind"] for own, own_tags in zip(parts.tokens, parts.tags, strict=True)
             for span in marked(own, own_tags)]  # fmt: skip
    assert spans == ["x", "y", "x"]
    inside = Tagged([["a"] * 6], [["B-x", *["I-x"] * 5]], []).in_parts(4)
    assert inside.tags == [["B-x", "I-x", "I-x", "I-x"], ["B-x", "I-x"]]
