"""A stack of recurrences, in one direction or in two: its sizes, its parameters, and how it runs over a sequence."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from throughtime.errors import UserError
from throughtime.models.ops import Array, Ops, Params
from throughtime.recurrence import LARGEST, Recurrence, Trace
from throughtime.recurrence.wrap import recurrent_matrices

__all__ = ["LARGEST", "MOST_LAYERS", "Dropout", "Lookup", "Stack", "States"]

MOST_LAYERS = 100

DIRECTIONS = ("ahead", "back")

States = tuple[tuple[tuple[Array, ...], ...], ...]
"""Of each layer, of each of its directions, of each of its states: (B, S_j)."""


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

    def to_json(self) -> dict[str, Any]:
        """Plain values by name."""
        return {name: getattr(self, name) for name in ("input", "between", "output", "weight", "variational")}

    @classmethod
    def from_json(cls, data: Any) -> Dropout:
        """Rebuild from `to_json`; UserError says what is wrong."""
        try:
            return cls(**data)
        except TypeError as error:
            raise UserError(f"dropout is malformed ({error}); config.json is damaged") from None


NO_DROPOUT = Dropout()


class Lookup(NamedTuple):
    """What the lowest layer reads, not looked up yet: rows of a table (V, E) for tokens (T, B)."""

    table: Array
    tokens: Array


@dataclass(frozen=True)
class Stack:
    """Layers of recurrences, bottom first.

    layers: each of one recurrence, which reads from the start, or of two, the second of which reads from the end; the
    next layer reads both outputs side by side. prefix: stands before its parameters' names. directed: the names say
    the direction too, "layers.0.ahead.W_xi" instead of "layers.0.W_xi".
    """

    layers: tuple[tuple[Recurrence, ...], ...]
    prefix: str = "layers"
    directed: bool = False

    @classmethod
    def of(
        cls,
        cells: Sequence[Trace],
        below: int,
        hidden: int | Sequence[int],
        bidirectional: bool = False,
        sizes: Mapping[str, int] | None = None,
    ) -> Stack:
        """Layers of the given cells over an input of `below` values. hidden: H, or one for each; sizes: of further
        symbols. UserError where a cell has no size of its own and another one is wanted."""
        widths = [hidden] * len(cells) if isinstance(hidden, int) else list(hidden)
        layers: list[tuple[Recurrence, ...]] = []
        for trace, width in zip(cells, widths, strict=True):
            if sizes is not None and "H" not in trace.symbols and width != below:
                remedy = f"--embedding {width}" if not layers else f"a hidden size of {below}"
                raise UserError(f"{trace.name}: its state is as wide as its input, {below}, got {width}; use {remedy}")
            layer = Recurrence(trace, {**(sizes or {}), "I": below, "H": width})
            layers.append((layer, layer) if bidirectional else (layer,))
            below = layer.output_size * (1 + bidirectional)
        return cls(tuple(layers), directed=bidirectional)

    def check(self, who: str, width: int) -> int:
        """How wide its output is over an input of a width; UserError where layers do not fit. who: speaks in it."""
        if not 1 <= len(self.layers) <= MOST_LAYERS:
            got = len(self.layers) or "none"
            raise UserError(f"{who}: expected at least one layer, at most {MOST_LAYERS}, got {got}")
        for i, directions in enumerate(self.layers):
            if len(directions) not in (1, 2):
                raise UserError(f"{who}: layer {i} must have one direction or two, got {len(directions)}")
            for layer in directions:
                if further := ", ".join(layer.trace.further):
                    raise UserError(f"{who}: {layer.name} reads {further} beside x; choose another cell")
                if layer.input_size != width:
                    takes = f"layer {i} ({layer.name}) takes I={layer.input_size}"
                    raise UserError(f"{who}: {takes}, what comes in has {width}")
            width = sum(layer.output_size for layer in directions)
        return width

    @property
    def width(self) -> int:
        """S, values of its output at a step."""
        return sum(layer.output_size for layer in self.layers[-1])

    @property
    def streams(self) -> bool:
        """Whether it reads from the start only, and can go on as input arrives."""
        return all(len(directions) == 1 for directions in self.layers)

    def start(self, i: int, direction: int = 0) -> str:
        """What stands before the names of the parameters of a layer."""
        return f"{self.prefix}.{i}.{DIRECTIONS[direction]}." if self.directed else f"{self.prefix}.{i}."

    @property
    def named(self) -> list[tuple[str, Recurrence]]:
        """Every recurrence, with what stands before its parameters' names."""
        return [
            (self.start(i, d), layer) for i, directions in enumerate(self.layers) for d, layer in enumerate(directions)
        ]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Flat parameter name -> shape."""
        return {start + name: shape for start, layer in self.named for name, shape in layer.shapes.items()}

    def draw(self, rng: np.random.Generator, dtype: Any = np.float32) -> dict[str, np.ndarray]:
        """Every parameter as its cell declares; UserError for a cell that was read from a folder."""
        values: dict[str, np.ndarray] = {}
        for start, layer in self.named:
            if not layer.trace.inits:
                raise UserError(
                    f"{layer.name}: the trace carries no initial values, expected one traced from a cell, not a loaded "
                    "one"
                )
            drawn = layer.initial_parameters(rng, dtype)
            values.update({start + name: value for name, value in drawn.items()})
        return values

    def own(self, parameters: Params, i: int, direction: int) -> dict[str, Array]:
        """The parameters of one recurrence, by its own names."""
        start = self.start(i, direction)
        return {name: parameters[start + name] for name in self.layers[i][direction].trace.parameters}

    def run(
        self,
        ops: Ops,
        parameters: Params,
        x: Array | Lookup,
        initial: States | None = None,
        lengths: Array | None = None,
        drop: Dropout = NO_DROPOUT,
    ) -> tuple[Array, States]:
        """Over x (T, B, I) from `initial` (None: zeros): the output at every step (T, B, S), and all final states.

        lengths: (B,), what lies behind is not read, and zero in the output.
        """
        after: list[tuple[tuple[Array, ...], ...]] = []
        for i, directions in enumerate(self.layers):
            weights = [self.own(parameters, i, d) for d in range(len(directions))]
            if drop.weight:
                for layer, own in zip(directions, weights, strict=True):
                    own.update({n: ops.dropout(own[n], drop.weight, False) for n in recurrent_matrices(layer.trace)})
            if i:
                x = ops.dropout(x, drop.between, drop.variational)
            outputs, states = [], []
            for d, (layer, own) in enumerate(zip(directions, weights, strict=True)):
                before = None if initial is None else initial[i][d]
                if isinstance(x, Lookup):
                    output, final = ops.embedded(layer, x.tokens, x.table, before, own)
                else:
                    output, final = ops.recurrence(layer, x, before, own, lengths, d == 1)
                outputs.append(output)
                states.append(tuple(final))
            x = ops.concatenate(outputs)
            after.append(tuple(states))
        return x, tuple(after)

    def last(self, states: States) -> list[Array]:
        """The top layer's output after the last step it read, (B, S_j), of each direction."""
        return [
            final[list(layer.trace.states).index(layer.trace.output)]
            for layer, final in zip(self.layers[-1], states[-1], strict=True)
        ]

    def to_json(self) -> list[Any]:
        """Plain lists and dicts, for config.json: of each layer, or of each of its directions where names say them."""
        each = [[layer.to_json() for layer in directions] for directions in self.layers]
        return each if self.directed else [layer for (layer,) in each]

    @classmethod
    def from_json(cls, data: Any, who: str = "layers", prefix: str = "layers", directed: bool | None = None) -> Stack:
        """Rebuild from `to_json`; UserError says what is wrong. directed: None where the data show it."""
        if not isinstance(data, list) or len(data) > MOST_LAYERS:
            raise UserError(f"{who}: layers must be a list of at most {MOST_LAYERS}; config.json is damaged")
        if directed is None:
            directed = any(isinstance(layer, list) for layer in data)
        each = data if directed else [[layer] for layer in data]
        if any(not isinstance(directions, list) for directions in each):
            raise UserError(f"{who}: layers must be lists of layers; config.json is damaged")
        layers = tuple(tuple(Recurrence.from_json(layer) for layer in directions[:3]) for directions in each)
        return cls(layers, prefix, directed)
