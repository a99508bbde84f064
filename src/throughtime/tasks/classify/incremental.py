"""A text as it arrives: its tokens, the recurrences and the poolings so far, and the probabilities that these give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from throughtime.data.pieces import settled
from throughtime.errors import UserError
from throughtime.linear.ensemble import RECURRENCE
from throughtime.linear.naive_bayes import CONTEXT, NaiveBayesFeatures
from throughtime.options import Json
from throughtime.runtime.readers import Reader
from throughtime.runtime.stream import State, Stream, check_shapes
from throughtime.storage.parameters import check_finite_output
from throughtime.tasks.classify.model import WHO, ClassifierConfig

if TYPE_CHECKING:
    from throughtime.engine.stepper import Stepper
    from throughtime.tasks.classify.stream import TextClassifier

_LATER = ("pair_after", "place", "word_around")
"""Columns that look ahead."""


class ClassifierStream(Stream[str, np.ndarray]):
    """Reads on from where it is: `feed` text, the probabilities (C,) of what has arrived come back.

    The last word waits until it is complete; `close` says that nothing more comes. The recurrence costs the same for
    every token, however long the text; a linear model with a weight looks at the whole text again at each feed. Made by
    TextClassifier.stream. UserError unless every member reads forward only. Calls of several threads come one after the
    other, those of all streams of a model.
    """

    kind = "classify"

    def __init__(self, model: TextClassifier) -> None:
        for reader in model.readers.readers:
            kinds = {*reader.columns.kinds}
            if not reader.config.streams or reader.splitter.kind not in ("words", "characters") or kinds & {*_LATER}:
                raise UserError(
                    f"{WHO}: only a model that reads once, forward, in words or characters can follow a text as it "
                    "arrives; train one with --no-bidirectional and without --sentences"
                )
        self.model = model
        self._text = ""
        self._feeds: list[_Feed] = []
        self.reset()

    @property
    def text(self) -> str:
        """What has arrived."""
        return self._text

    def feed(self, value: str) -> np.ndarray:
        """Take in what comes next; the probabilities (C,) float64 of all so far."""
        with self.model.feeding:
            for one in self._feeds:
                one.read(value)
            self._text += value
            return self.probabilities()

    def close(self) -> np.ndarray:
        """Nothing more comes; the probabilities (C,) of the whole."""
        with self.model.feeding:
            for one in self._feeds:
                one.read("", last=True)
            return self.probabilities()

    def probabilities(self) -> np.ndarray:
        """(C,) float64."""
        with self.model.feeding:
            return self._probabilities()

    def _probabilities(self) -> np.ndarray:
        model, parts = self.model, {}
        for name, weight in model.weights.items():
            if weight and name != RECURRENCE:
                one = model.linear[name]
                parts[name] = model.linear_part(one, one.ngrams.rows([model.composed(self._text)]))
            elif weight:
                logits = [each for one in self._feeds for each in one.logits()]
                check_finite_output(logits)
                each = [model.scaled(one.astype(np.float64)) for one in logits]
                parts[name] = model.scaled(sum(each[1:], start=each[0]) / len(each))[None]
        probabilities: np.ndarray = model.shares(parts)[0]
        return probabilities

    def state(self) -> State:
        """The text, what of it waits, and of each member the recurrences' states and the poolings so far."""
        arrays: dict[str, np.ndarray] = {}
        for r, one in enumerate(self._feeds):
            for m, member in enumerate(one.members):
                arrays |= {f"{r}.{m}.{name}": value for name, value in member.state().items()}
        return arrays, {"text": self._text, "readers": [one.waiting() for one in self._feeds]}

    def set_state(self, state: State | None) -> None:
        model, size = self.model, self.model.readers.ensemble_size
        feeds = [
            _Feed(model, reader, [_Member(reader, model.readers.own(r, m), model.steppers[r][m]) for m in range(size)])
            for r, reader in enumerate(model.readers.readers)
        ]
        text: Json = ""
        if state is not None:
            arrays, rest = state
            check_shapes(arrays, self.state()[0])
            rest = rest if isinstance(rest, dict) else {}
            text, entries = rest.get("text"), rest.get("readers")
            if not isinstance(text, str) or not isinstance(entries, list) or len(entries) != len(feeds):
                raise UserError("stream: expected the text and what of it waits; the state is damaged")
            for r, (one, entry) in enumerate(zip(feeds, entries, strict=True)):
                one.wait(entry)
                for m, member in enumerate(one.members):
                    start = f"{r}.{m}."
                    member.set_state({name[len(start) :]: a for name, a in arrays.items() if name.startswith(start)})
        self._text, self._feeds = text, feeds


