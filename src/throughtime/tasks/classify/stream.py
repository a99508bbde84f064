"""A text as it arrives, and what a classifier thinks of it so far."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from throughtime.data.pieces import SPLITTERS
from throughtime.errors import UserError
from throughtime.linear.ensemble import RECURRENCE, fuse, log_softmax
from throughtime.linear.naive_bayes import CONTEXT, Evidence
from throughtime.recurrence import Recurrence
from throughtime.storage.parameters import check_finite_output

if TYPE_CHECKING:
    from throughtime.runtime.readers import Reader
    from throughtime.tasks.classify.text_classifier import TextClassifier

_LATER = ("pair_after", "place", "word_around")
"""Columns that look ahead."""


class Opinion:
    """Reads on from where it is: `push` text, the probabilities of what has arrived come back.

    The recurrence costs the same for every token, however long the text; a linear model in the fusion looks at the
    whole text again at each push. Made by TextClassifier.stream. UserError unless every member reads forward only.
    Calls of several threads come one after the other.
    """

    def __init__(self, model: TextClassifier) -> None:
        self._model, self._text, self._open = model, "", ""
        self._lock = RLock()
        self._members: list[_Member] = []
        self._tails: list[str] = []
        self._contexts: list[list[str]] = []
        for r, reader in enumerate(model.readers.readers):
            kind, seen = reader.splitter.kind, reader.columns
            if not reader.config.streams or kind not in ("words", "characters") or {*seen.kinds} & {*_LATER}:
                raise UserError(
                    "classifier: only a model that reads once, forward, in words or characters can follow a text as it "
                    "arrives; train one with --forward and without --sentences"
                )
            self._tails.append("")
            self._contexts.append([])
            for m in range(model.readers.members):
                self._members.append(_Member(r, reader, model.readers.own(r, m)))

    @property
    def text(self) -> str:
        """What has arrived."""
        return self._text

    def push(self, text: str) -> np.ndarray:
        """Take in what comes next; the probabilities (C,) of all so far. The last word waits until it is complete."""
        with self._lock:
            self._text += text
            self._read(text, False)
            return self.probabilities()

    def close(self) -> np.ndarray:
        """Nothing more comes; the probabilities (C,) of the whole."""
        with self._lock:
            self._read("", True)
            return self.probabilities()

    def probabilities(self) -> np.ndarray:
        """(C,) float64."""
        with self._lock:
            return self._probabilities()

    def _probabilities(self) -> np.ndarray:
        model, parts = self._model, {}
        for name, weight in model.fusion.items():
            if weight and name != RECURRENCE:
                parts[name] = model.linear[name].log_probabilities([self._text]).astype(np.float64)
            elif weight:
                logits = [member.logits() for member in self._members]
                check_finite_output(logits)
                own = [log_softmax(one.astype(np.float64)) for one in logits]
                parts[name] = log_softmax(sum(own) / len(own))[None]
        found: np.ndarray = np.exp(fuse(parts, model.fusion)[0])
        return found

    def _read(self, text: str, last: bool) -> None:
        for member in self._members:
            member.take_over()
        for r, reader in enumerate(self._model.readers.readers):
            waiting = self._tails[r] + text
            pieces = SPLITTERS[reader.splitter.kind](waiting)
            done = len(waiting)
            if pieces and not last and reader.splitter.kind == "words" and pieces[-1][2] == len(waiting):
                sign, done, _ = pieces.pop()
                if sign in ("'", "’") and pieces and pieces[-1][2] == done:
                    done = pieces.pop()[1]  # a word that may go on behind its apostrophe
            self._tails[r] = waiting[done:]
            context = self._contexts[r]
            for piece, _, _ in pieces:
                context.append(piece)
                values = None
                if reader.evidence is not None:
                    del context[: -_reach(reader.evidence)]
                    values = reader.evidence.of([context])[-1]
                else:
                    context.clear()
                for member in self._members:
                    if member.reader == r:
                        member.step(piece, values)


def _reach(evidence: Evidence) -> int:
    """Tokens that an n-gram which ends in the last of them has room in; none is shorter than a character."""
    return max(CONTEXT, *(orders[1] for orders in (evidence.ngrams.words, evidence.ngrams.characters) if orders))


class _Member:
    """One recurrent member: its steppers, and its poolings so far."""

    def __init__(self, number: int, reader: Reader, own: Any) -> None:
        from throughtime import engine

        self.reader, self._reader, self._own = number, reader, own
        config = self._config = reader.config
        self._steppers = [
            engine.compile(Recurrence(layer.trace, layer.sizes), str(own["output.W_py"].dtype)).stepper(
                tuple(own[f"layers.{i}.ahead.{name}"] for name in layer.trace.parameters)
            )
            for i, (layer,) in enumerate(config.reader.layers)
        ]
        width = config.reader.width
        self._before: list[str] = []
        self._count = 0
        self._max, self._sum = np.full(width, -np.inf), np.zeros(width)
        self._highest, self._shares, self._attended = -np.inf, 0.0, np.zeros(width)
        self._last = np.zeros(width)

    def take_over(self) -> None:
        """The calling thread reads on."""
        for stepper in self._steppers:
            stepper.take_over()

    def step(self, token: str, values: np.ndarray | None) -> None:
        """Read a token. values: (F,), the evidence that ends there, None for nothing."""
        seen = self._reader.columns.encode([[*self._before, token]])
        self._before = [token]
        own, reader = self._own, self._config.reader
        ids = seen.ids[-1]
        parts = [own[f"columns.{name}"][ids[i]] for i, (name, _, _) in enumerate(reader.columns)]
        if reader.pieces != (0, 0):
            d = seen.spelled[-1]
            bag = own["pieces"][seen.pieces[seen.offsets[d] : seen.offsets[d + 1]]]
            parts.append(bag.mean(0) if len(bag) else np.zeros(reader.pieces[1], bag.dtype))
        x = sum(parts[1:], start=parts[0]) if reader.added else np.concatenate(parts)
        x = np.ascontiguousarray(x if values is None else np.concatenate([x, values.astype(x.dtype)]))
        for stepper in self._steppers:
            x = stepper.step(x)
        h = x.astype(np.float64)
        self._count += 1
        self._last = h
        self._max, self._sum = np.maximum(self._max, h), self._sum + h
        if "attention" in self._config.pooling:
            score = float(own["pooling.w_a"][0] @ h)
            highest = max(score, self._highest)
            fade, share = np.exp(self._highest - highest), np.exp(score - highest)
            self._attended = fade * self._attended + share * h
            self._shares, self._highest = fade * self._shares + share, highest

    def logits(self) -> np.ndarray:
        """Of what was read so far; of nothing, those of an unknown token."""
        if not self._count:
            fresh, evidence = _Member(self.reader, self._reader, self._own), self._reader.evidence
            fresh.step("", None if evidence is None else evidence.of([[""]])[0])
            return fresh.logits()
        pooled = {
            "max": self._max,
            "mean": self._sum / self._count,
            "attention": self._attended / max(self._shares, 1e-300),
            "last": self._last,
        }
        p = np.concatenate([pooled[kind] for kind in self._config.pooling])
        found: np.ndarray = self._own["output.W_py"] @ p + self._own["output.b_y"]
        return found
