"""Taggers a recurrent one must beat: each token's most frequent tag, and a linear-chain CRF."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from throughtime.data.splits import grouped_split
from throughtime.data.tagged import Tagged
from throughtime.errors import UserError, needed
from throughtime.storage.folder import passing_folder
from throughtime.tasks.tag.metrics import scheme_of, slot_f1, token_accuracy

Sentences = Sequence[Sequence[str]]

PENALTIES = ((0.0, 1.0), (0.0, 0.1), (0.1, 0.01), (1.0, 0.01))
"""(c1, c2) that are tried: the weights of the absolute and of the squared parameters. Without c1 by stochastic gradient
descent, which is at its best within ten passes where the other takes a hundred and more (Snips, CAIS)."""

_ROUNDS = {"l2sgd": 15, "lbfgs": 150}
_PROBE = 3
"""Rounds after which is known how long one takes."""

_AROUND = 2
"""Neighbours to either side that are features."""


class MostFrequentTag:
    """Each token's most frequent training tag (the first by name of equals), the overall one for an unknown token."""

    name = "most frequent tag"

    def __init__(self, tags: Mapping[str, str] | None = None, default: str = "O") -> None:
        self._tags, self._default = dict(tags or {}), default

    def fit(self, sentences: Sentences, tags: Sentences) -> MostFrequentTag:
        """Count tokens (N sentences) with their tags. Returns itself."""
        _check(self.name, sentences, tags)
        counts: dict[str, Counter[str]] = {}
        total: Counter[str] = Counter()
        for words, own in zip(sentences, tags, strict=True):
            total.update(own)
            for word, tag in zip(words, own, strict=True):
                counts.setdefault(word, Counter())[tag] += 1
        self._tags = {word: _most(found) for word, found in counts.items()}
        self._default = _most(total) if total else "O"
        return self

    def tag(self, sentences: Sentences) -> list[list[str]]:
        """The tags of each sentence's tokens."""
        return [[self._tags.get(word, self._default) for word in words] for words in sentences]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"tags": self._tags, "default": self._default}

    @classmethod
    def from_json(cls, data: Any) -> MostFrequentTag:
        """Rebuild from `to_json`; UserError where it is damaged."""
        tags = data.get("tags") if isinstance(data, dict) else None
        if not isinstance(tags, dict) or not all(isinstance(v, str) for v in (*tags.values(), data.get("default"))):
            raise UserError("most frequent tag: expected tags and a default as text; the file is damaged")
        return cls(tags, data["default"])


