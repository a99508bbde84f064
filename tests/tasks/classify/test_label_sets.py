"""Several labels a text: a whole training, the folder, answers, scores against scikit-learn's, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.label_sets import texts as made
from sklearn import metrics as reference
from sklearn.preprocessing import MultiLabelBinarizer

import throughtime
from throughtime import Classifier, cli
from throughtime.errors import UserError
from throughtime.storage.folder import CONFIG

OPTIONS: dict[str, Any] = {"hidden": 8, "embedding": 8, "steps": 30, "batch": 32, "ensemble_size": 1, "threads": 1}


@pytest.fixture(scope="module")
def data() -> tuple[list[str], list[list[str]]]:
    return made(260, 1)


@pytest.fixture(scope="module")
def fitted(data: Any) -> Classifier:
    return Classifier(**OPTIONS, bidirectional=False, holdout=0.25).fit(*data, quiet=True)


def test_answers_are_lists_of_labels(fitted: Classifier, data: Any) -> None:
    texts = data[0][:20]
    shares, said = fitted.predict_proba(texts), fitted.predict(texts)
    assert shares.shape == (20, len(fitted.classes))
    for row, labels in zip(shares, said, strict=True):
        assert set(labels) == {
            name
            for name, share, from_ in zip(fitted.classes, row, fitted.fitted().thresholds, strict=True)
            if share >= from_
        }
    assert fitted.classes == sorted({label for one in data[1] for label in one})


def test_scores_are_those_of_scikit_learn(fitted: Classifier, data: Any) -> None:
    given = made(120, 2)
    found = fitted.evaluate(*given)
    binary = MultiLabelBinarizer(classes=fitted.classes).fit([])
    truth, said = binary.transform(given[1]), binary.transform(fitted.predict(given[0]))
    assert found["micro_f1"] == pytest.approx(reference.f1_score(truth, said, average="micro", zero_division=0))
    assert found["macro_f1"] == pytest.approx(reference.f1_score(truth, said, average="macro", zero_division=0))
    assert found["subset_accuracy"] == pytest.approx(reference.accuracy_score(truth, said))
    assert fitted.score(*given) == pytest.approx(found["subset_accuracy"])
    assert found["verdict"]["metric"] == "1 - micro F1"
    assert {"one-vs-rest TF-IDF words, logistic regression"} <= found["baselines"].keys()
    assert found["labels"]["urgent"]["there"] == sum("urgent" in one for one in given[1])


def test_saved_loaded_streamed_without_torch_it_says_the_same(fitted: Classifier, data: Any, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    loaded = throughtime.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_probabilities(data[0][:9]), fitted.predict_proba(data[0][:9]))
    assert loaded.predict(data[0][:9]) == fitted.predict(data[0][:9])
    stream = loaded.stream()
    for word in data[0][0].split(" "):
        stream.feed(f"{word} ")
    np.testing.assert_allclose(stream.close(), loaded.predict_probabilities([data[0][0]])[0], rtol=1e-6)
    record = json.loads((tmp_path / CONFIG).read_text("utf-8"))
    record["decided"]["thresholds"]["urgent"] = 2.0
    (tmp_path / CONFIG).write_text(json.dumps(record))
    with pytest.raises(UserError, match="thresholds from 0 to 1"):
        throughtime.load(tmp_path)


def test_an_indicator_matrix_comes_back_as_one(data: Any) -> None:
    binary = MultiLabelBinarizer()
    matrix = binary.fit_transform(data[1])
    model = Classifier(**{**OPTIONS, "steps": 8}, class_weight="balanced").fit(data[0], matrix, quiet=True)
    said = model.predict(data[0][:30])
    assert said.shape == (30, matrix.shape[1])
    assert set(np.unique(said)) <= {0, 1}
    assert model.predict_proba(data[0][:3]).shape == (3, matrix.shape[1])
    assert 0 <= model.score(data[0][:30], matrix[:30]) <= 1


def test_from_the_shell(data: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, folder = tmp_path / "a.csv", tmp_path / "m"
    rows = [f'"{text}",{"|".join(labels)}' for text, labels in zip(*data, strict=True)]
    file.write_text("\n".join(["text,labels", *rows]) + "\n")
    typed = [word for name, value in OPTIONS.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert cli.invoke(["train", "classify", str(file), "--out", str(folder), *typed]) == 0
    page = (folder / "report.html").read_text("utf-8")
    for words in ("micro F1 is ", "the labels are", "log odds", "How many texts of each label"):
        assert words in page
    capsys.readouterr()
    assert cli.invoke(["evaluate", str(folder), str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["subset_accuracy"] >= 0
    assert cli.invoke(["run", str(folder), data[0][0], "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out)["labels"], list)
    (tmp_path / "some.txt").write_text("\n".join(data[0][:5]) + "\n")
    assert cli.invoke(["run", str(folder), "--file", str(tmp_path / "some.txt"), "--top", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "labels,label_1,probability_1,label_2,probability_2"
    assert len(lines) == 6
    assert cli.invoke(["run", str(folder), data[0][0], "--sure"]) == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"class_weight": {"nonsense": 2}}, "'nonsense' is no class"),
        ({"class_weight": {"urgent": -1}}, "class_weight must be balanced, or classes"),
        ({"class_weight": "balanced", "balanced": True}, "give one of them"),
        ({"multi_label": False}, "expected one label, got a list"),
        ({"multi_label": False, "label_separator": "|"}, "is of several labels"),
    ],
)
def test_what_is_refused(data: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        Classifier(**{**OPTIONS, **options}).fit(*data, quiet=True)
    assert "\n" not in str(caught.value)