class _Feed:
    """One reader as text arrives: what waits until it is a token, and the members that read the tokens."""

    def __init__(self, model: TextClassifier, reader: Reader, members: list[_Member]) -> None:
        self.members = members
        self._model, self._reader = model, reader
        self._tail = ""
        self._context: list[str] = []
        self._before: list[str] = []

    def read(self, text: str, last: bool = False) -> None:
        """Take in text. last: nothing more comes."""
        reader = self._reader
        waiting = self._model.composed(self._tail + text)
        pieces = reader.splitter.pieces(waiting)
        done = len(waiting)
        if pieces and not last and reader.splitter.kind == "words" and pieces[-1][2] == len(waiting):
            sign, done, _ = pieces.pop()
            if sign in ("'", "’") and pieces and pieces[-1][2] == done:
                done = pieces.pop()[1]  # a word that may go on behind its apostrophe
        if not last and self._model.composes:
            done = min(done, settled(waiting))  # a mark may follow, and join what stands there
            while pieces and pieces[-1][2] > done:
                done = min(done, pieces.pop()[1])
        self._tail = waiting[done:]
        self._step([piece for piece, _, _ in pieces])

    def logits(self) -> list[np.ndarray]:
        """(C,) of each member, of what was read so far, and of a last character that a mark may follow as it is; of
        nothing, those of an unknown token."""
        waits = self._tail if self._reader.splitter.kind == "characters" else ""
        if self._begun and not waits:
            return [member.logits() for member in self.members]
        ahead = _Feed(self._model, self._reader, [member.copy() for member in self.members])
        ahead._tail, ahead._context, ahead._before = waits, self._context, self._before
        ahead.read("", last=True)
        if not ahead._begun:
            ahead._step([""])
        return [member.logits() for member in ahead.members]

    def _step(self, tokens: list[str]) -> None:
        features = self._reader.features
        for member in self.members:
            member.begin()
        for token in tokens:
            values = None
            if features is not None:
                self._context = [*self._context, token][-_reach(features) :]
                values = features.of([self._context])[-1]
            for member in self.members:
                member.step(self._before, token, values)
            self._before = [token]
        for member in self.members:
            member.end()

    @property
    def _begun(self) -> bool:
        return bool(self._before)

    def waiting(self) -> Json:
        """What `wait` takes."""
        return {"tail": self._tail, "context": list(self._context), "before": list(self._before)}

    def wait(self, data: Json) -> None:
        """Go on from what `waiting` gave; UserError where it is damaged."""
        lists = [data.get(name) for name in ("context", "before")] if isinstance(data, dict) else [None]
        good = all(isinstance(one, list) and all(isinstance(token, str) for token in one) for one in lists)
        if not good or not isinstance(data.get("tail"), str):
            raise UserError("stream: expected what of the text waits; the state is damaged")
        self._tail, self._context, self._before = data["tail"], list(data["context"]), list(data["before"])


def _reach(features: NaiveBayesFeatures) -> int:
    """Tokens that an n-gram which ends in the last of them has room in; none is shorter than a character."""
    return max(CONTEXT, *(orders[1] for orders in (features.ngrams.words, features.ngrams.characters) if orders))


