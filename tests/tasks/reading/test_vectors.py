"""Embeddings that start from pretrained vectors: which, of what size, what is said and kept, what is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tasks.reading.runs import interrupt_at, record
from tests.tasks.reading.texts import FEW, TAGGER, TINY, easy, flights, ordered, write_table
from throughtime import Classifier, Tagger
from throughtime.data.columns import Columns
from throughtime.errors import UserError
from throughtime.tasks.reading.vectors import forms_of

SMALL: dict[str, Any] = {"hidden": 8, "threads": 1, "ensemble_size": 2, "linear_models": False, "refit": False}


class Planned(Exception):
    """Instead of training."""


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What training would begin with."""
    found: dict[str, Any] = {}

    def stop(self: Any, examples: Any, plan: Any, options: Any, best: Any) -> None:
        found.update(plan=plan, options=options, choices=self.chosen)
        raise Planned

    for one in (Classifier, Tagger):
        monkeypatch.setattr(one, "_job", stop)
    return found


def write_vectors(path: Path, words: list[str], width: int = 6, size: float = 40.0) -> dict[str, np.ndarray]:
    """A file in GloVe's format; what it has."""
    values = np.random.default_rng(len(words)).normal(0.0, size, (len(words), width)).round(2)
    path.write_text("".join(f"{w} {' '.join(map(str, v))}\n" for w, v in zip(words, values.tolist(), strict=True)))
    return dict(zip(words, values, strict=True))


def size_of(rows: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(rows, dtype=np.float64))))


@pytest.mark.parametrize("pmi", [True, False])
def test_words_of_a_classifier_start_from_their_vectors(tmp_path: Path, planned: dict[str, Any], pmi: bool) -> None:
    given = write_vectors(tmp_path / "v", ["loved", "the", "film", "Town", "unheard"])
    data, options = ordered(60), {**SMALL, "pmi_embeddings": pmi}
    with pytest.raises(Planned):
        Classifier(**{**options, "embedding": 6}).fit(*data, **FEW)
    usual = planned["plan"]
    with pytest.raises(Planned):
        Classifier(**options, vectors=tmp_path / "v").fit(*data, **FEW)
    plan, words = planned["plan"], planned["plan"].readers[0].columns.vocabularies[0]
    assert planned["options"].embedding == 6
    assert [str(one) for one in planned["choices"] if one.name == "embedding"] == ["embedding 6"]
    rows = [1 + words.index(word) for word in ("loved", "the", "film")]
    vectors = np.stack([given[word] for word in ("loved", "the", "film")])
    for m in range(2):
        before, now = (one.parameters[f"0.{m}.columns.word"] for one in (usual, plan))
        assert size_of(now[rows]) == pytest.approx(size_of(before[1:]), rel=1e-5)
        np.testing.assert_allclose(now[rows], vectors * (size_of(before[1:]) / size_of(vectors)), rtol=1e-5)
        others = np.setdiff1d(np.arange(len(words) + 1), rows)
        np.testing.assert_array_equal(now[others], before[others])
    for name, value in usual.parameters.items():
        if not name.endswith("columns.word"):
            np.testing.assert_array_equal(plan.parameters[name], value)
    kept, counts = plan.data.vectors, plan.parts[0].counts[0]
    assert (kept.file, kept.kind, kept.rows) == (str(tmp_path / "v"), "GloVe", 5)
    assert kept.sha256 == hashlib.sha256((tmp_path / "v").read_bytes()).hexdigest()
    assert kept.vocabulary == 3 / len(words)
    assert kept.running == counts[rows].sum() / counts.sum()
    assert any(
        f"has 3 of {len(words)} words of the vocabulary" in note and f"{kept.running:.1%} of the running words" in note
        for note in plan.data.notes
    )


def test_a_word_is_looked_for_as_it_is_written_then_in_lower_case() -> None:
    columns = Columns(("word",), [["paris", "0", "the"]])
    texts = [["Paris", "paris", "3"], ["Paris", "7", "7", "The"]]
    assert forms_of(columns, texts) == [["Paris", "paris"], ["7", "3", "0"], ["The", "the"]]
    assert forms_of(Columns(("token",), [["Paris", "the"]]), texts[:1]) == [["Paris", "paris"], ["the"]]


def test_characters_of_a_classifier_start_from_theirs(tmp_path: Path, planned: dict[str, Any]) -> None:
    given = write_vectors(tmp_path / "v", ["\u597d", "\u4e0d\u597d", "\u7535"])
    texts = ["\u8fd9\u90e8\u7535\u5f71\u5f88\u597d", "\u7535\u5f71\u4e0d\u597d\u770b"] * 10
    with pytest.raises(Planned):
        Classifier(**SMALL, vectors=tmp_path / "v", naive_bayes="off", validation=0).fit(
            texts, ["up", "down"] * 10, **FEW
        )
    plan = planned["plan"]
    signs = plan.readers[0].columns.vocabularies[0]
    table = plan.parameters["0.0.columns.token"]
    rows = table[[1 + signs.index("\u597d"), 1 + signs.index("\u7535")]]
    vectors = np.stack([given["\u597d"], given["\u7535"]])
    np.testing.assert_allclose(rows / size_of(rows), vectors / size_of(vectors), rtol=1e-5)
    assert f"has 2 of {len(signs)} characters of the vocabulary" in " ".join(plan.data.notes)


