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
from safetensors.numpy import load_file, save

import throughtime
from throughtime import cells
from throughtime.data.columns import Columns
from throughtime.data.splitter import Splitter
from throughtime.errors import UserError
from throughtime.linear import folder as linear_folder
from throughtime.linear.ensemble import OUT_OF_SCOPE, RECURRENCE
from throughtime.linear.fit import to_arrays
from throughtime.linear.folder import EVIDENCE
from throughtime.linear.model import Wide
from throughtime.linear.naive_bayes import Evidence
from throughtime.linear.ngrams import Ngrams
from throughtime.models.ops_numpy import ReferenceOps
from throughtime.models.reader import ReaderConfig
from throughtime.models.stack import Stack
from throughtime.runtime.readers import Reader, Readers, described, prefix, write_evidence
from throughtime.storage.folder import CONFIG, TOKENIZER, WEIGHTS, write_json, write_weights
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify import text_classifier as classify
from throughtime.tasks.classify.model import ClassifierConfig, above
from throughtime.tasks.classify.text_classifier import TextClassifier

CLASSES = ["good", "bad", "so so"]
LEARNED = [
    "The film was good, really good!",
    "don't watch it. It's bad",
    "a film like others",
    "好看的片子",
    "不好看",
    "good actors, bad plot. Well",
]
LABELS = ["good", "bad", "so so", "good", "bad", "so so"]
TEXTS = ["good film!", "", "Bad. Don't watch 2024", "zzz", "不好看 really", "the film was. it was. good"]


def reader_of(
    units: str = "words",
    kinds: tuple[str, ...] = ("word", "shape"),
    cell: tuple[str, ...] = ("gru",),
    both: bool = True,
    spelling: bool = False,
    evidence: Any = False,
    over: bool = False,
    pooling: tuple[str, ...] = ("max", "mean", "attention"),
    **rest: Any,
) -> Reader:
    """What members share. evidence: whether there is any, or one that is made already."""
    splitter = Splitter.fit(units, LEARNED)
    tokens = [splitter.split(text) for text in LEARNED]
    columns, _ = Columns.fit(tokens, kinds, spelling, least_pieces=1)
    if evidence is True:
        evidence, _ = Evidence.learned(tokens, LABELS, CLASSES, range(len(tokens)), 0)
    if spelling:
        rest["pieces"] = (len(columns.pieces or ()), 4)
    if evidence:
        rest["values"] = evidence.channels
    sizes = [(kind, size, 4) for kind, size in zip(kinds, columns.sizes, strict=True)]
    traces = [cells.make(name).trace() for name in cell]
    config = ReaderConfig.stack("classifier", sizes, traces, 5, both, **rest)
    upper = Stack.of(traces[:1], above(pooling, config), 3, both).layers if over else ()
    return Reader(splitter, columns, ClassifierConfig(config, 3, pooling, upper), evidence or None)


def parameters_of(arithmetic: Any, readers: list[Reader], members: int, dtype: str = "float32") -> dict[str, Any]:
    """Drawn ones, none of them zero."""
    rng, found = np.random.default_rng(7), {}
    for r, reader in enumerate(readers):
        for m in range(members):
            for name, value in arithmetic.initial_parameters(reader.config, rng, dtype).items():
                found[prefix(r, m) + name] = value + 0.5 * rng.standard_normal(value.shape).astype(dtype)
    return found


def wide(classes: int = 3, seed: int = 0) -> Wide:
    ngrams, rng = Ngrams((1, 2), (1, 3), least=1).fit(LEARNED), np.random.default_rng(seed)
    weights = rng.standard_normal((ngrams.size, classes)).astype(np.float32)
    return Wide(ngrams, weights, rng.standard_normal(classes).astype(np.float32))


def make(
    *options: dict[str, Any], members: int = 1, dtype: str = "float32", threshold: float | None = None, **rest: Any
) -> TextClassifier:
    """A model; options: of each reader."""
    readers = [reader_of(**one) for one in options or ({},)]
    made = Readers("classifier", classifier, readers, members, parameters_of(classifier, readers, members, dtype))
    return TextClassifier(made, CLASSES, threshold=threshold, **rest)


