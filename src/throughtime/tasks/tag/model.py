"""The tagger: a label for each token of a text, and one for the whole of it, its intent.

    h_t = what the reader makes of token t            (models/reader.py)
    e_t = W_hy h_t + b_y                              (a score for each tag)
    p(tags) by a conditional random field over e      (models/crf.py)
    y   = W_py [max_t h_t; mean_t h_t] + b_p          (the intents' logits)

and, stacked, e_t also sees the intents: + W_ey softmax(y).

Sources: Huang et al. 2015, arXiv:1508.01991; both from one recurrence, Hakkani-Tur et al. 2016,
doi:10.21437/Interspeech.2016-402; tags that see the intents, Qin et al. 2019, arXiv:1909.02188, section 3.3.

Written once over `ops`; models/ops_numpy.py and models/ops_torch.py are the two sets of operations.
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.models import pooling
from throughtime.models.ops import Ops, Params
from throughtime.models.reader import ReaderConfig, Tokens, draw, embed, read
from throughtime.options import Json
from throughtime.storage import parameters as checks
from throughtime.tasks.reading.model import Ensemble, names_from_json, readers_from_json

WHO = "tagger"
"""Who speaks in an error."""

MOST_TAGS = 4096
"""The scores of pairs are a square."""


@dataclass(frozen=True)
class TaggerConfig:
    """A tagger's sizes.

    tags: K. intents: C, 0 where texts have none. pooling: of the intents, names of pooling.KINDS. crf: whether tags
    depend on their neighbours. stacked: whether they see the intents. Raises UserError where sizes do not fit together.
    """

    reader: ReaderConfig
    tags: int
    intents: int = 0
    pooling: tuple[str, ...] = ("max", "mean")
    crf: bool = True
    stacked: bool = False

    def __post_init__(self) -> None:
        for name, value, least in (("tags", self.tags, 1), ("intents", self.intents, 0)):
            if type(value) is not int or not least <= value <= MOST_TAGS:
                got = reprlib.repr(value)
                raise UserError(f"{WHO}: {name} must be an integer from {least} to {MOST_TAGS:,}, got {got}")
        if not self.pooling or not set(self.pooling) <= set(pooling.KINDS):
            names, got = ", ".join(pooling.KINDS), reprlib.repr(list(self.pooling))
            raise UserError(f"{WHO}: pooling must be some of {names}, got {got}")
        for name, flag in (("crf", self.crf), ("stacked", self.stacked)):
            if not isinstance(flag, bool):
                raise UserError(f"{WHO}: {name} must be true or false, got {reprlib.repr(flag)}")
        if self.stacked and not self.intents:
            raise UserError(f"{WHO}: stacked tags see the intents, but there are none")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape."""
        found = {**self.reader.shapes}
        found["output.W_hy"], found["output.b_y"] = (self.tags, self.reader.width), (self.tags,)
        if self.crf:
            found["crf.transitions"] = (self.tags, self.tags)
            found["crf.first"] = found["crf.last"] = (self.tags,)
        if self.intents:
            found.update(pooling.shapes(self.pooling, "pooling", self.reader.width))
            found["intent.W_py"] = (self.intents, pooling.widths(self.pooling, self.reader.layers[-1]))
            found["intent.b_y"] = (self.intents,)
        if self.stacked:
            found["stacked.W_ey"] = (self.tags, self.intents)
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dicts, for config.json."""
        sizes = {"tags": self.tags, "intents": self.intents, "pooling": list(self.pooling)}
        return {**sizes, "crf": self.crf, "stacked": self.stacked, **self.reader.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> TaggerConfig:
        """Rebuild from `to_json`; UserError says what is wrong."""
        missing = {"tags", "intents", "pooling", "crf", "stacked"} - (data.keys() if isinstance(data, dict) else set())
        if missing:
            raise UserError(f"{WHO}: {', '.join(sorted(missing))} missing in its configuration")
        if not isinstance(data["pooling"], list) or any(not isinstance(kind, str) for kind in data["pooling"]):
            raise UserError(f"{WHO}: pooling must be a list of names; config.json is damaged")
        reader = ReaderConfig.from_json(WHO, data)
        return cls(reader, data["tags"], data["intents"], tuple(data["pooling"]), data["crf"], data["stacked"])


@dataclass(frozen=True)
class TaggerEnsemble(Ensemble[TaggerConfig]):
    """What config.json keeps of a tagger. tags, intents: names, in the order of the scores; no intents where texts have
    none. Raises UserError where those do not fit its reader."""

    tags: tuple[str, ...]
    intents: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.readers) != 1:
            raise UserError(f"{WHO}: expected one reader, got {len(self.readers)}; config.json is damaged")
        (reader,) = self.readers
        for name, known, count in (("tags", self.tags, reader.tags), ("intents", self.intents, reader.intents)):
            if len(known) != count:
                got = f"got {len(known)}; config.json is damaged"
                raise UserError(f"{WHO}: expected the names of {count} {name}, each once, {got}")

    def to_json(self) -> dict[str, Json]:
        """Plain lists and dicts."""
        return {**super().to_json(), "tags": list(self.tags), "intents": list(self.intents)}

    @classmethod
    def from_json(cls, data: Json) -> TaggerEnsemble:
        """Rebuild from `to_json`; UserError says what is wrong."""
        readers, size = readers_from_json(WHO, data, TaggerConfig.from_json)
        return cls(readers, size, names_from_json(WHO, data, "tags"), names_from_json(WHO, data, "intents"))


def forward(ops: Ops, config: TaggerConfig, parameters: Params, tokens: Tokens) -> tuple[Any, Any]:
    """Scores of the tags (T, B, K), and logits of the intents (B, C), None where there are none."""
    return mark(ops, config, parameters, embed(ops, config.reader, parameters, tokens), tokens.lengths)


def mark(ops: Ops, config: TaggerConfig, parameters: Params, x: Any, lengths: Any) -> tuple[Any, Any]:
    """The same from what the lowest recurrences read, x (T, B, I)."""
    h, final = read(ops, config.reader, parameters, x, lengths)
    return answer(ops, config, parameters, h, final, lengths)


def answer(ops: Ops, config: TaggerConfig, parameters: Params, h: Any, final: Any, lengths: Any) -> tuple[Any, Any]:
    """The same from the state of every token, h (T, B, S), and the last output by direction."""
    drop = config.reader.dropout
    intents = None
    if config.intents:
        p = pooling.pool(ops, config.pooling, parameters, "pooling", h, final, lengths)
        p = ops.dropout(p, drop.output, False)
        intents = ops.linear(p, parameters["intent.W_py"], parameters["intent.b_y"])
    h = ops.dropout(h, drop.output, drop.variational)
    scores = ops.linear(h, parameters["output.W_hy"], parameters["output.b_y"])
    if config.stacked:
        scores = scores + ops.linear(ops.softmax(intents, 1), parameters["stacked.W_ey"], None)
    return scores, intents


def initial_parameters(
    config: TaggerConfig, rng: np.random.Generator, dtype: Any = np.float32
) -> dict[str, np.ndarray]:
    """Draw every parameter; name -> array, in the order of `config.shapes`. The scores of pairs begin at 0."""
    return draw(config.shapes, [config.reader.recurrences], rng, dtype)


def check_parameters(config: TaggerConfig, parameters: Params) -> None:
    """UserError unless exactly the model's parameters are there; see throughtime.storage.parameters."""
    checks.check_parameters(WHO, config.shapes, parameters)
