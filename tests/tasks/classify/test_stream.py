"""A text as it arrives, in any pieces, ends as the whole text read at once."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tasks.classify.test_text_classifier import CLASSES, LEARNED, make, wide
from throughtime.errors import UserError
from throughtime.linear.ensemble import RECURRENCE
from throughtime.linear.naive_bayes import Evidence
from throughtime.linear.ngrams import Ngrams
from throughtime.tasks.classify.text_classifier import TextClassifier

ALL = ("max", "mean", "attention", "last")


def far() -> Evidence:
    """Evidence of n-grams that reach further back than others do."""
    texts = ["a b c d e f g h i j k l", "好看不好看好看不好看好看不好看"]
    ngrams = Ngrams((1, 11), (1, 20), least=1).fit(texts)
    return Evidence(ngrams, np.random.default_rng(0).standard_normal((ngrams.size, 3)).astype(np.float32))


MODELS: dict[str, dict[str, Any]] = {
    "words": {"options": ({},)},
    "characters": {"options": ({"units": "characters", "kinds": ("word",)},)},
    "pieces and pairs": {"options": ({"spelling": True, "kinds": ("word", "pair_before")},)},
    "added": {"options": ({"spelling": True, "added": True, "kinds": ("token", "pair_before")},)},
    "two layers": {"options": ({"cell": ("lstm", "min_gru")},)},
    "evidence": {"options": ({"evidence": True, "spelling": True},)},
    "evidence of characters": {"options": ({"evidence": True, "units": "characters", "kinds": ("pair_before",)},)},
    "evidence from afar": {"options": ({"evidence": far()},)},
    "three members": {"options": ({"evidence": True},), "members": 3},
    "two readers": {"options": ({"evidence": True}, {"units": "characters"}), "members": 2},
    "a fusion": {"options": ({},), "linear": {"counts": wide()}, "fusion": {RECURRENCE: 0.6, "counts": 1.2}},
    "linear alone": {"options": ({},), "linear": {"counts": wide()}, "fusion": {"counts": 1.0}},
}
MADE: dict[str, TextClassifier] = {}


def model_of(name: str) -> TextClassifier:
    """Made once: double precision, so that what differs is no rounding."""
    if name not in MADE:
        options = MODELS[name]["options"]
        rest = {key: value for key, value in MODELS[name].items() if key != "options"}
        given = [{"both": False, "pooling": ALL, **one} for one in options]
        MADE[name] = make(*given, dtype="float64", **rest)
    return MADE[name]


def followed(model: TextClassifier, parts: list[str]) -> np.ndarray:
    opinion = model.stream()
    for part in parts:
        opinion.push(part)
    assert opinion.text == "".join(parts)
    return opinion.close()


SIGNS = [
    "good",
    "bad",
    "don",
    "'",
    "’",
    "t",
    " ",
    "  ",
    "\n",
    "\u00a0",
    "好",
    "看",
    "!",
    "2",
    "_",
    "é",
    "e\u0301",
    "😀",
    "a b",
]


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=15, deadline=None)
@given(text=st.lists(st.sampled_from(SIGNS), max_size=25).map("".join), data=st.data())
def test_any_pieces_end_as_the_whole(name: str, text: str, data: st.DataObject) -> None:
    model = model_of(name)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12), "cuts")
    edges = [0, *sorted(cuts), len(text)]
    parts = [text[a:b] for a, b in itertools.pairwise(edges)]
    wanted = model.predict_probabilities([text])[0]
    np.testing.assert_allclose(followed(model, parts), wanted, rtol=0, atol=1e-6)
    np.testing.assert_allclose(followed(model, list(text)), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "text", ["don't", "don’t stop", "rock'n'roll", "'quoted' it's", "a''b", "x'", "''", "don'", "好'好", "1'2 _'_"]
)
def test_a_word_goes_on_behind_its_apostrophe(text: str) -> None:
    model = make({"both": False, "spelling": True, "kinds": ("word", "pair_before")}, dtype="float64")
    wanted = model.predict_probabilities([text])[0]
    for size in (1, 2, 3):
        parts = [text[i : i + size] for i in range(0, len(text), size)]
        np.testing.assert_allclose(followed(model, parts), wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["words", "evidence", "three members", "a fusion"])
def test_the_opinion_so_far_is_that_of_what_is_complete(name: str) -> None:
    model, opinion = model_of(name), model_of(name).stream()
    for at, word in enumerate(words := ["the", "film", "was", "good", ",", "not", "bad", "at", "all", "."], 1):
        whole = model.predict_probabilities([" ".join(words[:at])])[0]
        np.testing.assert_allclose(opinion.push(word + " "), whole, rtol=0, atol=1e-6)
        np.testing.assert_array_equal(opinion.probabilities(), opinion.push(""))
    assert opinion.push("").sum() == pytest.approx(1)


def test_every_character_counts_at_once_and_a_word_waits() -> None:
    signs, words = model_of("characters"), model_of("words")
    opinion = signs.stream()
    for at in range(1, 6):
        whole = signs.predict_probabilities(["好看的片子"[:at]])[0]
        np.testing.assert_allclose(opinion.push("好看的片子"[at - 1]), whole, rtol=0, atol=1e-9)
    opinion = words.stream()
    before = opinion.push("good ")
    np.testing.assert_array_equal(opinion.push("ba"), before)
    assert np.abs(opinion.push("d ") - before).max() > 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_of_nothing_it_is_that_of_an_empty_text(name: str) -> None:
    model = model_of(name)
    wanted = model.predict_probabilities([""])[0]
    for parts in ([], [""], [" ", "\n"]):
        np.testing.assert_allclose(followed(model, parts), wanted, rtol=0, atol=1e-9)
    opinion = model.stream()
    np.testing.assert_allclose(opinion.probabilities(), wanted, rtol=0, atol=1e-9)
    after = model.predict_probabilities(["good"])[0]  # what was asked of nothing is no part of what comes
    opinion.push("good")
    np.testing.assert_allclose(opinion.close(), after, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "text", ["a b c d e f g h i j k l", "x a b c d e f g h i j k", "好看不好看好看不好看好看不好看"]
)
def test_evidence_from_afar(text: str) -> None:
    model = model_of("evidence from afar")
    wanted = model.predict_probabilities([text])[0]
    np.testing.assert_allclose(followed(model, list(text)), wanted, rtol=0, atol=1e-9)


def test_single_precision_stays_near() -> None:
    model = make({"both": False, "evidence": True, "spelling": True, "pooling": ALL}, members=2)
    text = " ".join(LEARNED)
    found = followed(model, [text[i : i + 7] for i in range(0, len(text), 7)])
    np.testing.assert_allclose(found, model.predict_probabilities([text])[0], rtol=0, atol=1e-5)
    assert found.shape == (len(CLASSES),)


def test_two_streams_do_not_meet() -> None:
    model = model_of("evidence")
    one, other = model.stream(), model.stream()
    for a, b in zip(["good ", "film ", "!"], ["bad ", "plot ", "."], strict=True):
        one.push(a)
        other.push(b)
    np.testing.assert_allclose(one.close(), followed(model, ["good film !"]), rtol=0, atol=1e-12)
    np.testing.assert_allclose(other.close(), followed(model, ["bad plot ."]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"both": True},
        {"both": False, "over": True},
        {"both": False, "kinds": ("word", "pair_after")},
        {"both": False, "units": "jieba"},
        {"both": False, "kinds": ("word", "place"), "units": "characters"},
        {"both": False, "kinds": ("word_around",), "units": "characters"},
        {"both": False, "units": "subwords"},
    ],
)
def test_what_looks_ahead_cannot_follow(options: dict[str, Any]) -> None:
    if "jieba" in str(options) or "place" in str(options) or "around" in str(options):
        pytest.importorskip("jieba")
    with pytest.raises(UserError, match="only a model that reads once, forward"):
        make(options).stream()
    with pytest.raises(UserError, match="only a model that reads once, forward"):
        make({"both": False}, options).stream()


def test_a_text_may_arrive_in_whichever_thread() -> None:
    parts = ["good ", "bad don", "'t ", "good"]
    opinion = model_of("two layers").stream()
    pools = [ThreadPoolExecutor(1) for _ in range(2)]
    for part, pool in zip(parts, itertools.cycle(pools)):
        pool.submit(opinion.push, part).result()
    for pool in pools:
        pool.shutdown()
    np.testing.assert_array_equal(opinion.close(), followed(model_of("two layers"), parts))