def softmax(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    return found


def slow(model: TextClassifier, text: str) -> np.ndarray:
    """The probabilities of the recurrent members: the geometric mean of theirs, each text and member alone."""
    logs = []
    for r, reader in enumerate(model.readers.readers):
        tokens, over = reader.examples([text]).inputs(np.array([0]))
        for m in range(model.readers.members):
            own = model.readers.own(r, m)
            logits = classifier.forward(ReferenceOps(), reader.config, own, tokens, over)[0]
            logs.append(np.log(softmax(logits.astype(np.float64))))
    return softmax(np.mean(logs, axis=0))


MODELS: dict[str, tuple[tuple[dict[str, Any], ...], int]] = {
    "one": (({},), 1),
    "three members": (({"spelling": True},), 3),
    "two readers": (({"evidence": True}, {"units": "characters", "cell": ("lstm",), "both": False}), 2),
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
    model = make({"spelling": True, "evidence": True})
    found = model.predict_probabilities(TEXTS)
    order = [5, 0, 3, 3, 1, 4, 2]
    np.testing.assert_allclose(model.predict_probabilities(TEXTS[i] for i in order), found[order], rtol=0, atol=1e-6)
    monkeypatch.setattr(classify, "_TEXTS", 2)
    np.testing.assert_allclose(model.predict_probabilities(TEXTS), found, rtol=0, atol=1e-6)
    assert model.predict_probabilities([]).shape == (0, 3)
    assert model.predict([]) == []


def test_linear_models_have_their_say() -> None:
    linear = {"counts": wide(), "other": wide(seed=1)}
    weights = {RECURRENCE: 0.7, "counts": 1.5, "other": 0}
    model = make({}, linear=linear, fusion=weights)
    found = model.predict_probabilities(TEXTS)
    for text, one in zip(TEXTS, found, strict=True):
        logs = 0.7 * np.log(slow(model, text)) + 1.5 * np.log(softmax(linear["counts"].logits([text])[0].astype(float)))
        np.testing.assert_allclose(one, softmax(logs), rtol=0, atol=1e-5)
    assert set(model.parts(TEXTS)) == {RECURRENCE, "counts"}
    alone = make({}, linear=linear, fusion={"counts": 2.0})
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


def test_one_text_and_what_is_no_text_are_refused() -> None:
    model = make()
    for ask in (model.predict, model.predict_probabilities, model.log_probabilities, lambda t: list(model.label(t))):
        with pytest.raises(UserError, match=r"expected several texts, got one; give a list, \[text\]"):
            ask("good")
        for wrong in (None, 3, b"good", ["good"]):
            with pytest.raises(UserError, match=f"classifier: text 1 is no text but {type(wrong).__name__}"):
                ask(["good", wrong])


def test_texts_are_taken_as_they_are_needed() -> None:
    model, taken = make({"kinds": ("word",), "pooling": ("last",), "both": False}), 0

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
    model = make({"both": False, "pooling": ("last",)})
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
        ({"classes": ["a", "b", "a"]}, "each once"),
        ({"classes": ["a", "b", 3]}, "the classes' names"),
        ({"classes": ["a", "b", ["c"]]}, "the classes' names"),
        ({"linear": {"counts": wide(2)}}, r"expected 3 classes everywhere, got \[2, 3\]"),
        ({"fusion": {"counts": 1.0}}, "expected weights of recurrence and of linear models"),
        ({"fusion": {RECURRENCE: 0}}, "expected weights"),
        ({"fusion": {RECURRENCE: -1}}, "expected weights"),
        ({"fusion": {RECURRENCE: float("nan")}}, "expected weights"),
        ({"fusion": {RECURRENCE: 1e7}}, "expected weights"),
        ({"fusion": {RECURRENCE: "1"}}, "expected weights"),
        ({"threshold": 1.5}, "expected a threshold from 0 to 1"),
        ({"threshold": "0.5"}, "expected a threshold from 0 to 1"),
    ],
)
def test_what_does_not_fit_together(change: dict[str, Any], words: str) -> None:
    readers = make().readers
    with pytest.raises(UserError, match=words):
        TextClassifier(**{"readers": readers, "classes": CLASSES, **change})


