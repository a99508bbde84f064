"""What a language model is made of: sizes, cells, dropout. Becomes a part of config.json."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from throughtime.data.memory import machine_memory, readable
from throughtime.errors import UserError
from throughtime.recurrence import Trace

LARGEST = 1 << 20
"""The largest size of anything: a square matrix of it has 4 TB."""

_MOST_LAYERS = 100
_STEP_VALUES = 1 << 25
"""The most values that the nodes of one step may have in all."""


@dataclass(frozen=True)
class Layer:
    """One recurrent layer: its step, and the sizes of its symbols (I is its input, H its state)."""

    trace: Trace
    sizes: Mapping[str, int]

    def __post_init__(self) -> None:
        try:
            self.trace.shapes(dict(self.sizes))
        except ValueError as error:
            raise UserError(str(error)) from None
        for symbol, value in self.sizes.items():
            if type(value) is not int or not 0 < value <= LARGEST:
                got = reprlib.repr(value)
                raise UserError(f"{self.name}: size {symbol} must be an integer from 1 to {LARGEST:,}, got {got}")
        values = sum(self.sizes[node.size] for node in self.trace.graph.nodes if isinstance(node.size, str))
        if values > _STEP_VALUES:
            raise UserError(f"{self.name}: one step may have {_STEP_VALUES:,} values, got {values:,}; lower its sizes")

    @property
    def name(self) -> str:
        return self.trace.name

    @property
    def input_size(self) -> int:
        return self.sizes["I"]

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return tuple(self.sizes[s] for s in self.trace.state_sizes.values())

    @property
    def output_size(self) -> int:
        return self.sizes[self.trace.state_sizes[self.trace.output]]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter name -> shape."""
        return self.trace.shapes(dict(self.sizes))

    def to_json(self) -> dict[str, Any]:
        trace = json.loads(json.dumps(self.trace.to_json()))  # tuples become lists
        return {"cell": self.name, "sizes": dict(self.sizes), "trace": trace}

    @classmethod
    def from_json(cls, data: Any) -> Layer:
        if not isinstance(data, dict) or not isinstance(data.get("sizes"), dict) or "trace" not in data:
            raise UserError("layer: expected an object with trace and sizes")
        try:
            trace = Trace.from_json(data["trace"])
        except ValueError as error:
            raise UserError(f"layer: {error}; config.json is damaged") from None
        return cls(trace, dict(data["sizes"]))


@dataclass(frozen=True)
class Dropout:
    """Shares of values set to zero in training: of the embedding, between layers, and before the output layer.

    weight: of the recurrent matrices, one mask a chunk (Merity et al. 2018, arXiv:1708.02182, section 2).
    variational: one mask for all steps of a chunk (Gal and Ghahramani 2016, arXiv:1512.05287) instead of one a step.
    """

    input: float = 0.0
    between: float = 0.0
    output: float = 0.0
    weight: float = 0.0
    variational: bool = False

    def __post_init__(self) -> None:
        for name in ("input", "between", "output", "weight"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
                got = reprlib.repr(value)
                raise UserError(f"dropout: {name} must be a share, at least 0 and below 1, got {got}")
        if not isinstance(self.variational, bool):
            raise UserError(f"dropout: variational must be true or false, got {reprlib.repr(self.variational)}")


@dataclass(frozen=True)
class LanguageConfig:
    """A language model: embedding, a stack of recurrent layers, an output layer over the vocabulary.

    vocabulary, embedding: numbers of tokens and of values per token. layers: bottom first, at least one.
    tied: the output layer's matrix is the embedding; a projection bridges the sizes where they differ.
    Raises UserError where sizes do not fit together.
    """

    vocabulary: int
    embedding: int
    layers: tuple[Layer, ...]
    dropout: Dropout = field(default_factory=Dropout)
    tied: bool = False

    def __post_init__(self) -> None:
        for name in ("vocabulary", "embedding"):
            value = getattr(self, name)
            if type(value) is not int or not 0 < value <= LARGEST:
                got = reprlib.repr(value)
                raise UserError(f"language model: {name} must be a positive integer up to {LARGEST:,}, got {got}")
        if not 1 <= len(self.layers) <= _MOST_LAYERS:
            raise UserError(
                f"language model: expected at least one layer, at most {_MOST_LAYERS}, got {len(self.layers) or 'none'}"
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
        }

    @classmethod
    def from_json(cls, data: Any) -> LanguageConfig:
        """Rebuild from `to_json`; UserError says what is wrong."""
        missing = {"vocabulary", "embedding", "layers"} - (data.keys() if isinstance(data, dict) else set())
        if missing:
            raise UserError(f"language model: {', '.join(sorted(missing))} missing in its configuration")
        if not isinstance(data["layers"], list) or len(data["layers"]) > _MOST_LAYERS:
            raise UserError(f"language model: layers must be a list of at most {_MOST_LAYERS}; config.json is damaged")
        tied = data.get("tied", False)
        if not isinstance(tied, bool):
            raise UserError(f"language model: tied must be true or false, got {reprlib.repr(tied)}")
        try:
            dropout = Dropout(**data.get("dropout", {}))
        except TypeError as error:
            raise UserError(f"language model: dropout is malformed ({error})") from None
        layers = tuple(Layer.from_json(layer) for layer in data["layers"])
        return cls(data["vocabulary"], data["embedding"], layers, dropout, tied)
