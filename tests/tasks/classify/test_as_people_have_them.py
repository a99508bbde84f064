"""A classifier is given what people have, and gives back what they gave: types, columns, files, copies."""

from __future__ import annotations

import copy
import io
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from throughtime import Classifier
from throughtime.errors import UserError

TEXTS = [f"{a} {i}" for i, a in enumerate(["good film", "bad film", "very good", "very bad"] * 10)]
LABELS = [1, 0] * 20
SIZE: dict[str, Any] = {"hidden": 4, "embedding": 4, "steps": 2, "threads": 1}


def fitted(*given: Any, **options: Any) -> Classifier:
    return Classifier(**SIZE).fit(*given, quiet=True, **options)


@pytest.fixture(scope="module")
def frame() -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"id": range(40), "phrase": TEXTS, "kind": [bool(one) for one in LABELS]})


@pytest.fixture(scope="module")
def of_frame(frame: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frame") / "m"
    fitted(frame, out=folder, text="phrase", label="kind")
    return folder


def test_labels_keep_their_type() -> None:
    numbers = fitted(TEXTS, LABELS)
    assert numbers.predict(TEXTS[:2]) == [1, 0]
    assert (numbers.classes, numbers.classes_.tolist(), numbers.score(TEXTS, LABELS)) == (["0", "1"], [0, 1], 1.0)
    words = fitted(TEXTS, [str(one) for one in LABELS])
    assert words.predict(TEXTS[:2]) == ["1", "0"]
    truths = fitted(np.array(TEXTS, object), np.array(LABELS, bool))
    assert truths.predict(TEXTS[:2]) == [True, False]
    assert truths.score(TEXTS, [bool(one) for one in LABELS]) == 1.0
    with pytest.raises(UserError, match=r"data: row 0: the label 0\.5 is a real number"):
        fitted(TEXTS, [0.5, 1.0] * 20)


def test_whatever_fit_takes_predict_takes(frame: Any, of_frame: Path, tmp_path: Path) -> None:
    model = throughtime.load(of_frame)
    wanted = [bool(one) for one in LABELS]
    table = tmp_path / "a.csv"
    frame.to_csv(table, index=False)
    (tmp_path / "a.json").write_text(frame.to_json(orient="records"))
    for source in (frame, frame["phrase"], TEXTS, iter(TEXTS), table, str(table), tmp_path / "a.json",
                   {"id": range(40), "phrase": TEXTS}, (TEXTS, wanted), np.array(TEXTS)):  # fmt: skip
        assert model.predict(source) == wanted
    gaps = frame.assign(phrase=["good", None, *TEXTS[2:]])
    assert model.predict(gaps)[1] == model.predict([""])[0]
    for source, words in (
        ("good", "expected several texts, got one"),
        ("gone.csv", "gone.csv: no such file"),
        (frame[["id"]], "which column holds the texts"),
        ([["a"]], "text 0 is no text but list"),
    ):
        with pytest.raises(UserError, match=words):
            model.predict(source)


def test_a_string_that_is_no_file_is_refused() -> None:
    for source, words in (("gone.csv", "gone.csv: no such file"), ("so good", "expected several texts, got one")):
        with pytest.raises(UserError, match=words):
            Classifier().fit(source)
    with pytest.raises(UserError, match="expected a list of texts and one of labels, got str"):
        Classifier().fit("ab", ["x", "y"])


def test_the_column_of_training_is_labelled(call: Any, frame: Any, of_frame: Path, tmp_path: Path) -> None:
    model = throughtime.load(of_frame)
    table = tmp_path / "a.csv"
    frame[["id", "phrase"]].to_csv(table, index=False)
    lines = call("run", of_frame, "--file", table).out.splitlines()
    assert lines[0] == "label,probability"
    assert [line.split(",")[0] for line in lines[1:]] == [str(one) for one in model.predict(TEXTS)]
    frame[["phrase"]].to_csv(table, index=False)
    assert call("run", of_frame, "--file", table).out.splitlines() == lines
    frame.rename(columns={"phrase": "other"})[["id", "other"]].to_csv(table, index=False)
    refused = call("run", of_frame, "--file", table)
    assert refused.status == 2
    assert "which column holds the texts? there are id, other" in refused.err
    frame.to_csv(table, index=False)
    assert json.loads(call("evaluate", of_frame, table, "--json").out)["accuracy"] == 1.0


def test_many_texts_with_all_that_is_known(
    call: Any, of_frame: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = throughtime.load(of_frame)
    shares = model.predict_probabilities(TEXTS[:2])

    def typed(content: str, *options: Any) -> list[str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
        done = call("run", of_frame, "-", *options)
        assert done.status == 0, done.err
        return done.out.splitlines()

    lines = typed("\n".join(TEXTS[:2]), "--probabilities")
    assert lines[0] == "label,probability,False,True"
    assert lines[1] == f"True,{shares[0, 1]:.4f},{shares[0, 0]:.6f},{shares[0, 1]:.6f}"
    lines = typed("\n".join(TEXTS[:2]), "--top", 5)
    assert lines[0] == "label,probability,label_2,probability_2"
    assert lines[2] == f"False,{shares[1, 0]:.4f},True,{shares[1, 1]:.4f}"
    objects = "".join(json.dumps({"n": 1, "phrase": text}) + "\n" for text in TEXTS[:2])
    found = [json.loads(line) for line in typed(objects, "--json")]
    assert [one["label"] for one in found] == ["True", "False"]
    assert found[0]["probabilities"] == {"False": shares[0, 0], "True": shares[0, 1]}
    assert typed(objects) == typed("\n".join(TEXTS[:2]))


def test_labels_that_are_missing(call: Any, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    rows = [f"{text},{'' if i in (3, 5) else label}" for i, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))]
    table.write_text("text,label\n" + "\n".join(rows) + "\n")
    start = ("train", "classify", table, "--out", tmp_path / "m", "--steps", 1, "--hidden", 4, "--threads", 1)
    refused = call(*start)
    assert refused.status == 2
    assert "rows 5, 7: 2 labels are missing; give them or leave the rows out, --drop-missing" in refused.err
    done = call(*start, "--drop-missing")
    assert done.status == 0, done.err
    assert "2 texts without a label, the first in row 5: left out" in done.err + done.out


def test_copies(of_frame: Path) -> None:
    model = fitted(TEXTS, LABELS)
    wanted = model.predict_proba(TEXTS)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict_proba(TEXTS), wanted)
    loaded = throughtime.load(of_frame)
    np.testing.assert_array_equal(copy.deepcopy(loaded).predict_probabilities(TEXTS),
                                  loaded.predict_probabilities(TEXTS))  # fmt: skip


def test_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    from sklearn.base import clone, is_classifier
    from sklearn.model_selection import cross_val_score

    model = Classifier(**SIZE, linear_models=False)
    assert is_classifier(model)
    assert clone(model).get_params() == model.get_params()
    found = cross_val_score(model, np.array(TEXTS, object), np.array(LABELS), cv=2)
    assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize(
    "options",
    [{}, {"pooling": ("max", "mean", "attention", "last")}, {"sentences": True}, {"bidirectional": False}],
    ids=str,
)
def test_a_text_has_the_same_probabilities_alone_and_in_any_batch(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["good", "bad", "not", "film", "."], rng.integers(1, 40))) for _ in range(60)]
    model = Classifier(**{**SIZE, "hidden": 24, "embedding": 16}, **options)
    whole = model.fit(texts, ["good" in one for one in texts], quiet=True).predict_proba(texts)
    np.testing.assert_array_equal(model.predict_proba(texts[:23]), whole[:23])
    for i in range(0, 60, 7):
        np.testing.assert_array_equal(model.predict_proba([texts[i]])[0], whole[i])
