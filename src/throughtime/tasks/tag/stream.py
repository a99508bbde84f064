"""A trained tagger: texts or tokens in, a tag for each token and an intent out; from its folder, and as a stream. No
torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from throughtime.data.composing import composed, with_places
from throughtime.data.tagged import Span, is_plain, marked, places_together, together
from throughtime.errors import UserError
from throughtime.linear.ensemble import OUT_OF_SCOPE, RECURRENCE, check_weights, combine, log_softmax
from throughtime.linear.folder import read_linear
from throughtime.linear.model import NgramModel
from throughtime.models import crf
from throughtime.runtime.ragged import ROWS, chunks
from throughtime.runtime.readers import Readers
from throughtime.runtime.stream import Stateless
from throughtime.storage.environment import cores
from throughtime.storage.record import Schema
from throughtime.tasks.reading.data import Decided
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag.data import TaggedData
from throughtime.tasks.tag.format_1 import upgrade
from throughtime.tasks.tag.model import WHO, TaggerConfig, TaggerEnsemble
from throughtime.tasks.tag.options import TaggerOptions

_TEXTS = 4096
"""Texts in memory at once."""

_PAIRS = 1 << 24
"""Scores of pairs of tags, those of each row, that decoding has in memory at once."""


@dataclass(frozen=True)
class Tagging:
    """A text that is understood.

    tokens and tags: (T,) each. sure: (T,) the probability of each tag. spans: what the tags mark, from the first token
    to before the last. intent: of the whole text, None where the model knows none. intents: their probabilities. text:
    as it was, or the tokens together where it was not given; places: (T,) where each token stands there.
    """

    tokens: list[str]
    tags: list[str]
    sure: list[float]
    spans: list[Span]
    intent: str | None = None
    intents: dict[str, float] = field(default_factory=dict)
    text: str = ""
    places: list[tuple[int, int]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        whole = {"intent": self.intent, "intents": self.intents} if self.intent is not None else {}
        return {
            "text": self.text,
            "tokens": self.tokens,
            "tags": self.tags,
            "sure": self.sure,
            "spans": self.spans,
            **whole,
        }


class _Cut(NamedTuple):
    """A text cut into tokens, where each stands, and the tokens as the model reads them."""

    tokens: list[str]
    text: str
    places: list[tuple[int, int]]
    read: list[str]


class TokenTagger:
    """A tagger that runs without torch.

    readers: its members. tags, intents: names, in the order of the scores; no intents where texts have none. linear:
    models of intents over n-grams by name. decided: their weights and the threshold of intents, see TextClassifier.
    form: "NFC" where texts are composed before they are read; places are in the texts as they were. Raises UserError
    where these do not fit.
    """

    def __init__(
        self,
        readers: Readers,
        tags: Sequence[str],
        intents: Sequence[str] = (),
        linear: Mapping[str, NgramModel] | None = None,
        decided: Decided | None = None,
        form: str = "",
    ) -> None:
        decided, self.form = decided or Decided(), form
        self.readers, self.tags, self.intents = readers, list(tags), list(intents)
        self.linear, self.weights = dict(linear or {}), decided.weights or {RECURRENCE: 1.0}
        self.linear_weights, self.threshold = decided.linear_weights, decided.threshold
        config: TaggerConfig = readers.readers[0].config
        for name, known, count in (("tags", self.tags, config.tags), ("intents", self.intents, config.intents)):
            if len(known) != count:
                raise UserError(
                    f"{WHO}: expected the names of {count} {name}, got {len(known)}; config.json is damaged"
                )
        if any(one.classes != config.intents for one in self.linear.values()):
            raise UserError(f"{WHO}: expected linear models of {config.intents} intents; the folder is damaged")
        check_weights(WHO, self.weights, self.linear, self.threshold)
        self._pairs = self._scores()

    @property
    def parameters(self) -> Mapping[str, np.ndarray]:
        """Of all members, by name."""
        return self.readers.parameters

    def _scores(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of pairs, of the first and of the last tag: the members' mean, and FORBIDDEN where a pair cannot be."""
        allowed = crf.allowed(self.tags)
        if not self.readers.readers[0].config.crf:
            return allowed
        members = [self.readers.own(0, m) for m in range(self.readers.ensemble_size)]
        means = [sum(one[f"crf.{name}"] for one in members) / len(members) for name in ("transitions", "first", "last")]
        return allowed[0] + means[0], allowed[1] + means[1], allowed[2] + means[2]

    def tokens(self, text: str) -> list[str]:
        """A text cut into tokens as this model was trained with."""
        return self.readers.readers[0].splitter.split(text)

    @property
    def plain(self) -> bool:
        """Whether the tags mark no spans, as parts of speech do not."""
        return is_plain(self.tags)

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

    def intent_log_probabilities(self, sentences: Sequence[Sequence[str]], recurrence: np.ndarray) -> np.ndarray:
        """(N, C) of the recurrence, whose own are given, and of the linear models that have a weight."""
        parts = {RECURRENCE: recurrence} if self.weights.get(RECURRENCE) else {}
        texts = [together(one) for one in sentences]
        for name, weight in self.weights.items():
            if weight and name != RECURRENCE:
                parts[name] = self.linear[name].log_probabilities(texts).astype(np.float64)
        return combine(parts, self.weights)

    def predict(self, sentences: Sequence[str | Sequence[str]]) -> tuple[list[list[str]], list[str]]:
        """The tags of each sentence's tokens, of a text those it is cut into; and its intent, "" of one without a token
        (none where there are none)."""
        taggings = list(self.tag(sentences, sure=False))
        return [one.tags for one in taggings], [one.intent or "" for one in taggings] if self.intents else []

    def tag(self, texts: Iterable[str | Sequence[str]], sure: bool = True, scope: bool = False) -> Iterator[Tagging]:
        """Texts, or tokens, as they come, understood; only some thousand are in memory.

        sure: with the probability of every tag. scope: OUT_OF_SCOPE in place of an intent the model is not sure enough
        of; UserError where no threshold was found for that.
        """
        if isinstance(texts, str):
            raise UserError(f"{WHO}: expected several texts, got one; give a list, [text]")
        if isinstance(texts, Mapping) or hasattr(texts, "columns") or not hasattr(texts, "__iter__"):
            raise UserError(f"{WHO}: expected a list of texts, or of lists of tokens, got {type(texts).__name__}")
        if scope and self.threshold is None:
            raise UserError(
                f"{WHO}: no threshold was found for this model, on its validation part no intents were sure enough; "
                "ask without, or train with a lower one"
            )
        for some in chunks(texts, _TEXTS):
            for one in self._tag([self._checked(one) for one in some], sure):
                unsure = scope and one.intent is not None and one.intents[one.intent] < (self.threshold or 0.0)
                yield replace(one, intent=OUT_OF_SCOPE) if unsure else one

    def _checked(self, text: Any) -> _Cut:
        """A text, or what is cut into tokens, with its tokens; UserError for what is neither."""
        if isinstance(text, str):
            whole, at = with_places(text) if self.form else (text, range(len(text) + 1))
            pieces = self.readers.readers[0].splitter.pieces(whole)
            read, places = [one for one, _, _ in pieces], [(at[start], at[end]) for _, start, end in pieces]
            return _Cut(read if whole == text else [text[a:b] for a, b in places], text, places, read)
        if not isinstance(text, Iterable) or isinstance(text, bytes):
            raise UserError(f"{WHO}: expected texts, or lists of tokens, got {type(text).__name__}")
        tokens = list(text)
        if wrong := [type(token).__name__ for token in tokens if not isinstance(token, str)]:
            raise UserError(f"{WHO}: expected tokens as texts, got {wrong[0]}")
        read = list(map(composed, tokens)) if self.form else tokens
        return _Cut(tokens, together(tokens), places_together(tokens), read)

    def stream(self) -> TaggerStream:
        """Texts one by one, each understood by itself."""
        return TaggerStream(self)

    def _tag(self, texts: list[_Cut], sure: bool) -> list[Tagging]:
        sentences = [one.read for one in texts]
        tags: list[list[str]] = [[] for _ in sentences]
        shares: list[list[float]] = [[] for _ in sentences]
        recurrence = np.zeros((len(sentences), max(1, len(self.intents))))
        for rows, lengths, emissions, logits in self.scores(sentences):
            best = self.decode(emissions, lengths)
            certain = crf.marginals(emissions, *self._pairs, lengths) if sure else None
            for b, row in enumerate(rows):
                count = len(sentences[row])
                tags[row] = [self.tags[k] for k in best[:count, b]]
                if certain is not None:
                    shares[row] = certain[np.arange(count), b, best[:count, b]].tolist()
            if logits is not None:
                recurrence[rows] = logits
        taggings = []
        whole = np.exp(self.intent_log_probabilities(sentences, recurrence)) if self.intents else recurrence
        for cut, labels, share, one in zip(texts, tags, shares, whole, strict=True):
            intents = dict(zip(self.intents, one.tolist(), strict=True)) if self.intents and cut.tokens else {}
            intent = max(intents, key=lambda name: intents[name]) if intents else None
            spans = [] if self.plain else marked(cut.tokens, labels, cut.text, cut.places)
            taggings.append(Tagging(cut.tokens, labels, share, spans, intent, intents, cut.text, cut.places))
        return taggings


class TaggerStream(Stateless[str, Tagging]):
    """A tagger that is told one text after the other: `feed` returns what it makes of that text.

    A tag depends on what comes behind its token, so that no text is begun before it is whole: nothing is carried from
    one to the next, and the state is empty.
    """

    def __init__(self, model: TokenTagger) -> None:
        super().__init__("tag", lambda text: next(model.tag([text])))
        self.model = model


SCHEMA = Schema("tag", TaggerEnsemble, TaggerOptions, TaggedData, Decided, upgrade)
"""What config.json says of a tagger."""


def load(folder: Path, weights: str | None = None) -> TokenTagger:
    """The model in a folder. weights: None or float32, they stay as they are. UserError says what is damaged."""
    if weights not in (None, "float32"):
        raise UserError(f"{WHO}: expected weights as they are, float32, got {weights!r}")
    record = SCHEMA.read(folder)
    model = record.model
    readers = Readers.of_folder(WHO, tagger, folder, model.readers, model.ensemble_size, cores())
    try:
        return TokenTagger(readers, model.tags, model.intents, read_linear(folder), record.decided, record.data.form)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None
