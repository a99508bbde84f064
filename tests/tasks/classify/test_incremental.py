"""A text as it arrives, in any pieces, ends as the whole text read at once."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tasks.reading.untrained import CLASSES, LEARNED, counted, make
from throughtime.errors import UserError
from throughtime.linear.ensemble import RECURRENCE
from throughtime.linear.naive_bayes import NaiveBayesFeatures
from throughtime.linear.ngrams import Ngrams
from throughtime.tasks.classify.stream import TextClassifier

ALL = ("max", "mean", "attention", "last")


def far() -> NaiveBayesFeatures:
    """Features of n-grams that reach further back than others do."""
    texts = ["a b c d e f g h i j k l", "好看不好看好看不好看好看不好看"]
    ngrams = Ngrams((1, 11), (1, 20), least=1).fit(texts)
    return NaiveBayesFeatures(ngrams, np.random.default_rng(0).standard_normal((ngrams.size, 3)).astype(np.float32))


MODELS: dict[str, dict[str, Any]] = {
    "words": {"options": ({},)},
    "characters": {"options": ({"units": "characters", "kinds": ("word",)},)},
    "pieces and pairs": {"options": ({"spelling": True, "kinds": ("word", "pair_before")},)},
    "added": {"options": ({"spelling": True, "added": True, "kinds": ("token", "pair_before")},)},
    "two layers": {"options": ({"cell": ("lstm", "min_gru")},)},
    "features": {"options": ({"features": True, "spelling": True},)},
    "features of characters": {"options": ({"features": True, "units": "characters", "kinds": ("pair_before",)},)},
    "features from afar": {"options": ({"features": far()},)},
    "three members": {"options": ({"features": True},), "members": 3},
    "two readers": {"options": ({"features": True}, {"units": "characters"}), "members": 2},
    "weights": {"options": ({},), "linear": {"counts": counted()}, "weights": {RECURRENCE: 0.6, "counts": 1.2}},
    "linear alone": {"options": ({},), "linear": {"counts": counted()}, "weights": {"counts": 1.0}},
}
MADE: dict[str, TextClassifier] = {}


def model_of(name: str) -> TextClassifier:
    """Made once: double precision, so that what differs is no rounding."""
    if name not in MADE:
        options = MODELS[name]["options"]
        rest = {key: value for key, value in MODELS[name].items() if key != "options"}
        given = [{"bidirectional": False, "pooling": ALL, **one} for one in options]
        MADE[name] = make(*given, dtype="float64", **rest)
    return MADE[name]


def followed(model: TextClassifier, parts: list[str]) -> np.ndarray:
    stream = model.stream()
    for part in parts:
        stream.feed(part)
    assert stream.text == "".join(parts)
    return stream.close()


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
    "\u0301",
    "<",
    "\u0338",
    "か",
    "\u3099",
    "\u1112",
    "\u1161",
    "\u11ab",
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
    model = make({"bidirectional": False, "spelling": True, "kinds": ("word", "pair_before")}, dtype="float64")
    wanted = model.predict_probabilities([text])[0]
    for size in (1, 2, 3):
        parts = [text[i : i + size] for i in range(0, len(text), size)]
        np.testing.assert_allclose(followed(model, parts), wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["words", "features", "three members", "weights"])
def test_the_answer_so_far_is_that_of_what_is_complete(name: str) -> None:
    model, stream = model_of(name), model_of(name).stream()
    for at, word in enumerate(words := ["the", "film", "was", "good", ",", "not", "bad", "at", "all", "."], 1):
        whole = model.predict_probabilities([" ".join(words[:at])])[0]
        np.testing.assert_allclose(stream.feed(word + " "), whole, rtol=0, atol=1e-6)
        np.testing.assert_array_equal(stream.probabilities(), stream.feed(""))
    assert stream.feed("").sum() == pytest.approx(1)


def test_every_character_counts_at_once_and_a_word_waits() -> None:
    signs, words = model_of("characters"), model_of("words")
    stream = signs.stream()
    for at in range(1, 6):
        whole = signs.predict_probabilities(["好看的片子"[:at]])[0]
        np.testing.assert_allclose(stream.feed("好看的片子"[at - 1]), whole, rtol=0, atol=1e-9)
    stream = words.stream()
    before = stream.feed("good ")
    np.testing.assert_array_equal(stream.feed("ba"), before)
    assert np.abs(stream.feed("d ") - before).max() > 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_of_nothing_it_is_that_of_an_empty_text(name: str) -> None:
    model = model_of(name)
    wanted = model.predict_probabilities([""])[0]
    for parts in ([], [""], [" ", "\n"]):
        np.testing.assert_allclose(followed(model, parts), wanted, rtol=0, atol=1e-9)
    stream = model.stream()
    np.testing.assert_allclose(stream.probabilities(), wanted, rtol=0, atol=1e-9)
    after = model.predict_probabilities(["good"])[0]  # what was asked of nothing is no part of what comes
    stream.feed("good")
    np.testing.assert_allclose(stream.close(), after, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "text", ["a b c d e f g h i j k l", "x a b c d e f g h i j k", "好看不好看好看不好看好看不好看"]
)
def test_features_from_afar(text: str) -> None:
    model = model_of("features from afar")
    wanted = model.predict_probabilities([text])[0]
    np.testing.assert_allclose(followed(model, list(text)), wanted, rtol=0, atol=1e-9)


def test_single_precision_stays_near() -> None:
    model = make({"bidirectional": False, "features": True, "spelling": True, "pooling": ALL}, members=2)
    text = " ".join(LEARNED)
    found = followed(model, [text[i : i + 7] for i in range(0, len(text), 7)])
    np.testing.assert_allclose(found, model.predict_probabilities([text])[0], rtol=0, atol=1e-5)
    assert found.shape == (len(CLASSES),)


@pytest.mark.parametrize("name", MODELS)
def test_it_goes_on_from_a_saved_state_as_if_nothing_had_been(name: str) -> None:
    model, text = model_of(name), "the don't see good a b 好看 !"
    whole = model.stream()
    for at in range(0, len(text) + 1, 3):
        other = model.stream()
        other.feed("something else, bad ")
        other.restore(whole.save())
        assert other.text == whole.text == text[:at]
        np.testing.assert_array_equal(other.probabilities(), whole.probabilities())
        other.feed(text[at:])
        np.testing.assert_allclose(other.close(), followed(model, [text]), rtol=0, atol=1e-9)
        whole.feed(text[at : at + 3])
    whole.reset()
    assert whole.text == ""
    np.testing.assert_array_equal(whole.probabilities(), model.stream().probabilities())


def test_a_state_of_another_model_or_a_damaged_one_changes_nothing() -> None:
    stream, other = model_of("features").stream(), model_of("two layers").stream()
    stream.feed("good don")
    before = stream.save()
    with pytest.raises(UserError, match="another model's"):
        stream.restore(other.save())
    arrays, rest = stream.state()
    for damage in (
        {},
        {**rest, "text": 3},
        {**rest, "readers": []},
        {**rest, "readers": [{}]},
        {**rest, "readers": [{**rest["readers"][0], "context": [3]}]},
        {**rest, "readers": [{**rest["readers"][0], "tail": None}]},
    ):
        with pytest.raises(UserError, match="is damaged"):
            stream.set_state((arrays, damage))
    with pytest.raises(UserError, match="expected a saved state"):
        stream.restore(before[:-3])
    again, same = stream.state()
    assert same == rest
    assert all(np.array_equal(value, again[name]) for name, value in arrays.items())
    stream.feed("'t")
    np.testing.assert_array_equal(stream.close(), followed(model_of("features"), ["good don't"]))


def test_two_streams_do_not_meet() -> None:
    model = model_of("features")
    one, other = model.stream(), model.stream()
    for a, b in zip(["good ", "film ", "!"], ["bad ", "plot ", "."], strict=True):
        one.feed(a)
        other.feed(b)
    np.testing.assert_allclose(one.close(), followed(model, ["good film !"]), rtol=0, atol=1e-12)
    np.testing.assert_allclose(other.close(), followed(model, ["bad plot ."]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"bidirectional": True},
        {"bidirectional": False, "over": True},
        {"bidirectional": False, "kinds": ("word", "pair_after")},
        {"bidirectional": False, "units": "jieba"},
        {"bidirectional": False, "kinds": ("word", "place"), "units": "characters"},
        {"bidirectional": False, "kinds": ("word_around",), "units": "characters"},
        {"bidirectional": False, "units": "subwords"},
    ],
)
def test_what_looks_ahead_cannot_follow(options: dict[str, Any]) -> None:
    if "jieba" in str(options) or "place" in str(options) or "around" in str(options):
        pytest.importorskip("jieba")
    with pytest.raises(UserError, match="only a model that reads once, forward"):
        make(options).stream()
    with pytest.raises(UserError, match="only a model that reads once, forward"):
        make({"bidirectional": False}, options).stream()


def test_a_text_may_arrive_in_whichever_thread() -> None:
    parts = ["good ", "bad don", "'t ", "good"]
    stream = model_of("two layers").stream()
    pools = [ThreadPoolExecutor(1) for _ in range(2)]
    for part, pool in zip(parts, itertools.cycle(pools)):
        pool.submit(stream.feed, part).result()
    for pool in pools:
        pool.shutdown()
    np.testing.assert_array_equal(stream.close(), followed(model_of("two layers"), parts))
