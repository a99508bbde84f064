"""Where files of unknown origin come in, each as a function that may raise UserError and nothing else.

The mutations take their choices from `pick(n)`, a number from 0 to n - 1: hypothesis and atheris both can give it.
"""

from __future__ import annotations

import copy
import json
import math
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import throughtime
from throughtime import cells
from throughtime.data import tokenizers
from throughtime.data.characters import Characters
from throughtime.data.columns import Columns
from throughtime.data.splitter import Splitter
from throughtime.errors import UserError
from throughtime.linear.ensemble import RECURRENCE
from throughtime.linear.folder import LINEAR, LINEAR_WEIGHTS, NAIVE_BAYES, linear_files
from throughtime.linear.model import NgramModel
from throughtime.linear.naive_bayes import NaiveBayesFeatures
from throughtime.linear.ngrams import Ngrams
from throughtime.models.ops_numpy import NumpyOps
from throughtime.models.reader import ReaderConfig, Sentences, Tokens
from throughtime.recurrence import Cell, Matrix, Vector, maximum, sigmoid
from throughtime.runtime.readers import Reader, prefix, reader_files
from throughtime.storage.folder import CONFIG, TOKENIZER, WEIGHTS, write_files, write_json, write_weights
from throughtime.storage.record import ModelRecord, Nothing, Schema
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify import stream as classify_stream
from throughtime.tasks.classify.model import ClassifierConfig, ClassifierEnsemble
from throughtime.tasks.reading.data import Decided
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag import stream as tag_stream
from throughtime.tasks.tag.model import TaggerConfig, TaggerEnsemble
from throughtime.tasks.text.data import TextData
from throughtime.tasks.text.model import LanguageConfig, initial_parameters
from throughtime.tasks.text.options import TextOptions
from throughtime.tasks.text.stream import TextModel

Pick = Callable[[int], int]

TEXT = "the cat sat on the mat, the dog ate the cat; \u6708 caf\u00e9\n" * 3
SMALL = 200_000
"""Parameters up to which a mutated configuration gets weights that fit it, so that its step runs too."""

NAMES = ("I", "H", "h", "c", "W_xi", "W_hh", "b_i", "x", "\ud800", "")
NUMBERS = (0, 1, 2, 3, 5, -1, 8, 64, 2**31, 2**63, 10**12, 10**400, 0.5, 1.0, -0.0, 1e308, float("nan"), float("inf"))
OPERATIONS = (
    "input", "state", "matrix", "vector", "const", "matmul", "add", "sub", "mul", "div", "maximum", "minimum", "neg",
    "sigmoid", "tanh", "relu", "exp", "log", "sqrt", "softplus", "positive", "greater", "dtanh", "affine", "adjoint",
    "mean", "normalize",
)  # fmt: skip
POOL = (*NAMES, *NUMBERS, *OPERATIONS, None, True, False, [], {}, [0], [0, 1], ["H", "I"], {"h": [1, 2]})


READERS: dict[str, Any] = {"classify": (classifier, ClassifierConfig), "tag": (tagger, TaggerConfig)}
"""Tasks whose models read texts: their arithmetic, and their sizes."""

SCHEMAS: dict[str, Schema[Any, Any, Any, Any]] = {"classify": classify_stream.SCHEMA, "tag": tag_stream.SCHEMA}

OLDER = ("classify_words", "classify_sentences", "classify_members", "tag_intents", "tag_members", "tag_plain")
OLDER += ("text_bpe", "text_gated_cells")
"""Folders as earlier versions wrote them, below GOLDEN."""

GOLDEN = Path(__file__).parent.parent / "golden" / "format_1"

JSON_FILES = (CONFIG, TOKENIZER, LINEAR)
ARRAY_FILES = (WEIGHTS, NAIVE_BAYES, LINEAR_WEIGHTS)
"""What the folder of such a model holds."""

ASKED = ["the cat sat.", "", "don't \u6708\u4eae 12", "\ud800", "a\tb" * 40]


class Odd(Cell):
    """A step with every kind of node."""

    state = {"h": "H", "c": "K"}
    W, U, V = Matrix("H", "I"), Matrix("H", "K"), Matrix("K", "H")
    b = Vector("K")

    def step(self, x, h, c):  # type: ignore[no-untyped-def]
        g = sigmoid(self.V @ h + self.b * c - 0.5)
        return maximum(self.W @ x + self.U @ (g * c), -1.0) / 2.0, g