def test_readers_whose_parts_do_not_fit() -> None:
    reader = reader_of(spelling=True, evidence=True)
    sound = parameters_of(classifier, [reader], 2)
    Readers("classifier", classifier, [reader], 2, sound)
    other = Columns.fit([["a"]], ("word", "shape"), True, least_pieces=1)[0]
    turned = Columns.fit([["a", "b"]], ("shape", "word"), True, least_pieces=1)[0]
    for changed, words in (
        (Reader(reader.splitter, other, reader.config, reader.evidence), "expected vocabularies of"),
        (Reader(reader.splitter, turned, reader.config, reader.evidence), "expected vocabularies of"),
        (Reader(reader.splitter, reader.columns, reader.config), "values of evidence, got 0"),
        (
            Reader(reader.splitter, reader.columns, reader_of(spelling=True).config, reader.evidence),
            "expected 0 values",
        ),
    ):
        with pytest.raises(UserError, match=words):
            Readers("classifier", classifier, [changed], 2, sound)
    with pytest.raises(UserError, match="belong to no member"):
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
    model = make({"both": False})
    model.readers.own(0, 0)["output.W_py"][:] = np.float32(3e38) * np.float32([[1], [-1], [1]])
    model.readers.own(0, 0)["output.b_y"][:] = np.float32(3e38)
    with pytest.raises(UserError, match="output is not finite"):
        model.predict(TEXTS)
    model.readers.own(0, 0)["output.b_y"][:] = np.nan
    with pytest.raises(UserError, match="output is not finite"):
        model.stream().push("good film ")


# the folder


def write(model: TextClassifier, folder: Path) -> Path:
    """As training writes it."""
    sizes, tokens = model.readers.to_json()
    own = {"classes": model.classes, "fusion": model.fusion, "threshold": model.threshold}
    write_json(folder / CONFIG, {"format_version": 1, "task": "classify", "model": sizes, "classify": own})
    write_json(folder / TOKENIZER, tokens)
    write_weights(folder / WEIGHTS, model.readers.parameters)
    write_evidence(folder, model.readers.readers)
    if model.linear:
        data, arrays = to_arrays(model.linear)
        write_weights(folder / linear_folder.LINEAR_WEIGHTS, arrays)
        write_json(folder / linear_folder.LINEAR, data)
    return folder


@pytest.fixture(scope="module")
def model() -> TextClassifier:
    options = ({"spelling": True, "evidence": True, "both": False}, {"units": "characters", "kinds": ("word",)})
    fusion = {RECURRENCE: 1.0, "counts": 0.5}
    return make(*options, members=2, linear={"counts": wide()}, fusion=fusion, threshold=0.4)


