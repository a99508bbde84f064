"""Spans of tags, by hand and against seqeval."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughtime.errors import UserError
from throughtime.tasks.tag.metrics import Span, scheme_of, sentence_accuracy, slot_f1, span_scores, spans

TAGS = ["O", "B", "I", "E", "S", *(f"{part}-{kind}" for part in "BIES" for kind in ("x", "y", "a-b"))]
SENTENCES = st.lists(st.lists(st.sampled_from(TAGS), max_size=9), min_size=1, max_size=5)
TYPICAL = st.lists(st.lists(st.sampled_from(["O", "B-x", "I-x", "B-y", "I-y"]), max_size=9), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("", []),
        ("O O", []),
        ("B-x I-x O B-y", [("x", 0, 1), ("y", 3, 3)]),
        ("B-x B-x I-x", [("x", 0, 0), ("x", 1, 2)]),
        ("I-x I-x O I-y", [("x", 0, 1), ("y", 3, 3)]),  # IOB1
        ("I-x B-x I-y", [("x", 0, 0), ("x", 1, 1), ("y", 2, 2)]),
        ("B-x I-y", [("x", 0, 0), ("y", 1, 1)]),
        ("B-x I-x E-x S-y O", [("x", 0, 2), ("y", 3, 3)]),  # BIOES
        ("E-x E-x I-x", [("x", 0, 0), ("x", 1, 1), ("x", 2, 2)]),
        ("I-x E-x O E-x", [("x", 0, 1), ("x", 3, 3)]),
        ("S-x I-x", [("x", 0, 0), ("x", 1, 1)]),
        ("B-x S-x", [("x", 0, 0), ("x", 1, 1)]),
        ("B I O S", [("_", 0, 1), ("_", 3, 3)]),
        ("B-a-b I-a-b", [("a-b", 0, 1)]),
        ("O B-x", [("x", 1, 1)]),
    ],
)
def test_spans_by_hand(tags: str, expected: list[Span]) -> None:
    assert spans(tags.split()) == expected


def test_bare_tags_are_runs() -> None:
    assert spans(["city", "city", "O", "city", "date"], "bare") == [("city", 0, 1), ("city", 3, 3), ("date", 4, 4)]
    assert spans([], "bare") == []
    assert scheme_of([["O", "B-x"], [], ["E"]]) is None
    assert scheme_of([["O"], ["city"]]) == scheme_of([["Bx"]]) == scheme_of([["O-x"]]) == scheme_of([[""]]) == "bare"
    assert slot_f1([["a", "a", "O"]], [["a", "b", "O"]], "bare") == 0
    with pytest.raises(UserError, match=r"expected O, B-type.*got 'city'; scheme 'bare'"):
        spans(["O", "city"])
    with pytest.raises(UserError, match="unknown scheme 'BIO': choose from None, bare"):
        spans([], "BIO")


def test_scores_by_hand() -> None:
    truth = [["B-x", "I-x", "O", "B-y"], ["O", "B-x"], []]
    own = [["B-x", "I-x", "O", "B-x"], ["B-y", "B-x"], []]
    found = span_scores(truth, own)
    assert found == {
        "precision": 2 / 4,
        "recall": 2 / 3,
        "f1": pytest.approx(4 / 7),
        "support": 3,
        "types": {
            "x": {"precision": pytest.approx(2 / 3), "recall": 1, "f1": pytest.approx(0.8), "support": 2},
            "y": {"precision": 0, "recall": 0, "f1": 0, "support": 1},
        },
    }
    assert slot_f1(truth, own) == found["f1"]
    assert slot_f1([["O"]], [["O"]]) == 0
    assert slot_f1([], []) == 0


def test_sentences_are_right_as_a_whole() -> None:
    truth = [["O", "B-x"], ["O"], []]
    own = [["O", "B-x"], ["B-x"], []]
    assert sentence_accuracy(truth, own) == pytest.approx(2 / 3)
    assert sentence_accuracy(truth, own, ["a", "b", "c"], ["a", "b", "d"]) == pytest.approx(1 / 3)
    assert sentence_accuracy([], []) == 0
    with pytest.raises(UserError, match="expected an intent for each of 3 sentences, got 2 and 3"):
        sentence_accuracy(truth, own, ["a", "b"], ["a", "b", "c"])
    with pytest.raises(UserError, match="expected an intent for each"):
        sentence_accuracy(truth, own, ["a", "b", "c"])
    with pytest.raises(UserError, match="sentence 2 has 1 tags, 2 are predicted"):
        span_scores([["O"], ["O"]], [["O"], ["O", "O"]])
    with pytest.raises(UserError, match="as many predicted sentences"):
        span_scores([["O"]], [])


@pytest.fixture(scope="module")
def seqeval() -> Any:
    return pytest.importorskip("seqeval.metrics.sequence_labeling", reason="seqeval is not installed")


@settings(max_examples=500, deadline=None)
@given(sentences=SENTENCES)
def test_spans_are_seqevals(seqeval: Any, sentences: list[list[str]]) -> None:
    for tags in sentences:
        assert spans(tags) == seqeval.get_entities(tags)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), sentences=st.one_of(SENTENCES, TYPICAL))
def test_scores_are_seqevals(seqeval: Any, data: st.DataObject, sentences: list[list[str]]) -> None:
    sentences = [*sentences, ["B-x"]]
    own = [[data.draw(st.sampled_from([tag, "O", "B-x", "I-y"])) for tag in tags] for tags in sentences]
    found = span_scores(sentences, own)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = seqeval.precision_recall_fscore_support(sentences, own, average="micro", zero_division=0)
        parts = seqeval.precision_recall_fscore_support(sentences, own, average=None, zero_division=0)
    for name, expected in zip(("precision", "recall", "f1", "support"), whole, strict=True):
        assert found[name] == pytest.approx(expected)
    for name, expected in zip(("precision", "recall", "f1", "support"), parts, strict=True):
        assert [one[name] for one in found["types"].values()] == pytest.approx(list(expected))
