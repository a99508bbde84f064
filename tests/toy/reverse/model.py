"""A character for each place of a line, from a recurrence in both directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from throughtime.models.ops import Array, Ops, Params
from throughtime.models.stack import Stack
from throughtime.options import Checked, option

WHO = "reverser"


@dataclass(frozen=True)
class ReverseConfig(Checked):
    """Sizes. vocabulary: characters and the unknown one. embedding: values of each. layers: in both directions."""

    vocabulary: int = option(at_least=1)
    embedding: int = option(at_least=1)
    layers: Stack = option()

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape."""
        width = self.layers.check(WHO, self.embedding)
        output = {"output.W_hy": (self.vocabulary, width), "output.b_y": (self.vocabulary,)}
        return {"embedding": (self.vocabulary, self.embedding), **self.layers.shapes, **output}


def forward(ops: Ops, config: ReverseConfig, parameters: Params, tokens: Array, lengths: Array) -> Array:
    """Logits (T, B, V) of the character that the reversed line has at each place."""
    x, _ = config.layers.run(ops, parameters, ops.lookup(parameters["embedding"], tokens), None, lengths)
    return ops.linear(x, parameters["output.W_hy"], parameters["output.b_y"])


def draw(config: ReverseConfig, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Every parameter at the start."""
    drawn = config.layers.draw(rng)
    rest = {name: 0.3 * rng.standard_normal(shape) for name, shape in config.shapes.items() if name not in drawn}
    return {name: np.asarray({**drawn, **rest}[name], np.float32) for name in config.shapes}
