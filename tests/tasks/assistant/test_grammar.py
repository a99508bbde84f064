"""What people say to a home assistant: the grammar by hand, and sentences of the package in both languages."""

from __future__ import annotations

import re
from collections import Counter
from importlib.util import find_spec

import numpy as np
import pytest

from throughtime.errors import UserError, needed
from throughtime.tasks.assistant import grammar as assistant_data
from throughtime.tasks.assistant.grammar import Sampler, parse, sentences, split, tagged, text_of
from throughtime.tasks.assistant.words import chinese, english

RULES = {
    "the": "(the|my)",
    "light": "<the> (light|lamp)[s]",
    "level": "[at] {brightness}[%]",
    "today": "今日|今天",
}
LISTS = {
    "brightness": {"range": {"type": "percentage", "from": 10, "to": 30, "step": 10}},
    "color": {"values": [{"in": "day[ ]light", "out": 1}, {"in": "(warm|cool) white", "out": 2}]},
    "names": {"values": ["red", "blue"]},
    "free": {"wildcard": True},
}

needs_package = pytest.mark.skipif(find_spec("home_assistant_intents") is None, reason="home-assistant-intents")


def every(template: str, language: str = "en", draws: int = 400) -> set[str]:
    """All texts that come of many draws."""
    sampler = Sampler(language, RULES, LISTS, {"area": ["den", "play room"]})
    rng = np.random.default_rng(0)
    drawn = ("".join(text for text, _ in sampler.draw(template, rng)) for _ in range(draws))
    return {" ".join(text.split()) for text in drawn}


def tags_of(template: str, language: str = "en", seed: int = 0) -> list[str]:
    """A drawn sentence as token/tag."""
    sampler = Sampler(language, RULES, LISTS, {"area": ["play room"], "房间": ["儿童房"]})
    tokens, tags = sampler.tokens(template, np.random.default_rng(seed))
    return [f"{token}/{tag}" for token, tag in zip(tokens, tags, strict=True)]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("hello", {"hello"}),
        ("(a|b) c", {"a c", "b c"}),
        ("a[b]", {"a", "ab"}),
        ("[a|b] c", {"c", "a c", "b c"}),
        ("all [[of ](the|my)] timers", {f"all {own}timers" for own in ("", "the ", "my ", "of the ", "of my ")}),
        ("x [a [b [c]]]", {"x", "x a", "x a b", "x a b c"}),
        ("(do|see) (off;it) now", {f"{verb} {pair} now" for verb in ("do", "see") for pair in ("off it", "it off")}),
        ("(a;b;c)", {"a b c", "a c b", "b a c", "b c a", "c a b", "c b a"}),
        ("(skip [(x|y)];[in] z)", {"skip z", "skip x z", "skip y z", "z skip", "z skip x", "z skip y", "in z skip"}
         | {"skip in z", "skip x in z", "skip y in z", "in z skip x", "in z skip y"}),
        ("dim <light>", {f"dim {the} l{light}" for the in ("the", "my") for light in ("ight", "amp", "ights", "amps")}),
        ("( |-)hour[s]", {"hour", "hours", "-hour", "-hours"}),
        ("it is {names:color}", {"it is red", "it is blue"}),
        ("{color}", {"daylight", "day light", "warm white", "cool white"}),
        ("in {area}", {"in den", "in play room"}),
    ],
)  # fmt: skip
def test_the_grammar(template: str, expected: set[str]) -> None:
    assert every(template) == expected


def test_a_rule_may_have_alternatives_without_brackets() -> None:
    assert every("<today>好", "zh") == {"今日好", "今天好"}


def test_numbers_come_in_figures_and_in_words() -> None:
    assert every("<level>") == {
        f"{at}{number}{sign}"
        for at in ("", "at ")
        for number in ("10", "20", "30", "ten", "twenty", "thirty")
        for sign in ("", "%")
    }
    assert every("{brightness}", "zh") == {"10", "20", "30", "十", "二十", "三十"}
    assert [english(n) for n in (0, 7, 13, 20, 45, 100)] == [
        *("zero", "seven", "thirteen", "twenty", "forty five", "one hundred")
    ]
    assert [chinese(n) for n in (0, 7, 10, 13, 20, 45, 100)] == ["零", "七", "十", "十三", "二十", "四十五", "一百"]


def test_slots_tag_their_tokens() -> None:
    assert tags_of("Turn on the {area:place} now") == [
        *("turn/O", "on/O", "the/O", "play/B-place", "room/I-place", "now/O")
    ]
    assert tags_of("打开{房间:area}的灯", "zh") == [
        "打/O",
        "开/O",
        "儿/B-area",
        "童/I-area",
        "房/I-area",
        "的/O",
        "灯/O",
    ]
    assert tagged([("red", "color"), (" ", ""), ("blue", "color")], "words") == (
        ["red", "blue"],
        ["B-color", "B-color"],
    )
    assert tagged([("set ", ""), (" warm ", "color"), ("white", "color"), ("!", "")], "words") == (
        ["set", "warm", "white", "!"],
        ["O", "B-color", "I-color", "O"],
    )
    assert tagged([("5", "hours"), ("5", "minutes")], "characters")[1] == ["B-hours", "B-minutes"]
    (one,) = {tuple(tags_of("{color:shade}", seed=seed)) for seed in range(30)} - {
        *(("daylight/B-shade",), ("warm/B-shade", "white/I-shade"), ("cool/B-shade", "white/I-shade"))
    }
    assert one == ("day/B-shade", "light/I-shade")


