# mypy: disable-error-code="override, misc, no-untyped-call, arg-type"
"""scikit-learn's own list of checks, over classes that read texts and series."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from throughtime import Chat, Classifier, Forecaster, LanguageModel, Summarizer, Tagger, Translator
from throughtime.errors import UserError

pytest.importorskip("sklearn")

SIZE: dict[str, Any] = {"hidden": 4, "embedding": 4, "steps": 2, "threads": 1}
ALONE: dict[str, Any] = {"ensemble_size": 1, "refit": False, "validation": 0}


def words(rows: Any) -> list[str]:
    """A text of each row of numbers, a word a number: the checks are written for rows."""
    values = np.asarray(rows)
    return [" ".join(f"{name}{value:.1f}" for name, value in zip("abcdefghijklmnop", row, strict=False))
            for row in values.reshape(len(values), -1).tolist()]  # fmt: skip


def lines(rows: Any) -> str:
    """One text of all rows."""
    return "\n".join(words(rows)) + "\n"


class Rows:
    """What reads texts, over rows of numbers that are written as words."""

    def fit(self, X: Any, y: Any = None) -> Any:
        given = (words(X),) if y is None else (words(X), y)
        return super().fit(*given, quiet=True)  # type: ignore[misc]

    def score(self, X: Any, y: Any = None) -> Any:
        return super().score(words(X), y)  # type: ignore[misc]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
        return tags


class RowClassifier(Rows, Classifier):
    def predict(self, X: Any) -> Any:
        return np.array(super().predict(words(X)))

    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(words(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # of so short a training
        return tags


class RowTagger(Rows, Tagger):
    """A row is a sentence, all of whose words are tagged with its label; the answer is the last word's tag."""

    def fit(self, X: Any, y: Any = None) -> Any:
        tokens = [row.split() for row in words(X)]
        tags = None if y is None else [[str(tag)] * len(row) for row, tag in zip(tokens, np.asarray(y), strict=True)]
        return Tagger.fit(self, tokens, tags, quiet=True)

    def predict(self, X: Any) -> Any:
        tags, _ = Tagger.predict(self, [row.split() for row in words(X)])
        return np.array([float(row[-1]) for row in tags])

    def score(self, X: Any, y: Any = None) -> Any:
        tokens = [row.split() for row in words(X)]
        return Tagger.score(self, tokens, [[str(tag)] * len(row) for row, tag in zip(tokens, y, strict=True)])


