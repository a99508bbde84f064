"""Linear models of texts, against scikit-learn and against what the paper says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from throughtime.errors import UserError, needed
from throughtime.linear import fit as linear_fit
from throughtime.linear.calibration import temperature
from throughtime.linear.fit import Form, fit_linear_models, majority, naive_bayes, tf_idf
from throughtime.linear.folder import linear_files, linear_models, read_linear
from throughtime.linear.ngrams import Ngrams
from throughtime.storage.folder import write_files

text_features = pytest.importorskip("sklearn.feature_extraction.text")
linear_model = pytest.importorskip("sklearn.linear_model")


def corpus(count: int = 300, classes: int = 2, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts of words that every class has, some more often than the others."""
    rng = np.random.default_rng(seed)
    words = np.array([f"w{chr(97 + i // 10)}{chr(97 + i % 10)}" for i in range(60)])
    labels = rng.integers(0, classes, count)
    texts = []
    for label in labels:
        weight = np.ones(60)
        weight[label * 8 : label * 8 + 8] = 3
        texts.append(" ".join(rng.choice(words, rng.integers(3, 15), p=weight / weight.sum())))
    return texts, [f"class {c}" for c in labels]


def words_of(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("unit", ["words", "characters"])
def test_tf_idf_is_scikit_learns(classes: int, unit: str) -> None:
    texts, labels = corpus(classes=classes)
    held, _ = corpus(50, classes, 1)
    if unit == "words":
        vectorizer = text_features.TfidfVectorizer(
            analyzer="word", tokenizer=words_of, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True
        )
        ngrams, spaced = Ngrams((1, 2), None), (texts, held)
    else:
        vectorizer = text_features.TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True, min_df=2)
        ngrams = Ngrams(None, (1, 4))
        spaced = ([f" {t} " for t in texts], [f" {t} " for t in held])
    x = vectorizer.fit_transform(spaced[0])
    made = linear_model.LogisticRegression(C=3.0, tol=1e-8, max_iter=2000).fit(x, labels)
    found = tf_idf(texts, labels, ngrams.fit(texts), costs=(3.0,), tolerance=1e-8)
    expected = made.predict_proba(vectorizer.transform(spaced[1]))
    assert expected.std(0).min() > 0.02
    np.testing.assert_allclose(np.exp(found.log_probabilities(held)), expected, atol=1e-4)


def test_naive_bayes_by_hand() -> None:
    """The paper's r from counts, the regression on r f / |f| by scikit-learn, for a dense matrix."""
    texts, labels = corpus()
    truth = np.array([label == "class 1" for label in labels])
    weights = np.random.default_rng(0).integers(1, 4, len(texts)).astype(float)
    known = sorted({w for t in texts for w in t.split()})
    f = np.array([[w in t.split() for w in known] for t in texts], float)
    p = 0.5 + (weights * truth) @ f
    q = 0.5 + (weights * ~truth) @ f
    r = np.log((p / p.sum()) / (q / q.sum()))
    for normalize in (True, False):
        x = (f / np.linalg.norm(f, axis=1, keepdims=True) if normalize else f) * r
        made = linear_model.LogisticRegression(C=2.0, solver="liblinear", tol=1e-8).fit(x, truth, weights)
        ngrams = Ngrams((1, 1), None).fit(texts)
        given: Any = {"costs": (2.0,), "weights": weights, "tolerance": 1e-8}
        found = naive_bayes(texts, labels, ngrams, form=Form(normalize=normalize, alpha=0.5), **given)
        np.testing.assert_allclose(np.exp(found.log_probabilities(texts)), made.predict_proba(x), atol=1e-4)
        form = Form(normalize=normalize, alpha=0.5, beta=0.25)
        half = naive_bayes(texts, labels, ngrams, form=form, **given)
        w = made.coef_[0]
        expected = x @ (0.75 * np.abs(w).mean() + 0.25 * w) + made.intercept_
        np.testing.assert_allclose(np.diff(half.logits(texts))[:, 0], expected, atol=1e-3)