class LinearChainCRF:
    """A conditional random field over a sentence's tags, by python-crfsuite. model: what it learned, as bytes.

    Features of a token: lower-cased tokens up to two places away and neighbouring pairs of them; of longer tokens its
    shape, and its first and last one to four characters. So for Chinese characters: characters and pairs of them.

    Source: Lafferty et al. 2001, Conditional random fields, ICML; Okazaki 2007, CRFsuite.
    """

    name = "linear-chain CRF"

    def __init__(self, model: bytes = b"", penalties: Sequence[tuple[float, float]] = PENALTIES) -> None:
        self.model, self._penalties = model, penalties
        self.chosen: tuple[float, float] | None = None
        self.cut = False  # whether there was no time for all rounds

    def fit(
        self,
        sentences: Sentences,
        tags: Sentences,
        held_sentences: Sentences = (),
        held_tags: Sentences = (),
        seconds: float = 120.0,
        say: Callable[[str], None] = lambda line: None,
    ) -> LinearChainCRF:
        """Train with each penalty within about so many seconds, and keep the one with the best span F1 on the held
        part, the first without one. Where even that would take longer it ends after fewer rounds.

        Returns itself. Raises UserError where python-crfsuite is missing or tags do not fit.
        """
        _needed(self.name)
        _check(self.name, sentences, tags)
        _check(self.name, held_sentences, held_tags)
        if not any(map(len, sentences)):
            raise UserError(f"{self.name}: expected tokens to learn from, got none")
        began = time.monotonic()
        features = [_features(words) for words in sentences if len(words)]
        own = [list(t) for t in tags if len(t)]
        plain, best = scheme_of([*tags, *held_tags]) is not None, -1.0
        penalties = self._penalties if len(held_sentences) else self._penalties[:1]
        _, rate = _train(features, own, *penalties[0], 10**9, 0.0)
        left = seconds - (time.monotonic() - began)
        full = _ROUNDS[_algorithm(penalties[0][0])]
        rounds = int(min(full, max(1.0, left / max(rate, 1e-9))))
        self.cut = rounds < full
        if self.cut:
            say(f"{self.name}: cut short, {rounds} of {full} rounds fit into the {seconds:g} s allowed")
        self.model = b""
        for c1, c2 in penalties:
            left = seconds - (time.monotonic() - began)
            if self.model:
                model, _ = _train(features, own, c1, c2, _ROUNDS[_algorithm(c1)], left) if left > 0 else (None, 0.0)
            else:
                model, _ = _train(features, own, c1, c2, rounds, None)
            if model is None:
                say(f"{self.name}: no time left to try the penalty c1 {c1:g}, c2 {c2:g}")
                continue
            tried = LinearChainCRF(model)
            answers = tried.tag(held_sentences)
            figure, what = (token_accuracy, "tokens right") if plain else (slot_f1, "F1")
            score = figure(held_tags, answers) if len(held_sentences) else 0.0
            say(f"{self.name}: {what} {score:.1%} on what it is chosen by, with the penalty c1 {c1:g}, c2 {c2:g}")
            if score > best:
                best, self.model, self.chosen = score, model, (c1, c2)
        return self

    def tag(self, sentences: Sentences) -> list[list[str]]:
        """The most probable tags of each sentence's tokens."""
        _needed(self.name)
        import pycrfsuite

        whole = len(self.model).to_bytes(4, "little")
        if self.model[:4] != b"lCRF" or self.model[4:8] != whole:  # its C code would not check
            raise UserError(f"{self.name}: expected a model, it was not trained or the file is damaged")
        tagger = pycrfsuite.Tagger()
        tagger.open_inmemory(self.model)
        return [list(tagger.tag(_features(words))) if len(words) else [] for words in sentences]

    def arrays(self) -> dict[str, np.ndarray]:
        """What to keep: model (bytes,) uint8."""
        return {"model": np.frombuffer(self.model, np.uint8)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> LinearChainCRF:
        """Rebuild from `arrays`; UserError where it is damaged."""
        if "model" not in arrays or arrays["model"].dtype != np.uint8:
            raise UserError("linear-chain CRF: expected model as uint8; the file is damaged")
        return cls(arrays["model"].tobytes())


Baseline: TypeAlias = MostFrequentTag | LinearChainCRF


def baselines(
    learned: Tagged, held: Tagged | None, seconds: float, seed: int, say: Callable[[str], None]
) -> dict[str, Baseline]:
    """The most frequent tag, and a linear-chain CRF where python-crfsuite is installed and there is time for it.

    held: what its penalty is chosen by; None takes a tenth of the texts."""
    fitted: dict[str, Baseline] = {MostFrequentTag.name: MostFrequentTag().fit(learned.tokens, learned.tags)}
    if seconds <= 0:
        return fitted
    if find_spec("pycrfsuite") is None:
        say(f"linear-chain CRF: skipped, needs python-crfsuite, {needed('labels')}")
        return fitted
    if held is None:
        rows, kept = grouped_split([tuple(one) for one in learned.tokens], None, 0.1, seed, learned.where)
        learned, held = learned.take(rows), learned.take(kept)
    crf = LinearChainCRF()
    crf.fit(learned.tokens, learned.tags, held.tokens, held.tags, seconds, say)
    fitted[f"{crf.name}, cut short" if crf.cut else crf.name] = crf
    return fitted


def _train(
    features: list[list[list[str]]], tags: list[list[str]], c1: float, c2: float, rounds: int, seconds: float | None
) -> tuple[bytes | None, float]:
    """The model, None where after _PROBE rounds it is clear that it takes longer; and seconds a round."""
    import pycrfsuite

    ends: list[float] = []

    class Trainer(pycrfsuite.BaseTrainer):  # type: ignore[misc]
        def message(self, text: str) -> None:
            if text.startswith(("***** Iteration", "***** Epoch")):
                ends.append(time.monotonic())
                if seconds is not None and len(ends) >= _PROBE:
                    each = (ends[-1] - ends[0]) / (len(ends) - 1)
                    if ends[-1] - began + each * (rounds - len(ends)) > seconds:
                        raise TimeoutError

    with passing_folder() as folder:
        path = folder / "model.crfsuite"
        trainer = Trainer()
        trainer.select(_algorithm(c1))
        options = {"c2": c2, "max_iterations": rounds, "feature.possible_transitions": True}
        trainer.set_params(options | ({"c1": c1} if c1 else {}))
        for sentence, own in zip(features, tags, strict=True):
            trainer.append(sentence, own)
        began = time.monotonic()
        try:
            trainer.train(str(path))
        except TimeoutError:
            model = None
        else:
            model = path.read_bytes()
    return model, (ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 1 else 0.0


def _algorithm(c1: float) -> str:
    return "lbfgs" if c1 else "l2sgd"


def _features(words: Sequence[str]) -> list[list[str]]:
    lower = [word.lower() for word in words]
    edge = [""] * _AROUND
    padded = [*edge, *lower, *edge]
    found = []
    for i, (word, low) in enumerate(zip(words, lower, strict=True)):
        near = padded[i : i + 2 * _AROUND + 1]
        own = [f"{k}={one}" for k, one in enumerate(near)]
        own += [f"{k}{k + 1}={one} {other}" for k, (one, other) in enumerate(pairwise(near))]
        if len(word) > 1 or word.isascii():
            own.append(f"shape={_shape(word)}")
        if len(word) > 1:
            for n in range(1, min(4, len(low)) + 1):
                own += [f"^{low[:n]}", f"{low[-n:]}$"]
        found.append(own)
    return found


def _shape(word: str) -> str:
    """Xx for Word, dd-dd for 12-34: capitals, small letters and digits, no more than two of a kind in a row."""
    kinds = "".join("X" if c.isupper() else "d" if c.isdigit() else "x" if c.isalpha() else c for c in word)
    return re.sub(r"(.)\1{2,}", r"\1\1", kinds)


def _most(counts: Counter[str]) -> str:
    return min(counts, key=lambda tag: (-counts[tag], tag))


def _needed(name: str) -> None:
    if find_spec("pycrfsuite") is None:
        raise UserError(f"{name} needs python-crfsuite: {needed('labels')}")


def _check(name: str, sentences: Sentences, tags: Sentences) -> None:
    if len(sentences) != len(tags):
        raise UserError(f"{name}: expected tags for {len(sentences)} sentences, got {len(tags)}")
    for i, (words, own) in enumerate(zip(sentences, tags, strict=True), 1):
        if len(words) != len(own):
            raise UserError(f"{name}: sentence {i} has {len(words)} tokens and {len(own)} tags")
