"""What n-grams that end in a token say, against a slow sum; a text's own features do not know its label."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.errors import UserError
from throughtime.linear import naive_bayes as module
from throughtime.linear.naive_bayes import CHARACTERS, CONTEXT, SIGNS, WORDS, NaiveBayesFeatures
from throughtime.linear.ngrams import Ngrams

Texts = list[list[str]]

WORDS_OF: Texts = [
    ["Good", "film", "!"],
    ["a", "bad", "film"],
    ["good", "good", "plot"],
    [],
    ["not", "good", "film"],
    ["a", "bad", "bad", "plot", "."],
    ["well", "made", "film"],
    ["not", "bad"],
]
LABELS = ["pos", "neg", "pos", "neg", "neg", "neg", "pos", "pos"]
KEYS = list(range(8))
HAN: Texts = [list(text) for text in ("好看的片", "不好", "好", "烂片", "不烂", "看看")]
THREE = ["a", "b", "c", "a", "b", "c", "a", "b"]


def grams(tokens: list[str], long: bool) -> list[tuple[int, Any, int]]:
    """Every n-gram of a text: its channel, itself, and the token that it ends in."""
    tokens = [token.lower() for token in tokens] or ["\u0001"]
    found: list[tuple[int, Any, int]] = []
    for n in range(1, (WORDS if long else SIGNS)[1] + 1):
        found += [(n - 1, tuple(tokens[i : i + n]), i + n - 1) for i in range(len(tokens) - n + 1)]
    if long:
        text, owner = " ", [0]
        for k, token in enumerate(tokens):
            text += token + " "
            owner += [k] * (len(token) + 1)
        for n in range(1, CHARACTERS[1] + 1):
            for i in range(len(text) - n + 1):
                found.append((WORDS[1] + n - 1, text[i : i + n], owner[i + n - 1]))
    return found


def slow(
    learned: Texts, labels: list[str], classes: list[str], read: Texts, long: bool, every: Texts | None = None
) -> list[np.ndarray]:
    """The raw features (T, channels) of each text that is read, from counts of those that are learned from.

    every: what decides which n-grams are known."""
    known: dict[Any, int] = {}
    for text in learned if every is None else every:
        for gram in {(channel, gram) for channel, gram, _ in grams(text, long)}:
            known[gram] = known.get(gram, 0) + 1
    sets = [{(channel, gram) for channel, gram, _ in grams(text, long)} for text in learned]
    wanted = classes[1:] if len(classes) == 2 else classes
    orders = WORDS[1] + CHARACTERS[1] if long else SIGNS[1]
    found = []
    for text in read:
        values = np.zeros((max(1, len(text)), orders, len(wanted)))
        for channel, gram, token in grams(text, long):
            if known.get((channel, gram), 0) < (2 if long and channel >= WORDS[1] else 1):
                continue
            if not any((channel, gram) in own for own in sets):
                continue
            for k, name in enumerate(wanted):
                a = sum((channel, gram) in own for own, label in zip(sets, labels, strict=True) if label == name)
                b = sum((channel, gram) in own for own, label in zip(sets, labels, strict=True) if label != name)
                mine = sum(label == name for label in labels)
                values[token, channel, k] += math.log((a + 1) / (mine + 2))
                values[token, channel, k] -= math.log((b + 1) / (len(labels) - mine + 2))
        found.append(values.reshape(len(values), -1))
    return found


def test_ratios_by_hand() -> None:
    texts = [["good", "film"], ["bad", "film"], ["good"]]
    made, _ = NaiveBayesFeatures.fit(texts, ["pos", "neg", "pos"], ["neg", "pos"], [0, 1, 2], 0)
    assert made.channels == 9
    found = made.of([["good", "film"], ["bad"], ["new"]]) * made.scale
    good, film, bad = math.log(3 / 4) - math.log(1 / 3), math.log(2 / 4) - math.log(2 / 3), math.log(1 / 4 / (2 / 3))
    assert found[:, 0].tolist() == pytest.approx([good, film, bad, 0.0], rel=1e-6)
    both = math.log(2 / 4) - math.log(1 / 3)  # "good film", a text of pos alone
    assert found[:, 1].tolist() == pytest.approx([0.0, both, 0.0, 0.0], rel=1e-6)
    assert not found[:, 2].any()


@pytest.mark.parametrize(
    ("texts", "labels", "classes"),
    [
        (WORDS_OF, LABELS, ["neg", "pos"]),
        (WORDS_OF, THREE, ["a", "b", "c"]),
        (HAN, LABELS[:6], ["neg", "pos"]),
        (HAN, THREE[:6], ["c", "b", "a", "none has it"]),
    ],
)
def test_against_a_slow_sum(texts: Texts, labels: list[str], classes: list[str]) -> None:
    made, _ = NaiveBayesFeatures.fit(texts, labels, classes, list(range(len(texts))), 0)
    long = texts is WORDS_OF
    read = [*texts, ["film", "good", "xyz", "Bad", "plot"], ["好", "片", "!"], []]
    wanted = np.concatenate(slow(texts, labels, classes, read, long))
    found = made.of(read)
    assert found.dtype == np.float32
    assert found.shape == (len(wanted), made.channels)
    np.testing.assert_allclose(found * made.scale, wanted, rtol=1e-4, atol=1e-5)


TOKEN = st.sampled_from(["good", "bad", "film", "a", "!", "好", "ß", "İ", "don't", "  ", "", "ΑΣ", "x" * 9])


@pytest.mark.parametrize("size", [3, 1 << 16])
@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.lists(TOKEN, max_size=14), min_size=1, max_size=5), row=st.integers(0, 4))
def test_a_token_needs_its_last_few_and_no_other_text(size: int, texts: Texts, row: int) -> None:
    from throughtime.linear import ngrams

    learned, labels = [*WORDS_OF, *texts], [*LABELS, *["pos"] * len(texts)]
    made, _ = NaiveBayesFeatures.fit(learned, labels, ["neg", "pos"], range(len(learned)), 0)
    text = texts[row % len(texts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "_CHUNK", size)
        whole = made.of(texts)
    first = sum(max(1, len(one)) for one in texts[: row % len(texts)])
    alone = made.of([text])
    np.testing.assert_array_equal(alone, whole[first : first + len(alone)])
    for t in range(len(text)):
        np.testing.assert_array_equal(made.of([text[max(0, t + 1 - CONTEXT) : t + 1]])[-1], alone[t])


def by_place(count: int) -> Callable[..., list[np.ndarray]]:
    """Parts that look at keys alone, not at labels."""

    def folds(keys: Any, labels: Any, wanted: int, seed: int) -> list[np.ndarray]:
        order = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        place = np.array([order[key] % count for key in keys])
        return [np.flatnonzero(place == i) for i in range(count)]

    return folds


@pytest.mark.parametrize(("labels", "classes"), [(LABELS, ["neg", "pos"]), (THREE, ["a", "b", "c"])])
def test_the_features_that_are_learned_from_leaves_its_part_out(
    labels: list[str], classes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "folds", by_place(3))
    made, apart = NaiveBayesFeatures.fit(WORDS_OF, labels, classes, KEYS, 0)
    wanted = np.concatenate(
        [
            slow(
                [t for j, t in enumerate(WORDS_OF) if j % 3 != i % 3],
                [label for j, label in enumerate(labels) if j % 3 != i % 3],
                classes,
                [text],
                True,
                WORDS_OF,
            )[0]
            for i, text in enumerate(WORDS_OF)
        ]
    )
    assert apart.dtype == np.float32
    np.testing.assert_allclose(made.scale, np.where(wanted.std(0) > 1e-6, wanted.std(0), 1), rtol=1e-4)
    np.testing.assert_allclose(apart * made.scale, wanted, rtol=1e-4, atol=1e-5)


def flipped(labels: list[str], rows: list[int]) -> list[str]:
    return [("neg" if label == "pos" else "pos") if i in rows else label for i, label in enumerate(labels)]


@pytest.mark.parametrize("row", range(8))
def test_a_text_does_not_see_its_own_label(row: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "folds", by_place(4))
    starts = np.concatenate([[0], np.cumsum([max(1, len(text)) for text in WORDS_OF])])
    mine = np.zeros(starts[-1], bool)
    mine[starts[row] : starts[row + 1]] = True
    raw = []
    for labels in (LABELS, flipped(LABELS, [row])):
        made, apart = NaiveBayesFeatures.fit(WORDS_OF, labels, ["neg", "pos"], KEYS, 0)
        raw.append(apart * made.scale)
    np.testing.assert_allclose(raw[0][mine], raw[1][mine], rtol=1e-5, atol=1e-6)
    assert np.abs(raw[0][~mine] - raw[1][~mine]).max() > 0.05


def test_nor_that_of_a_text_of_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = [*WORDS_OF, WORDS_OF[0], WORDS_OF[5]], [*LABELS, LABELS[0], LABELS[5]]
    keys = [*KEYS, 0, 5]
    count = len(WORDS_OF[0])
    for patched in (True, False):  # the parts that are really made keep a key together, too
        if patched:
            monkeypatch.setattr(module, "folds", by_place(4))
        else:
            monkeypatch.undo()
        raw = []
        for own in (labels, flipped(labels, [0, 8]), flipped(labels, [8])) if patched else (labels,):
            made, apart = NaiveBayesFeatures.fit(texts, own, ["neg", "pos"], keys, 0)
            raw.append(apart * made.scale)
        for other in raw[1:]:
            np.testing.assert_allclose(raw[0][:count], other[:count], rtol=1e-5, atol=1e-6)
        start = len(np.concatenate(slow(WORDS_OF, LABELS, ["neg", "pos"], WORDS_OF, False)))
        np.testing.assert_array_equal(raw[0][:count], raw[0][start : start + count])  # both rows of the key are one


def test_what_every_text_has_alone_is_not_blown_up() -> None:
    texts = [[f"{i}", f"{chr(97 + i % 5)}", f"{i}{i}"] for i in range(20)]
    made, apart = NaiveBayesFeatures.fit(texts, ["pos", "neg"] * 10, ["neg", "pos"], range(20), 0)
    assert (np.ptp(apart, 0) == 0).any()  # no text has what another one has, in the longest n-grams
    assert (made.scale[np.ptp(apart, 0) == 0] == 1).all()
    assert np.abs(made.of(texts)).max() < 100


def test_of_no_text_and_of_texts_without_a_token() -> None:
    made, apart = NaiveBayesFeatures.fit(WORDS_OF, LABELS, ["neg", "pos"], KEYS, 0)
    assert len(apart) == sum(max(1, len(text)) for text in WORDS_OF)
    assert made.of([]).shape == (0, 9)
    assert made.of([[]]).shape == (1, 9)
    assert made.of([[], ["good"], []]).shape == (3, 9)
    np.testing.assert_array_equal(made.of([[], ["good"]])[1:], made.of([["good"]]))
    np.testing.assert_array_equal(made.of([[""]]), made.of([[]]))


def test_the_seed_decides_and_one_key_is_refused() -> None:
    texts, labels = [[*text, f"w{i % 3}"] for i, text in enumerate(WORDS_OF * 3)], LABELS * 3
    one, two, other = (NaiveBayesFeatures.fit(texts, labels, ["neg", "pos"], range(24), s)[1] for s in (3, 3, 4))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    with pytest.raises(UserError):
        NaiveBayesFeatures.fit(WORDS_OF, LABELS, ["neg", "pos"], [0] * 8, 0)


def test_evidence_survives_json_and_arrays() -> None:
    made, _ = NaiveBayesFeatures.fit(WORDS_OF, LABELS, ["neg", "pos"], KEYS, 0)
    again = NaiveBayesFeatures.from_json(json.loads(json.dumps(made.to_json())), made.arrays())
    np.testing.assert_array_equal(again.of(WORDS_OF), made.of(WORDS_OF))
    assert again.channels == made.channels


def kept() -> tuple[Any, dict[str, np.ndarray]]:
    made, _ = NaiveBayesFeatures.fit(WORDS_OF, LABELS, ["neg", "pos"], KEYS, 0)
    return json.loads(json.dumps(made.to_json())), dict(made.arrays())


ARRAYS: dict[str, Callable[[dict[str, np.ndarray]], Any]] = {
    "no hashes": lambda a: a.pop("hashes"),
    "no ratios": lambda a: a.pop("ratios"),
    "no scale": lambda a: a.pop("scale"),
    "flat ratios": lambda a: a.update(ratios=a["ratios"][:, 0]),
    "fewer ratios": lambda a: a.update(ratios=a["ratios"][:-1]),
    "ratios of two classes more": lambda a: a.update(ratios=np.repeat(a["ratios"], 3, 1)),
    "wide ratios": lambda a: a.update(ratios=a["ratios"].astype(np.float64)),
    "NaN": lambda a: a.update(ratios=a["ratios"] * np.float32(np.nan)),
    "a scale too long": lambda a: a.update(scale=np.ones(10, np.float32)),
    "a wide scale": lambda a: a.update(scale=a["scale"].astype(np.float64)),
    "a scale of 0": lambda a: a.update(scale=a["scale"] * 0),
    "a negative scale": lambda a: a.update(scale=-a["scale"]),
    "an infinite scale": lambda a: a.update(scale=a["scale"] * np.float32(np.inf)),
    "a scale of none": lambda a: a.update(scale=a["scale"] * np.float32(np.nan)),
    "hashes of another type": lambda a: a.update(hashes=a["hashes"].astype(np.int64)),
    "hashes backwards": lambda a: a.update(hashes=a["hashes"][::-1].copy()),
    "fewer hashes": lambda a: a.update(hashes=a["hashes"][:-1]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_damaged_arrays_are_refused(name: str) -> None:
    data, arrays = kept()
    ARRAYS[name](arrays)
    with pytest.raises(UserError) as caught:
        NaiveBayesFeatures.from_json(data, arrays)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"ngrams": None},
        {"ngrams": {}},
        {"ngrams": {**kept()[0]["ngrams"], "words": [1, 99]}},
        {"ngrams": {**kept()[0]["ngrams"], "words": "ab"}},
        {"ngrams": {**kept()[0]["ngrams"], "characters": [1, 2]}},
    ],
)
def test_damaged_text_is_refused(data: Any) -> None:
    with pytest.raises(UserError) as caught:
        NaiveBayesFeatures.from_json(data, kept()[1])
    assert "\n" not in str(caught.value)


def test_what_does_not_fit_is_refused() -> None:
    ngrams = Ngrams((1, 2), None, 1).fit(["a b"])
    assert NaiveBayesFeatures(ngrams, np.zeros((ngrams.size, 3), np.float32)).channels == 6
    with pytest.raises(UserError, match=r"expected ratios \(3, K\) float32, got \(2, 1\)"):
        NaiveBayesFeatures(ngrams, np.zeros((2, 1), np.float32))
