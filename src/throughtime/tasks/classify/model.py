"""The classifier: what a text is about, from its tokens.

    h_t = what the reader makes of token t                    (models/reader.py)
    p   = [max_t h_t; mean_t h_t; sum_t a_t h_t; ...]         (models/pooling.py)
    y   = W_py p + b_y                                        (logits; softmax makes them probabilities)

With a recurrence over sentences a long text is read twice over: its tokens sentence by sentence to p_s, then the
sentences,

    k_s = the upper stack of recurrences over p_s
    y   = W_py [max_s k_s; ...] + b_y

Source: the hierarchy, Yang et al. 2016, doi:10.18653/v1/N16-1174, section 2.

Written once over `ops`; models/ops_numpy.py and models/ops_torch.py are the two sets of operations.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.models import pooling
from throughtime.models.ops import Ops, Params
from throughtime.models.reader import ReaderConfig, Sentences, Tokens, draw, embed, read
from throughtime.models.stack import LARGEST, Stack
from throughtime.options import Json
from throughtime.recurrence import Recurrence
from throughtime.storage import parameters as checks
from throughtime.tasks.reading.model import Ensemble, names_from_json, readers_from_json

WHO = "classifier"
"""Who speaks in an error."""


@dataclass(frozen=True)
class ClassifierConfig:
    """A classifier's sizes.

    classes: C. pooling: names of pooling.KINDS. above: the layers over sentences, none where texts are read as one.
    Raises UserError where sizes do not fit together.
    """

    reader: ReaderConfig
    classes: int
    pooling: tuple[str, ...] = ("max", "mean", "attention")
    above: tuple[tuple[Recurrence, ...], ...] = ()

    def __post_init__(self) -> None:
        if type(self.classes) is not int or not 2 <= self.classes <= LARGEST:
            got = reprlib.repr(self.classes)
            raise UserError(f"{WHO}: classes must be an integer from 2 to {LARGEST:,}, got {got}")
        known = set(self.pooling) <= set(pooling.KINDS)
        if not self.pooling or not known or len(set(self.pooling)) != len(self.pooling):
            names, got = ", ".join(pooling.KINDS), reprlib.repr(list(self.pooling))
            raise UserError(f"{WHO}: pooling must be some of {names}, each once, got {got}")
        width = pooling.widths(self.pooling, self.reader.layers[-1])
        if self.above:
            self.upper.check(f"{WHO}, over sentences", width)

    @property
    def upper(self) -> Stack:
        """The layers over sentences as they run."""
        return Stack(self.above, "above", directed=True)

    @property
    def streams(self) -> bool:
        """Whether a text can be read as it arrives: in one direction, all at once."""
        return self.reader.streams and not self.above

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape."""
        found = {**self.reader.shapes, **pooling.shapes(self.pooling, "pooling", self.reader.width)}
        top = self.reader.layers[-1]
        found.update(self.upper.shapes)
        if self.above:
            top = self.above[-1]
            width = sum(layer.output_size for layer in top)
            found.update(pooling.shapes(self.pooling, "pooling_above", width))
        found["output.W_py"] = (self.classes, pooling.widths(self.pooling, top))
        found["output.b_y"] = (self.classes,)
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dicts, for config.json."""
        return {
            "classes": self.classes,
            "pooling": list(self.pooling),
            **self.reader.to_json(),
            "above": self.upper.to_json(),
        }

    @classmethod
    def from_json(cls, data: Any) -> ClassifierConfig:
        """Rebuild from `to_json`; UserError says what is wrong."""
        missing = {"classes", "pooling", "above"} - (data.keys() if isinstance(data, dict) else set())
        if missing:
            raise UserError(f"{WHO}: {', '.join(sorted(missing))} missing in its configuration")
        if not isinstance(data["pooling"], list) or any(not isinstance(kind, str) for kind in data["pooling"]):
            raise UserError(f"{WHO}: pooling must be a list of names; config.json is damaged")
        reader = ReaderConfig.from_json(WHO, data)
        return cls(
            reader,
            data["classes"],
            tuple(data["pooling"]),
            Stack.from_json(data["above"], WHO, "above", directed=True).layers,
        )


@dataclass(frozen=True)
class ClassifierEnsemble(Ensemble[ClassifierConfig]):
    """What config.json keeps of a classifier. classes: their names, in the order of the logits. several: whether a text
    has any number of them, each by itself (a sigmoid in place of the softmax). Raises UserError where those do not fit
    the readers."""

    classes: tuple[str, ...]
    several: bool = False

    def __post_init__(self) -> None:
        if {one.classes for one in self.readers} != {len(self.classes)}:
            got = sorted({one.classes for one in self.readers})
            raise UserError(f"{WHO}: expected {len(self.classes)} classes everywhere, got {got}; the folder is damaged")

    def to_json(self) -> dict[str, Json]:
        """Plain lists and dicts."""
        several = {"several": True} if self.several else {}
        return {**super().to_json(), "classes": list(self.classes), **several}

    @classmethod
    def from_json(cls, data: Json) -> ClassifierEnsemble:
        """Rebuild from `to_json`; UserError says what is wrong."""
        readers, size = readers_from_json(WHO, data, ClassifierConfig.from_json)
        several = data.get("several", False)
        if not isinstance(several, bool):
            raise UserError(f"{WHO}: several must be true or false; config.json is damaged")
        return cls(readers, size, names_from_json(WHO, data, "classes"), several)


def forward(
    ops: Ops,
    config: ClassifierConfig,
    parameters: Params,
    tokens: Tokens,
    sentences: Sentences | None = None,
) -> Any:
    """Logits (B, C). sentences: where the rows of `tokens` are sentences, and the model has a recurrence over them."""
    return judge(ops, config, parameters, embed(ops, config.reader, parameters, tokens), tokens.lengths, sentences)


def judge(
    ops: Ops,
    config: ClassifierConfig,
    parameters: Params,
    x: Any,
    lengths: Any,
    sentences: Sentences | None = None,
) -> Any:
    """Logits (B, C) from what the lowest recurrences read, x (T, B, I)."""
    drop = config.reader.dropout
    h, final = read(ops, config.reader, parameters, x, lengths)
    p = pooling.pool(ops, config.pooling, parameters, "pooling", h, final, lengths)
    if config.above:
        assert sentences is not None
        x = ops.dropout(ops.lookup(p, sentences.places), drop.between, drop.variational)
        k, states = config.upper.run(ops, parameters, x, None, sentences.counts, drop)
        final = tuple(config.upper.last(states))
        p = pooling.pool(ops, config.pooling, parameters, "pooling_above", k, final, sentences.counts)
    p = ops.dropout(p, drop.output, False)
    return ops.linear(p, parameters["output.W_py"], parameters["output.b_y"])


def initial_parameters(
    config: ClassifierConfig, rng: np.random.Generator, dtype: Any = np.float32
) -> dict[str, np.ndarray]:
    """Draw every parameter; name -> array, in the order of `config.shapes`."""
    return draw(config.shapes, [config.reader.recurrences, config.upper], rng, dtype)


def check_parameters(config: ClassifierConfig, parameters: Params) -> None:
    """UserError unless exactly the model's parameters are there; see throughtime.storage.parameters."""
    checks.check_parameters(WHO, config.shapes, parameters)


def above(pooled: Sequence[str], reader: ReaderConfig) -> int:
    """What the layers over sentences take in."""
    return pooling.widths(pooled, reader.layers[-1])
