"""A new classifier for what is to be learned: how it reads the texts, its sizes, what it starts from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from throughtime.data.label_notes import text_key
from throughtime.data.label_sets import flat, multi_hot, rarest
from throughtime.data.labelled import Texts
from throughtime.data.splitter import Splitter
from throughtime.errors import UserError
from throughtime.linear import fit
from throughtime.linear.naive_bayes import NaiveBayesFeatures
from throughtime.models.reader import ReaderConfig
from throughtime.models.resolve import declared
from throughtime.models.stack import Stack
from throughtime.recurrence import Trace
from throughtime.runtime.readers import Reader, prefix, reader_files
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify.data import ClassifiedData, classes_of
from throughtime.tasks.classify.model import WHO, ClassifierConfig, ClassifierEnsemble, above
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.reading import embeddings
from throughtime.tasks.reading.data import Parts
from throughtime.tasks.reading.ensemble import Part, ReadingPlan, columns_of, draw
from throughtime.tasks.reading.vectors import start_from_vectors

HAN = 0.3
"""The share of characters without a space between words from which texts are read character by character."""

_MANY = 500
"""Classes from which labels that hardly repeat are no classes, but names or numbers."""

FEATURES = 100_000_000
"""Tokens times classes up to which there are naive-Bayes features: some 10 values of 4 bytes for each in memory,
several times."""

FEATURED = ("words", "characters", "jieba")
"""Units that have naive-Bayes features: their n-grams can be read."""

COLUMNS: dict[str, tuple[tuple[str, ...], bool]] = {
    "words": (("word",), True),
    "characters": (("token", "pair_before"), False),
    "jieba": (("token",), True),
    "subwords": (("token",), False),
    "tokenizer": (("token",), False),
}
"""What is seen of each unit, and whether it is spelled out too. Naive-Bayes features have the pairs of characters
already; with both they are learned by heart."""


class LanguageModel(Protocol):
    """What a classifier may start from: a trained model of text."""

    config: Any
    parameters: Mapping[str, np.ndarray]
    tokenizer: Any


class Sizes(NamedTuple):
    """Of a reader that is to be built."""

    traces: list[Trace]
    hidden: int
    embedding: int


def build(examples: Parts[Texts], options: ClassifierOptions) -> ReadingPlan:
    """Everything a new classifier starts with; notes on its data say what of it could not be built."""
    learned = examples.learned
    classes = classes_of(examples)
    if len(learned.classes) < 2:
        only = (learned.classes or ["none"])[0]
        raise UserError(f"{learned.where}: there is one class to learn from, {only!r}; nothing to tell apart")
    if len(classes) > _MANY and len(classes) > len(learned) / 2:
        raise UserError(
            f"{learned.where}: {len(classes):,} different labels of {len(learned):,} texts are no classes; name the "
            "column of the labels"
        )
    start = _start(options)
    sizes = Sizes(options.traces(), options.hidden, options.embedding)
    if start:
        traces = [one for layer in start.config.layers if (one := declared(layer.trace)) is not None]
        sizes = Sizes(traces, start.config.layers[0].output_size, start.config.embedding)
    kinds = {"on": (True,), "off": (False,), "both": (True, False)}[options.naive_bayes]
    without: dict[str, str] = {}
    parts = []
    for unit in ["tokenizer"] if start else options.units or [unit_of(learned.texts)]:
        splitter = Splitter("tokenizer", start.tokenizer) if start else Splitter.fit(unit, learned.texts)
        for featured in kinds if unit in FEATURED else (False,):
            parts.append(_part(splitter, examples, classes, featured, sizes, options, without))
    configs = tuple(part.reader.config for part in parts)
    model = ClassifierEnsemble(configs, options.ensemble_size, tuple(classes), learned.several)
    every = Counter(flat(learned.labels) if learned.several else learned.labels)
    parameters = draw(classifier, model, options)
    if start:
        _take_over(parameters, start, options.ensemble_size)
    elif options.pmi_embeddings:
        _embed(parameters, parts, options, without)
    vectors, told = None, []
    if options.vectors is not None:
        vectors, note = start_from_vectors(parameters, parts, partial(_cut, learned.texts), options)
        told = [note]
    if options.linear_models and not fit.available():
        without["linear_models"] = fit.MISSING
    data = ClassifiedData(
        **{
            **examples.data.to_json(),
            "notes": (*examples.notes, *told, *without.values()),
            "without": tuple(without),
            "vectors": vectors,
            "classes": {name: every[name] for name in classes},
        }
    )
    return ReadingPlan(model, data, parameters, reader_files([part.reader for part in parts]), parts=parts)


def seen(reader: Reader, examples: Parts[Texts], classes: Sequence[str], options: ClassifierOptions) -> Part:
    """What a reader of a folder sees of the texts to go on with."""
    learned, held = _tokens(reader.splitter, examples)
    values = None if reader.features is None else features_of(learned, examples.learned, classes, options.seed)[1]
    return Part.of(reader, learned, held, values)


def _part(
    splitter: Splitter,
    examples: Parts[Texts],
    classes: Sequence[str],
    featured: bool,
    sizes: Sizes,
    options: ClassifierOptions,
    without: dict[str, str],
) -> Part:
    """A new reader, with what it sees of the texts. featured: whether it reads naive-Bayes features, too."""
    learned, held = _tokens(splitter, examples)
    kinds, spelling = COLUMNS[splitter.kind]
    if featured and splitter.kind == "characters":
        kinds = ("token",)
    columns = columns_of(splitter, learned, kinds, spelling, options.vocabulary)
    features, values = None, None
    count = sum(map(len, learned))
    if featured and count * len(classes) <= FEATURES:
        features, values = features_of(learned, examples.learned, classes, options.seed)
    elif featured:
        without["naive_bayes"] = (
            f"naive-Bayes features: left out, {count:,} tokens times {len(classes):,} classes are too many for memory"
        )
    config = ReaderConfig.stack(
        WHO,
        [(name, size, sizes.embedding) for name, size in zip(columns.kinds, columns.sizes, strict=True)],
        sizes.traces,
        sizes.hidden,
        options.bidirectional,
        pieces=(len(columns.pieces), sizes.embedding) if columns.pieces else (0, 0),
        added=True,
        dropout=options.drops(),
        values=0 if features is None else features.channels,
    )
    over: Any = ()
    if options.sentences:
        width = above(options.pooling, config)
        over = Stack.of(options.traces()[-1:], width, sizes.hidden, options.bidirectional).layers
    reader = Reader(splitter, columns, ClassifierConfig(config, len(classes), options.pooling, over), features)
    return Part.of(reader, learned, held, values)


def _cut(texts: Sequence[str], reader: Reader) -> Iterator[list[str]]:
    return map(reader.splitter.split, texts)


def _tokens(splitter: Splitter, examples: Parts[Texts]) -> tuple[list[list[str]], list[list[str]]]:
    learned, held = ([splitter.split(text) for text in one.texts] for one in (examples.learned, examples.held))
    return learned, held


def features_of(
    tokens: Sequence[Sequence[str]], learned: Texts, classes: Sequence[str], seed: int
) -> tuple[NaiveBayesFeatures, np.ndarray]:
    keys = [text_key(text) for text in learned.texts]
    if learned.several:
        sets = multi_hot(learned.labels, classes)
        return NaiveBayesFeatures.fit(tokens, rarest(learned.labels), classes, keys, seed, sets)
    return NaiveBayesFeatures.fit(tokens, learned.labels, classes, keys, seed)


def unit_of(texts: Sequence[str]) -> str:
    """What texts are read in where nobody said."""
    sample = "".join(texts[:2000])
    han = sum("\u3040" <= sign <= "\u30ff" or "\u3400" <= sign <= "\u9fff" for sign in sample)
    return "characters" if han > HAN * max(1, len(sample)) else "words"


def _start(options: ClassifierOptions) -> LanguageModel | None:
    """The language model to start from."""
    if options.start is None:
        return None
    from throughtime.tasks.load import load, task_of

    place = options.start
    model: LanguageModel | None = load(place) if task_of(place) == "text" else None
    if model is None or model.tokenizer.kind not in ("characters", "words"):
        raise UserError(
            f"{place}: a start must be a language model of words or characters; make one with throughtime "
            "train text FILE --tokens words"
        )
    for layer in model.config.layers:
        if declared(layer.trace) is None or set(layer.sizes) != {"I", "H"}:
            raise UserError(
                f"{place}: a start must have cells of the catalogue without sizes of their own, its "
                f"{layer.name} is none; train another"
            )
    widths = {layer.output_size for layer in model.config.layers}
    if len(widths) > 1 or (options.bidirectional and len(model.config.layers) > 1):
        raise UserError(
            f"{place}: a start must have layers of one size, and only one of them where texts are read from "
            "both ends; train another, or give --no-bidirectional"
        )
    return model


def _embed(
    parameters: dict[str, np.ndarray], parts: Sequence[Part], options: ClassifierOptions, without: dict[str, str]
) -> None:
    """Start the embeddings of the first columns from which tokens stand near which."""
    if not embeddings.available():
        without["pmi_embeddings"] = embeddings.MISSING
        return
    for r, part in enumerate(parts):
        name, size, width = part.reader.config.reader.columns[0]
        table = embeddings.pmi_embeddings(part.learned.encoded, size, width, options.seed)
        if table is None:
            without["pmi_embeddings"] = "PMI-SVD embeddings: left out, too few different tokens stand near each other"
            continue
        for m in range(options.ensemble_size):
            parameters[prefix(r, m) + f"columns.{name}"] = np.array(table)


def _take_over(parameters: dict[str, np.ndarray], start: LanguageModel, ensemble_size: int) -> None:
    """The embedding and the recurrences of a language model, as the start of the forward direction."""
    table = start.parameters["embedding"]
    for m in range(ensemble_size):
        member = partial("0.{}.{}".format, m)
        parameters[member("columns.token")] = np.concatenate([table.mean(0, keepdims=True), table]).astype(np.float32)
        for i, layer in enumerate(start.config.layers):
            for name in layer.trace.parameters:
                value = start.parameters[f"layers.{i}.{name}"]
                parameters[member(f"layers.{i}.ahead.{name}")] = value.astype(np.float32)