class _Member:
    """One recurrent member: the recurrences' states, and the poolings so far."""

    def __init__(self, reader: Reader, parameters: Mapping[str, np.ndarray], steppers: Sequence[Stepper]) -> None:
        self._reader, self._parameters, self._steppers = reader, parameters, steppers
        config: ClassifierConfig = reader.config
        self._config, width, kind = config, config.reader.width, parameters["output.W_py"].dtype
        self._states = [[np.zeros((1, n), kind) for n in layer.state_sizes] for (layer,) in config.reader.layers]
        self._pooled = {
            "count": np.zeros(1),
            "max": np.full(width, -np.inf),
            "sum": np.zeros(width),
            "last": np.zeros(width),
            # attention: its largest score, the sum of its shares and of the states by them, both by that score
            "highest": np.full(1, -np.inf),
            "shares": np.zeros(1),
            "attended": np.zeros(width),
        }

    def copy(self) -> _Member:
        """One that goes on by itself."""
        copied = _Member(self._reader, self._parameters, self._steppers)
        copied._states, copied._pooled = self._states, self._pooled
        return copied

    def begin(self) -> None:
        """Give the recurrences the states of this stream."""
        for stepper, states in zip(self._steppers, self._states, strict=True):
            stepper.set_state(states)

    def end(self) -> None:
        """Take them back."""
        self._states = [list(stepper.state) for stepper in self._steppers]

    def step(self, before: list[str], token: str, values: np.ndarray | None) -> None:
        """Read a token. before: the one before it, if any. values: (F,), the naive-Bayes features that end there."""
        seen = self._reader.columns.encode([[*before, token]])
        parameters, reader = self._parameters, self._config.reader
        ids = seen.ids[-1]
        parts = [parameters[f"columns.{name}"][ids[i]] for i, (name, _, _) in enumerate(reader.columns)]
        if reader.pieces != (0, 0):
            d = seen.spelled[-1]
            bag = parameters["pieces"][seen.pieces[seen.offsets[d] : seen.offsets[d + 1]]]
            parts.append(bag.mean(0) if len(bag) else np.zeros(reader.pieces[1], bag.dtype))
        x = sum(parts[1:], start=parts[0]) if reader.added else np.concatenate(parts)
        x = np.ascontiguousarray(x if values is None else np.concatenate([x, values.astype(x.dtype)]))
        for stepper in self._steppers:
            x = stepper.step(x)
        self._pool(x.astype(np.float64))

    def _pool(self, h: np.ndarray) -> None:
        was = self._pooled
        now = {**was, "count": was["count"] + 1, "last": h, "max": np.maximum(was["max"], h), "sum": was["sum"] + h}
        if "attention" in self._config.pooling:
            score = self._parameters["pooling.w_a"][0] @ h
            now["highest"] = np.maximum(score, was["highest"])
            fade, share = np.exp(was["highest"] - now["highest"]), np.exp(score - now["highest"])
            now["attended"] = fade * was["attended"] + share * h
            now["shares"] = fade * was["shares"] + share
        self._pooled = now

    def logits(self) -> np.ndarray:
        """(C,), of what was read so far."""
        pooled = self._pooled
        by_kind = {
            "max": pooled["max"],
            "mean": pooled["sum"] / pooled["count"],
            "attention": pooled["attended"] / np.maximum(pooled["shares"], 1e-300),
            "last": pooled["last"],
        }
        p = np.concatenate([by_kind[kind] for kind in self._config.pooling])
        logits: np.ndarray = self._parameters["output.W_py"] @ p + self._parameters["output.b_y"]
        return logits

    def state(self) -> dict[str, np.ndarray]:
        """Of the recurrences and the poolings, by name; copies."""
        states = {f"{i}.{j}": one.copy() for i, states in enumerate(self._states) for j, one in enumerate(states)}
        return {**states, **{name: value.copy() for name, value in self._pooled.items()}}

    def set_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` gave, of the same shapes."""
        self._states = [[arrays[f"{i}.{j}"] for j in range(len(one))] for i, one in enumerate(self._states)]
        self._pooled = {name: arrays[name] for name in self._pooled}
