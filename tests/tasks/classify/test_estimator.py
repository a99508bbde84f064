"""Classifier: learns what only the order tells, is the same from its folder, goes on, refuses what it cannot learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.tasks.reading.runs import interrupt_at, same_runs
from tests.tasks.reading.texts import FEW, FILL, FIT, NONE, TINY, easy, ordered
from throughtime.data.labelled import read_texts
from throughtime.errors import UserError
from throughtime.linear.ensemble import RECURRENCE, log_softmax
from throughtime.tasks.classify.estimator import Classifier
from throughtime.tasks.classify.stream import TextClassifier

SURE: dict[str, Any] = {**TINY, **NONE, "word_dropout": 0.0}


@pytest.fixture(scope="module")
def fitted() -> Classifier:
    return Classifier(**SURE, naive_bayes="off").fit(*ordered(400), steps=100, **FIT)


def test_it_learns_what_a_bag_of_words_cannot(fitted: Classifier) -> None:
    found = fitted.evaluate(*ordered(200, 1))
    assert found["recurrence"]["accuracy"] > 0.95
    assert found["accuracy"] > 0.95
    assert max(one["accuracy"] for one in found["baselines"].values()) < 0.65
    assert found["verdict"]["skill"] is True
    assert found["recurrence"]["adds"]["skill"] is True
    assert "earns its place" in found["recurrence"]["adds"]["sentence"]
    assert found["shuffled"]["accuracy"] < 0.7
    assert "it lives by" in found["shuffled"]["sentence"]
    assert fitted.predict(["loved hated", "hated loved"]) == ["up", "down"]


def test_naive_bayes_features_do_not_hide_the_order() -> None:
    model = Classifier(**SURE, naive_bayes="on", linear_models=False).fit(*ordered(400), steps=100, **FIT)
    assert model.evaluate(*ordered(200, 1))["recurrence"]["accuracy"] > 0.95


def test_saved_and_loaded_it_is_the_same(fitted: Classifier, tmp_path: Path) -> None:
    texts, _ = ordered(60, 2)
    fitted.save(tmp_path)
    loaded = throughtime.load(tmp_path)
    shares = fitted.predict_proba(texts)
    np.testing.assert_array_equal(loaded.predict_probabilities(texts), shares)
    assert shares.shape == (60, 2)
    assert shares.sum(1) == pytest.approx(1)
    assert loaded.classes == fitted.classes == ["down", "up"]
    assert loaded.predict(texts) == fitted.predict(texts) == [fitted.classes[i] for i in shares.argmax(1)]
    assert loaded.weights == fitted.model.weights  # type: ignore[union-attr]
    assert loaded.linear.keys() == fitted.model.linear.keys()  # type: ignore[union-attr]
    assert loaded.threshold == fitted.model.threshold is not None  # type: ignore[union-attr]
    # the output layer's product is NumPy's, whose last bits may depend on how many rows there are
    np.testing.assert_allclose(loaded.log_probabilities([texts[3]])[0], loaded.log_probabilities(texts)[3], rtol=1e-5)


def test_answers_that_are_not_sure(fitted: Classifier) -> None:
    model = fitted.model
    assert model is not None
    texts, labels = ordered(300, 3)
    certain = model.predict_probabilities(texts).max(1) >= model.threshold
    said = fitted.predict(texts, sure=True)
    assert [one != "out of scope" for one in said] == certain.tolist()
    assert np.mean([a == b for a, b in zip(said, labels, strict=True) if a != "out of scope"]) > 0.9
    hopeless = TextClassifier(model.readers, model.classes)
    with pytest.raises(UserError, match="no threshold was found"):
        hopeless.predict(["a"], sure=True)


@pytest.mark.parametrize(
    ("units", "naive_bayes", "kinds", "featured"),
    [
        ("words", "on", ["words"], [True]),
        ("characters", "off", ["characters"], [False]),
        (["words", "characters"], "both", ["words", "words", "characters", "characters"], [True, False, True, False]),
        (["subwords", "words"], "both", ["subwords", "words", "words"], [False, True, False]),
    ],
)
def test_units_and_naive_bayes_features(
    alone: None, tmp_path: Path, units: Any, naive_bayes: str, kinds: list[str], featured: list[bool]
) -> None:
    model = Classifier(**TINY, units=units, naive_bayes=naive_bayes).fit(*easy(), tmp_path, **FEW)
    assert model.model is not None
    readers = model.model.readers.readers
    assert [one.splitter.kind for one in readers] == kinds
    assert [one.features is not None for one in readers] == featured
    assert [one.config.reader.values > 0 for one in readers] == featured
    texts = [*easy(20, 1)[0], "", "isx"]
    np.testing.assert_array_equal(throughtime.load(tmp_path).predict_probabilities(texts), model.predict_proba(texts))


def test_chinese_is_read_in_characters(alone: None) -> None:
    texts, labels = ["味道很好，下次再来" + "。" * i for i in range(5)], ["好"] * 5
    texts, labels = texts + ["太难吃了，不会再来" + "。" * i for i in range(5)], labels + ["差"] * 5
    model = Classifier(**TINY).fit(texts, labels, **FEW)
    assert model.model is not None
    assert [one.splitter.kind for one in model.model.readers.readers] == ["characters"]


def test_sentences_of_long_texts(alone: None, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texts, labels = [], []
    for i in range(80):
        parts = [" ".join(rng.choice(FILL, 8)) for _ in range(6)]
        parts[rng.integers(6)] += f" is{'xy'[i % 2]}"
        texts.append(". ".join(parts) + ".")
        labels.append("xy"[i % 2])
    model = Classifier(**SURE, sentences=True, naive_bayes="off").fit(texts, labels, tmp_path, steps=60, **FIT)
    assert model.model is not None
    (reader,) = model.model.readers.readers
    assert len(reader.config.above) == 1
    assert reader.examples(texts[:1]).inputs(np.array([0]))[1].counts.tolist() == [6]  # type: ignore[union-attr]
    loaded = throughtime.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_probabilities(texts), model.predict_proba(texts))
    assert np.mean([a == b for a, b in zip(model.predict(texts), labels, strict=True)]) > 0.9
    with pytest.raises(UserError, match="without --sentences"):
        loaded.stream()


def test_members_decide_by_their_mean(alone: None) -> None:
    model = Classifier(**{**TINY, "ensemble_size": 3}, naive_bayes="off").fit(*easy(), **FEW).model
    assert model is not None
    texts = easy(10, 1)[0]
    reader, apart = model.readers.readers[0], []
    tokens, _ = reader.examples(texts).inputs(np.arange(10))
    for m in range(3):
        logits = model.readers.arithmetic.forward(model.readers.ops, reader.config, model.readers.own(0, m), tokens)
        apart.append(log_softmax(logits.astype(np.float64)))
    assert np.abs(apart[0] - apart[1]).max() > 1e-3
    np.testing.assert_allclose(model.recurrence(texts), log_softmax(np.mean(apart, 0)), atol=1e-5)


@pytest.mark.parametrize(("units", "naive_bayes"), [("words", "on"), ("words", "off"), ("characters", "both")])
def test_a_text_can_be_followed(alone: None, units: str, naive_bayes: str) -> None:
    kinds = ("max", "mean", "attention", "last")
    model = Classifier(
        **{**TINY, "ensemble_size": 2},
        units=units,
        bidirectional=False,
        pooling=kinds,
        layers=2,
        naive_bayes=naive_bayes,
    )
    model.fit(*easy(), **FEW)
    assert model.model is not None
    text = "we saw the film, isx maybe"
    stream = model.model.stream()
    for i, sign in enumerate(text):
        shares = stream.feed(sign)
        if units == "characters" or sign == " ":  # a word that has not ended waits
            np.testing.assert_allclose(shares, model.predict_proba([text[: i + 1]])[0], atol=1e-5)
    np.testing.assert_allclose(stream.close(), model.predict_proba([text])[0], atol=1e-5)


def test_both_directions_cannot_be_followed(fitted: Classifier) -> None:
    with pytest.raises(UserError, match="--no-bidirectional"):
        fitted.model.stream()  # type: ignore[union-attr]


def test_the_seed_decides_everything_random(alone: None) -> None:
    texts, shares = easy(20, 1)[0], []
    for seed in (0, 0, 1):
        model = Classifier(**{**TINY, "ensemble_size": 2}, seed=seed, naive_bayes="both").fit(
            *easy(), **{**FEW, "average": 0.9}
        )
        shares.append(model.predict_proba(texts))
    np.testing.assert_array_equal(shares[0], shares[1])
    assert np.abs(shares[0] - shares[2]).max() > 1e-3


def test_a_run_that_goes_on_equals_one_that_was_not_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {**TINY, "ensemble_size": 2, "units": ["words", "characters"], "naive_bayes": "both", "rare_dropout": 0.5}
    options |= {"balanced": True, "cell": "gru", "pooling": ("max", "last"), "chrono": 20.0, "sure": 0.8}
    fit: dict[str, Any] = {"steps": 16, "batch": 24, "average": 0.9, "log_every": 3, "validations": 5}
    data = easy(90)
    whole = Classifier(**options, seed=3).fit(*data, tmp_path / "whole", **fit)
    parts = Classifier(**options, seed=3)
    with monkeypatch.context() as patch:
        interrupt_at(6 * 8 + 3, patch)  # of eight members the third takes its seventh step
        parts.fit(*data, tmp_path / "parts", **fit)
    assert parts.outcome is not None
    assert parts.outcome.ended == "interrupted"
    assert parts.outcome.steps == 7
    loaded = throughtime.load(tmp_path / "parts")  # what there is, labels
    assert set(loaded.predict(["we saw isx", ""])) <= set("xyz")
    assert loaded.linear == {}
    assert loaded.weights == {RECURRENCE: 1.0}
    with pytest.raises(UserError, match="learns something else"):
        Classifier().fit(*easy(91), tmp_path / "parts", resume=True)
    parts = Classifier().fit(*data, tmp_path / "parts", resume=True)
    same_runs(tmp_path / "whole", tmp_path / "parts")
    texts = easy(20, 1)[0]
    np.testing.assert_array_equal(whole.predict_proba(texts), parts.predict_proba(texts))
    np.testing.assert_array_equal(
        throughtime.load(tmp_path / "parts").predict_probabilities(texts), parts.predict_proba(texts)
    )


def test_an_interrupted_run_in_place_of_another_model_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Classifier(**TINY).fit(*easy(kinds="xy"), tmp_path, **FEW)
    with monkeypatch.context() as patch:
        interrupt_at(2, patch)
        Classifier(**TINY).fit(*easy(kinds="abc"), tmp_path, force=True, **{**FEW, "steps": 50})
    loaded = throughtime.load(tmp_path)
    assert set(loaded.predict(["we saw isa", ""])) <= set("abc")
    assert loaded.linear == {}
    assert not (tmp_path / "seen.safetensors").exists()


def test_without_scikit_learn(alone: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = Classifier(**TINY).fit(*easy(), tmp_path, **FEW)
    assert "linear models: left out, scikit-learn is not installed" in capfd.readouterr().err
    assert model.model is not None
    assert list(model.model.linear) == ["majority class"]
    assert list(model.model.weights) == [RECURRENCE]
    found = model.evaluate(*easy(30, 1))
    assert list(found["baselines"]) == ["majority class"]
    assert "linear_accuracy" not in found["recurrence"]
    assert throughtime.load(tmp_path).predict(["isx"]) == model.predict(["isx"])


def test_without_linear_models_the_recurrence_answers_alone() -> None:
    model = Classifier(**TINY, linear_models=False).fit(*easy(), **FEW).model
    assert model is not None
    assert {name for name, weight in model.weights.items() if weight} == {RECURRENCE}
    assert len(model.linear) == 5


def test_a_label_that_only_the_validation_part_has(alone: None) -> None:
    held = (["what is new", "isx it was", "isy it was"], ["new", "x", "y"])
    model = Classifier(**TINY).fit(*easy(kinds="xy"), validation=held, **FEW)
    assert model.classes == ["new", "x", "y"]
    assert model.record is not None
    assert model.record.data.classes == {"new": 0, "x": 30, "y": 30}
    assert np.isfinite(model.predict_proba(["what is new"])).all()


def test_a_label_that_only_the_test_has_is_an_error(fitted: Classifier) -> None:
    texts, labels = ordered(20, 4)
    known = fitted.evaluate(texts, labels)
    found = fitted.evaluate([*texts, "so so"], [*labels, "sideways"])
    assert found["accuracy"] == pytest.approx(known["accuracy"] * 20 / 21)
    assert np.sum(found["confusion"]) == 20


@pytest.mark.parametrize(
    ("texts", "labels", "says"),
    [
        (["a b", "c d", "e f"], ["x", "x", "x"], "every text has the label 'x'; there is nothing to tell apart"),
        (["a b"], ["x"], "every text has the label 'x'"),
        ([], [], "there are no texts"),
        (["", " "], ["x", "y"], "there are no texts"),
        (["a", "b"], ["x"], "2 texts and 1 labels"),
        (["a", 3, "b"], ["x", "y", None], "row 2: the label is missing"),
        (["a", ["b"]], ["x", "y"], "row 1: expected a text, got list"),
    ],
)
def test_texts_that_cannot_be(texts: list[Any], labels: list[Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Classifier(**TINY).fit(texts, labels, **FEW)


def test_two_texts_leave_one_class_to_learn_from() -> None:
    with pytest.raises(UserError, match="there is one class to learn from") as caught:
        Classifier(**TINY).fit(["a b", "c d"], ["x", "y"], **FEW)
    learned, _ = read_texts((["a b", "c d"], ["x", "y"])).split(0.1, 0)
    assert repr(learned.labels[0]) in str(caught.value)


def test_three_texts_are_enough(alone: None) -> None:
    model = Classifier(**TINY).fit(["a b", "c d", "a d"], ["x", "y", "x"], **FEW)
    assert model.predict_proba(["a", "b", "c", ""]).shape == (4, 2)


def test_empty_texts(fitted: Classifier, alone: None) -> None:
    texts, labels = easy()
    model = Classifier(**TINY).fit([*texts, "", "\n"], [*labels, "x", "y"], **FEW)
    assert model.record is not None
    assert model.record.data.texts == 60
    assert "2 texts without a word" in " ".join(model.notes())
    shares = fitted.predict_proba(["", "  \n", "loved hated", ""])
    np.testing.assert_array_equal(shares[0], shares[1])
    np.testing.assert_allclose(shares[0], fitted.predict_proba([""])[0], atol=1e-6)
    assert fitted.predict([]) == []
    assert fitted.predict_proba([]).shape == (0, 2)
    with pytest.raises(UserError, match="expected several texts, got one"):
        fitted.predict("loved")


def test_texts_of_ten_thousand_tokens(alone: None) -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(FILL, 10_000)) + f" is{'xy'[i % 2]}" for i in range(4)]
    model = Classifier(**TINY).fit([*texts, *easy(kinds="xy")[0]], ["x", "y"] * 32, **{**FEW, "steps": 2})
    assert np.isfinite(model.predict_proba(texts)).all()


@pytest.mark.parametrize(
    "labels", [[0, 1, 2] * 20, [0.0, 1.0, 2.0] * 20, np.arange(60) % 3, ["0", "1.0", "2"] * 20], ids=str
)
def test_labels_that_are_numbers(alone: None, labels: Any) -> None:
    model = Classifier(**TINY).fit(easy()[0], labels, **{**FEW, "steps": 1})
    named = isinstance(labels[0], str)  # texts stay as they are written
    assert model.classes == (["0", "1.0", "2"] if named else ["0", "1", "2"])
    found = model.predict(["isx", "isy", "isz"])
    assert set(found) <= set(labels)
    assert {type(one) for one in found} == {str if named else int}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hidden": 0}, "hidden must be an integer from 1"),
        ({"ensemble_size": 100}, "ensemble_size must be an integer from 1 to 99"),
        ({"layers": 21}, "layers must be an integer from 1 to 20"),
        ({"word_dropout": 1.0}, "word_dropout must be a share"),
        ({"label_smoothing": -0.1}, "label_smoothing must be a share"),
        ({"sure": 1}, "sure must be a share"),
        ({"units": "letters"}, "units must be some of words, characters, jieba, subwords"),
        ({"units": []}, "units must be some of"),
        ({"units": ["words", "words"]}, "each once"),
        ({"pooling": ["sum"]}, "pooling must be some of max, mean, attention, last"),
        ({"pooling": []}, "pooling must be some of"),
        ({"naive_bayes": "maybe"}, "naive_bayes must be one of on, off, both"),
        ({"inside_dropout": 0.1}, "unknown option 'inside_dropout'"),
        ({"embedding_dropout": 1.0}, "embedding_dropout must be a share"),
        ({"pooling": [["max"]]}, "pooling must be some of"),
        ({"test": 3}, "test must be the name of a file"),
        ({"holdout": True}, "holdout must be a share"),
        ({"seed": -1}, "seed must be"),
        ({"threads": 0}, "threads must be"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Classifier(**options)


@pytest.mark.parametrize(
    ("fit", "says"),
    [
        ({"steps": 1, "epochs": 1}, "give one budget"),
        ({"steps": 0}, "steps must be an integer from 1"),
        ({"cell": "elman"}, "'elman'"),
        ({"batch": 0}, "batch must be"),
        ({"validation": -0.1}, "validation must be a share from 0 to below 1, or a file"),
        ({"validation": 1.0}, "validation must be a share"),
        ({"validation": True}, "validation must be a share"),
        ({"pace": 3}, "pace"),
        ({"resume": True}, "the folder of the run"),
    ],
)
def test_fits_that_cannot_be(fit: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Classifier(**TINY).fit(*easy(), **fit)


def test_a_folder_is_not_replaced_unasked(alone: None, tmp_path: Path) -> None:
    Classifier(**TINY).fit(*easy(), tmp_path, **FEW)
    with pytest.raises(UserError, match="there is a model already"):
        Classifier(**TINY).fit(*easy(), tmp_path, **FEW)
    with pytest.raises(UserError, match="expected a fitted model; call fit first"):
        Classifier().predict(["a"])
    with pytest.raises(UserError, match="validation must be a share, a file or texts"):
        Classifier(**TINY, validation=None).fit(*easy(), **FEW)
