"""A trained classifier: texts in, labels and probabilities out; from its folder, and as a stream. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import numpy as np

from throughtime.data.label_sets import INDICATOR
from throughtime.data.label_values import restored
from throughtime.errors import UserError
from throughtime.linear.ensemble import OUT_OF_SCOPE, RECURRENCE, check_weights, combine, log_softmax
from throughtime.linear.folder import read_linear
from throughtime.linear.model import NgramModel
from throughtime.linear.several import combined, probabilities
from throughtime.runtime.ragged import chunks
from throughtime.runtime.readers import Readers
from throughtime.storage.environment import cores
from throughtime.storage.parameters import check_finite_output
from throughtime.storage.record import Schema
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify.data import ClassifiedData, unlabelled
from throughtime.tasks.classify.format_1 import upgrade
from throughtime.tasks.classify.incremental import ClassifierStream
from throughtime.tasks.classify.model import WHO, ClassifierEnsemble
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.reading.data import Decided

if TYPE_CHECKING:
    from throughtime.engine.stepper import Stepper

TEXTS = 4096
"""Texts in memory at once."""


class TextClassifier:
    """A classifier that runs without torch.

    readers: its recurrent members. classes: names, in the order of the logits. linear: models over n-grams by name.
    decided: the weights, RECURRENCE or a name of `linear` -> a number from 0 up: the answer's log probabilities are the
    weighted sum of theirs, made to sum to 1; and the least probability of an answer that is sure. data: what its folder
    keeps of the texts it learned: which column they were in, and what labels were, which `labels` are again. Raises
    UserError where these do not fit.
    """

    several = False
    """Whether a text may have several labels."""

    def __init__(
        self,
        readers: Readers,
        classes: Sequence[str],
        linear: Mapping[str, NgramModel] | None = None,
        decided: Decided | None = None,
        data: ClassifiedData | None = None,
    ) -> None:
        self.data = data or ClassifiedData()
        self.labels: list[Any] = restored(classes, self.data.labels)
        decided = decided or Decided()
        self.readers, self.classes = readers, list(classes)
        self.linear, self.weights = dict(linear or {}), decided.weights or {RECURRENCE: 1.0}
        self.linear_weights, self.threshold = decided.linear_weights, decided.threshold
        count = len(self.classes)
        sizes = {one.config.classes for one in readers.readers} | {one.classes for one in self.linear.values()}
        if sizes != {count}:
            raise UserError(f"{WHO}: expected {count} classes everywhere, got {sorted(sizes)}; the folder is damaged")
        check_weights(WHO, self.weights, self.linear, self.threshold)
        self.feeding = RLock()  # who has it steps

    def __getstate__(self) -> dict[str, Any]:
        """For copies, which have no stepper and no lock in common with this one."""
        return {name: value for name, value in self.__dict__.items() if name not in ("feeding", "steppers")}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, feeding=RLock())

    @property
    def parameters(self) -> Mapping[str, np.ndarray]:
        """Of all recurrent members, by name."""
        return self.readers.parameters

    @property
    def composes(self) -> bool:
        """Whether texts are composed (NFC) before they are read; not by models of an earlier version."""
        return all(reader.splitter.marks for reader in self.readers.readers)

    def composed(self, text: str) -> str:
        """A text as those of training were."""
        return text if text.isascii() or not self.composes else normalize("NFC", text)

    def recurrence(self, texts: Sequence[str], mixed: np.random.Generator | None = None) -> np.ndarray:
        """Log probabilities (N, C) float64 of the recurrent members alone, the mean of theirs, made to sum to 1.

        mixed: puts the tokens of each text in a random order before they are read, as a control."""
        total = np.zeros((len(texts), len(self.classes)))
        for r, reader in enumerate(self.readers.readers):
            tokens = [reader.splitter.split(text) for text in texts]
            if mixed is not None:
                tokens = [[one[i] for i in mixed.permutation(len(one))] for one in tokens]
            for rows, _, outputs in self.readers.outputs(r, reader.of_tokens(tokens)):
                total[rows] += sum(self.scaled(logits.astype(np.float64)) for logits in outputs)
        return self.scaled(total / (len(self.readers.readers) * self.readers.ensemble_size))

    @staticmethod
    def scaled(logits: np.ndarray) -> np.ndarray:
        """What of logits (..., C) is averaged and weighed: log probabilities."""
        return log_softmax(logits)

    def shares(self, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        """The probabilities (N, C) float64 that parts give by the weights."""
        probabilities: np.ndarray = np.exp(combine(parts, self.weights))
        return probabilities

    @staticmethod
    def linear_part(model: NgramModel, rows: Any) -> np.ndarray:
        """What a linear model says of n-grams that were counted, (N, C) float64."""
        return model.log_probabilities_of(rows).astype(np.float64)

    def parts(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """The log probabilities (N, C) of every model that has a weight, by name."""
        parts = {}
        rows: dict[int, Any] = {}  # linear models over the same n-grams count them once
        for name, weight in self.weights.items():
            if weight and name == RECURRENCE:
                parts[name] = self.recurrence(texts).astype(np.float64)
            elif weight:
                one = self.linear[name]
                if id(one.ngrams) not in rows:
                    rows[id(one.ngrams)] = one.ngrams.rows(texts)
                parts[name] = self.linear_part(one, rows[id(one.ngrams)])
        return parts

    def log_probabilities(self, texts: Any) -> np.ndarray:
        """(N, C) float64; texts of any number and length, in bounded memory; or a file, a frame, as for `predict`."""
        parts = [combine(self.parts(some), self.weights) for some in chunks(self._checked(texts), TEXTS)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)))

    def predict_probabilities(self, texts: Any) -> np.ndarray:
        """(N, C) float64, in the order of `classes`."""
        parts = [self.shares(self.parts(some)) for some in chunks(self._checked(texts), TEXTS)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)))

    def predict(self, texts: Any, sure: bool = False) -> list[Any]:
        """The likeliest class of each text, of the type that labels had. texts: one by one, or whatever a Classifier
        learns from: a Path, a frame, a mapping. sure: OUT_OF_SCOPE where the model is not sure enough; see
        `threshold`."""
        label_of = dict(zip(self.classes, self.labels, strict=True))
        return [label_of.get(label, label) for label, _ in self.label(texts, sure)]

    def _checked(self, texts: Any) -> Iterator[str]:
        """Texts one by one, composed as those of training."""
        return map(self.composed, checked(unlabelled(texts, self.data.known)))

    def label(self, texts: Any, sure: bool = False) -> Iterator[tuple[str, np.ndarray]]:
        """For each text as it comes, its class and the probabilities (C,); only some thousand texts are in memory.

        sure: see `predict`. UserError where there is no threshold."""
        if sure and self.threshold is None:
            raise UserError(
                f"{WHO}: no threshold was found for this model, on its validation part no answers were sure enough; "
                "leave `sure` out, or train with a lower one"
            )
        for some in chunks(self._checked(texts), TEXTS):
            for one in self.shares(self.parts(some)):
                best = int(one.argmax())
                label = self.classes[best]
                yield (OUT_OF_SCOPE if sure and one[best] < (self.threshold or 0.0) else label), one

    @cached_property
    def steppers(self) -> list[list[list[Stepper]]]:
        """Of each reader, of each member, of each layer what steps it, for streams; their states come and go."""
        from throughtime import engine

        found: list[list[list[Stepper]]] = []
        for r, reader in enumerate(self.readers.readers):
            stack = reader.config.reader.recurrences
            found.append([])
            for m in range(self.readers.ensemble_size):
                parameters = self.readers.own(r, m)
                kind = str(parameters["output.W_py"].dtype)
                weights = [stack.own(parameters, i, 0) for i in range(len(stack.layers))]
                found[-1].append(
                    [
                        engine.compile(layer, kind).stepper(tuple(own[name] for name in layer.trace.parameters))
                        for (layer,), own in zip(stack.layers, weights, strict=True)
                    ]
                )
        return found

    def stream(self) -> ClassifierStream:
        """A text as it arrives, and the probabilities so far. UserError unless the model reads in one direction."""
        return ClassifierStream(self)


def checked(texts: Iterable[str]) -> Iterator[str]:
    """Texts one by one; UserError for what is none."""
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise UserError(f"{WHO}: text {number} is no text but {type(text).__name__}")
        yield text


HALF = 0.5
"""The probability from which a label is said where nothing was decided."""


class LabelSetClassifier(TextClassifier):
    """A TextClassifier whose labels stand each for itself: what others do with log probabilities is done with log odds.

    thresholds: (C,) float64, the probability from which each label is said.
    """

    several = True

    def __init__(
        self,
        readers: Any,
        classes: Sequence[str],
        linear: Mapping[str, NgramModel] | None = None,
        decided: Decided | None = None,
        data: ClassifiedData | None = None,
    ) -> None:
        super().__init__(readers, classes, linear, decided, data)
        given = {} if decided is None else decided.thresholds
        if given.keys() - {*self.classes} or not all(0 <= one <= 1 for one in given.values()):
            raise UserError(f"{WHO}: expected thresholds from 0 to 1, of its labels; config.json is damaged")
        self.thresholds = np.array([given.get(name, HALF) for name in self.classes])

    @staticmethod
    def scaled(logits: np.ndarray) -> np.ndarray:
        """Log odds are averaged and weighed as they are."""
        return logits

    @staticmethod
    def linear_part(model: NgramModel, rows: Any) -> np.ndarray:
        """Its log odds."""
        return model.logits_of(rows).astype(np.float64)

    def shares(self, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        """The probability (N, C) of every label."""
        check_finite_output(parts.values())
        found: np.ndarray = probabilities(combined(parts, self.weights))
        return found

    def log_probabilities(self, texts: Any) -> np.ndarray:
        """(N, C) float64, of every label's being there."""
        found: np.ndarray = np.log(self.predict_probabilities(texts))
        return found

    def predict(self, texts: Any, sure: bool = False) -> Any:
        """The labels of each text, lists; (N, C) of 0 and 1 where labels were such a matrix. sure: refused."""
        name_of = dict(zip(self.classes, self.labels, strict=True))
        found = [labels for labels, _ in self.label(texts, sure)]
        if self.data.labels == INDICATOR:
            place = {name: i for i, name in enumerate(self.classes)}
            matrix = np.zeros((len(found), len(place)), np.int64)
            for row, labels in enumerate(found):
                matrix[row, [place[name] for name in labels]] = 1
            return matrix
        return [[name_of[name] for name in labels] for labels in found]

    def label(self, texts: Any, sure: bool = False) -> Iterator[tuple[Any, np.ndarray]]:
        """For each text as it comes, its labels, the likeliest first, and the probabilities (C,) of all."""
        if sure:
            raise UserError(f"{WHO}: `sure` is of models with one label a text; this one has several, leave it out")
        for some in chunks(self._checked(texts), TEXTS):
            for one in self.shares(self.parts(some)):
                said = np.flatnonzero(one >= self.thresholds)
                yield [self.classes[i] for i in said[np.argsort(-one[said], kind="stable")]], one


SCHEMA = Schema("classify", ClassifierEnsemble, ClassifierOptions, ClassifiedData, Decided, upgrade)
"""What config.json says of a classifier."""


def load(folder: Path, weights: str | None = None) -> TextClassifier:
    """The model in a folder. weights: None or float32, they stay as they are. UserError says what is damaged."""
    if weights not in (None, "float32"):
        raise UserError(f"{WHO}: expected weights as they are, float32, got {weights!r}")
    record = SCHEMA.read(folder)
    model = record.model
    readers = Readers.of_folder(WHO, classifier, folder, model.readers, model.ensemble_size, cores())
    try:
        kind = LabelSetClassifier if model.several else TextClassifier
        return kind(readers, model.classes, read_linear(folder), record.decided, record.data)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None
