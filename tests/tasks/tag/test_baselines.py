"""Taggers that a recurrent one must beat."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

from throughtime.errors import UserError, needed
from throughtime.tasks.tag import baselines as tag_baselines
from throughtime.tasks.tag.baselines import LinearChainCRF, MostFrequentTag
from throughtime.tasks.tag.metrics import slot_f1

Tagged = tuple[list[list[str]], list[list[str]]]


def trips(count: int, seed: int = 0, chinese: bool = False) -> Tagged:
    """A city is where one goes to or comes from, which only the word before tells."""
    rng = np.random.default_rng(seed)
    cities = ["北京", "上海", "广州"] if chinese else ["Rome", "New York", "Oslo"]
    before = {"to": "到", "from": "从"} if chinese else {"to": "to", "from": "from"}
    sentences, tags = [], []
    for _ in range(count):
        words: list[str] = ["我"] if chinese else ["please", "fly"]
        own = ["O"] * len(words)
        for kind in rng.permutation(["to", "from"]):
            city = str(rng.choice(cities))
            parts = list(city) if chinese else city.split()
            words += [before[kind], *parts]
            own += ["O", f"B-{kind}", *[f"I-{kind}"] * (len(parts) - 1)]
        sentences.append(words)
        tags.append(own)
    return sentences, tags


@pytest.fixture
def crf() -> LinearChainCRF:
    pytest.importorskip("pycrfsuite", reason="python-crfsuite is not installed")
    return LinearChainCRF()


def test_the_most_frequent_tag_by_hand() -> None:
    sentences, tags = [["a", "b", "a"], [], ["a", "c", "b"]], [["X", "O", "X"], [], ["O", "O", "Y"]]
    found = MostFrequentTag().fit(sentences, tags)
    assert found.tag([["a", "b", "c", "new"], []]) == [["X", "O", "O", "O"], []]
    again = MostFrequentTag.from_json(found.to_json())
    assert again.tag([["a", "b", "c", "new"]]) == [["X", "O", "O", "O"]]
    assert MostFrequentTag().fit([], []).tag([["a"]]) == [["O"]]
    assert MostFrequentTag().fit([["q", "r"]], [["Z", "Z"]]).tag([["new"]]) == [["Z"]]
    for damaged in ([], {"tags": {"a": 1}, "default": "O"}, {"tags": {}}):
        with pytest.raises(UserError, match="the file is damaged"):
            MostFrequentTag.from_json(damaged)


@pytest.mark.parametrize("chinese", [False, True])
def test_a_field_reads_what_stands_before(crf: LinearChainCRF, chinese: bool) -> None:
    sentences, tags = trips(60, chinese=chinese)
    held, truth = trips(30, 1, chinese)
    said: list[str] = []
    crf.fit(sentences, tags, held, truth, say=said.append)
    assert slot_f1(truth, crf.tag(held)) == 1
    assert slot_f1(truth, MostFrequentTag().fit(sentences, tags).tag(held)) < 0.8
    assert len(said) == 4
    assert crf.chosen in tag_baselines.PENALTIES
    again = LinearChainCRF.from_arrays(crf.arrays())
    assert again.tag([*held, []]) == [*crf.tag(held), []]
    order = np.random.default_rng(0).permutation(len(held))
    assert again.tag([held[i] for i in order]) == [crf.tag(held)[i] for i in order]


def test_unknown_words_are_read_by_their_shape(crf: LinearChainCRF) -> None:
    sentences = [["call", f"{n}-{n + 1}", "now"] for n in range(10, 40)] + [
        ["call", word, "now"] for word in ["home", "work", "mother", "John", "Ann", "help"] * 5
    ]
    tags = [["O", "B-number", "O"]] * 30 + [["O", "O", "O"]] * 30
    assert crf.fit(sentences, tags).tag([["call", "87-65", "now"], ["call", "father", "now"]]) == [
        ["O", "B-number", "O"],
        ["O", "O", "O"],
    ]


def test_features_by_hand() -> None:
    first, second = tag_baselines._features(["Word", "明"])
    assert first == [
        "0=", "1=", "2=word", "3=明", "4=", "01= ", "12= word", "23=word 明", "34=明 ",
        "shape=Xxx", "^w", "d$", "^wo", "rd$", "^wor", "ord$", "^word", "word$",
    ]  # fmt: skip
    assert second == ["0=", "1=word", "2=明", "3=", "4=", "01= word", "12=word 明", "23=明 ", "34= "]
    assert tag_baselines._shape("ABCd-1234x") == "XXx-ddx"
    assert tag_baselines._features([]) == []


def test_the_budget_holds(crf: LinearChainCRF, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_baselines, "_ROUNDS", {"l2sgd": 100_000, "lbfgs": 100_000})
    rng = np.random.default_rng(0)
    sentences = [[f"w{i}" for i in rng.integers(0, 300, 12)] for _ in range(200)]
    tags = [[f"B-{i}" for i in rng.integers(0, 12, 12)] for _ in range(200)]
    said: list[str] = []
    began = time.monotonic()
    crf.fit(sentences, tags, sentences[:20], tags[:20], 2.0, said.append)
    assert time.monotonic() - began < 20
    assert "of 100000 rounds fit into the 2 s allowed" in said[0]
    assert "no time left to try" in said[-1]
    assert len(crf.tag(sentences)) == 200


def test_what_does_not_fit_is_told(crf: LinearChainCRF, monkeypatch: pytest.MonkeyPatch) -> None:
    for tagger in (MostFrequentTag(), crf):
        with pytest.raises(UserError, match="expected tags for 2 sentences, got 1"):
            tagger.fit([["a"], ["b"]], [["O"]])
        with pytest.raises(UserError, match="sentence 1 has 1 tokens and 2 tags"):
            tagger.fit([["a"]], [["O", "O"]])
    with pytest.raises(UserError, match="expected tokens to learn from"):
        crf.fit([[]], [[]])
    crf.fit(*trips(5))
    for damaged in (b"", b"lCRF", crf.model[:-1], b"x" + crf.model[1:]):
        with pytest.raises(UserError, match="not trained or the file is damaged"):
            LinearChainCRF(damaged).tag([["a"]])
    with pytest.raises(UserError, match="expected model as uint8"):
        LinearChainCRF.from_arrays({})
    monkeypatch.setattr(tag_baselines, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=re.escape(needed("labels"))):
        crf.fit(*trips(5))
