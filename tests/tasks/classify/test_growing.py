"""A classifier that goes on with new texts: classes grow, earlier texts are rehearsed, several labels are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tasks.reading.texts import FEW, TINY, Lists, easy, write_table
from throughtime.errors import UserError
from throughtime.tasks.classify import rule
from throughtime.tasks.classify.estimator import CHOICE, SCHEMA, Classifier
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.reading.rule import Facts

SMALL: dict[str, Any] = {**FEW, "linear_models": False, "refit": False, "quiet": True}


def several(count: int = 40) -> tuple[list[str], list[list[str]]]:
    texts, labels = easy(count)
    return texts, [[label, "w"] if i % 2 else [label] for i, label in enumerate(labels)]


def table_in(place: Path, data: Lists) -> Path:
    place.mkdir()
    return write_table(place / "texts.csv", data)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("old")
    file = table_in(place / "data", easy(60))
    Classifier(**TINY).fit(file, out=place / "m", **SMALL)
    return place / "m"


def test_a_file_of_one_new_class_is_learned_beside_the_earlier_texts(old: Path, tmp_path: Path) -> None:
    file = table_in(tmp_path / "data", easy(40, 7, "q"))
    model = Classifier().fit(file, out=tmp_path / "m", start=old, **SMALL)
    assert model.classes == ["x", "y", "z", "q"]
    assert model.predict_proba(["it was isq there"]).shape == (1, 4)
    assert model.examples is not None
    learned = model.examples.learned.labels
    assert {"x", "y", "z", "q"} == set(learned)
    assert len(learned) > 40
    assert any("texts of the earlier training are learned again" in note for note in model.notes())
    assert model.record is not None
    assert model.record.start is not None
    assert model.record.start.measure == "accuracy"
    assert model.record.start.after is not None


def test_without_the_earlier_file_nothing_is_rehearsed_and_that_is_said(tmp_path: Path) -> None:
    file = table_in(tmp_path / "data", easy(60))
    Classifier(**TINY).fit(file, out=tmp_path / "m", **SMALL)
    file.write_text(file.read_text("utf-8") + "it changed,x\n", "utf-8")
    model = Classifier().fit(*easy(40, 7, "xq"), start=tmp_path / "m", **SMALL)
    assert model.classes == ["x", "y", "z", "q"]
    assert model.examples is not None
    assert set(model.examples.learned.labels) == {"x", "q"}
    assert any("nothing of it is learned again" in note for note in model.notes())
    assert model.record is not None
    assert model.record.start is not None
    assert model.record.start.before is None
    with pytest.raises(UserError, match="every text has the label 'q'"):
        Classifier().fit(*easy(40, 7, "q"), start=tmp_path / "m", **SMALL)


def test_several_labels_a_text_are_refused(old: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a text has several; leave --from out") as caught:
        Classifier().fit(*several(), start=old, **SMALL)
    assert "\n" not in str(caught.value)
    Classifier(**TINY).fit(*several(), tmp_path / "sets", **SMALL)
    for data in (several(), easy(40)):
        with pytest.raises(UserError, match="the model has several; leave --from out"):
            Classifier().fit(*data, start=tmp_path / "sets", **SMALL)


def test_texts_that_were_all_learned_are_refused(old: Path) -> None:
    model = Classifier().fit(*easy(60), start=old, **SMALL)
    assert model.examples is not None
    learned = [text for text in model.examples.learned.texts if text not in model.examples.held.texts]
    with pytest.raises(UserError, match="has learned all of its texts"):
        Classifier().fit(learned, model.examples.learned.labels[: len(learned)], start=old, **SMALL)


def test_the_first_of_two_trainings_starts_from_what_has_not_learned_the_earlier_validation_part(
    tmp_path: Path,
) -> None:
    texts = [easy(60), easy(60, 7)]
    files = [table_in(tmp_path / name, data) for name, data in zip("ab", texts, strict=True)]
    twice = {**SMALL, "refit": True}
    Classifier(**TINY).fit(files[0], out=tmp_path / "old", **twice)
    model = Classifier().fit(files[1], out=tmp_path / "new", start=tmp_path / "old", **twice)
    first = SCHEMA.read(tmp_path / "new" / CHOICE).start
    assert first is not None
    assert first.folder == str(tmp_path / "old" / CHOICE)
    assert model.record is not None
    assert model.record.start is not None
    assert model.record.start.folder == str(tmp_path / "old")
    assert (first.before, first.after) == (model.record.start.before, model.record.start.after)
    assert first.before is not None
    assert model.record.start.of == f"{first.of}, in the first of two trainings"
    assert model.examples is not None
    assert {*texts[0][0], *texts[1][0]} == {*model.examples.learned.texts}
    assert not len(model.examples.held)


def test_it_is_trained_twice_where_the_earlier_texts_are_there() -> None:
    facts = Facts(100, 9.0, True, 2, False, 1)
    assert rule.refit(facts, ClassifierOptions(), False).value
    gone = rule.refit(facts, ClassifierOptions(), True)
    assert (gone.value, gone.why) == (False, "it starts from a trained model, whose texts are not there")
