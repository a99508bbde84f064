"""A classifier that runs: its answers against plain sums, its folder, what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.tasks.reading.untrained import (
    CLASSES,
    TEXTS,
    counted,
    in_arrays,
    in_json,
    make,
    missing,
    parameters_of,
    reader_of,
    softmax,
    write,
)
from throughtime.data.columns import Columns
from throughtime.errors import UserError
from throughtime.linear import folder as linear_folder
from throughtime.linear.ensemble import OUT_OF_SCOPE, RECURRENCE
from throughtime.linear.folder import NAIVE_BAYES
from throughtime.models.ops_numpy import ReferenceOps
from throughtime.runtime.readers import Reader, Readers, reader_files
from throughtime.storage.folder import CONFIG, TOKENIZER, WEIGHTS
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify import stream as classify
from throughtime.tasks.classify.model import ClassifierEnsemble
from throughtime.tasks.classify.stream import SCHEMA, TextClassifier
from throughtime.tasks.reading.data import Decided


def slow(model: TextClassifier, text: str) -> np.ndarray:
    """The probabilities of the recurrent members: the geometric mean of theirs, each text and member alone."""
    logs = []
    for r, reader in enumerate(model.readers.readers):
        tokens, over = reader.examples([text]).inputs(np.array([0]))
        for m in range(model.readers.ensemble_size):
            own = model.readers.own(r, m)
            logits = classifier.forward(ReferenceOps(), reader.config, own, tokens, over)[0]
            logs.append(np.log(softmax(logits.astype(np.float64))))
    return softmax(np.mean(logs, axis=0))


MODELS: dict[str, tuple[tuple[dict[str, Any], ...], int]] = {
    "one": (({},), 1),
    "three members": (({"spelling": True},), 3),
    "two readers": (({"features": True}, {"units": "characters", "cell": ("lstm",), "bidirectional": False}), 2),
    "sentences": (({"over": True},), 1),
}


@pytest.mark.parametrize("name", MODELS)
def test_against_each_text_and_member_alone(name: str) -> None:
    options, members = MODELS[name]
    model = make(*options, members=members)
    found = model.predict_probabilities(TEXTS)
    assert found.dtype == np.float64
    assert found.shape == (6, 3)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-12)
    np.testing.assert_allclose(found, [slow(model, text) for text in TEXTS], rtol=0, atol=1e-5)
    assert np.ptp(found, 0).min() > 0.01  # it tells texts apart
    np.testing.assert_allclose(np.exp(model.log_probabilities(TEXTS)), found, rtol=1e-12)
    labels = list(model.label(TEXTS))
    assert [label for label, _ in labels] == [CLASSES[i] for i in found.argmax(1)] == model.predict(TEXTS)
    np.testing.assert_array_equal([one for _, one in labels], found)


def test_order_and_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make({"spelling": True, "features": True})
    found = model.predict_probabilities(TEXTS)
    order = [5, 0, 3, 3, 1, 4, 2]
    np.testing.assert_allclose(model.predict_probabilities(TEXTS[i] for i in order), found[order], rtol=0, atol=1e-6)
    monkeypatch.setattr(classify, "TEXTS", 2)
    np.testing.assert_allclose(model.predict_probabilities(TEXTS), found, rtol=0, atol=1e-6)
    assert model.predict_probabilities([]).shape == (0, 3)
    assert model.predict([]) == []


def test_linear_models_have_their_say() -> None:
    linear = {"counts": counted(), "other": counted(seed=1)}
    weights = {RECURRENCE: 0.7, "counts": 1.5, "other": 0}
    model = make({}, linear=linear, weights=weights)
    found = model.predict_probabilities(TEXTS)
    for text, one in zip(TEXTS, found, strict=True):
        logs = 0.7 * np.log(slow(model, text)) + 1.5 * np.log(softmax(linear["counts"].logits([text])[0].astype(float)))
        np.testing.assert_allclose(one, softmax(logs), rtol=0, atol=1e-5)
    assert set(model.parts(TEXTS)) == {RECURRENCE, "counts"}
    alone = make({}, linear=linear, weights={"counts": 2.0})
    wanted = [softmax(2 * linear["counts"].logits([text])[0].astype(float)) for text in TEXTS]
    np.testing.assert_allclose(alone.predict_probabilities(TEXTS), wanted, rtol=0, atol=1e-5)
    np.testing.assert_allclose(np.exp(alone.recurrence(TEXTS)), [slow(alone, text) for text in TEXTS], atol=1e-5)


def test_what_is_not_sure_is_out_of_scope() -> None:
    model = make()
    most = np.sort(model.predict_probabilities(TEXTS).max(1))
    unsure = make(threshold=float(most[2:4].mean()))
    labels = unsure.predict(TEXTS, sure=True)
    assert labels.count(OUT_OF_SCOPE) == 3
    plain = unsure.predict(TEXTS)
    for label, without, (_, one) in zip(labels, plain, unsure.label(TEXTS, sure=True), strict=True):
        assert label == (without if one.max() >= unsure.threshold else OUT_OF_SCOPE)
    assert OUT_OF_SCOPE not in plain
    with pytest.raises(UserError, match="no threshold was found for this model"):
        model.predict(TEXTS, sure=True)
    assert make(threshold=0.0).predict(TEXTS, sure=True) == plain


def test_of_classes_that_are_equally_likely_the_first_is_the_answer() -> None:
    model = make()
    own = model.readers.own(0, 0)
    own["output.W_py"][:], own["output.b_y"][:] = 0.0, [0.0, 1.0, 1.0]
    assert model.predict(TEXTS) == ["bad"] * len(TEXTS)
    own["output.b_y"][:] = 0.0
    assert model.predict(TEXTS) == ["good"] * len(TEXTS)
    assert [label for label, _ in model.label(TEXTS)] == ["good"] * len(TEXTS)


def test_one_text_and_what_is_no_text_are_refused() -> None:
    model = make()
    for ask in (model.predict, model.predict_probabilities, model.log_probabilities, lambda t: list(model.label(t))):
        with pytest.raises(UserError, match=r"expected several texts, got one; give a list, \[text\]"):
            ask("good")
        for wrong in (None, 3, b"good", ["good"]):
            with pytest.raises(UserError, match=f"classifier: text 1 is no text but {type(wrong).__name__}"):
                ask(["good", wrong])


def test_texts_are_taken_as_they_are_needed() -> None:
    model, taken = make({"kinds": ("word",), "pooling": ("last",), "bidirectional": False}), 0

    def texts() -> Iterator[str]:
        nonlocal taken
        for i in range(20_000):
            taken += 1
            yield "good film"[: i % 9]

    given = 0
    for given, _ in enumerate(model.label(texts()), 1):
        assert taken - given < 5000
        if given == 9000:
            break
    assert taken < 15_000
    assert given == 9000


def test_tokens_in_a_random_order_as_a_control() -> None:
    model = make({"bidirectional": False, "pooling": ("last",)})
    text = "good film not bad at all"
    found = np.exp(model.recurrence([text] * 8, np.random.default_rng(0)))
    assert len({tuple(np.round(one, 6)) for one in found}) > 4
    rng = np.random.default_rng(0)
    wanted = []
    for _ in range(8):
        tokens = text.split()
        wanted.append(slow(model, " ".join(tokens[i] for i in rng.permutation(len(tokens)))))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": ["a", "b"]}, r"expected 2 classes everywhere, got \[3\]"),
        ({"linear": {"counts": counted(2)}}, r"expected 3 classes everywhere, got \[2, 3\]"),
        ({"weights": {"counts": 1.0}}, "expected weights of recurrence and of linear models"),
        ({"weights": {RECURRENCE: 0}}, "expected weights"),
        ({"weights": {RECURRENCE: -1}}, "expected weights"),
        ({"weights": {RECURRENCE: float("nan")}}, "weights must be a number, got"),
        ({"weights": {RECURRENCE: 1e7}}, "expected weights"),
        ({"weights": {RECURRENCE: "1"}}, "weights must be a number, got"),
        ({"threshold": 1.5}, "expected a threshold from 0 to 1"),
        ({"threshold": "0.5"}, "threshold must be a number, got"),
    ],
)
def test_what_does_not_fit_together(change: dict[str, Any], words: str) -> None:
    readers = make().readers

    def made(classes: Any = CLASSES, linear: Any = None, **decided: Any) -> TextClassifier:
        return TextClassifier(readers, classes, linear, Decided(**decided))

    with pytest.raises(UserError, match=words):
        made(**change)


def test_readers_whose_parts_do_not_fit() -> None:
    reader = reader_of(spelling=True, features=True)
    sound = parameters_of(classifier, [reader], 2)
    Readers("classifier", classifier, [reader], 2, sound)
    other = Columns.fit([["a"]], ("word", "shape"), True, least_pieces=1)[0]
    turned = Columns.fit([["a", "b"]], ("shape", "word"), True, least_pieces=1)[0]
    for changed, words in (
        (Reader(reader.splitter, other, reader.config, reader.features), "expected vocabularies of"),
        (Reader(reader.splitter, turned, reader.config, reader.features), "expected vocabularies of"),
        (Reader(reader.splitter, reader.columns, reader.config), "naive-Bayes features, got 0"),
        (
            Reader(reader.splitter, reader.columns, reader_of(spelling=True).config, reader.features),
            "expected 0 naive-Bayes features",
        ),
    ):
        with pytest.raises(UserError, match=words):
            Readers("classifier", classifier, [changed], 2, sound)
    with pytest.raises(UserError, match="of no member"):
        Readers("classifier", classifier, [reader], 1, sound)
    with pytest.raises(UserError, match="missing"):
        Readers("classifier", classifier, [reader], 3, sound)


def test_the_order_of_the_columns_is_that_of_the_sizes() -> None:
    reader = reader_of()
    kinds, vocabularies = reader.columns.kinds, reader.columns.vocabularies
    turned = Columns(kinds[::-1], vocabularies[::-1])
    with pytest.raises(UserError, match="expected vocabularies of"):
        Reader(reader.splitter, turned, reader.config).check("classifier")


def test_an_output_that_is_no_number_is_refused() -> None:
    model = make({"bidirectional": False})
    model.readers.own(0, 0)["output.W_py"][:] = np.float32(3e38) * np.float32([[1], [-1], [1]])
    model.readers.own(0, 0)["output.b_y"][:] = np.float32(3e38)
    with pytest.raises(UserError, match="output is not finite"):
        model.predict(TEXTS)
    model.readers.own(0, 0)["output.b_y"][:] = np.nan
    with pytest.raises(UserError, match="output is not finite"):
        model.stream().feed("good film ")


@pytest.fixture(scope="module")
def model() -> TextClassifier:
    options = (
        {"spelling": True, "features": True, "bidirectional": False},
        {"units": "characters", "kinds": ("word",)},
    )
    weights = {RECURRENCE: 1.0, "counts": 0.5}
    return make(*options, members=2, linear={"counts": counted()}, weights=weights, threshold=0.4)


@pytest.fixture(scope="module")
def kept(model: TextClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    configs = tuple(one.config for one in model.readers.readers)
    config = ClassifierEnsemble(configs, model.readers.ensemble_size, tuple(model.classes))
    return write(model, tmp_path_factory.mktemp("classifier"), SCHEMA, config)


def test_a_folder_gives_the_same_answers_without_torch(model: TextClassifier, kept: Path) -> None:
    assert {file.name for file in kept.iterdir()} == {
        CONFIG, TOKENIZER, WEIGHTS, NAIVE_BAYES, linear_folder.LINEAR, linear_folder.LINEAR_WEIGHTS
    }  # fmt: skip
    wanted = model.predict_probabilities(TEXTS)
    loaded = throughtime.load(kept)
    np.testing.assert_array_equal(loaded.predict_probabilities(TEXTS), wanted)
    assert (loaded.classes, loaded.weights, loaded.threshold) == (model.classes, model.weights, model.threshold)
    assert reader_files(loaded.readers.readers)[TOKENIZER] == reader_files(model.readers.readers)[TOKENIZER]
    script = (
        "import json, sys, throughtime\n"
        "model = throughtime.load(sys.argv[1])\n"
        "found = model.predict_probabilities(json.loads(sys.argv[2])).tolist()\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
        "print(json.dumps(found))"
    )
    call = [sys.executable, "-c", script, str(kept), json.dumps(TEXTS)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), wanted, rtol=0, atol=1e-12)


def decided(**values: Any) -> Callable[[Path], None]:
    return in_json(CONFIG, lambda config: config["decided"].update(values))


def size(**values: Any) -> Callable[[Path], None]:
    return in_json(CONFIG, lambda config: config["model"].update(values))


def words(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    return in_json(TOKENIZER, lambda data: change(data["readers"][0]))


W_PY = "0.0.output.W_py"
DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "no tokenizer": (missing(TOKENIZER), "cannot be read"),
    "no weights": (missing(WEIGHTS), "cannot be read"),
    "no features": (missing(NAIVE_BAYES), "cannot be read"),
    "no linear weights": (missing(linear_folder.LINEAR_WEIGHTS), "cannot be read"),
    "no linear models": (missing(linear_folder.LINEAR), "expected weights of recurrence"),
    "no model": (in_json(CONFIG, lambda config: config.pop("model")), "model missing"),
    "a model of lists": (in_json(CONFIG, lambda config: config.update(model=[])), "expected readers"),
    "nothing decided": (in_json(CONFIG, lambda config: config.pop("decided")), "decided missing"),
    "decided a list": (in_json(CONFIG, lambda config: config.update(decided=[])), "decided: expected an object"),
    "no options": (in_json(CONFIG, lambda config: config.pop("options")), "options missing"),
    "an option of nobody": (in_json(CONFIG, lambda config: config["options"].update(pace=3)), "pace is nothing"),
    "an option of text": (in_json(CONFIG, lambda config: config["options"].update(hidden="x")), "hidden must be"),
    "data of nobody": (in_json(CONFIG, lambda config: config["data"].update(pace=3)), "data: pace is nothing"),
    "no classes": (size(classes=None), "classes must be a list"),
    "fewer classes": (size(classes=CLASSES[:2]), "expected 2 classes everywhere"),
    "a class twice": (size(classes=["a", "a", "b"]), "each once"),
    "classes of lists": (size(classes=[["a"], "b", "c"]), "classes must be a list of names"),
    "a weight of a stranger": (decided(weights={RECURRENCE: 1, "nobody": 1}), "expected weights"),
    "weights of nothing": (decided(weights={RECURRENCE: 0}), "expected weights"),
    "weights of text": (decided(weights={RECURRENCE: "much"}), "weights must be a number"),
    "weights of a list": (decided(weights=[1]), "weights must be an object"),
    "a threshold of text": (decided(threshold="x"), "threshold must be a number"),
    "a threshold above 1": (decided(threshold=1.5), "expected a threshold"),
    "a billion members": (size(ensemble_size=10**9), "ensemble_size must be from 1 to 999"),
    "no members": (size(ensemble_size=0), "ensemble_size must be from 1 to 999"),
    "members of text": (size(ensemble_size="2"), "ensemble_size must be"),
    "one member more": (size(ensemble_size=3), "missing"),
    "one member fewer": (size(ensemble_size=1), "of no member"),
    "no readers": (size(readers=[]), "readers must be a list"),
    "readers of text": (size(readers="ab"), "readers must be a list"),
    "one reader fewer": (in_json(CONFIG, lambda c: c["model"]["readers"].pop()), "expected 1 in"),
    "readers the other way round": (in_json(CONFIG, lambda c: c["model"]["readers"].reverse()), "expected"),
    "a reader of nothing": (in_json(CONFIG, lambda c: c["model"]["readers"].__setitem__(0, None)), "missing"),
    "more classes in a reader": (in_json(CONFIG, lambda c: c["model"]["readers"][0].update(classes=4)), "everywhere"),
    "pieces of one number": (in_json(CONFIG, lambda c: c["model"]["readers"][0].update(pieces=[9])), "two numbers"),
    "no tokens": (in_json(TOKENIZER, lambda data: data.clear()), "malformed"),
    "tokens of one reader": (in_json(TOKENIZER, lambda data: data["readers"].pop()), "expected 2 in"),
    "no splitter": (words(lambda one: one.pop("splitter")), "malformed"),
    "a splitter of another kind": (words(lambda one: one["splitter"].update(kind="syllables")), "units"),
    "no columns": (words(lambda one: one.update(columns=None)), "columns: malformed"),
    "a word more": (words(lambda one: one["columns"]["vocabularies"][0].append("more")), "expected vocabularies"),
    "a word fewer": (words(lambda one: one["columns"]["vocabularies"][0].pop()), "expected vocabularies"),
    "a piece more": (words(lambda one: one["columns"]["pieces"].append("more")), "expected vocabularies"),
    "no pieces": (words(lambda one: one["columns"].update(pieces=None)), "expected vocabularies"),
    "columns turned": (
        words(lambda one: [one["columns"][name].reverse() for name in ("columns", "vocabularies")]),
        "expected vocabularies",
    ),
    "features forgotten": (words(lambda one: one.update(evidence=None)), "naive-Bayes features, got 0"),
    "features of nothing": (words(lambda one: one.update(evidence={})), "naive-Bayes features: expected"),
    "features of other orders": (
        words(lambda one: one["evidence"]["ngrams"].update(words=[1, 4])), "expected a scale of"
    ),
    "features in halves": (in_arrays(NAIVE_BAYES, lambda a: a.update({"0.ratios": a["0.ratios"][::2]})), "ratios"),
    "features of NaN": (in_arrays(NAIVE_BAYES, lambda a: a["0.ratios"].fill(np.nan)), "not finite"),
    "a scale of 0": (in_arrays(NAIVE_BAYES, lambda a: a["0.scale"].fill(0)), "scales above 0"),
    "another shape": (in_arrays(WEIGHTS, lambda a: a.update({W_PY: a[W_PY][:, :2]})), "output.W_py must be"),
    "transposed": (in_arrays(WEIGHTS, lambda a: a.update({W_PY: a[W_PY].T.copy()})), "output.W_py must be"),
    "NaN": (in_arrays(WEIGHTS, lambda a: a[W_PY].fill(np.nan)), "not finite"),
    "infinite": (in_arrays(WEIGHTS, lambda a: a["1.1.output.b_y"].fill(np.inf)), "not finite"),
    "half precision": (in_arrays(WEIGHTS, lambda a: a.update({W_PY: a[W_PY].astype(np.float16)})), "float32"),
    "a parameter of nobody": (in_arrays(WEIGHTS, lambda a: a.update(x=np.zeros(1, np.float32))), "no member"),
    "a parameter more": (in_arrays(WEIGHTS, lambda a: a.update({"0.0.x": np.zeros(1, np.float32)})), "x unknown"),
    "none": (in_arrays(WEIGHTS, lambda a: a.clear()), "missing"),
    "linear models of a list": (lambda f: (f / linear_folder.LINEAR).write_text("[]") and None, "baselines"),
    "linear weights in halves": (
        in_arrays(linear_folder.LINEAR_WEIGHTS, lambda a: a.update({"0.weights": a["0.weights"][::2]})), "n-gram model"
    ),
    "linear weights of NaN": (
        in_arrays(linear_folder.LINEAR_WEIGHTS, lambda a: a["0.bias"].fill(np.nan)),
        "not finite",
    ),
    "linear models of other classes": (
        in_arrays(
            linear_folder.LINEAR_WEIGHTS,
            lambda a: a.update({"0.weights": a["0.weights"][:, :2].copy(), "0.bias": a["0.bias"][:2].copy()}),
        ),
        "expected 3 classes everywhere",
    ),
    "bytes": (lambda f: (f / TOKENIZER).write_bytes(b"\xff\xfe") and None, "expected JSON"),
    "parameters of text": (lambda f: (f / WEIGHTS).write_text("weights") and None, "expected safetensors"),
    "features of text": (lambda f: (f / NAIVE_BAYES).write_text("evidence") and None, "expected safetensors"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_folder_says_so_in_one_line(kept: Path, tmp_path: Path, name: str) -> None:
    change, text = DAMAGE[name]
    folder = Path(shutil.copytree(kept, tmp_path / "m"))
    change(folder)
    with pytest.raises(UserError, match=text) as caught:
        throughtime.load(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_weights_stay_as_they_are(kept: Path) -> None:
    assert throughtime.load(kept, weights="float32").classes == CLASSES
    with pytest.raises(UserError, match="expected weights as they are, float32, got 'int8'"):
        throughtime.load(kept, weights="int8")
