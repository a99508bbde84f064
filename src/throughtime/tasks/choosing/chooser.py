"""A trained chooser: something is said, the best of a user's own answers is given, or none is known. No torch.

score of an answer = w_1 TF-IDF of the whole context with the answer
                   + w_2 replies to the nearest turns of training (neighbours.py)
                   + w_3 fit of the recurrent encoders' vectors (model.py)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.errors import UserError
from throughtime.linear.ensemble import log_softmax
from throughtime.linear.nearest import Nearest
from throughtime.models.exact import ExactOps
from throughtime.options import Json
from throughtime.storage.folder import File
from throughtime.storage.parameters import check_finite, check_finite_output, check_parameters
from throughtime.tasks.choosing import model as arithmetic
from throughtime.tasks.choosing.data import Vocabulary, batch
from throughtime.tasks.choosing.model import ChooserConfig
from throughtime.tasks.choosing.neighbours import Neighbours

FILE, WEIGHTS = "chooser.json", "chooser.safetensors"
"""The files a chooser is kept in."""

TFIDF, NEIGHBOURS, RECURRENCE, QUESTION = "tf-idf", "neighbours", "recurrence", "question"
PARTS = (TFIDF, NEIGHBOURS, RECURRENCE, QUESTION)

SHARP = 20.0
"""What a nearness from 0 to 1 is multiplied by, to be a logarithm of about the size that it deserves."""

SIGNS = 6
"""Signs by which it is told whether an answer is right; see `signs`."""

_ROWS = 128

_LARGEST = 1e6
"""What weights stay below."""


@dataclass(frozen=True)
class Chosen:
    """An answer. number: its place among the answers. confidence: the calibrated probability that it answers what was
    said. known: whether that is enough; where not, the chooser does not know."""

    text: str
    number: int
    confidence: float
    known: bool


@dataclass(frozen=True)
class Encoders:
    """The recurrent part: how it reads, and its parameters."""

    vocabulary: Vocabulary
    config: ChooserConfig
    parameters: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        check_parameters(arithmetic.WHO, self.config.shapes, self.parameters)
        check_finite(arithmetic.WHO, self.parameters)
        if self.config.vocabulary != self.vocabulary.size:
            raise UserError("chooser: the words are not those of the weights; the file is damaged")

    @property
    def scale(self) -> float:
        return float(np.exp(min(10.0, float(self.parameters["scale"][0]))))

    def contexts(self, contexts: Sequence[Sequence[str]]) -> np.ndarray:
        """(N, D) vectors of contexts, each a list of turns, the last one at the end."""
        return self._vectors("context", self.vocabulary.contexts(contexts))

    def replies(self, replies: Sequence[str]) -> np.ndarray:
        """(N, D) vectors of replies."""
        return self._vectors("reply", self.vocabulary.replies(replies))

    def _vectors(self, side: str, texts: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        found, ops = np.empty((len(texts), self.config.width), np.float32), ExactOps()
        order = np.argsort([len(ids) for ids, _ in texts], kind="stable")
        for begin in range(0, len(order), _ROWS):
            rows = order[begin : begin + _ROWS]
            inputs = batch([texts[i] for i in rows])
            found[rows] = arithmetic.forward(ops, self.config, self.parameters, side, *inputs)
        return found


@dataclass(frozen=True)
class Chooser:
    """answers: each once. of: (J,) the answer of each pair of training, -1 for one that is none. index: of the answers.
    neighbours: of the pairs. encoders, vectors (A, D): the recurrent part, and the answers' vectors. weights: of the
    parts by name. steep: (SIGNS + 1,) what the signs say of the confidence, a constant last. threshold: the confidence
    from which it knows.
    """

    answers: list[str]
    of: np.ndarray
    index: Nearest
    neighbours: Neighbours
    encoders: Encoders
    vectors: np.ndarray
    weights: Mapping[str, float]
    steep: np.ndarray
    threshold: float

    def __post_init__(self) -> None:
        count = len(self.answers)
        good = self.index.count == count == len(self.neighbours.usual)
        good = (
            good
            and self.vectors.shape == (count, self.encoders.config.width)
            and bool((abs(self.vectors) < 1.01).all())
        )
        good = (
            good and self.of.shape == (self.neighbours.sources.count,) and self.of.min() >= -1 and self.of.max() < count
        )
        good = good and self.of.dtype.kind == "i" and self.vectors.dtype.kind == self.steep.dtype.kind == "f"
        good = good and self.weights.keys() == set(PARTS) and self.steep.shape == (SIGNS + 1,)
        if not good or not all(abs(one) < _LARGEST for one in (*self.weights.values(), *self.steep, self.threshold)):
            raise UserError("chooser: its answers, weights and index do not fit together; the file is damaged")
        object.__setattr__(self, "_places", {text: i for i, text in enumerate(self.answers)})

    def parts(
        self, context: Sequence[str], hidden: np.ndarray | None = None
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """What each part says of every answer, (A,) by name; and how near each pair's last turn is, (J,). hidden: pairs
        that do not count."""
        near = next(self.neighbours.sources.similarities([context[-1]]))
        if hidden is not None:
            near = near.copy()
            near[hidden] = 0.0
        said = self.encoders.contexts([context])[0]
        question = np.zeros(len(self.answers), np.float32)
        given = self.of >= 0
        np.maximum.at(question, self.of[given], near[given])
        return {
            TFIDF: SHARP * next(self.index.similarities([" ".join(context)])),
            NEIGHBOURS: self.neighbours.scores(near),
            RECURRENCE: self.encoders.scale * (self.vectors @ said),
            QUESTION: SHARP * question,
        }, near

    def scores(self, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        """(A,) of every answer, by the weights of the parts."""
        total: np.ndarray = np.asarray(sum(self.weights[name] * parts[name] for name in PARTS), np.float64)
        return total

    def signs(self, parts: Mapping[str, np.ndarray], near: np.ndarray, scores: np.ndarray, best: int) -> np.ndarray:
        """(SIGNS,) by which it is told whether an answer is right: how near the nearest pair is, and the nearest with
        that answer; what each part says of it; and the logarithm of its share among all answers."""
        return np.array(
            [
                near.max(initial=0.0),
                parts[QUESTION][best] / SHARP,
                parts[TFIDF][best] / SHARP,
                parts[NEIGHBOURS][best] / 10.0,
                parts[RECURRENCE][best] / self.encoders.scale,
                log_softmax(scores)[best],
            ],
            np.float64,
        )

    def choose(self, context: Sequence[str], avoid: str | None = None) -> Chosen:
        """The best answer to the last turn of a context, oldest turn first. avoid: an answer that is not given, such as
        the one before. UserError for a context without a word."""
        if not context or not context[-1].strip():
            raise UserError("chooser: expected something said, got nothing")
        parts, near = self.parts(context)
        scores = self.scores(parts)
        check_finite_output([scores])
        allowed = scores.copy()
        if avoid is not None and len(self.answers) > 1:
            places: dict[str, int] = self._places  # type: ignore[attr-defined]
            if avoid in places:
                allowed[places[avoid]] = -np.inf
        best = int(allowed.argmax())
        confidence = self.confidence(self.signs(parts, near, scores, best))
        return Chosen(self.answers[best], best, confidence, confidence >= self.threshold)

    def confidence(self, signs: np.ndarray) -> float:
        """The probability that an answer with such signs is right."""
        return float(1 / (1 + np.exp(-np.clip(signs @ self.steep[:-1] + self.steep[-1], -30, 30))))

    def files(self, trained: bool = True, encoders: bool = True) -> dict[str, File]:
        """The files it is kept in; `of_files` reads them. trained: with the answers' vectors, which are else made where
        it is read. encoders: with the recurrent part, which is else kept elsewhere."""
        data: dict[str, Json] = {
            "answers": self.answers,
            "index": self.index.to_json(),
            "sources": self.neighbours.sources.to_json(),
            "vocabulary": self.encoders.vocabulary.to_json(),
            "config": self.encoders.config.to_json(),
            "weights": dict(self.weights),
            "threshold": self.threshold,
        }
        groups: dict[str, Mapping[str, np.ndarray]] = {
            "index": self.index.arrays(),
            "sources": self.neighbours.sources.arrays(),
            "neighbours": {n: getattr(self.neighbours, n) for n in ("indptr", "answers", "weights", "usual")},
            "encoders": self.encoders.parameters,
            "own": {"of": self.of.astype(np.int32), "vectors": self.vectors, "steep": self.steep},
        }
        if not encoders:
            del data["config"], groups["encoders"]
        arrays = {f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()}
        if not trained:
            del arrays["own.vectors"]
        return {WEIGHTS: arrays, FILE: data}

    @classmethod
    def of_files(
        cls,
        data: Json,
        arrays: Mapping[str, np.ndarray],
        config: ChooserConfig | None = None,
        parameters: Mapping[str, np.ndarray] | None = None,
    ) -> Chooser:
        """Rebuild from what `files` gave, its JSON and its arrays; UserError says what is damaged. config, parameters:
        of the recurrent part, where that is kept elsewhere."""

        def group(name: str) -> dict[str, np.ndarray]:
            start = f"{name}."
            return {key[len(start) :]: value for key, value in arrays.items() if key.startswith(start)}

        try:
            answers = data["answers"]
            if not isinstance(answers, list) or not answers or not all(isinstance(one, str) and one for one in answers):
                raise UserError("chooser: expected answers, none empty; the file is damaged")
            if len(set(answers)) < len(answers):
                raise UserError("chooser: expected each answer once; the file is damaged")
            if config is None or parameters is None:
                config, parameters = ChooserConfig.from_json(data["config"]), group("encoders")
            encoders = Encoders(Vocabulary.from_json(data["vocabulary"]), config, parameters)
            neighbours = Neighbours(Nearest.from_arrays(data["sources"], group("sources")), **group("neighbours"))
            index, own = Nearest.from_arrays(data["index"], group("index")), group("own")
            weights = {str(name): float(value) for name, value in data["weights"].items()}
            threshold = float(data["threshold"])
            vectors = own["vectors"] if "vectors" in own else encoders.replies(answers)
            return cls(answers, own["of"], index, neighbours, encoders, vectors, weights, own["steep"], threshold)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"chooser: it is malformed ({error!r}); the file is damaged") from None


def fingerprint(files: Mapping[str, File]) -> str:
    """The SHA-256 of what a chooser's files hold: its JSON, and its arrays by name."""
    sha = hashlib.sha256(json.dumps(files[FILE], sort_keys=True).encode())
    for name, value in sorted(files[WEIGHTS].items()):
        sha.update(f"{name} {value.dtype} {value.shape} ".encode() + np.ascontiguousarray(value).tobytes())
    return sha.hexdigest()