def test_words_of_a_tagger_start_from_theirs(tmp_path: Path, planned: dict[str, Any]) -> None:
    given = write_vectors(tmp_path / "v", ["paris", "leave"])
    options = {**TAGGER, "embedding": None}
    with pytest.raises(Planned):
        Tagger(**options, vectors=tmp_path / "v").fit(flights(40), **FEW)
    plan = planned["plan"]
    words, table = plan.readers[0].columns.vocabularies[0], plan.parameters["0.0.columns.word"]
    rows = table[[1 + words.index("paris"), 1 + words.index("leave")]]
    vectors = np.stack([given["paris"], given["leave"]])
    np.testing.assert_allclose(rows / size_of(rows), vectors / size_of(vectors), rtol=1e-5)
    assert plan.data.vectors.vocabulary == 2 / len(words)
    assert any(note.startswith("vectors: ") for note in plan.data.notes)
    with pytest.raises(UserError, match="what is read first of each token is neither; leave --vectors out"):
        Tagger(**options, vectors=tmp_path / "v", columns=("shape", "word")).fit(flights(40), **FEW)


def test_what_vectors_cannot_be(tmp_path: Path) -> None:
    write_vectors(tmp_path / "v", ["\u597d", "unheard"])
    good = {**SMALL, "vectors": tmp_path / "v"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({**good, "embedding": 8}, "its vectors have 6 values, the embedding is to have 8; leave --embedding out"),
        ({**good, "start": tmp_path / "m"}, "expected a model to start from or vectors, got both"),
        ({**good, "units": "subwords"}, "vectors are of words or characters"),
        (good, "none of its 2 words stands in the texts"),
        ({**SMALL, "vectors": tmp_path / "gone"}, "no such file"),
    ]
    (tmp_path / "zero").write_text("the 0 0\nfilm 0 0\n")
    cases.append(({**SMALL, "vectors": tmp_path / "zero", "pmi_embeddings": False}, "of all words .* are 0"))
    for options, said in cases:
        with pytest.raises(UserError, match=said) as error:
            Classifier(**options).fit(*ordered(40), **FEW)
        assert "\n" not in str(error.value)


def test_a_size_that_does_not_fit_is_refused_before_the_texts_are_read(tmp_path: Path, call: Any) -> None:
    write_vectors(tmp_path / "v", ["the"])
    found = call(
        *("train", "classify", tmp_path / "gone.csv", "--out", tmp_path / "m"),
        *("--vectors", tmp_path / "v", "--embedding", 5),
    )
    assert found.status == 2
    assert "its vectors have 6 values" in found.err


def test_a_run_goes_on_without_the_file(
    alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_vectors(tmp_path / "v", ["the", "loved"])
    data = easy()
    options = {**SMALL, "ensemble_size": 1}
    whole = Classifier(**options, vectors=tmp_path / "v").fit(*data, **FEW)
    with monkeypatch.context() as patch:
        interrupt_at(2, patch)
        Classifier(**options, vectors=tmp_path / "v").fit(*data, out=tmp_path / "m", **FEW)
    assert "data: vectors: " in capfd.readouterr().err
    (tmp_path / "v").unlink()
    model = Classifier().fit(*data, out=tmp_path / "m", resume=True, vectors=tmp_path / "v")
    np.testing.assert_array_equal(model.predict_proba(data[0]), whole.predict_proba(data[0]))
    kept = record(tmp_path / "m")["data"]["vectors"]
    assert kept["file"] == str(tmp_path / "v")
    assert any(note.startswith("vectors: ") for note in model.notes())
    with pytest.raises(UserError, match="keeps its vectors"):
        Classifier().fit(*data, out=tmp_path / "m", resume=True, vectors=tmp_path / "other")


def test_the_second_of_two_trainings_starts_from_the_same_vectors(alone: None, tmp_path: Path, call: Any) -> None:
    write_vectors(tmp_path / "v", ["the", "film"])
    table = write_table(tmp_path / "t.csv", easy(80))
    found = call(
        *("train", "classify", table, "--out", tmp_path / "m", "--vectors", tmp_path / "v", "--refit", "--steps", 2),
        *("--hidden", 8, "--ensemble-size", 1, "--threads", 1, "--holdout", 0, "--json"),
    )
    assert found.status == 0
    assert any(note.startswith("vectors: ") for note in json.loads(found.out)["notes"])
    first, second = record(tmp_path / "m" / "choice"), record(tmp_path / "m")
    assert first["data"]["vectors"]["sha256"] == second["data"]["vectors"]["sha256"]
    assert second["options"]["embedding"] == 6


def test_vectors_that_change_between_two_trainings_are_refused(
    alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_vectors(tmp_path / "v", ["the", "film"])
    own = Classifier._finish

    def changed(self: Any, *arguments: Any) -> Any:
        write_vectors(tmp_path / "v", ["the", "film", "town"])
        return own(self, *arguments)

    monkeypatch.setattr(Classifier, "_finish", changed)
    with pytest.raises(UserError, match="has changed since the first of two trainings"):
        Classifier(**{**TINY, "embedding": None}, vectors=tmp_path / "v", refit=True).fit(*easy(80), **FEW)
