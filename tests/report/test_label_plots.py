"""Pictures of answers that are names."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.linear import metrics as classify_metrics
from throughtime.report.label_plots import (
    CLASSES,
    KINDS,
    by_kind,
    confusion,
    numbered,
    reliability,
    scores,
    shown_classes,
    shown_kinds,
)


def kinds(count: int, prefix: str = "kind ") -> dict[str, dict[str, float]]:
    return {f"{prefix}{i}": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": i} for i in range(count)}


def words(picture: str) -> list[str]:
    """What is written in a picture: matplotlib says it in a comment beside the outlines of the letters."""
    return [line.strip()[5:-4] for line in picture.splitlines() if line.strip().startswith("<!-- ")]


@pytest.mark.parametrize("count", [2, 9, 14, 100])
def test_a_confusion_of_few_or_many_classes_is_drawn(count: int) -> None:
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 3, (count, count)) + np.diag(rng.integers(5, 900, count))
    names = [f"class {i} with a name that is far too long" for i in range(count)]
    told = words(confusion(matrix, names))
    shown = shown_classes(matrix)
    assert len(shown) == min(CLASSES, count)
    assert ("any other" in told) == (count > CLASSES)
    for i in shown:
        assert f"class {i} with"[:12] in " ".join(told)
        assert any(one.startswith(f"{matrix[i, i]:,}") for one in told)


def test_counts_and_shares_of_the_row_are_written() -> None:
    told = words(confusion(np.array([[1541, 33], [52, 574]]), ["bad", "good"]))
    assert {"1,541 (98%)", "33 (2%)", "52 (8%)", "574 (92%)", "bad", "good"} <= set(told)


def test_the_classes_with_the_most_errors_are_shown() -> None:
    matrix = np.diag(np.full(60, 1000))
    matrix[40, 59] = 7
    matrix[13, 40] = 5
    assert {13, 40, 59} <= set(shown_classes(matrix))
    assert shown_classes(matrix) == sorted(shown_classes(matrix))


def test_classes_without_a_text_are_drawn() -> None:
    assert "<svg" in confusion(np.array([[0, 0], [3, 1]]), ["a", "b"])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["天气", "music"], True),
        (["weather", "música", "Ωμέγα"], False),
        (["a\x01", "b"], True),
        (["the same beginning 1 of a name and the same end", "the same beginning 2 of a name and the same end"], True),
    ],
)
def test_numbers_stand_for_names_that_cannot_be_drawn_or_told_apart(names: list[str], said: bool) -> None:
    assert numbered(names) == said
    matrix = np.full((len(names), len(names)), 100)
    told = words(confusion(matrix, names))
    assert ("1" in told and "2" in told) == said
    assert (names[0] in told) != said


def test_chinese_kinds_and_baselines_are_numbered_without_a_warning() -> None:
    assert {"1", "2", "3"} <= set(words(by_kind(kinds(3, "歌手"))))
    assert {"1", "2"} <= set(words(scores([("多数", 0.5), ("this model", 0.75)], "accuracy")))


@pytest.mark.parametrize("name", ["$x", "$x$", "$\\frac{$", "<script>", "a\nb", "", "--", "_"])
def test_a_name_is_drawn_as_it_is(name: str) -> None:
    told = words(scores([(name, 0.5), ("this model", 0.75)], "accuracy"))
    assert {"50.00", "75.00", "this model"} <= set(told)
    if "$" in name:
        assert name in told
    confusion(np.array([[1, 2], [3, 4]]), [name, "other"])
    by_kind({name: kinds(2)["kind 1"]})


def test_the_most_frequent_kinds_are_shown_with_their_support() -> None:
    entry = kinds(KINDS + 9)
    assert shown_kinds(entry) == [f"kind {i}" for i in range(KINDS + 8, 8, -1)]
    told = words(by_kind(entry))
    assert f"50.0  of {KINDS + 8}" in told
    assert "kind 8" not in told


def test_reliability_draws_what_the_metric_gives() -> None:
    rng = np.random.default_rng(1)
    found = classify_metrics.reliability(rng.dirichlet([1, 1, 1], 500), rng.integers(0, 3, 500))
    assert None in found["accuracy"]
    assert "<svg" in reliability(found)
    one = classify_metrics.reliability(np.array([[1.0, 0.0]]), np.array([0]))
    two = classify_metrics.reliability(np.array([[1.0, 0.0], [0.6, 0.4]]), np.array([0, 0]))
    assert reliability(one).count("<path") < reliability(two).count("<path")


def test_the_same_answers_give_the_same_picture() -> None:
    matrix = np.array([[5, 1], [2, 9]])
    assert confusion(matrix, ["a", "b"]) == confusion(matrix, ["a", "b"])
