"""Tokens as they are written, and a text cut as the tokens of a corpus are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.data.spacing import Cuts, places, written
from throughtime.errors import UserError


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ('He said , " no ! " .', 'He said, "no!".'),
        ("I do n't like John 's dog ( much )", "I don't like John's dog (much)"),
        ("219 W. Main St., Apt. #4-B", "219 W. Main St., Apt. #4-B"),
        ("l' eau d' été", "l'eau d'été"),
        ("上海 浦东 开发 。", "上海浦东开发。"),
        ("用 Python 写", "用 Python 写"),
        ("", ""),
    ],
)
def test_white_space_stands_where_a_person_leaves_it(tokens: str, text: str) -> None:
    assert written(tokens.split()) == text
    found = places(text, tokens.split())
    assert found is not None
    assert [text[a:b] for a, b in found] == tokens.split()


def test_tokens_of_another_text_have_no_places() -> None:
    assert places("a b c", ["a", "c"]) is None
    assert places("a b", ["a", "b", "c"]) is None
    assert places("a b c", ["a", "b"]) is None
    assert places(" a  b ", ["a", "b"]) == [(1, 2), (4, 5)]


NEWS = ["EU rejects U.S. call .", "Mr. Lee , aged 31 , left .", "It 's 1996-08-22 ; do n't go .", "That 's all .",
        "They do n't .", "Blackburn v. Leeds-on-Sea ( 2-1 ) ."]  # fmt: skip
POST = ["219 W. Main St., Apt. 4-B", "7 Oak Ave., Unit 3-C", "21 N. Elm Rd., Suite 2-A", "P.O. Box 12,"]


@pytest.mark.parametrize(("corpus", "text", "tokens"), [
    (NEWS, "Mr. Smith's U.S. visit (in 2001-02-03) didn't help.",
     "Mr. Smith 's U.S. visit ( in 2001-02-03 ) did n't help ."),
    (POST, "12 S. Pine Blvd., Unit 9-F", "12 S. Pine Blvd., Unit 9-F"),
    (["北 京 好", "很 好 Python 。"], "北京好Python。", "北 京 好 Python 。"),
    (["上海 浦东 开发"], "上海 浦东", "上海 浦东"),
])  # fmt: skip
def test_a_text_is_cut_as_the_corpus_is(corpus: list[str], text: str, tokens: str) -> None:
    cuts = Cuts.fit([one.split() for one in corpus])
    assert [piece for piece, _, _ in cuts.pieces(text)] == tokens.split()
    again = Cuts.from_json(json.loads(json.dumps(cuts.to_json())))
    assert again.pieces(text) == cuts.pieces(text)
    for one in corpus:
        assert [piece for piece, _, _ in cuts.pieces(one)] == one.split()


@settings(deadline=None)
@given(text=st.text(st.sampled_from("ab.,'’-(\"# \t北é\u0301!"), max_size=30), corpus=st.sampled_from([NEWS, POST]))
def test_nothing_but_white_space_is_lost(text: str, corpus: list[str]) -> None:
    end = 0
    for piece, first, last in Cuts.fit([one.split() for one in corpus]).pieces(text):
        assert piece
        assert piece == text[first:last]
        assert not text[end:first].strip()
        end = last
    assert not text[end:].strip()


SOUND = Cuts().to_json()


@pytest.mark.parametrize(
    "damage",
    [None, [], {}, {"alone": True}, {**SOUND, "alone": 1}, {**SOUND, "whole": [""]}, {**SOUND, "heads": "x"}],
)
def test_damaged_rules_are_refused(damage: object) -> None:
    with pytest.raises(UserError, match=r"units: .*tokenizer.json is damaged"):
        Cuts.from_json(damage)
