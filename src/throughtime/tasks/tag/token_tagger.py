"""A trained tagger: texts or tokens in, a tag for each token and an intent out. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.linear.ensemble import OUT_OF_SCOPE, RECURRENCE, fuse, log_softmax
from throughtime.linear.folder import read_linear
from throughtime.linear.model import Wide
from throughtime.models import crf
from throughtime.runtime.ragged import ROWS, chunks
from throughtime.runtime.readers import Readers
from throughtime.storage.environment import cores
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag.model import WHO, TaggerConfig

_TEXTS = 4096
"""Texts in memory at once."""

_PAIRS = 1 << 24
"""Scores of pairs of tags, those of each row, that decoding has in memory at once."""


@dataclass(frozen=True)
class Tagging:
    """A text that is understood.

    tokens and tags: (T,) each. sure: (T,) the probability of each tag. spans: what the tags mark, from the first token
    to before the last. intent: of the whole text, None where the model knows none. intents: their probabilities.
    """

    tokens: list[str]
    tags: list[str]
    sure: list[float]
    spans: list[dict[str, Any]]
    intent: str | None = None
    intents: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        whole = {"intent": self.intent, "intents": self.intents} if self.intent is not None else {}
        return {"tokens": self.tokens, "tags": self.tags, "sure": self.sure, "spans": self.spans, **whole}


class TokenTagger:
    """A tagger that runs without torch.

    readers: its members. tags, intents: names, in the order of the scores; no intents where texts have none. linear:
    models of intents over n-grams by name, fusion: how much each has to say of them, threshold: the least probability
    of an intent that is sure, see TextClassifier. Raises UserError where these do not fit.
    """

    def __init__(
        self,
        readers: Readers,
        tags: Sequence[str],
        intents: Sequence[str] = (),
        linear: Mapping[str, Wide] | None = None,
        fusion: Mapping[str, float] | None = None,
        threshold: float | None = None,
    ) -> None:
        self.threshold = threshold
        if threshold is not None and not (isinstance(threshold, float) and 0 <= threshold <= 1):
            raise UserError(f"{WHO}: expected a threshold from 0 to 1, got {threshold!r}; config.json is damaged")
        self.readers, self.tags, self.intents = readers, list(tags), list(intents)
        self.linear, self.fusion = dict(linear or {}), dict(fusion or {RECURRENCE: 1.0})
        config: TaggerConfig = readers.readers[0].config
        for name, known, count in (("tags", self.tags, config.tags), ("intents", self.intents, config.intents)):
            if not all(isinstance(one, str) for one in known) or not len(known) == len(set(known)) == count:
                raise UserError(f"{WHO}: expected the names of {count} {name}, each once; config.json is damaged")
        if len(readers.readers) != 1 or any(one.classes != config.intents for one in self.linear.values()):
            raise UserError(f"{WHO}: expected one reader, and linear models of {config.intents} intents; damaged")
        sound = all(isinstance(w, int | float) and 0 <= w < 1e6 for w in self.fusion.values())
        if self.fusion.keys() - {RECURRENCE, *self.linear} or not sound or not any(self.fusion.values()):
            raise UserError(f"{WHO}: expected weights of {RECURRENCE} and of linear models; config.json is damaged")
        self._pairs = self._scores()

    def _scores(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of pairs, of the first and of the last tag: the members' mean, and FORBIDDEN where a pair cannot be."""
        found = crf.allowed(self.tags)
        if not self.readers.readers[0].config.crf:
            return found
        own = [self.readers.own(0, m) for m in range(self.readers.members)]
        means = [sum(one[f"crf.{name}"] for one in own) / len(own) for name in ("transitions", "first", "last")]
        return found[0] + means[0], found[1] + means[1], found[2] + means[2]

    @classmethod
    def from_folder(cls, directory: Path, config: Mapping[str, Any], weights: str | None = None) -> TokenTagger:
        """The model in a folder whose config.json is given."""
        if weights not in (None, "float32"):
            raise UserError(f"{WHO}: expected weights as they are, float32, got {weights!r}")
        readers = Readers.from_folder(WHO, tagger, TaggerConfig, directory, config)
        readers.ops.threads = cores()
        own = config.get("tag")
        if (
            not isinstance(own, dict)
            or not isinstance(own.get("tags"), list)
            or not isinstance(own.get("intents"), list)
        ):
            raise UserError(f"{directory}: tag missing in config.json; the file is damaged")
        fusion = own.get("fusion", {RECURRENCE: 1.0})
        if not isinstance(fusion, dict):
            raise UserError(f"{directory}: fusion must be an object; config.json is damaged")
        try:
            return cls(readers, own["tags"], own["intents"], read_linear(directory), fusion, own.get("threshold"))
        except UserError as error:
            raise UserError(f"{directory}: {error}") from None

    def tokens(self, text: str) -> list[str]:
        """A text cut into tokens as this model was trained with."""
        return self.readers.readers[0].splitter.split(text)

    def scores(self, sentences: Sequence[Sequence[str]]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, Any]]:
        """For batches of tokens: rows, lengths (B,), the members' mean scores (T, B, K) and their mean log
        probabilities of the intents (B, C), None where there are none."""
        most = max(1, min(ROWS, _PAIRS // len(self.tags) ** 2))
        for rows, lengths, outputs in self.readers.outputs(0, self.readers.readers[0].of_tokens(sentences), most):
            emissions = sum(one for one, _ in outputs) / len(outputs)
            logits = None
            if self.intents:
                logits = sum(log_softmax(own.astype(np.float64)) for _, own in outputs)
                logits = log_softmax(logits / len(outputs))
            yield rows, lengths, emissions, logits

    def decode(self, emissions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The likeliest tags (T, B) that can be."""
        return crf.best(emissions, *self._pairs, lengths)

    def intent_log_probabilities(self, sentences: Sequence[Sequence[str]], own: np.ndarray) -> np.ndarray:
        """(N, C) of the recurrence, own, and of the linear models that have a say."""
        parts = {RECURRENCE: own} if self.fusion.get(RECURRENCE) else {}
        joined = [together(one) for one in sentences]
        for name, weight in self.fusion.items():
            if weight and name != RECURRENCE:
                parts[name] = self.linear[name].log_probabilities(joined).astype(np.float64)
        return fuse(parts, self.fusion)

    def predict(self, sentences: Sequence[Sequence[str]]) -> tuple[list[list[str]], list[str]]:
        """The tags of each sentence's tokens, and its intent, "" of one without a token (none where there are none)."""
        found = list(self.tag(sentences, sure=False))
        return [one.tags for one in found], [one.intent or "" for one in found] if self.intents else []

    def tag(self, texts: Iterable[str | Sequence[str]], sure: bool = True, scope: bool = False) -> Iterator[Tagging]:
        """Texts, or tokens, as they come, understood; only some thousand are in memory.

        sure: with the probability of every tag. scope: OUT_OF_SCOPE in place of an intent the model is not sure enough
        of; UserError where no threshold was found for that.
        """
        if isinstance(texts, str):
            raise UserError(f"{WHO}: expected several texts, got one; give a list, [text]")
        if scope and self.threshold is None:
            raise UserError(
                f"{WHO}: no threshold was found for this model, on its validation part no intents were sure enough; "
                "ask without, or train with a lower one"
            )
        for some in chunks(texts, _TEXTS):
            found = self._tag([self._checked(one) for one in some], sure)
            for one in found:
                unsure = scope and one.intent is not None and one.intents[one.intent] < (self.threshold or 0.0)
                yield replace(one, intent=OUT_OF_SCOPE) if unsure else one

    def _checked(self, text: Any) -> list[str]:
        """The tokens of a text or of what is cut into tokens; UserError for what is neither."""
        if isinstance(text, str):
            return self.tokens(text)
        if not isinstance(text, Iterable) or isinstance(text, bytes):
            raise UserError(f"{WHO}: expected texts, or lists of tokens, got {type(text).__name__}")
        tokens = list(text)
        if wrong := [type(token).__name__ for token in tokens if not isinstance(token, str)]:
            raise UserError(f"{WHO}: expected tokens as texts, got {wrong[0]}")
        return tokens

    def _tag(self, sentences: list[list[str]], sure: bool) -> list[Tagging]:
        tags: list[list[str]] = [[] for _ in sentences]
        shares: list[list[float]] = [[] for _ in sentences]
        own = np.zeros((len(sentences), max(1, len(self.intents))))
        for rows, lengths, emissions, logits in self.scores(sentences):
            best = self.decode(emissions, lengths)
            certain = crf.marginals(emissions, *self._pairs, lengths) if sure else None
            for b, row in enumerate(rows):
                count = len(sentences[row])
                tags[row] = [self.tags[k] for k in best[:count, b]]
                if certain is not None:
                    shares[row] = certain[np.arange(count), b, best[:count, b]].tolist()
            if logits is not None:
                own[rows] = logits
        found = []
        whole = np.exp(self.intent_log_probabilities(sentences, own)) if self.intents else own
        for tokens, labels, share, one in zip(sentences, tags, shares, whole, strict=True):
            intents = dict(zip(self.intents, one.tolist(), strict=True)) if self.intents and tokens else {}
            intent = max(intents, key=lambda name: intents[name]) if intents else None
            found.append(Tagging(tokens, labels, share, marked(tokens, labels), intent, intents))
        return found