@pytest.fixture(scope="module")
def kept(model: TextClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(model, tmp_path_factory.mktemp("classifier"))


def test_a_folder_gives_the_same_answers_without_torch(model: TextClassifier, kept: Path) -> None:
    assert {file.name for file in kept.iterdir()} == {
        CONFIG, TOKENIZER, WEIGHTS, EVIDENCE, linear_folder.LINEAR, linear_folder.LINEAR_WEIGHTS
    }  # fmt: skip
    wanted = model.predict_probabilities(TEXTS)
    loaded = throughtime.load(kept)
    np.testing.assert_array_equal(loaded.predict_probabilities(TEXTS), wanted)
    assert (loaded.classes, loaded.fusion, loaded.threshold) == (model.classes, model.fusion, model.threshold)
    assert described(loaded.readers.readers, 2) == described(model.readers.readers, 2)
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


def in_json(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        data = json.loads((folder / name).read_text())
        change(data)
        (folder / name).write_text(json.dumps(data))

    return run


def in_arrays(name: str, change: Callable[[dict[str, np.ndarray]], Any]) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        arrays = load_file(folder / name)
        change(arrays)
        (folder / name).write_bytes(save(arrays))

    return run


def missing(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def own(**values: Any) -> Callable[[Path], None]:
    return in_json(CONFIG, lambda config: config["classify"].update(values))


def size(**values: Any) -> Callable[[Path], None]:
    return in_json(CONFIG, lambda config: config["model"].update(values))


def words(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    return in_json(TOKENIZER, lambda data: change(data["readers"][0]))


W_PY = "0.0.output.W_py"
DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "no tokenizer": (missing(TOKENIZER), "cannot be read"),
    "no weights": (missing(WEIGHTS), "cannot be read"),
    "no evidence": (missing(EVIDENCE), "cannot be read"),
    "no linear weights": (missing(linear_folder.LINEAR_WEIGHTS), "cannot be read"),
    "no linear models": (missing(linear_folder.LINEAR), "expected weights of recurrence"),
    "no model": (in_json(CONFIG, lambda config: config.pop("model")), "malformed"),
    "a model of lists": (in_json(CONFIG, lambda config: config.update(model=[])), "malformed"),
    "no classify": (in_json(CONFIG, lambda config: config.pop("classify")), "classify missing"),
    "classify a list": (in_json(CONFIG, lambda config: config.update(classify=[])), "classify missing"),
    "no classes": (own(classes=None), "classify missing"),
    "fewer classes": (own(classes=CLASSES[:2]), "expected 2 classes everywhere"),
    "a class twice": (own(classes=["a", "a", "b"]), "each once"),
    "classes of lists": (own(classes=[["a"], "b", "c"]), "the classes' names"),
    "a fusion with a stranger": (own(fusion={RECURRENCE: 1, "nobody": 1}), "expected weights"),
    "a fusion of nothing": (own(fusion={RECURRENCE: 0}), "expected weights"),
    "a fusion of text": (own(fusion={RECURRENCE: "much"}), "expected weights"),
    "a fusion of a list": (own(fusion=[1]), "fusion must be an object"),
    "a threshold of text": (own(threshold="x"), "expected a threshold"),
    "a billion members": (size(members=10**9), "members must be from 1 to 999"),
    "no members": (size(members=0), "members must be from 1 to 999"),
    "members of text": (size(members="2"), "members must be"),
    "one member more": (size(members=3), "missing"),
    "one member fewer": (size(members=1), "belong to no member"),
    "no readers": (size(readers=[]), "lists of one length"),
    "readers of text": (size(readers="ab"), "lists of one length"),
    "one reader fewer": (in_json(CONFIG, lambda c: c["model"]["readers"].pop()), "lists of one length"),
    "readers the other way round": (in_json(CONFIG, lambda c: c["model"]["readers"].reverse()), "expected"),
    "a reader of nothing": (in_json(CONFIG, lambda c: c["model"]["readers"].__setitem__(0, None)), "missing"),
    "more classes in a reader": (in_json(CONFIG, lambda c: c["model"]["readers"][0].update(classes=4)), "must be"),
    "pieces of one number": (in_json(CONFIG, lambda c: c["model"]["readers"][0].update(pieces=[9])), "two numbers"),
    "no tokens": (in_json(TOKENIZER, lambda data: data.clear()), "malformed"),
    "tokens of one reader": (in_json(TOKENIZER, lambda data: data["readers"].pop()), "lists of one length"),
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
    "evidence forgotten": (words(lambda one: one.update(evidence=None)), "values of evidence, got 0"),
    "evidence of nothing": (words(lambda one: one.update(evidence={})), "evidence: expected"),
    "evidence of other orders": (
        words(lambda one: one["evidence"]["ngrams"].update(words=[1, 4])), "expected a scale of"
    ),
    "evidence in halves": (in_arrays(EVIDENCE, lambda a: a.update({"0.ratios": a["0.ratios"][::2]})), "ratios"),
    "evidence of NaN": (in_arrays(EVIDENCE, lambda a: a["0.ratios"].fill(np.nan)), "not finite"),
    "a scale of 0": (in_arrays(EVIDENCE, lambda a: a["0.scale"].fill(0)), "scales above 0"),
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
        in_arrays(linear_folder.LINEAR_WEIGHTS, lambda a: a.update({"0.weights": a["0.weights"][::2]})), "wide"
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
    "weights of text": (lambda f: (f / WEIGHTS).write_text("weights") and None, "expected safetensors"),
    "evidence of text": (lambda f: (f / EVIDENCE).write_text("evidence") and None, "expected safetensors"),
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