@pytest.mark.parametrize("solver", ["logistic", "svm"])
@pytest.mark.parametrize("classes", [2, 4])
def test_naive_bayes_learns_and_is_calibrated(solver: str, classes: int) -> None:
    texts, labels = corpus(800, classes)
    held, truth = corpus(400, classes, 1)
    names = sorted(set(labels))
    found = naive_bayes(texts, labels, classes=names, held=(held, truth), form=Form(solver))
    numbers = np.array([names.index(label) for label in truth])
    log = found.log_probabilities(held)
    assert (log.argmax(1) == numbers).mean() > {2: 0.72, 4: 0.6}[classes]
    if classes > 2 or solver == "svm":
        assert temperature(log, numbers) == pytest.approx(1, abs=0.05)
    assert -log[np.arange(len(log)), numbers].mean() < 0.8 * np.log(classes)


def test_weights_are_copies() -> None:
    texts, labels = corpus(120)
    weights = np.random.default_rng(0).integers(1, 3, 120)
    twice = [t for t, n in zip(texts, weights, strict=True) for _ in range(n)]
    own = [t for t, n in zip(labels, weights, strict=True) for _ in range(n)]
    ngrams = Ngrams((1, 1), None).fit(texts)
    for fit in (naive_bayes,):
        one = fit(texts, labels, ngrams, weights=weights.astype(float), tolerance=1e-8)
        other = fit(twice, own, ngrams, tolerance=1e-8)
        np.testing.assert_allclose(one.logits(texts), other.logits(texts), atol=1e-3)


def test_the_order_of_texts_does_not_matter() -> None:
    texts, labels = corpus(150, 3)
    order = np.random.default_rng(0).permutation(150)
    mixed = [texts[i] for i in order], [labels[i] for i in order]
    for fit in (tf_idf, naive_bayes):
        one, other = fit(texts, labels, tolerance=1e-8), fit(*mixed, tolerance=1e-8)
        np.testing.assert_allclose(one.logits(texts), other.logits(texts), atol=1e-3)
        again = fit(texts, labels, tolerance=1e-8)
        np.testing.assert_array_equal(one.weights, again.weights)


def test_the_cost_is_chosen_on_the_held_part() -> None:
    texts, labels = corpus(200)
    held, costs = corpus(200, seed=1), (1e-3, 1e4)  # too little and too sure: the first has the lower loss
    truth = np.array([label == "class 1" for label in held[1]]).astype(int)
    log = [tf_idf(texts, labels, costs=(cost,)).log_probabilities(held[0]) for cost in costs]
    losses = [-one[np.arange(200), truth].sum() for one in log]
    wrong = [(one.argmax(1) != truth).sum() for one in log]
    assert losses[0] < losses[1]
    assert wrong[0] > wrong[1]
    for choose, best in (("loss", 0), ("accuracy", 1)):
        found = tf_idf(texts, labels, held=held, choose=choose, costs=costs)
        np.testing.assert_array_equal(found.log_probabilities(held[0]), log[best])
    unseen = (held[0], ["other"] * 200)
    assert np.isfinite(tf_idf(texts, labels, held=unseen).log_probabilities(["wa"])).all()


def test_classes_without_texts_and_a_single_class() -> None:
    texts, labels = corpus(100)
    names = ["absent", "class 0", "class 1", "never"]
    for fit in (tf_idf, naive_bayes):
        log = fit(texts, labels, classes=names).log_probabilities(texts)
        assert log.shape == (100, 4)
        assert log[:, [0, 3]].max() < -15
        assert set(log.argmax(1)) == {1, 2}
        single = fit(texts, ["class 0"] * 100, classes=names)
        assert set(single.log_probabilities([*texts, ""]).argmax(1)) == {1}
        assert fit(["", "", ""], ["x", "y", "x"]).log_probabilities([""]).shape == (1, 2)


def test_the_majority() -> None:
    found = majority(["b", "a", "b"], ["a", "b", "c"])
    np.testing.assert_allclose(np.exp(found.log_probabilities(["x", ""])), [[2 / 6, 3 / 6, 1 / 6]] * 2, rtol=1e-6)


