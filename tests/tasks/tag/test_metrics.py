"""Spans of tags, by hand and against what seqeval said of random sentences."""

from __future__ import annotations

import json
from itertools import product

import pytest

from tests.tasks.seqeval_values import FILE, TAGS
from throughtime.errors import UserError
from throughtime.tasks.tag.metrics import Span, scheme_of, sentence_accuracy, slot_f1, span_scores, spans

SEQEVAL = json.loads(FILE.read_text("utf-8"))
"""What seqeval 1.2.2 says of random sentences."""

SCORES = ("precision", "recall", "f1", "support")
REMEDY = "not as seqeval 1.2.2 counts; tests/tasks/seqeval_values.py makes the frozen values again"


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


@pytest.mark.parametrize("which", ["truth", "predicted"])
def test_spans_are_seqevals(which: str) -> None:
    for document in SEQEVAL["documents"]:
        for tags, expected in zip(document[which], document["spans"][which], strict=True):
            assert spans(tags.split()) == [tuple(span) for span in expected], f"{tags!r}: {REMEDY}"


def test_scores_are_seqevals() -> None:
    for number, document in enumerate(SEQEVAL["documents"]):
        truth, predicted = ([tags.split() for tags in document[name]] for name in ("truth", "predicted"))
        found = span_scores(truth, predicted)
        place = f"document {number}: {REMEDY}"
        assert [found[name] for name in SCORES] == pytest.approx(document["micro"]), place
        assert [*found["types"]] == [*document["types"]], place
        for name, expected in document["types"].items():
            assert [found["types"][name][score] for score in SCORES] == pytest.approx(expected), f"{name} of {place}"


def test_seqevals_sentences_have_every_pair_of_tags() -> None:
    sentences = [tags.split() for document in SEQEVAL["documents"] for tags in document["truth"]]
    pairs = {pair for tags in sentences for pair in zip(["O", *tags], [*tags, "O"], strict=True)}
    assert len(sentences) >= 400
    assert pairs >= set(product(TAGS, TAGS))