@cache
def sound() -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, Any]]:
    """Configuration, weights and tokenizer of a small model of two layers."""
    tokenizer = tokenizers.fit("characters", TEXT)
    traces = [cells.make("lstm").trace(), Odd().trace()]
    config = LanguageConfig.stack(tokenizer.size, 3, traces, [4, 5], {"K": 2})
    parameters = initial_parameters(config, np.random.default_rng(0))
    record = ModelRecord("text", config, TextOptions(), TextData(), Nothing(), config.count)
    return json.loads(json.dumps(record.to_json())), parameters, tokenizer.to_json()


def write_folder(folder: Path) -> Path:
    """The small model as a folder."""
    config, parameters, tokenizer = sound()
    write_json(folder / CONFIG, config)
    write_weights(folder / WEIGHTS, parameters)
    write_json(folder / TOKENIZER, tokenizer)
    return folder


@cache
def sound_reader(task: str) -> tuple[dict[str, Any], Reader]:
    """config.json and the reader of a small model that reads texts: two members, naive-Bayes features."""
    texts, labels = TEXT.split("\n")[0].split(", "), ("a", "b")
    splitter = Splitter("words")
    tokens = [splitter.split(text) for text in texts]
    columns, _ = Columns.fit(tokens, ["word", "shape"], spelling=True, least_pieces=1)
    features, _ = NaiveBayesFeatures.fit(tokens, labels, labels, [0, 1], 0)
    sizes = [(kind, size, 2) for kind, size in zip(columns.kinds, columns.sizes, strict=True)]
    bag, traces = (len(columns.pieces or ()), 2), [cells.make("gru").trace()]
    config = ReaderConfig.stack(task, sizes, traces, 2, task == "tag", pieces=bag, values=features.channels)
    decided = Decided({RECURRENCE: 1.0, "counts": 0.5}, threshold=0.5)
    if task == "classify":
        whole: Any = ClassifierConfig(config, 2)
        model: Any = ClassifierEnsemble((whole,), 2, labels)
    else:
        whole = TaggerConfig(config, 3, 2, stacked=True)
        model = TaggerEnsemble((whole,), 2, ("O", "B-x", "I-x"), labels)
    schema = SCHEMAS[task]
    record = ModelRecord(task, model, schema.options(), schema.data(), decided, model.parameters)
    return json.loads(json.dumps(record.to_json())), Reader(splitter, columns, whole, features)


def write_reader(folder: Path, task: str) -> Path:
    """The small model that reads texts as a folder."""
    config, reader = sound_reader(task)
    rng = np.random.default_rng(0)
    ngrams = Ngrams((1, 2), (1, 3), least=1).fit([TEXT])
    counts = NgramModel(ngrams, rng.standard_normal((ngrams.size, 2)).astype(np.float32), np.zeros(2, np.float32))
    draw = READERS[task][0].initial_parameters
    drawn = {prefix(0, m) + name: value for m in range(2) for name, value in draw(reader.config, rng).items()}
    files = {**reader_files([reader]), WEIGHTS: drawn, **linear_files({"counts": counts}), CONFIG: config}
    write_files(folder, files)
    return folder


def mutated(value: Any, pick: Pick, times: int = 3) -> Any:
    """A copy of a JSON value with up to `times` places changed."""
    value = copy.deepcopy(value)
    for _ in range(1 + pick(times)):
        _change(value, pick)
    return value


def _change(value: Any, pick: Pick) -> None:
    place = value
    while isinstance(place, dict | list) and len(place):
        key = list(place)[pick(len(place))] if isinstance(place, dict) else pick(len(place))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or pick(8) == 0:
            break
        place = inner
    else:
        return
    action = pick(5)
    if action == 0:
        del place[key]
    elif action == 1 and isinstance(place, list):
        place.insert(key, copy.deepcopy(inner))
    elif action == 2 and isinstance(place, list):
        place[key] = copy.deepcopy(place[pick(len(place))])
    elif action == 3 and type(inner) is int:
        place[key] = inner + pick(7) - 3
    else:
        place[key] = copy.deepcopy(POOL[pick(len(POOL))])


def config_entrance(config: Any) -> bool:
    """A configuration, with weights that fit it where they are few; whether a model came of it."""
    try:
        made = LanguageConfig.from_json(config.get("model") if isinstance(config, dict) else config)
        if made.count > SMALL or made.vocabulary < 2:
            return False
        rng = np.random.default_rng(0)
        parameters = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in made.shapes.items()}
        characters = "".join(map(chr, range(0x4E00, 0x4E00 + made.vocabulary)))
        _use(TextModel(made, parameters, Characters(characters)))
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017 - it may raise, or not
        return False
    return True