def test_all_are_fitted_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = corpus(400, 3)
    held, truth = corpus(150, 3, 1)
    said: list[str] = []
    names = sorted(set(labels))
    found = fit_linear_models(texts, labels, (held, truth), names, said.append)
    assert list(found) == [
        "majority class",
        "TF-IDF words, logistic regression",
        "naive Bayes words (NB-SVM)",
        "TF-IDF characters, logistic regression",
        "naive Bayes characters (NB-SVM)",
    ]
    assert len(said) == 4
    fits = [tf_idf(texts, labels, costs=(cost,)).logits(held).argmax(1) for cost in linear_fit.COSTS["tf-idf"]]
    most = max(sum(names[i] == t for i, t in zip(one, truth, strict=True)) for one in fits)
    assert said[0] == f"TF-IDF words, logistic regression: accuracy {most / 150:.1%} on the validation part"
    files = linear_files(found)
    assert sum(key.endswith(".hashes") for key in files["linear.safetensors"]) == 3
    write_files(tmp_path, files)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    again = read_linear(tmp_path)
    assert list(again) == list(found)
    test, _ = corpus(300, 3, 2)
    for name, model in found.items():
        np.testing.assert_array_equal(again[name].log_probabilities(test), model.log_probabilities(test))
    assert again["TF-IDF words, logistic regression"].ngrams is again["naive Bayes words (NB-SVM)"].ngrams


def test_what_was_chosen_before_is_taken_again() -> None:
    texts, labels = corpus(200, 3)
    first = fit_linear_models(texts, labels, corpus(100, 3, 1))
    choices = {name: model.choice for name, model in first.items()}
    again = fit_linear_models(texts, labels, None, choices=choices)
    for name, model in first.items():
        np.testing.assert_array_equal(again[name].logits(texts), model.logits(texts))
    other = fit_linear_models(texts, labels, None)
    assert any(not np.array_equal(other[name].logits(texts), model.logits(texts)) for name, model in first.items())


def test_no_fit_is_begun_when_the_time_is_over() -> None:
    texts, labels = corpus(200, 3)
    held, names, said = corpus(100, 3, 1), sorted(set(labels)), list[str]()
    found = fit_linear_models(texts, labels, held, names, said.append, seconds=0.0)
    first = "TF-IDF words, logistic regression"
    assert list(found) == ["majority class", first]
    assert found[first].choice == {"C": linear_fit.COSTS["tf-idf"][0]}
    assert [line.split(": ")[0] for line in said if "left out" in line] == [
        "naive Bayes words (NB-SVM)",
        "TF-IDF characters, logistic regression",
        "naive Bayes characters (NB-SVM)",
    ]
    long, free = (fit_linear_models(texts, labels, held, names, seconds=one) for one in (1e6, None))
    assert {name: one.choice for name, one in long.items()} == {name: one.choice for name, one in free.items()}
    # with nothing to choose on there is one fit each, of those that were there when it was chosen
    assert list(fit_linear_models(texts, labels, None, names, seconds=0.0)) == list(free)
    choices = {name: one.choice for name, one in found.items() if one.choice}
    assert list(fit_linear_models(texts, labels, None, names, choices=choices)) == list(found)


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_fit, "find_spec", lambda name: None)
    said: list[str] = []
    assert list(fit_linear_models(["a"], ["x"], ([], []), say=said.append)) == ["majority class"]
    assert needed("labels") in said[0]
    for fit in (tf_idf, naive_bayes):
        with pytest.raises(UserError, match=re.escape(needed("labels"))):
            fit(["a"], ["x"])


def test_what_does_not_fit_is_told() -> None:
    texts, labels = corpus(20)
    data: Any = linear_files({"a": majority(labels)})["linear.json"]
    for call, message in (
        (lambda: tf_idf([], []), "a label"),
        (lambda: tf_idf(texts, labels[:-1]), "got 19 to 20"),
        (lambda: tf_idf(texts, labels, classes=["class 0"]), "label 'class 1' is not among the classes"),
        (lambda: tf_idf(texts, labels, held=(texts, labels), choose="f1"), "choose from loss, accuracy"),
        (lambda: Form("tree"), "choose from logistic, svm"),
        (lambda: Form(alpha=0), "alpha above 0"),
        (lambda: Form(beta=1.5), "beta from 0 to 1"),
        (lambda: linear_models({"baselines": [{}]}, {}), "expected a list of objects with a name"),
        (lambda: linear_models(data, {}), "got nothing"),
    ):
        with pytest.raises(UserError, match=message):
            call()


def test_of_very_many_texts_a_sample_is_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_fit, "MOST_CHARACTERS", 300)
    texts, labels = [f"good {i:05}" for i in range(30)] + [f"bad {i:05} " for i in range(30)], ["a"] * 30 + ["b"] * 30
    said: list[str] = []
    found = fit_linear_models(texts, labels, (texts[::7], labels[::7]), say=said.append)
    assert "30 of 60 texts, drawn at random" in said[0]
    assert found["TF-IDF words, logistic regression"].log_probabilities(["good"]).argmax() == 0
