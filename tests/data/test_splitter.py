"""What cuts a text into tokens, as a folder keeps it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.data import tokenizers
from throughtime.data.splitter import UNITS, Splitter
from throughtime.errors import UserError

TEXT = "Don't stop, café 2024! 我来到北京 "
ANY = st.text(st.sampled_from("ab C.'’!\n\t月文é\u0301😀1_\u00a0\x1f"), max_size=20)


def test_each_kind_by_hand() -> None:
    words = ["Don't", "stop", ",", "café", "2024", "!", "我", "来", "到", "北", "京"]
    assert Splitter("words").split(TEXT) == words
    assert Splitter("characters").split("a b\u00a0月") == ["a", "b", "月"]
    assert UNITS == ("words", "characters", "jieba", "subwords")


def test_jieba_words() -> None:
    pytest.importorskip("jieba")
    assert Splitter.fit("jieba", []).split("我来到北京 ok") == ["我", "来到", "北京", "ok"]


@settings(max_examples=100, deadline=None)
@given(text=ANY)
def test_no_sign_is_lost_but_white_space(text: str) -> None:
    for kind in ("words", "characters"):
        tokens = Splitter(kind).split(text)
        assert "".join(tokens) == "".join(text.split())
        assert all(tokens)
    assert Splitter("words").split(" \n\t") == []


def test_subwords_give_the_text_back() -> None:
    pytest.importorskip("tokenizers")
    splitter = Splitter.fit("subwords", ["the cat sat on the mat " * 9])
    tokens = splitter.split("the cat ☃")
    assert all(token.isdecimal() for token in tokens)
    assert splitter.tokenizer.decode(list(map(int, tokens))) == "the cat ☃"
    assert "".join(splitter.shown(splitter.split("the mat"))) == "the mat"
    again = Splitter.from_json(json.loads(json.dumps(splitter.to_json())))
    assert again.split("the cat ☃") == tokens
    assert splitter.split("") == []


def test_the_tokenizer_of_a_language_model() -> None:
    splitter = Splitter("tokenizer", tokenizers.fit("characters", "abc"))
    assert splitter.split("a?b☃") == splitter.split("ab")  # what it does not know is left out
    assert splitter.split("?") == []
    assert splitter.shown(splitter.split("cab")) == ["c", "a", "b"]
    assert Splitter("words").shown(["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize("kind", ["words", "characters", "jieba"])
def test_splitters_survive_json(kind: str) -> None:
    again = Splitter.from_json(json.loads(json.dumps(Splitter(kind).to_json())))
    assert (again.kind, again.tokenizer) == (kind, None)


BYTES = {"kind": "bytes"}


@pytest.mark.parametrize(
    "damage",
    [
        None,
        [],
        "words",
        {},
        {"kind": "words"},
        {"kind": ["words"], "tokenizer": None},
        {"kind": "syllables", "tokenizer": None},
        {"kind": "subwords", "tokenizer": None},
        {"kind": "tokenizer", "tokenizer": None},
        {"kind": "words", "tokenizer": BYTES},
        {"kind": "two\nlines", "tokenizer": BYTES},
        {"kind": "subwords", "tokenizer": {}},
        {"kind": "subwords", "tokenizer": []},
    ],
)
def test_malformed_json_is_refused(damage: Any) -> None:
    assert Splitter.from_json({"kind": "subwords", "tokenizer": BYTES}).split("a") == ["97"]
    with pytest.raises(UserError) as caught:
        Splitter.from_json(damage)
    assert "\n" not in str(caught.value)


def test_a_splitter_that_needs_no_tokenizer_takes_none() -> None:
    with pytest.raises(UserError, match="words need no tokenizer"):
        Splitter("words", tokenizers.fit("bytes", "a"))
    with pytest.raises(UserError, match="expected one of words, characters, jieba, subwords, got 'x'"):
        Splitter("x")
