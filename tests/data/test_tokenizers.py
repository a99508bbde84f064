"""Text to ids and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from throughtime.data import tokenizers
from throughtime.data.tokenizers import KINDS, Tokenizer, fit, from_json
from throughtime.errors import UserError

ENGLISH = "It was the best of times, it was the worst of times.\n\n  It's 1859: \"no\" -- don't!\tEnd… café_x\n"
CHINESE = "明月几时有？把酒问青天。不知天上宫阙。\n我欲乘风归去，又恐琼楼玉宇，高处不胜寒。𠮷 カタカナ ひらがな\n"
TEXTS = [ENGLISH, CHINESE, ENGLISH + CHINESE, "a", "\n"]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)

pytest.importorskip("tokenizers")
TOKENIZERS = {
    kind: fit(kind, (ENGLISH + CHINESE) * 3 + "a're é's ets' " * 20, None if kind == "bytes" else 400) for kind in KINDS
}
TOKENIZERS["characters"] = fit("characters", ENGLISH + CHINESE, 20)


def stream(tokenizer: Tokenizer, ids: np.ndarray) -> str:
    decoder = tokenizer.decoder()
    return "".join([decoder.push(int(i)) for i in ids]) + decoder.flush()


SPLIT = st.lists(st.sampled_from([*"ab'’ \n\t,.1é月\u3042_", "a'r", "e", "é'", "s", "  "]), max_size=16).map("".join)


@pytest.mark.parametrize("kind", KINDS)
@given(st.one_of(SPLIT, ANY_TEXT), st.one_of(SPLIT, ANY_TEXT))
@example("a'r", "e")
@example("don'", "t")
@settings(max_examples=200, deadline=None)
def test_what_is_settled_becomes_the_same_whatever_follows(kind: str, first: str, second: str) -> None:
    tokenizer = TOKENIZERS[kind]
    settled = tokenizer.settled(first)
    whole = tokenizer.encode(first + second).tolist()
    assert tokenizer.encode(first[:settled]).tolist() + tokenizer.encode((first + second)[settled:]).tolist() == whole
    one_by_one = 0
    for end in range(len(first) + 1):
        one_by_one += tokenizer.settled(first[one_by_one:end])
    assert one_by_one == settled


@pytest.mark.parametrize("kind", KINDS)
def test_nearly_all_is_settled(kind: str) -> None:
    tokenizer = TOKENIZERS[kind]
    for text in (ENGLISH, CHINESE, "a b," * 9):
        left = len(text) - tokenizer.settled(text)
        assert left <= {"characters": 0, "bytes": 0}.get(kind, 12), (text, left)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS)
def test_what_is_encoded_decodes_to_the_same_text(kind: str, text: str) -> None:
    tokenizer = fit(kind, text)
    ids = tokenizer.encode(text)
    assert ids.dtype == np.int32
    assert ids.ndim == 1
    assert ids.min() >= 0
    assert ids.max() < tokenizer.size
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode(ids.tolist()) == text
    assert stream(tokenizer, ids) == text


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(text=ANY_TEXT)
def test_round_trip_of_any_text(kind: str, text: str) -> None:
    tokenizer = fit(kind, text)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert stream(tokenizer, ids) == text


@pytest.mark.parametrize("kind", ["bytes", "bpe"])
@settings(max_examples=60, deadline=None)
@given(text=ANY_TEXT)
def test_bytes_and_bpe_know_every_text(kind: str, text: str) -> None:
    tokenizer = fit(kind, ENGLISH)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("kind", ["bytes", "bpe"])
@settings(max_examples=100, deadline=None)
@given(ids=st.lists(st.integers(0, 255), max_size=20))
def test_streaming_gives_what_decode_gives_also_for_broken_utf8(kind: str, ids: list[int]) -> None:
    tokenizer = fit(kind, ENGLISH)
    assert stream(tokenizer, np.array(ids, np.int32)) == tokenizer.decode(ids)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_json_keeps_the_tokenizer(kind: str, text: str) -> None:
    tokenizer = fit(kind, text, 256 if kind == "bytes" else 300 if kind == "bpe" else 12)
    again = from_json(json.loads(json.dumps(tokenizer.to_json())))
    assert (again.kind, again.size) == (tokenizer.kind, tokenizer.size)
    np.testing.assert_array_equal(again.encode(text), tokenizer.encode(text))
    assert again.decode(np.arange(again.size)) == tokenizer.decode(np.arange(tokenizer.size))


def test_sizes() -> None:
    assert fit("characters", "banana").size == 3
    assert fit("bytes", "banana").size == 256
    assert fit("bpe", ENGLISH * 20, 270).size == 270
    assert fit("words", "to be or not to be", 5).size == 5


def test_a_limited_character_vocabulary_keeps_the_most_frequent() -> None:
    tokenizer = fit("characters", "aaaabbbcc d", 4)
    assert tokenizer.size == 4
    assert tokenizer.decode(tokenizer.encode("abcdz")) == "abc\ufffd\ufffd"


def test_unknown_characters_are_named() -> None:
    tokenizer = fit("characters", "abc")
    with pytest.raises(UserError, match=r"3 not in the vocabulary of 3: 'x', '月', '😀'"):
        tokenizer.encode("ab月x😀x")


def test_a_character_is_held_back_until_complete() -> None:
    decoder = fit("bytes", "x").decoder()
    assert [decoder.push(b) for b in "月a".encode()] == ["", "", "月", "a"]
    assert decoder.push(0xE6) == ""
    assert decoder.flush() == "\ufffd"
    assert decoder.push(ord("b")) == "b"
    assert decoder.flush() == ""


def test_words_are_whole_words_with_the_space_before_them() -> None:
    tokenizer = fit("words", "the cat, the dog")
    assert [tokenizer.decode([i]) for i in tokenizer.encode("the cat, the dog")] == ["the", " cat", ",", " the", " dog"]
    tokenizer = fit("words", CHINESE)
    assert len(tokenizer.encode("明月几时有")) == 5


def test_unknown_words_keep_their_space() -> None:
    tokenizer = fit("words", "the cat the cat\n")
    assert tokenizer.decode(tokenizer.encode("the emu cat\nemu")) == "the <unk> cat\n<unk>"


@pytest.mark.parametrize(
    ("kind", "size", "message"),
    [
        ("letters", None, "choose from characters, bytes, words, bpe"),
        ("bytes", 100, "always 256"),
        ("characters", 1, "at least 2"),
        ("words", 2, "at least 3"),
        ("bpe", 255, "at least 256"),
    ],
)
def test_what_cannot_be_fitted(kind: str, size: int | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fit(kind, "some text", size)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_text_is_refused(kind: str) -> None:
    with pytest.raises(UserError, match="empty"):
        fit(kind, "")


@pytest.mark.parametrize("kind", ["characters", "bytes", "bpe"])
def test_half_of_a_surrogate_pair_is_no_text(kind: str) -> None:
    with pytest.raises(UserError, match=r"surrogate|not in the vocabulary"):
        fit(kind, "abc").encode("a\ud800")


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"kind": "nothing"},
        {"kind": "characters"},
        {"kind": "characters", "characters": "aa", "unknown": False},
        {"kind": "words", "pieces": [1]},
        {"kind": "bpe", "tokenizer": {"model": {"vocab": {"a": 5}}}},
    ],
)
def test_damaged_json_is_reported(data: object) -> None:
    with pytest.raises(UserError):
        from_json(data)


@pytest.mark.parametrize("kind", tokenizers.KINDS)
@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_ids_of_stretches_are_small_and_the_same(kind: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizers, "_BLOCK", block)
    text = "the cat's mat,  and\n\n 'tis \u6708\u4eae caf\u00e9 isn't 12.5 e\u0301!\n" * 5
    made = tokenizers.fit(kind, text, 290 if kind == "bpe" else None)
    stretches = [(0, 40), (43, 90), (95, len(text))]
    found = tokenizers.compact(made, text, stretches)
    wanted = made.encode("".join(text[first:end] for first, end in stretches))
    assert np.array_equal(found, wanted)
    assert found.dtype == (np.uint8 if made.size <= 256 else np.uint16)
    assert tokenizers.compact(made, text, [(3, 3)]).size == 0


def test_what_a_tokenizer_does_not_know_is_counted_from_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizers, "_BLOCK", 4)
    made = tokenizers.fit("characters", "abc")
    with pytest.raises(UserError, match="the first at character 11;"):
        tokenizers.compact(made, "abcabcabcabxaby", [(1, 15)])
