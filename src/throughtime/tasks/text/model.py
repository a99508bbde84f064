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

from throughtime.errors import UserError
from throughtime.models.ops import Ops, Params
from throughtime.models.stack import LARGEST, Dropout, Lookup, Stack
from throughtime.recurrence import Recurrence, Trace
from throughtime.storage import parameters as checks
from throughtime.storage.memory import machine_memory, readable

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
    layers: tuple[Recurrence, ...]
    dropout: Dropout = field(default_factory=Dropout)
    tied: bool = False
    start: int = 0

    def __post_init__(self) -> None:
        for name in ("vocabulary", "embedding"):
            value = getattr(self, name)
            if type(value) is not int or not 0 < value <= LARGEST:
                got = reprlib.repr(value)
                raise UserError(f"language model: {name} must be a positive integer up to {LARGEST:,}, got {got}")
        self.recurrences.check(WHO, self.embedding)
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
        stacked = Stack.of(cells, embedding, widths, sizes=sizes or {})
        return cls(vocabulary, embedding, tuple(layer for (layer,) in stacked.layers), dropout or Dropout(), tied)

    @property
    def recurrences(self) -> Stack:
        """The layers as they run."""
        return Stack(tuple((layer,) for layer in self.layers))

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape: embedding, layers.0.W_xi, ..., output.W_hy, output.b_y."""
        found: dict[str, tuple[int, ...]] = {"embedding": (self.vocabulary, self.embedding)}
        found.update(self.recurrences.shapes)
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
            "layers": self.recurrences.to_json(),
            "dropout": self.dropout.to_json(),
            "tied": self.tied,
            "start": self.start,
        }

    @classmethod
    def from_json(cls, data: Any) -> LanguageConfig:
        """Rebuild from `to_json`; UserError says what is wrong."""
        missing = {"vocabulary", "embedding", "layers"} - (data.keys() if isinstance(data, dict) else set())
        if missing:
            raise UserError(f"language model: {', '.join(sorted(missing))} missing in its configuration")
        tied = data.get("tied", False)
        if not isinstance(tied, bool):
            raise UserError(f"language model: tied must be true or false, got {reprlib.repr(tied)}")
        layers = tuple(layer for (layer,) in Stack.from_json(data["layers"], WHO, directed=False).layers)
        dropout = Dropout.from_json(data.get("dropout", {}))
        return cls(data["vocabulary"], data["embedding"], layers, dropout, tied, data.get("start", 0))


def forward(
    ops: Ops,
    config: LanguageConfig,
    parameters: Params,
    tokens: Any,
    state: Sequence[Sequence[Any]] | None = None,
) -> tuple[Any, State]:
    """Logits for the token after each token, and the state after the last.

    tokens: (T, B) integers. state: as returned before, None for zeros. Returns logits (T, B, vocabulary).
    """
    x, after = features(ops, config, parameters, tokens, state)
    return ops.linear(x, *output_layer(config, parameters)), after


def features(
    ops: Ops,
    config: LanguageConfig,
    parameters: Params,
    tokens: Any,
    state: Sequence[Sequence[Any]] | None = None,
) -> tuple[Any, State]:
    """What the output layer reads, (T, B, its width), and the state after the last token; see forward."""
    drop, table = config.dropout, parameters["embedding"]
    x: Any = Lookup(table, tokens)
    if drop.input:
        x = ops.dropout(ops.lookup(table, tokens), drop.input, drop.variational)
    initial = None if state is None else tuple((tuple(layer),) for layer in state)
    x, after = config.recurrences.run(ops, parameters, x, initial, None, drop)
    x = ops.dropout(x, drop.output, drop.variational)
    if "output.W_hp" in parameters:
        x = ops.linear(x, parameters["output.W_hp"], None)
    return x, tuple(layer for (layer,) in after)


def output_layer(config: LanguageConfig, parameters: Params) -> tuple[Any, Any]:
    """Its matrix (vocabulary, width) and bias (vocabulary,)."""
    return parameters["embedding" if config.tied else "output.W_hy"], parameters["output.b_y"]


def initial_parameters(
    config: LanguageConfig, rng: np.random.Generator, dtype: Any = np.float32
) -> dict[str, np.ndarray]:
    """Draw every parameter; name -> array, in the order of `config.shapes`.

    The embedding is normal with deviation 1 (tied: 1/sqrt(embedding), as it is the output matrix too), the output
    matrices are uniform in +-1/sqrt(columns), the output bias 0, the recurrent layers as their cells declare.
    """
    config.check_memory(_TRAINING_BYTES, "to be trained")
    values = config.recurrences.draw(rng, dtype)
    for name, shape in config.shapes.items():
        if name == "embedding":
            values[name] = rng.standard_normal(shape) / (np.sqrt(config.embedding) if config.tied else 1.0)
        elif name == "output.b_y":
            values[name] = np.zeros(shape)
        elif name.startswith("output."):
            bound = 1.0 / np.sqrt(shape[1])
            values[name] = rng.uniform(-bound, bound, shape)
    return {name: np.ascontiguousarray(values[name], dtype=dtype) for name in config.shapes}


def check_parameters(config: LanguageConfig, parameters: Params) -> None:
    """UserError unless exactly the model's parameters are there; see throughtime.storage.parameters."""
    checks.check_parameters(WHO, config.shapes, parameters)


def check_finite(parameters: Mapping[str, np.ndarray]) -> None:
    """UserError where a parameter has a value that is not a finite number."""
    checks.check_finite(WHO, parameters)
