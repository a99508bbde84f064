"""A classifier that starts from an earlier one: new tokens, new classes, naive-Bayes features and linear models anew.

Where the earlier texts are at hand the features and the linear models are fitted to all texts, earlier and new. Where
they are not, the earlier features are kept, and the earlier linear models stand beside those of the new texts; the
validation part decides what each weighs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from throughtime.data.labelled import Texts
from throughtime.errors import UserError
from throughtime.linear.ensemble import MAJORITY
from throughtime.linear.fit import ABSENT
from throughtime.linear.model import NgramModel
from throughtime.linear.naive_bayes import NaiveBayesFeatures
from throughtime.models.grown import grown
from throughtime.models.reader import ReaderConfig
from throughtime.recurrence import Recurrence
from throughtime.runtime.readers import Reader, own, prefix, reader_files
from throughtime.tasks.classify.build import FEATURES, features_of
from throughtime.tasks.classify.data import ClassifiedData
from throughtime.tasks.classify.model import ClassifierEnsemble
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.classify.stream import TextClassifier
from throughtime.tasks.earlier import Earlier
from throughtime.tasks.reading.data import Parts
from throughtime.tasks.reading.ensemble import Part, ReadingPlan

_EARLIER = "earlier "
"""Stands before the name of a linear model that is taken over."""


def grow(examples: Parts[Texts], options: ClassifierOptions, earlier: Earlier) -> ReadingPlan:
    """Everything a classifier starts with that goes on from an earlier one."""
    old: ClassifierEnsemble = earlier.record.model
    learned, held = examples.learned, examples.held
    new = sorted({*learned.labels, *held.labels} - set(old.classes))
    classes = (*old.classes, *new)
    if len(set(learned.labels)) < 2:
        raise UserError(
            f"{learned.where}: every text has the label {learned.labels[0]!r}, and the texts that the model in "
            f"{earlier.folder} learned from are not there as they were; give texts of other classes too"
        )
    parts, parameters = [], {}
    for r, reader in enumerate(earlier.model.readers.readers):
        part, inputs = _part(reader, examples, classes, options)
        parts.append(part)
        for m in range(old.ensemble_size):
            before = own(earlier.model.parameters, r, m)
            rng = np.random.default_rng([options.seed, r, m])
            found = grown(before, part.reader.config.shapes, rng, inputs)
            parameters.update({prefix(r, m) + name: value for name, value in found.items()})
    model = ClassifierEnsemble(tuple(part.reader.config for part in parts), old.ensemble_size, classes)
    notes = [*examples.notes, *([f"new classes: {', '.join(new[:10])}"] if new else [])]
    data = ClassifiedData(
        **{
            **examples.data.to_json(),
            "notes": tuple(notes),
            "without": earlier.record.data.without,
            "classes": {name: learned.labels.count(name) for name in classes},
            "labels": earlier.record.data.labels,
        }
    )
    return ReadingPlan(model, data, parameters, reader_files([part.reader for part in parts]), parts=parts)


def seen_again(reader: Reader, examples: Parts[Texts], classes: Sequence[str], seed: int) -> Part:
    """What a reader of a folder sees of the texts to go on with."""
    tokens, held = ([reader.splitter.split(text) for text in one.texts] for one in (examples.known, examples.held))
    return _of(reader, tokens, held, len(examples.learned), _anew(reader, tokens, examples, classes, seed)[1])


def _anew(
    reader: Reader, tokens: list[list[str]], examples: Parts[Texts], classes: Sequence[str], seed: int
) -> tuple[NaiveBayesFeatures | None, np.ndarray | None]:
    """The features of all that is known, and those of its texts; where they cannot be, the reader's, and None."""
    if reader.features is None or examples.rest is None or sum(map(len, tokens)) * len(classes) > FEATURES:
        return reader.features, None
    found, values = features_of(tokens, examples.known, classes, seed)
    return (found, values) if found.orders == reader.features.orders else (reader.features, None)


def _of(
    reader: Reader, tokens: list[list[str]], held: list[list[str]], learned: int, values: np.ndarray | None
) -> Part:
    """A part that learns the first of some texts. values: naive-Bayes features of all of them."""
    first = tokens[:learned]
    if values is not None:
        values = values[: sum(max(1, len(text)) for text in first)]
    return Part.of(reader, first, held, values)


def _part(
    reader: Reader, examples: Parts[Texts], classes: Sequence[str], options: ClassifierOptions
) -> tuple[Part, np.ndarray | None]:
    """A reader that knows more, with what it sees of the texts; and where the inputs of its recurrence stand now."""
    known = examples.known
    tokens, held = ([reader.splitter.split(text) for text in one.texts] for one in (known, examples.held))
    columns = reader.columns
    if reader.splitter.kind != "tokenizer":
        columns = columns.grown(tokens, options.vocabulary)
    features, values = _anew(reader, tokens, examples, classes, options.seed)
    config: ReaderConfig = reader.config.reader
    channels = 0 if features is None else features.channels
    more, layers = channels - config.values, config.layers
    if more:
        lowest = tuple(Recurrence(one.trace, {**one.sizes, "I": one.input_size + more}) for one in config.layers[0])
        layers = (lowest, *config.layers[1:])
    sizes = replace(
        config,
        columns=tuple(
            (name, size, width) for (name, _, width), size in zip(config.columns, columns.sizes, strict=True)
        ),
        pieces=(len(columns.pieces), config.pieces[1]) if columns.pieces else (0, 0),
        layers=layers,
        values=channels,
        dropout=options.drops(),
    )
    grown_reader = Reader(
        reader.splitter, columns, replace(reader.config, reader=sizes, classes=len(classes)), features
    )
    inputs = None
    if more and reader.features is not None and features is not None:
        width = config.layers[0][0].input_size - config.values
        inputs = np.concatenate([np.arange(width), width + _channels(reader.features, features)])
    return _of(grown_reader, tokens, held, len(examples.learned), values), inputs


def _channels(old: NaiveBayesFeatures, new: NaiveBayesFeatures) -> np.ndarray:
    """Where each channel stands now: of every order one for each class, of two classes that of the second alone."""
    before, now = int(old.ratios.shape[1]), int(new.ratios.shape[1])
    place = np.arange(old.channels)
    own_class = place % before + (1 if before == 1 and now > 1 else 0)
    channels: np.ndarray = place // before * now + own_class
    return channels


def taken_over(model: TextClassifier, classes: int) -> dict[str, NgramModel]:
    """The linear models of an earlier classifier, with a place for every class there is now."""
    found = {}
    for name, one in model.linear.items():
        if name == MAJORITY or name.startswith(_EARLIER):
            continue
        more = classes - one.classes
        weights = np.concatenate([one.weights, np.zeros((len(one.weights), more), np.float32)], 1)
        bias = np.concatenate([one.bias, np.full(more, ABSENT, np.float32)])
        found[_EARLIER + name] = NgramModel(one.ngrams, weights, bias, one.scale, one.weighting, one.normalize)
    return found
