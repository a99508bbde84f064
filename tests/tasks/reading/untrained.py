"""Models that read with drawn parameters, their folders, and damage to those."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from throughtime import cells
from throughtime.data.columns import Columns
from throughtime.data.splitter import Splitter
from throughtime.linear.folder import linear_files
from throughtime.linear.model import NgramModel
from throughtime.linear.naive_bayes import NaiveBayesFeatures
from throughtime.linear.ngrams import Ngrams
from throughtime.models.reader import ReaderConfig
from throughtime.models.stack import Stack
from throughtime.runtime.readers import Reader, Readers, prefix, reader_files
from throughtime.storage.folder import WEIGHTS, write_files
from throughtime.storage.record import ModelRecord
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify.model import ClassifierConfig, above
from throughtime.tasks.classify.stream import TextClassifier
from throughtime.tasks.reading.data import Decided

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
    bidirectional: bool = True,
    spelling: bool = False,
    features: Any = False,
    over: bool = False,
    pooling: tuple[str, ...] = ("max", "mean", "attention"),
    **rest: Any,
) -> Reader:
    """What members share. features: whether there are naive-Bayes features, or some that are made already."""
    splitter = Splitter.fit(units, LEARNED)
    tokens = [splitter.split(text) for text in LEARNED]
    columns, _ = Columns.fit(tokens, kinds, spelling, least_pieces=1)
    if features is True:
        features, _ = NaiveBayesFeatures.fit(tokens, LABELS, CLASSES, range(len(tokens)), 0)
    if spelling:
        rest["pieces"] = (len(columns.pieces or ()), 4)
    if features:
        rest["values"] = features.channels
    sizes = [(kind, size, 4) for kind, size in zip(kinds, columns.sizes, strict=True)]
    traces = [cells.make(name).trace() for name in cell]
    config = ReaderConfig.stack("classifier", sizes, traces, 5, bidirectional, **rest)
    upper = Stack.of(traces[:1], above(pooling, config), 3, bidirectional).layers if over else ()
    return Reader(splitter, columns, ClassifierConfig(config, 3, pooling, upper), features or None)


def parameters_of(arithmetic: Any, readers: list[Reader], members: int, dtype: str = "float32") -> dict[str, Any]:
    """Drawn ones, none of them zero."""
    rng, found = np.random.default_rng(7), {}
    for r, reader in enumerate(readers):
        for m in range(members):
            for name, value in arithmetic.initial_parameters(reader.config, rng, dtype).items():
                found[prefix(r, m) + name] = value + 0.5 * rng.standard_normal(value.shape).astype(dtype)
    return found


def counted(classes: int = 3, seed: int = 0) -> NgramModel:
    """A linear model over n-grams."""
    ngrams, rng = Ngrams((1, 2), (1, 3), least=1).fit(LEARNED), np.random.default_rng(seed)
    weights = rng.standard_normal((ngrams.size, classes)).astype(np.float32)
    return NgramModel(ngrams, weights, rng.standard_normal(classes).astype(np.float32))


def make(
    *options: dict[str, Any], members: int = 1, dtype: str = "float32", linear: Any = None, **decided: Any
) -> TextClassifier:
    """A classifier; options: of each reader."""
    readers = [reader_of(**one) for one in options or ({},)]
    made = Readers("classifier", classifier, readers, members, parameters_of(classifier, readers, members, dtype))
    return TextClassifier(made, CLASSES, linear, Decided(**decided))


def softmax(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    return found


def write(model: Any, folder: Path, schema: Any, config: Any) -> Path:
    """A model's folder, as training writes it. config: the model's part of the record."""
    decided = Decided(model.weights, threshold=model.threshold)
    record = ModelRecord(schema.task, config, schema.options(), schema.data(), decided, config.parameters)
    linear = linear_files(model.linear) if model.linear else {}
    write_files(folder, {**reader_files(model.readers.readers), WEIGHTS: model.readers.parameters, **linear})
    record.write(folder)
    return folder


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