class RowWriter(LanguageModel):
    """The rows are lines of one text."""

    def fit(self, X: Any, y: Any = None) -> Any:
        return super().fit(lines(X), quiet=True)

    def score(self, X: Any, y: Any = None) -> Any:
        return super().score(lines(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
        return tags


class RowTranslator(Rows, Translator):
    """The answer is a number that the text written has: the checks compare numbers."""

    def predict(self, X: Any) -> Any:
        return np.array([float(sum(map(ord, text))) for text in super().predict(words(X))])

    def fit(self, X: Any, y: Any = None) -> Any:
        return super().fit(X, None if y is None else [str(one) for one in np.asarray(y)])

    def score(self, X: Any, y: Any = None) -> Any:
        return super().score(X, [str(one) for one in y])


class RowForecaster(Forecaster):
    """The rows are steps, the columns series, as a Forecaster takes an array."""

    def fit(self, X: Any, y: Any = None) -> Any:
        return super().fit(X, quiet=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = False
        return tags


MADE = {
    "classify": lambda: RowClassifier(**SIZE, **ALONE, linear_models=False),
    "tag": lambda: RowTagger(**SIZE, ensemble_size=1, linear_models=False),
    "text": lambda: RowWriter(**SIZE, ngram=False, validation=0, holdout=0),
    "translate": lambda: RowTranslator(**SIZE, validation=0),
    "forecast": lambda: RowForecaster(2, 1, **SIZE, lookback=3, holdout=0.2),
}


INPUT = "its input are texts or series, of any length: rows have no fixed number of features"
NUMBERS = "rows of numbers are words here, as the test writes them: none is wrong"
SPARSE = "sparse rows are no texts or series; they are refused, as anything else that is neither, without that word"
NAMES = "the options are one value, and what it learned has plain names: model, record, outcome, examples, folder"

EVERYWHERE = {
    "check_no_attributes_set_in_init": NAMES,
    "check_dont_overwrite_parameters": NAMES,
    "check_do_not_raise_errors_in_init_or_set_params": "a wrong option is refused where it is given, not after reading",
    "check_n_features_in": INPUT,
    "check_n_features_in_after_fitting": INPUT,
    "check_fit1d": INPUT,
    "check_complex_data": NUMBERS,
    "check_estimators_empty_data_messages": "nothing to learn is refused; in other words than the check's",
    "check_estimator_sparse_tag": SPARSE,
    "check_estimator_sparse_array": SPARSE,
    "check_estimator_sparse_matrix": SPARSE,
}
TEXTS = {"check_estimators_nan_inf": NUMBERS}
ANSWERS = {
    "check_fit2d_predict1d": INPUT,
    "check_fit2d_1sample": "one example is refused; in other words than the check's",
}
TARGETS = {"check_requires_y_none": "texts without answers are refused; in other words than the check's"}
STATEFUL = "what comes next depends on the values before it: steps are neither shuffled nor cut out"

EXCEPTIONS: dict[str, dict[str, str]] = {
    "classify": EVERYWHERE | TEXTS | ANSWERS | TARGETS | {
        "check_classifiers_one_label": "one class is nothing to tell apart, and refused",
        "check_classifiers_train": INPUT,
        "check_supervised_y_2d": "a column (N, 1) is refused: give (N,), or (N, C) of 0 and 1 for several labels",
    },
    "tag": EVERYWHERE | TEXTS | ANSWERS | TARGETS,
    "translate": EVERYWHERE | TEXTS | ANSWERS | TARGETS,
    "text": EVERYWHERE | TEXTS,
    "forecast": EVERYWHERE | ANSWERS | {
        "check_complex_data": "complex values are refused; in other words than the check's",
        "check_dtype_object": "what is no number is refused with a UserError, a ValueError, and no TypeError",
        "check_methods_sample_order_invariance": STATEFUL,
        "check_methods_subset_invariance": STATEFUL,
        "check_set_params": "one name is kept as a tuple of it, the same from code, shell and folder",
    },
}  # fmt: skip
"""Checks of scikit-learn that do not hold, and why."""


@pytest.mark.parametrize("task", EXCEPTIONS)
def test_the_checks_of_scikit_learn_hold_but_for_those_named(task: str) -> None:
    from sklearn.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(
            MADE[task](), expected_failed_checks=EXCEPTIONS[task], on_fail=None, on_skip=None
        )  # fmt: skip
    assert len(found) > 35
    failed = {one["check_name"] for one in found if one["status"] in ("failed", "xfail")}
    told = {one["check_name"]: str(one["exception"])[:300] for one in found if one["status"] == "failed"}
    assert not told, told
    assert failed == EXCEPTIONS[task].keys(), "named, and holds now"


def test_scikit_learn_is_imported_only_where_it_asks() -> None:
    code = "import sys, throughtime; throughtime.Classifier(), throughtime.Tagger(), throughtime.Forecaster(3)\n"
    subprocess.run([sys.executable, "-c", f"{code}assert 'sklearn' not in sys.modules"], check=True)


TEXT = ["a dog runs", "a cat sleeps", "the dog sleeps", "the cat runs", "a bird sings", "the bird runs"] * 5
LEARNED: dict[str, tuple[Any, tuple[Any, ...], Any]] = {
    "Classifier": (Classifier(**SIZE, linear_models=False), (TEXT, [len(one) for one in TEXT]), TEXT),
    "Tagger": (
        Tagger(**SIZE, ensemble_size=1),
        ([text.split() for text in TEXT], [["O", "B-animal", "O"] for _ in TEXT]),
        TEXT,
    ),
    "LanguageModel": (LanguageModel(**SIZE), ("\n".join(TEXT) + "\n",), None),
    "Forecaster": (Forecaster(2, 1, **SIZE, lookback=3, holdout=0.2), (np.arange(60.0).reshape(30, 2) % 7,), None),
    "Translator": (Translator(**SIZE), (TEXT, [text.upper() for text in TEXT]), TEXT[:3]),
    "Summarizer": (Summarizer(**SIZE), (TEXT, [text.split()[1] for text in TEXT]), TEXT[:3]),
    "Chat": (Chat(**SIZE), ([[one, other] for one, other in pairwise(TEXT)],), TEXT[:3]),
}


@pytest.mark.parametrize("name", LEARNED)
def test_clones_copies_and_pickles_fitted_or_not(name: str) -> None:
    from sklearn.base import clone
    from sklearn.exceptions import NotFittedError
    from sklearn.utils import get_tags
    from sklearn.utils.validation import check_is_fitted

    model, data, asked = LEARNED[name]
    model = clone(model)
    assert type(model).__name__ == name
    assert get_tags(model).estimator_type == ("classifier" if name == "Classifier" else None)
    assert get_tags(model).input_tags.two_d_array == (name == "Forecaster")
    for unfitted in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert unfitted.get_params() == model.get_params()
        for missing in (lambda one: one.fitted(), check_is_fitted):
            with pytest.raises(NotFittedError):
                missing(unfitted)
    with pytest.raises(UserError, match="call fit first"):
        model.fitted()

    model.fit(*data, quiet=True)
    check_is_fitted(model)
    if name == "LanguageModel":
        wanted: Any = "".join(model.write("a ", length=20, seed=1))
    else:
        wanted = model.predict() if asked is None else model.predict(asked)
    assert isinstance(model.score(*data), float)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        if name == "LanguageModel":
            assert "".join(other.write("a ", length=20, seed=1)) == wanted
        elif name == "Forecaster":
            np.testing.assert_array_equal(other.predict(), wanted)
        else:
            assert other.predict(asked) == wanted
    again = clone(model)
    assert again.model is None
    assert again.get_params() == model.get_params()
    assert again.set_params(hidden=7).get_params()["hidden"] == 7
    assert model.get_params()["hidden"] == 4


def test_cross_validation() -> None:
    from sklearn.model_selection import cross_val_score

    for name in ("Classifier", "Tagger", "Translator"):
        model, data, _ = LEARNED[name]
        found = cross_val_score(model, *data, cv=2)
        assert found.shape == (2,)
        assert ((found >= 0) & (found <= 1)).all(), name


def test_scores_are_what_they_say() -> None:
    model, (tokens, tags), _ = LEARNED["Tagger"]
    model.fit(tokens, tags, quiet=True)
    assert list(model.classes_) == ["O", "B-animal"]
    found, _ = model.predict(tokens)
    right = sum(own == ["O", "B-animal", "O"] for own in found)
    assert (model.score(tokens, tags) == 1) == (right == len(tokens))
    flat = [["DT", "NN", "VB"] for _ in tokens]
    plain = Tagger(**SIZE, ensemble_size=1).fit(tokens, flat, quiet=True)
    found, _ = plain.predict(tokens)
    share = np.mean([own == true for row in zip(found, flat, strict=True) for own, true in zip(*row, strict=True)])
    assert plain.score(tokens, flat) == pytest.approx(share)

    writer, (text,), _ = LEARNED["LanguageModel"]
    writer.fit(text, quiet=True)
    assert writer.score("a dog sleeps\na cat\n") == -writer.evaluate("a dog sleeps\na cat\n")["nats_per_character"]


@pytest.mark.parametrize("name", ["LanguageModel", "Forecaster"])
def test_answers_in_the_place_of_a_folder_are_refused(name: str) -> None:
    model, data, _ = LEARNED[name]
    with pytest.raises(UserError, match="out must name a folder, got ndarray; give what is learned before it"):
        model.fit(*data, np.zeros(3))


def test_rows_of_an_indicator_matrix_may_be_lists() -> None:
    rows = [[1, 0, 0], [0, 1, 1], [0, 0, 1]] * 10
    model = Classifier(**SIZE, **ALONE, linear_models=False)
    a = model.fit(TEXT, rows, quiet=True).predict(TEXT)
    b = model.fit(TEXT, np.array(rows), quiet=True).predict(TEXT)
    np.testing.assert_array_equal(a, b)
    assert np.shape(a) == (30, 3)
    sets = Classifier(**SIZE, **ALONE, linear_models=False).fit(TEXT, [[1], [0, 1], [0]] * 10, quiet=True)
    assert list(sets.classes_) == [0, 1]