def reader_entrance(config: Any, task: str) -> bool:
    """The sizes of a model that reads texts, with weights that fit them where they are few; whether it ran."""
    arithmetic, config_class = READERS[task]
    try:
        made = config_class.from_json(config)
        own = made.reader
        most = max(math.prod(shape) for shape in made.shapes.values())
        if max(most, own.values, *(rows for _, rows, _ in own.columns)) > SMALL or len(made.shapes) > 500:
            return False
        if sum(math.prod(shape) for shape in made.shapes.values()) > SMALL:
            return False
        rng = np.random.default_rng(0)
        parameters = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in made.shapes.items()}
        arithmetic.check_parameters(made, parameters)
        ids = np.stack([rng.integers(0, rows, (4, 3)) for _, rows, _ in own.columns])
        pieces = rng.integers(0, max(1, own.pieces[0]), 3)
        values = rng.standard_normal((4, 3, own.values)).astype(np.float32)
        tokens = Tokens(ids, np.array([4, 1, 2]), rng.integers(0, 2, (4, 3)), pieces, np.array([0, 3, 3]), values)
        rest = [Sentences(np.array([[0, 2], [1, 0]]), np.array([2, 1]))] if getattr(made, "above", ()) else []
        arithmetic.forward(NumpyOps(), made, parameters, tokens, *rest)
        json.dumps(made.to_json())
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017 - it may raise, or not
        return False
    return True


def folder_entrance(name: str, content: bytes, task: str = "text") -> bool:
    """One file of a sound folder replaced, then loaded and used; whether that went well. task: or one of OLDER."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(GOLDEN / task if task in OLDER else _folder(task), Path(place) / "m"))
        (folder / name).write_bytes(content)
        try:
            _use(throughtime.load(folder))
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017 - it may raise, or not
            return False
    return True


def columns_entrance(data: Any) -> bool:
    """What tokenizer.json has of a reader's columns; if it is taken, encoding with it."""
    try:
        made = Columns.from_json(data)
        encoded = made.encode([text.split() for text in ASKED])
        assert (encoded.ids < np.array(made.sizes)).all()
        assert not len(encoded.pieces) or encoded.pieces.max() < len(made.pieces or ())
        encoded.batch(np.arange(len(ASKED)))
        json.dumps(made.to_json())
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return False
    return True


def tokenizer_entrance(data: Any, text: str) -> bool:
    """A tokenizer's JSON; if it is taken, encoding and decoding with it."""
    try:
        made = tokenizers.from_json(data)
        ids = made.encode(text)
        assert not len(ids) or 0 <= int(ids.min()) <= int(ids.max()) < made.size
        made.decode(ids).encode("utf-8", "surrogatepass")
        decoder = made.decoder()
        "".join([*[decoder.push(int(i)) for i in ids], decoder.flush()])
        json.dumps(made.to_json())
    except UserError:
        return False
    return True


@cache
def _folder(task: str = "text") -> Path:
    place = tempfile.TemporaryDirectory()
    _KEPT.append(place)
    return write_folder(Path(place.name)) if task == "text" else write_reader(Path(place.name), task)


def raw(name: str, task: str = "text") -> bytes:
    """A file of the sound folder."""
    return (_folder(task) / name).read_bytes()


_KEPT: list[Any] = []
"""Folders that live as long as the process."""


def _use(model: Any) -> None:
    try:
        if hasattr(model, "write"):
            "".join(model.write(length=3, seed=0))
            "".join(model.write(length=2, top_p=0.9, seed=0))
        elif hasattr(model, "tag"):
            for one in model.tag(ASKED):
                assert len(one.tags) == len(one.tokens) == len(one.sure)
        else:
            found = model.predict_probabilities(ASKED)
            assert found.shape == (len(ASKED), len(model.classes))
            assert np.isfinite(found).all()
            _follow(model)
    except UserError as error:
        assert "not finite" in str(error)  # noqa: PT017


def _follow(model: Any) -> None:
    try:
        stream = model.stream()
    except UserError as error:
        assert "forward" in str(error)  # noqa: PT017
        return
    assert np.isfinite(stream.feed("the cat")).all()
    stream.restore(stream.save())
    assert np.isfinite(stream.close()).all()
