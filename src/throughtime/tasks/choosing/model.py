"""Two encoders, of what was said and of what may be replied, whose vectors are near where the reply fits.

    x_t = E[id_t] + F[turn_t]                     turn: how many turns ago, for a reply a sign of its own
    h   = recurrences in both directions over x, one stack for contexts and one for replies
    v   = W [max over t of h_t; mean over t of h_t],     scaled to length 1
    fit of a context and a reply = exp(s) v_context . v_reply

Source: Lowe et al. 2015, arXiv:1506.08909, section 4.3 (the dual encoder); Henderson et al. 2017, arXiv:1705.00652,
section 3 (the other replies of a batch as negatives).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from throughtime.models.ops import Array, Ops, Params
from throughtime.models.pooling import pool
from throughtime.models.stack import Dropout, Stack
from throughtime.options import Checked, option

WHO = "chooser"

TURNS = 6
"""Numbers of turns that are told apart: 0 for the last one, up to 4 for those long ago; 5 for a reply."""

SIDES = ("context", "reply")

_POOLS = ("max", "mean")


@dataclass(frozen=True)
class ChooserConfig(Checked):
    """Sizes. vocabulary: words and the unknown one. embedding: values of each. width: of the vectors that are compared.
    context, reply: the recurrences."""

    who = WHO

    vocabulary: int = option(at_least=1)
    embedding: int = option(at_least=1)
    width: int = option(at_least=1)
    context: Stack = option()
    reply: Stack = option()
    dropout: Dropout = option(Dropout())

    @classmethod
    def from_json(cls, data: object) -> ChooserConfig:
        """Rebuild from `to_json`; UserError says what is wrong."""
        if isinstance(data, dict):
            data = {
                **data,
                **{side: Stack.from_json(data.get(side), WHO, side, True) for side in SIDES},
                "dropout": Dropout.from_json(data.get("dropout", {})),
            }
        return super().from_json(data)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape."""
        found: dict[str, tuple[int, ...]] = {
            "embedding": (self.vocabulary, self.embedding),
            "turns": (TURNS, self.embedding),
            "scale": (1,),
        }
        for side in SIDES:
            stack: Stack = getattr(self, side)
            below = len(_POOLS) * stack.check(WHO, self.embedding)
            found |= {**stack.shapes, f"{side}_output.W": (self.width, below)}
        return found


def forward(
    ops: Ops, config: ChooserConfig, parameters: Params, side: str, ids: Array, turns: Array, lengths: Array
) -> Array:
    """Vectors (B, D) of length 1. side: "context" or "reply". ids, turns: (T, B). lengths: (B,), at least 1."""
    return encode(ops, config, parameters, side, embed(ops, parameters, ids, turns), lengths)


def embed(ops: Ops, parameters: Params, ids: Array, turns: Array) -> Array:
    """(T, B, E) the words of texts, with how many turns ago they were said."""
    return ops.lookup(parameters["embedding"], ids) + ops.lookup(parameters["turns"], turns)


def encode(ops: Ops, config: ChooserConfig, parameters: Params, side: str, x: Array, lengths: Array) -> Array:
    """Vectors (B, D) of length 1 of embedded texts (T, B, E)."""
    x = ops.dropout(x, config.dropout.input, config.dropout.variational)
    stack: Stack = getattr(config, side)
    h, states = stack.run(ops, parameters, x, None, lengths, config.dropout)
    pooled = pool(ops, _POOLS, parameters, side, h, stack.last(states), lengths)
    pooled = ops.dropout(pooled, config.dropout.output, False)
    v = ops.linear(pooled, parameters[f"{side}_output.W"], None)
    return v * ops.exp(-0.5 * ops.log(ops.sum(v * v, -1)))[..., None]


def draw(config: ChooserConfig, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Every parameter at the start."""
    values: dict[str, np.ndarray] = {**config.context.draw(rng), **config.reply.draw(rng)}
    for name, shape in config.shapes.items():
        if name == "scale":
            values[name] = np.full(shape, np.log(12.0))
        elif name == "turns":
            values[name] = np.zeros(shape)
        elif name not in values:
            values[name] = rng.standard_normal(shape) / np.sqrt(shape[1])
    return {name: np.ascontiguousarray(values[name], np.float32) for name in config.shapes}
