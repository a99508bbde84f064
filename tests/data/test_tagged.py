"""Tagged sentences: their parts, and their spans as they are read."""

from __future__ import annotations

from throughtime.data.tagged import Tagged, together

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


def test_tokens_as_a_text() -> None:
    assert together(["turn", "on", "it"]) == "turn on it"
    assert together(["打", "开", "灯"]) == "打开灯"
    assert together(["I", "a"]) == "I a"  # letters of words
    assert together([]) == ""
