"""Tagged sentences: their parts, and their spans as they are read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.data.tagged import Tagged, marked, together

KINDS = ("who", "when")

TAGGED = Tagged(
    [["a", "b"], ["c"], ["a", "b"], ["d"]] * 5, [["O", "B-x"], ["O"], ["O", "O"], ["B-x"]] * 5, ["p", "q"] * 10
)


def test_sentences_that_are_the_same_stay_on_one_side() -> None:
    learned, kept = TAGGED.split(0.3, 1)
    assert len(kept) > 0
    assert not {*map(tuple, learned.tokens)} & {*map(tuple, kept.tokens)}
    assert len(learned) + len(kept) == len(TAGGED)
    assert len(kept.tags) == len(kept.intents) == len(kept)
    assert TAGGED.split(0.3, 1)[1] == kept
    whole, none = TAGGED.split(0.0, 1)
    assert (whole, len(none)) == (TAGGED, 0)


def test_parts_joined_again_are_the_whole() -> None:
    again = TAGGED.take([0, 1]).joined(TAGGED.take(range(2, 20)))
    assert (again.tokens, again.tags, again.intents) == (TAGGED.tokens, TAGGED.tags, TAGGED.intents)
    assert again.sha256 == TAGGED.sha256
    assert Tagged(TAGGED.tokens, TAGGED.tags, []).sha256 != TAGGED.sha256


@pytest.mark.parametrize(
    ("tokens", "tags", "spans"),
    [
        ("Ann Lee left", "B-a I-a O", [("a", 0, 2, "Ann Lee")]),
        ("Ann Lee left", "O O O", []),
        ("Ann Lee left", "I-a I-a O", [("a", 0, 2, "Ann Lee")]),  # I without B begins one
        ("Ann Lee left", "O I-a O", [("a", 1, 2, "Lee")]),
        ("Ann Lee left", "B-a B-a O", [("a", 0, 1, "Ann"), ("a", 1, 2, "Lee")]),
        ("Ann Lee left", "B-a I-b O", [("a", 0, 1, "Ann"), ("b", 1, 2, "Lee")]),
        ("Ann Lee left", "O B-a I-a", [("a", 1, 3, "Lee left")]),
        ("Ann Lee left", "B-a I-a E-a", [("a", 0, 3, "Ann Lee left")]),
        ("Ann Lee left", "S-a S-a O", [("a", 0, 1, "Ann"), ("a", 1, 2, "Lee")]),
        ("Ann Lee left", "B-a E-a S-b", [("a", 0, 2, "Ann Lee"), ("b", 2, 3, "left")]),
        ("Ann Lee left", "O E-a O", [("a", 1, 2, "Lee")]),
        ("Ann Lee left", "B-a S-a O", [("a", 0, 1, "Ann"), ("a", 1, 2, "Lee")]),
        ("Ann Lee left", "B-a O I-a", [("a", 0, 1, "Ann"), ("a", 2, 3, "left")]),
        ("Ann Lee left", "B-a-b I-a-b O", [("a-b", 0, 2, "Ann Lee")]),
        ("Ann Lee left", "NOUN VERB x", []),
        ("北 京 好", "B-a I-a O", [("a", 0, 2, "北京")]),
        ("", "", []),
    ],
)
def test_what_tags_mark(tokens: str, tags: str, spans: list[tuple[str, int, int, str]]) -> None:
    found = marked(tokens.split(), tags.split())
    assert [(one["kind"], one["start"], one["end"], one["text"]) for one in found] == spans


@settings(max_examples=80, deadline=None)
@given(
    tags=st.lists(
        st.sampled_from(["O", "B-who", "I-who", "B-when", "I-when", "E-who", "S-who", "S-when", "E-when"]), max_size=12
    )
)
def test_spans_do_not_overlap_and_cover_what_is_tagged(tags: list[str]) -> None:
    found = marked([f"w{i}" for i in range(len(tags))], tags)
    covered = [t for one in found for t in range(one["start"], one["end"])]
    assert covered == [t for t, tag in enumerate(tags) if tag != "O"]
    for one in found:
        assert {tags[t][2:] for t in range(one["start"], one["end"])} == {one["kind"]}
        assert one["text"] == " ".join(f"w{t}" for t in range(one["start"], one["end"]))
        assert all(tags[t][0] == "I" for t in range(one["start"] + 1, one["end"] - 1))
    starts = [one["start"] for one in found]
    assert all(t in starts for t, tag in enumerate(tags) if tag[0] in "BS")


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["good", "film"], "good film"),
        (["好", "看"], "好看"),
        (["a", "b"], "a b"),
        (["2", "0"], "20"),
        (["好", "2", "！"], "好2！"),
        (["好", "ok"], "好 ok"),
        (["好看", "的片子"], "好看 的片子"),
        ([], ""),
        (["I"], "I"),
    ],
)
def test_tokens_together(tokens: list[str], text: str) -> None:
    assert together(tokens) == text
