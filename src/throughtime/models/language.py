"""The language model: what comes next, from what came before.

    x_t = embedding[token_t]
    h_t = the stack of recurrences over x
    y_t = W_hy h_t + b_y          (logits; tied: the embedding times W_hp h_t, plus b_y)

Written once over `ops`; models/ops_numpy.py and models/ops_torch.py are the two sets of operations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.models import parameters as checks
from throughtime.models.config import LanguageConfig
from throughtime.recurrence.wrap import recurrent_matrices

State = tuple[tuple[Any, ...], ...]
"""Of each layer, of each of its states: an array (B, S)."""

WHO = "language model"
"""Who speaks in an error."""

_TRAINING_BYTES = 24
"""What training keeps of a parameter: drawn value, value, gradient, two moments, the best so far, in float32."""


def forward(
    ops: Any,
    config: LanguageConfig,
    parameters: Mapping[str, Any],
    tokens: Any,
    state: Sequence[Sequence[Any]] | None = None,
) -> tuple[Any, State]:
    """Logits for the token after each token, and the state after the last.

    tokens: (T, B) integers. state: as returned before, None for zeros. Returns logits (T, B, vocabulary).
    """
    drop = config.dropout
    table, x = parameters["embedding"], None
    if drop.input:
        x = ops.dropout(ops.lookup(table, tokens), drop.input, drop.variational)
    after: list[tuple[Any, ...]] = []
    for i, layer in enumerate(config.layers):
        before = state[i] if state is not None else None
        own = {name: parameters[f"layers.{i}.{name}"] for name in layer.trace.parameters}
        if drop.weight:
            dropped = recurrent_matrices(layer.trace)
            own.update({name: ops.dropout(own[name], drop.weight, False) for name in dropped})
        if x is None:
            x, final = ops.embedded(layer.trace, layer.sizes, tokens, table, before, own)
        else:
            x = ops.dropout(x, drop.between, drop.variational) if i else x
            x, final = ops.recurrence(layer.trace, layer.sizes, x, before, own)
        after.append(tuple(final))
    x = ops.dropout(x, drop.output, drop.variational)
    weight = table if config.tied else parameters["output.W_hy"]
    if "output.W_hp" in parameters:
        x = ops.linear(x, parameters["output.W_hp"], None)
    return ops.linear(x, weight, parameters["output.b_y"]), tuple(after)


def initial_parameters(
    config: LanguageConfig, rng: np.random.Generator, dtype: Any = np.float32
) -> dict[str, np.ndarray]:
    """Draw every parameter; name -> array, in the order of `config.shapes`.

    The embedding is normal with deviation 1 (tied: 1/sqrt(embedding), as it is the output matrix too), the output
    matrices are uniform in +-1/sqrt(columns), the output bias 0, the recurrent layers as their cells declare.
    """
    config.check_memory(_TRAINING_BYTES, "to be trained")
    values: dict[str, np.ndarray] = {}
    for i, layer in enumerate(config.layers):
        if not layer.trace.inits:
            raise UserError(
                f"{layer.name}: the trace carries no initial values, expected one traced from a cell, not a loaded one"
            )
        drawn = layer.trace.initial_parameters(dict(layer.sizes), rng, dtype)
        values.update({f"layers.{i}.{name}": value for name, value in drawn.items()})
    for name, shape in config.shapes.items():
        if name == "embedding":
            values[name] = rng.standard_normal(shape) / (np.sqrt(config.embedding) if config.tied else 1.0)
        elif name == "output.b_y":
            values[name] = np.zeros(shape)
        elif name.startswith("output."):
            bound = 1.0 / np.sqrt(shape[1])
            values[name] = rng.uniform(-bound, bound, shape)
    return {name: np.ascontiguousarray(values[name], dtype=dtype) for name in config.shapes}


def check_parameters(config: LanguageConfig, parameters: Mapping[str, Any]) -> None:
    """UserError unless exactly the model's parameters are there; see throughtime.models.parameters."""
    checks.check_parameters(WHO, config.shapes, parameters)


def check_finite(parameters: Mapping[str, np.ndarray]) -> None:
    """UserError where a parameter has a value that is not a finite number."""
    checks.check_finite(WHO, parameters)
