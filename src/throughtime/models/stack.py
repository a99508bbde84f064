"""What a language model is made of: sizes, cells, dropout. Becomes a part of config.json."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from throughtime.errors import UserError
from throughtime.recurrence import Trace

LARGEST = 1 << 20
"""The largest size of anything: a square matrix of it has 4 TB."""

MOST_LAYERS = 100
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
