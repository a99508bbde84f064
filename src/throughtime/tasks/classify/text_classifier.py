"""A trained classifier: texts in, labels and probabilities out. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.errors import UserError
from throughtime.linear.ensemble import OUT_OF_SCOPE, RECURRENCE, fuse, log_softmax
from throughtime.linear.folder import read_linear
from throughtime.linear.model import Wide
from throughtime.runtime.ragged import chunks
from throughtime.runtime.readers import Readers
from throughtime.storage.environment import cores
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify.model import WHO, ClassifierConfig

if TYPE_CHECKING:
    from throughtime.tasks.classify.stream import Opinion


_TEXTS = 4096
"""Texts in memory at once."""


class TextClassifier:
    """A classifier that runs without torch.

    readers: its recurrent members. classes: names, in the order of the logits. linear: models over n-grams by name.
    fusion: how much each has to say, RECURRENCE or a name of `linear` -> a weight from 0 up: the answer's log
    probabilities are the weighted sum of theirs, made to sum to 1. threshold: the least probability of an answer that
    is sure, None where no threshold was found. Raises UserError where these do not fit.
    """

    def __init__(
        self,
        readers: Readers,
        classes: Sequence[str],
        linear: Mapping[str, Wide] | None = None,
        fusion: Mapping[str, float] | None = None,
        threshold: float | None = None,
    ) -> None:
        self.readers, self.classes = readers, list(classes)
        self.linear, self.fusion = dict(linear or {}), dict(fusion or {RECURRENCE: 1.0})
        self.threshold = threshold
        count = len(self.classes)
        if not all(isinstance(name, str) for name in self.classes) or count != len(set(self.classes)):
            raise UserError(f"{WHO}: expected the classes' names, each once; config.json is damaged")
        sizes = {one.config.classes for one in readers.readers} | {one.classes for one in self.linear.values()}
        if sizes != {count}:
            raise UserError(f"{WHO}: expected {count} classes everywhere, got {sorted(sizes)}; the folder is damaged")
        unknown = self.fusion.keys() - {RECURRENCE, *self.linear}
        sound = all(isinstance(w, int | float) and 0 <= w < 1e6 for w in self.fusion.values())
        if unknown or not sound or not any(self.fusion.values()):
            raise UserError(f"{WHO}: expected weights of {RECURRENCE} and of linear models; config.json is damaged")
        if threshold is not None and not (isinstance(threshold, float) and 0 <= threshold <= 1):
            raise UserError(f"{WHO}: expected a threshold from 0 to 1, got {threshold!r}; config.json is damaged")

    @classmethod
    def from_folder(cls, directory: Path, config: Mapping[str, Any], weights: str | None = None) -> TextClassifier:
        """The model in a folder whose config.json is given."""
        if weights not in (None, "float32"):
            raise UserError(f"{WHO}: expected weights as they are, float32, got {weights!r}")
        readers = Readers.from_folder(WHO, classifier, ClassifierConfig, directory, config)
        readers.ops.threads = cores()
        own = config.get("classify")
        if not isinstance(own, dict) or not isinstance(own.get("classes"), list):
            raise UserError(f"{directory}: classify missing in config.json; the file is damaged")
        fusion = own.get("fusion", {RECURRENCE: 1.0})
        if not isinstance(fusion, dict):
            raise UserError(f"{directory}: fusion must be an object; config.json is damaged")
        try:
            return cls(readers, own["classes"], read_linear(directory), fusion, own.get("threshold"))
        except UserError as error:
            raise UserError(f"{directory}: {error}") from None

    def recurrence(self, texts: Sequence[str], mixed: np.random.Generator | None = None) -> np.ndarray:
        """Log probabilities (N, C) float64 of the recurrent members alone, the mean of theirs, made to sum to 1.

        mixed: puts the tokens of each text in a random order before they are read, as a control."""
        found = np.zeros((len(texts), len(self.classes)))
        for r, reader in enumerate(self.readers.readers):
            tokens = [reader.splitter.split(text) for text in texts]
            if mixed is not None:
                tokens = [[one[i] for i in mixed.permutation(len(one))] for one in tokens]
            for rows, _, outputs in self.readers.outputs(r, reader.of_tokens(tokens)):
                found[rows] += sum(log_softmax(logits.astype(np.float64)) for logits in outputs)
        return log_softmax(found / (len(self.readers.readers) * self.readers.members))

    def parts(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """The log probabilities (N, C) of everyone that has a say, by name."""
        found = {}
        rows: dict[int, Any] = {}  # linear models over the same n-grams count them once
        for name, weight in self.fusion.items():
            if weight and name == RECURRENCE:
                found[name] = self.recurrence(texts).astype(np.float64)
            elif weight:
                one = self.linear[name]
                if id(one.ngrams) not in rows:
                    rows[id(one.ngrams)] = one.ngrams.rows(texts)
                found[name] = one.log_probabilities_of(rows[id(one.ngrams)]).astype(np.float64)
        return found

    def log_probabilities(self, texts: Iterable[str]) -> np.ndarray:
        """(N, C) float64; texts of any number and length, in bounded memory."""
        parts = [self._fused(self.parts(some)) for some in chunks(checked(texts), _TEXTS)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)))

    def _fused(self, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        return fuse(parts, self.fusion)

    def predict_probabilities(self, texts: Iterable[str]) -> np.ndarray:
        """(N, C) float64, in the order of `classes`."""
        found: np.ndarray = np.exp(self.log_probabilities(texts))
        return found

    def predict(self, texts: Iterable[str], sure: bool = False) -> list[str]:
        """The likeliest class of each text. sure: OUT_OF_SCOPE where the model is not sure enough; see `threshold`."""
        return [label for label, _ in self.label(texts, sure)]

    def label(self, texts: Iterable[str], sure: bool = False) -> Iterator[tuple[str, np.ndarray]]:
        """For each text as it comes, its class and the probabilities (C,); only some thousand texts are in memory.

        sure: see `predict`. UserError where there is no threshold."""
        if sure and self.threshold is None:
            raise UserError(
                f"{WHO}: no threshold was found for this model, on its validation part no answers were sure enough; "
                "leave `sure` out, or train with a lower one"
            )
        for some in chunks(checked(texts), _TEXTS):
            for one in np.exp(self._fused(self.parts(some))):
                best = int(one.argmax())
                label = self.classes[best]
                yield (OUT_OF_SCOPE if sure and one[best] < (self.threshold or 0.0) else label), one

    def stream(self) -> Opinion:
        """A text as it arrives, and the running opinion of it. UserError unless the model reads in one direction."""
        from throughtime.tasks.classify.stream import Opinion

        return Opinion(self)


def checked(texts: Iterable[str]) -> Iterator[str]:
    """Texts one by one; UserError for what is none."""
    if isinstance(texts, str):
        raise UserError(f"{WHO}: expected several texts, got one; give a list, [text]")
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise UserError(f"{WHO}: text {number} is no text but {type(text).__name__}")
        yield text
