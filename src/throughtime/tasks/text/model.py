"""The language model: what comes next, from what came before.

    x_t = embedding[token_t]
    h_t = the stack of recurrences over x
    y_t = W_hy h_t + b_y          (logits; tied: the embedding times W_hp h_t, plus b_y)

Written once over `ops`; models/ops_numpy.py and models/ops_torch.py are the two sets of operations.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from throughtime.data.memory import machine_memory, readable
from throughtime.errors import UserError
from throughtime.models.stack import LARGEST, MOST_LAYERS, Dropout, Layer
from throughtime.recurrence import Trace
from throughtime.recurrence.wrap import recurrent_matrices
from throughtime.storage import parameters as checks

State = tuple[tuple[Any, ...], ...]
"""Of each layer, of each of its states: an array (B, S)."""

WHO = "language model"
"""Who speaks in an error."""

_TRAINING_BYTES = 24
"""What training keeps of a parameter: drawn value, value, gradient, two moments, the best so far, in float32."""


@dataclass(frozen=True)
class LanguageConfig:
    """A language model: embedding, a stack of recurrent layers, an output layer over the vocabulary.

    vocabulary, embedding: numbers of tokens and of values per token. layers: bottom first, at least one.
    tied: the output layer's matrix is the embedding; a projection bridges the sizes where they differ. start: the token
    that stands before an empty prompt.
    Raises UserError where sizes do not fit together.
    """

    vocabulary: int
    embedding: int
    layers: tuple[Layer, ...]
    dropout: Dropout = field(default_factory=Dropout)
    tied: bool = False
    start: int = 0

    def __post_init__(self) -> None:
        for name in ("vocabulary", "embedding"):
            value = getattr(self, name)
            if type(value) is not int or not 0 < value <= LARGEST:
                got = reprlib.repr(value)
                raise UserError(f"language model: {name} must be a positive integer up to {LARGEST:,}, got {got}")
        if not 1 <= len(self.layers) <= MOST_LAYERS:
            raise UserError(
                f"language model: expected at least one layer, at most {MOST_LAYERS}, got {len(self.layers) or 'none'}"
            )
        width = self.embedding
        for i, layer in enumerate(self.layers):
            if further := ", ".join(layer.trace.further):
                raise UserError(
                    f"language model: {layer.name} reads {further} beside x, which text has not; choose another cell"
                )
            if layer.input_size != width:
                raise UserError(
                    f"language model: layer {i} ({layer.name}) takes I={layer.input_size}, what comes in has {width}"
                )
            width = layer.output_size
        if type(self.start) is not int or not 0 <= self.start < self.vocabulary:
            got = reprlib.repr(self.start)
            raise UserError(f"language model: start must be a token from 0 to {self.vocabulary - 1}, got {got}")
        self.check_memory(4, "to hold its parameters")

    @property
    def count(self) -> int:
        """How many parameters there are."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def check_memory(self, each: int, purpose: str) -> None:
        """UserError where the parameters, `each` bytes for one, cannot fit into this machine's memory."""
        memory, needed = machine_memory(), self.count * each
        if memory is not None and needed > memory:
            raise UserError(
                f"language model: {self.count:,} parameters need about {readable(needed)} {purpose}, this machine has "
                f"{readable(memory)}; lower --hidden, --embedding, --layers or --vocabulary"
            )

    @classmethod
    def stack(
        cls,
        vocabulary: int,
        embedding: int,
        cells: Sequence[Trace],
        hidden: int | Sequence[int],
        sizes: Mapping[str, int] | None = None,
        dropout: Dropout | None = None,
        tied: bool = False,
    ) -> LanguageConfig:
        """Layers of the given cells, bottom first; `hidden` is one H or one per layer, `sizes` has further symbols."""
        widths = [hidden] * len(cells) if isinstance(hidden, int) else list(hidden)
        if len(widths) != len(cells):
            raise UserError(f"language model: {len(cells)} layers need as many hidden sizes, got {widths}")
        known = {symbol for trace in cells for symbol in trace.symbols} - {"I", "H"}
        if wrong := [name for name in sizes or {} if name not in known]:
            remedy = "set by --hidden and by the layer below" if wrong[0] in ("I", "H") else "no such size in the cells"
            raise UserError(
                f"size {wrong[0]}: {remedy}; further sizes of the cells: {', '.join(sorted(known)) or 'none'}"
            )
        layers: list[Layer] = []
        for trace, width in zip(cells, widths, strict=True):
            below = layers[-1].output_size if layers else embedding
            if "H" not in trace.symbols and width != below:
                remedy = f"--embedding {width}" if not layers else f"a hidden size of {below}"
                raise UserError(f"{trace.name}: its state is as wide as its input, {below}, got {width}; use {remedy}")
            layers.append(Layer(trace, {**(sizes or {}), "I": below, "H": width}))
        return cls(vocabulary, embedding, tuple(layers), dropout or Dropout(), tied)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape: embedding, layers.0.W_xi, ..., output.W_hy, output.b_y."""
        found: dict[str, tuple[int, ...]] = {"embedding": (self.vocabulary, self.embedding)}
        for i, layer in enumerate(self.layers):
            found.update({f"layers.{i}.{name}": shape for name, shape in layer.shapes.items()})
        width = self.layers[-1].output_size
        if not self.tied:
            found["output.W_hy"] = (self.vocabulary, width)
        elif width != self.embedding:
            found["output.W_hp"] = (self.embedding, width)
        found["output.b_y"] = (self.vocabulary,)
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dicts, for config.json."""
        return {
            "vocabulary": self.vocabulary,
            "embedding": self.embedding,
            "layers": [layer.to_json() for layer in self.layers],
            "dropout": {
                "input": self.dropout.input,
                "between": self.dropout.between,
                "output": self.dropout.output,
                "weight": self.dropout.weight,
                "variational": self.dropout.variational,
            },
            "tied": self.tied,
            "start": self.start,
        }

    @classmethod
    def from_json(cls, data: Any) -> LanguageConfig:
        """Rebuild from `to_json`; UserError says what is wrong."""
        missing = {"vocabulary", "embedding", "layers"} - (data.keys() if isinstance(data, dict) else set())
        if missing:
            raise UserError(f"language model: {', '.join(sorted(missing))} missing in its configuration")
        if not isinstance(data["layers"], list) or len(data["layers"]) > MOST_LAYERS:
            raise UserError(f"language model: layers must be a list of at most {MOST_LAYERS}; config.json is damaged")
        tied = data.get("tied", False)
        if not isinstance(tied, bool):
            raise UserError(f"language model: tied must be true or false, got {reprlib.repr(tied)}")
        try:
            dropout = Dropout(**data.get("dropout", {}))
        except TypeError as error:
            raise UserError(f"language model: dropout is malformed ({error})") from None
        layers = tuple(Layer.from_json(layer) for layer in data["layers"])
        return cls(data["vocabulary"], data["embedding"], layers, dropout, tied, data.get("start", 0))


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
    """UserError unless exactly the model's parameters are there; see throughtime.storage.parameters."""
    checks.check_parameters(WHO, config.shapes, parameters)


def check_finite(parameters: Mapping[str, np.ndarray]) -> None:
    """UserError where a parameter has a value that is not a finite number."""
    checks.check_finite(WHO, parameters)
