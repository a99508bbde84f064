"""Several labels a text, as people have them: each file with what it says, written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from throughtime.data.label_sets import LabelRule, as_one, indicator, members, rarest
from throughtime.data.labelled import read_texts
from throughtime.errors import UserError

SETS = [("a", "b"), ("a",), ("b", "c"), ("c",), ("a", "c")]
SEVERAL = LabelRule(several=True)


def sets(found: Any) -> list[tuple[str, ...]]:
    assert found.several
    return [members(one) for one in found.labels]


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("a.csv", "text,label\n1 x,a|b\n2 x,a\n3 x,b|c\n4 x,c\n5 x,c|a\n", {}),
        ("a.csv", "text,label\n1 x,a;b\n2 x,a\n3 x,b;c\n4 x,c\n5 x,c ; a\n", {}),
        ("a.csv", 'text,label\n1 x,"a, b"\n2 x,a\n3 x,"b,c"\n4 x,c\n5 x,"c,a"\n', {"rule": SEVERAL}),
        ("a.csv", 'text,label\n1 x,"[""a"", ""b""]"\n2 x,"[""a""]"\n'
         '3 x,"[""b"",""c""]"\n4 x,"[""c""]"\n5 x,"[\'c\',\'a\']"\n', {}),
        ("a.csv", "text,a,b,c\n1 x,1,1,0\n2 x,1,0,0\n3 x,0,1,1\n4 x,0,0,1\n5 x,1,0,true\n", {"label": "a,b,c"}),
        ("a.txt", "__label__a __label__b 1 x\n__label__a 2 x\n"
         "__label__b __label__c 3 x\n__label__c 4 x\n__label__a __label__c 5 x\n", {}),
        ("a.jsonl", '{"text": "1 x", "label": ["b", "a"]}\n{"text": "2 x", "label": ["a"]}\n'
         '{"text": "3 x", "label": ["b", "c"]}\n'
         '{"text": "4 x", "label": ["c"]}\n{"text": "5 x", "label": ["a", "c"]}\n', {}),
        ("a.csv", "text,label\n1 x,a / b\n2 x,a\n3 x,b/c\n4 x,c\n5 x,a/c\n", {"rule": LabelRule(separator="/")}),
    ],
)  # fmt: skip
def test_files(tmp_path: Path, name: str, content: str, options: dict[str, Any]) -> None:
    (tmp_path / name).write_text(content)
    found = read_texts(tmp_path / name, **options)
    assert sets(found) == SETS
    assert found.texts == [f"{i} x" for i in range(1, 6)]
    assert found.classes == ["a", "b", "c"]


def test_a_sign_in_a_label_is_not_split_unasked(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n1,R|B\n2,soul\n3,R|B\n4,soul\n")
    found = read_texts(tmp_path / "a.csv")
    assert not found.several
    assert found.labels == ["R|B", "soul", "R|B", "soul"]
    assert any("--multi-label splits them" in note for note in found.notes)
    assert sets(read_texts(tmp_path / "a.csv", rule=SEVERAL))[0] == ("B", "R")


def test_a_text_may_have_no_label(tmp_path: Path) -> None:
    found = read_texts((["a", "b", "c"], [["x"], [], ["y", "x"]]))
    assert sets(found) == [("x",), (), ("x", "y")]
    (tmp_path / "a.txt").write_text("__label__x a\nb\n__label__y c\n")
    assert sets(read_texts(tmp_path / "a.txt", rule=SEVERAL)) == [("x",), (), ("y",)]


def test_integers_stay_integers() -> None:
    found = read_texts((["a", "b", "c"], [[1, 2], [10], []]))
    assert found.kind == "integer"
    assert sets(found) == [("1", "2"), ("10",), ()]


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("text,a,b\nx,1,2\n", {"label": "a,b"}, "row 2, column b: expected 0 or 1, got '2'"),
        ("text,a,b\nx,1,\n", {"label": "a,b"}, "row 2, column b: expected 0 or 1, got nothing"),
        ("text,label\nx,a|b\ny,c;d\n", {"rule": SEVERAL}, "name it, --label-separator"),
        ("text,label\nx,a\ny,a\n", {"rule": SEVERAL}, "at least two different labels, there is 'a' alone"),
        ("text,label\nx,a|b\ny,NULL\n", {"rule": SEVERAL}, "row 3: the label is missing"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: str, options: dict[str, Any], says: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(UserError, match=says) as caught:
        read_texts(tmp_path / "a.csv", **options)
    assert "\n" not in str(caught.value)


def test_real_numbers_are_no_labels_in_sets_either() -> None:
    with pytest.raises(UserError, match="real number"):
        read_texts((["a", "b"], [[0.5, 1.5], [2.5]]))


def test_an_indicator_matrix() -> None:
    assert indicator(np.array([[1, 0], [0, 0]])) == ([["0"], []], ["0", "1"])
    assert indicator(np.array([1, 0])) is None
    with pytest.raises(UserError, match="of 0 and 1"):
        indicator(np.array([[1, 2]]))


def test_a_split_gives_every_label_its_share() -> None:
    assert rarest([as_one("ab"), as_one("a"), as_one("")]) == ["b", "a", ""]
    labels = [["a"] if i % 20 else ["a", "rare"] for i in range(400)]
    learned, held = read_texts(([f"t {i}" for i in range(400)], labels)).split(0.25, 0)
    assert sum("rare" in one for one in sets(held)) == 5
    assert len(learned) + len(held) == 400
