"""Tokens into sentences: nothing is lost, none is too long, none is empty."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.data.sentences import LONGEST, sentences

TOKENS = st.lists(st.sampled_from(["a", "b", ".", "!", "?", '"', ")", "。", "」", "\n", ","]), max_size=40)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a b . c d", ["a b .", "c d"]),
        ("a . . . b", ["a . . .", "b"]),
        ('a ? ! " ) b .', ['a ? ! " )', "b ."]),
        ("a . b", ["a .", "b"]),
        ("a 。 」 b ？", ["a 。 」", "b ？"]),
        (". a", [".", "a"]),
        ("a , b", ["a , b"]),
        ('" a', ['" a']),
        ("", [""]),
    ],
)
def test_by_hand(text: str, parts: list[str]) -> None:
    assert sentences(text.split()) == [part.split() for part in parts]


@settings(max_examples=200, deadline=None)
@given(tokens=TOKENS, longest=st.integers(1, 9))
def test_nothing_is_lost_and_none_is_too_long(tokens: list[str], longest: int) -> None:
    found = sentences(tokens, longest)
    assert [token for part in found for token in part] == tokens
    assert all(len(part) <= longest for part in found)
    assert all(found) == bool(tokens)
    if not tokens:
        assert found == [[]]


def test_a_sentence_without_an_end_is_cut() -> None:
    assert [len(part) for part in sentences(["a"] * 150)] == [LONGEST, LONGEST, 150 - 2 * LONGEST]
    assert sentences(["a", "b", ".", "c"], 2) == [
        ["a", "b"],
        [
            ".",
        ],
        ["c"],
    ]
    assert sentences(["a", ".", '"', "c"], 2) == [["a", "."], ['"', "c"]]
