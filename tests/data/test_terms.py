"""Glossaries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from throughtime.data.terms import Glossary
from throughtime.errors import UserError


def written(place: Path, text: str) -> Path:
    (place / "terms.tsv").write_text(text, "utf-8")
    return place / "terms.tsv"


def test_terms_of_a_file_stand_in_texts_as_whole_words(tmp_path: Path) -> None:
    found = Glossary.read(
        written(tmp_path, "Tafel\tblackboard\r\n\nschwarze Tafel\tchalkboard\nTafel\tblackboard\n狗\tdog\n")
    )
    assert found.terms == {"Tafel": "blackboard", "schwarze Tafel": "chalkboard", "狗": "dog"}
    assert found.inside("Die schwarze Tafel.") == ["schwarze Tafel"]
    assert found.inside("Tafeln und Tafel-Dienst") == ["Tafel"]
    assert found.inside("Tafelrunde") == []
    assert found.inside("一只狗在跑") == ["狗"]
    asked = found.within("Tafel, Tafel", lambda text: np.array([len(text)]))
    assert asked == (((len("blackboard"),),),)
    assert Glossary().within("Tafel", lambda text: np.array([1])) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Tafel blackboard\n", "line 1: expected words, a tab"),
        ("a\tb\tc\n", "line 1"),
        ("a\t\n", "line 1"),
        ("a\tb\nc\td\na\tx\n", "line 3: 'a' is said 'x', but 'b' in line 1"),
        ("\n\n", "there are no terms"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        Glossary.read(written(tmp_path, text))