@pytest.mark.parametrize("template", ["(a", "a)", "[a|b", "a]", "<the", "{area", "(a]", "a>"])
def test_brackets_that_do_not_match_are_refused(template: str) -> None:
    with pytest.raises(UserError, match="bracket"):
        parse(template)


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match="no rule <nothing>"):
        every("<nothing>")
    with pytest.raises(UserError, match=r"no values for \{free\}"):
        every("{free}")


@needs_package
@pytest.mark.parametrize("language", ["en", "zh"])
def test_sentences_of_the_package(language: str) -> None:
    found = sentences(language, 1500, 3)
    assert len(found) == 1500
    kinds = set()
    for tokens, tags in zip(found.tokens, found.tags, strict=True):
        assert len(tokens) == len(tags) > 0
        assert not re.search(r"[\[\](){}<>|;:_]", "".join(tokens))
        assert [token.lower() for token in tokens] == tokens
        assert not any(token.isspace() for token in tokens)
        for before, tag in zip(["O", *tags], tags, strict=False):
            assert not tag.startswith("I-") or before[2:] == tag[2:]
        kinds |= {tag[2:] for tag in tags if tag != "O"}
    assert {"area", "name", "item", "minutes", "brightness"} <= kinds
    counts = Counter(found.intents)
    assert set(counts) == {one.intent for one in assistant_data.templates(language)}
    assert max(counts.values()) < 0.15 * len(found)
    labels: dict[tuple[str, ...], tuple[list[str], str]] = {}
    for tokens, tags, intent in zip(found.tokens, found.tags, found.intents, strict=True):
        assert labels.setdefault(tuple(tokens), (tags, intent)) == (tags, intent)
    assert max(Counter(map(tuple, found.tokens)).values()) <= assistant_data.COPIES
    assert sentences(language, 1500, 3).sha256 == found.sha256
    assert sentences(language, 1500, 4).sha256 != found.sha256


@needs_package
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_score_has_templates_and_values_of_its_own(language: str) -> None:
    parts = split(language, 2000, 1)
    assert len(parts.learned) == 2000
    assert len(parts.held) == len(parts.test) == 300
    learned, held, test = (set(some) for some in parts.templates)
    assert not learned & held
    assert not (learned | held) & test
    assert set(parts.held.intents) | set(parts.test.intents) <= set(parts.learned.intents)
    known = {tuple(tokens) for tokens in parts.learned.tokens}
    assert not known & {tuple(tokens) for tokens in parts.test.tokens}
    assert [len(texts) for texts in parts[:3]] == [len(some) for some in parts.templates]
    places = []
    for texts in parts[:3]:
        spans = set()
        for tokens, tags in zip(texts.tokens, texts.tags, strict=True):
            spans.add(text_of([token for token, tag in zip(tokens, tags, strict=True) if tag[2:] == "area"], language))
        places.append(spans - {""})
    assert len(places[0]) >= 15
    assert len(places[2]) >= 5
    assert not (places[0] | places[1]) & places[2]
    again = split(language, 2000, 1)
    assert [texts.sha256 for texts in again[:3]] == [texts.sha256 for texts in parts[:3]]
    assert {one.text for one in assistant_data.templates(language)} >= learned | held | test


@needs_package
def test_sentences_can_be_left_out() -> None:
    some = [one for one in assistant_data.templates("zh") if one.intent == "HassNevermind"]
    known = {tuple(tokens) for tokens in assistant_data.draw("zh", some, 6, 0)[0].tokens}
    others = assistant_data.draw("zh", some, 6, 0, without=known)[0]
    assert len(others) > 0
    assert not known & {tuple(tokens) for tokens in others.tokens}


@needs_package
def test_sentences_read_as_they_are_said() -> None:
    assert text_of(["set", "it", "to", "20", ".", "5", "%"], "en") == "set it to 20.5%"
    assert text_of(["关", "灯"], "zh") == "关灯"
    found = sentences("en", 400)
    from throughtime.data.pieces import SPLITTERS

    for tokens in found.tokens:  # a sentence typed as it is shown is cut into the same tokens again
        assert [piece for piece, _, _ in SPLITTERS["words"](text_of(tokens, "en"))] == tokens


def test_errors_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="expected the language en or zh, got 'de'"):
        sentences("de", 10)
    monkeypatch.setattr(assistant_data, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=re.escape(needed("demo"))):
        sentences("en", 10)
    monkeypatch.undo()
    if find_spec("home_assistant_intents") is not None:
        with pytest.raises(UserError, match="expected at least 1 sentence, got 0"):
            sentences("en", 0)
