"""What is told of labelled texts before anything learns them; their parts."""

from __future__ import annotations

from throughtime.data.label_notes import check_split, imbalance, text_key, unseen
from throughtime.data.labelled import Texts, read_texts


def of(texts: list[str], labels: list[str] | None = None) -> Texts:
    return Texts(texts, labels or [], "x", list(range(len(texts))))


def test_classes_of_very_different_sizes() -> None:
    assert imbalance(["a"] * 50 + ["b"] * 5) == []
    assert imbalance(["a"] * 51 + ["b"] * 5) == [
        "uneven: class a has 51 examples, b 5; accuracy alone says little, see F1"
    ]
    labels = ["a"] * 9 + [c for i, c in enumerate("bcdefg") for _ in range(1 + i % 4)]
    assert imbalance(labels, "intent") == [
        "fewer than 5 examples of intent b (1), f (1), c (2), g (2), d (3) and 1 more"
    ]
    assert "fewer than 5 examples of class x (1), y (1)" in read_texts((["a", "b"], ["x", "y"])).notes


def test_repeated_texts() -> None:
    texts = ["so  good", "cafe\u0301", "so good ", "café", "no", "so good"]
    found = read_texts((texts, ["1", "1", "0", "1", "0", "1"]))
    assert "3 texts repeat an earlier one, the first: row 2 is row 0" in found.notes
    assert "1 text under more than one label: row 0 is 1, row 2 0" in found.notes
    assert text_key(texts[1]) == text_key(texts[3])


def test_texts_of_test_that_stand_in_training() -> None:
    train = of(["a  b", "cafe\u0301", "c"], ["x", "y", "x"])
    test = of(["a b", "café", "new", "c"], ["x", "x", "z", "z"])
    assert unseen(train, test).tolist() == [False, False, True, False]
    assert check_split(train, test) == [
        "3 of 4 test texts stand in training as well, 2 of them under another label; "
        "look at the score on the other 1 too",
        "never seen in training: label z (2); 2 of test, which count as errors",
    ]
    assert check_split(train, of(["new"], ["x"])) == check_split(of(["c"]), of(["d"], ["x"])) == []
    assert check_split(of(["c"]), of(["c", "d"])) == [
        "1 of 2 test texts stands in training as well; look at the score on the other 1 too"
    ]


def test_texts_that_are_the_same_stay_on_one_side() -> None:
    texts = of([f"text{' ' * (1 + i // 20)}{i % 20}" for i in range(60)], [str(i % 3) for i in range(60)])
    learned, kept = texts.split(0.3, 1)
    assert 10 < len(kept) < 26
    assert not {*map(text_key, learned.texts)} & {*map(text_key, kept.texts)}
    assert sorted([*learned.rows, *kept.rows]) == list(range(60))
    assert all(texts.texts[row] == text for row, text in zip(kept.rows, kept.texts, strict=True))
    assert texts.split(0.3, 1)[1] == kept
    assert texts.split(0.3, 2)[1] != kept
    whole, none = texts.split(0.0, 1)
    assert (whole, len(none)) == (texts, 0)


def test_parts_joined_again_are_the_whole() -> None:
    texts = of(["a", "b", "c"], ["x", "y", "x"])
    again = texts.take([0]).joined(texts.take([1, 2]))
    assert (again.texts, again.labels) == (texts.texts, texts.labels)
    assert again.sha256 == texts.sha256
    assert texts.take([1, 0, 2]).sha256 != texts.sha256
