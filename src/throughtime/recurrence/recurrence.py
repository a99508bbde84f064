"""A traced recurrence with numbers for its symbols: what the engine compiles and a model's layer is."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.recurrence.trace import Trace

LARGEST = 1 << 20
"""The largest size of anything: a square matrix of it has 4 TB."""

_STEP_VALUES = 1 << 25
"""The most values that the nodes of one step may have in all."""


@dataclass(frozen=True, eq=False)
class Recurrence:
    """A step and the sizes of its symbols. Equal to another where both are; what is derived from it is kept under it.

    trace: the step. sizes: symbol -> number, {"I": 64, "H": 256}; of every symbol of the step, more do no harm.
    text: both as JSON, for `from_json`: what two equal ones have in common.
    Raises UserError where a size is missing or out of range.

    Example:
        >>> from throughtime.cells import make
        >>> from throughtime.recurrence import Recurrence
        >>> lstm = Recurrence(make("lstm").trace(), {"I": 3, "H": 4})
        >>> lstm.shapes["W_xi"], lstm.state_sizes, lstm == Recurrence.from_json(lstm.to_json())
        ((4, 3), (4, 4), True)
    """

    trace: Trace
    sizes: Mapping[str, int]
    text: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", MappingProxyType(dict(self.sizes)))
        self.trace.shapes(self.sizes)
        for symbol, value in self.sizes.items():
            if type(value) is not int or not 0 < value <= LARGEST:
                got = reprlib.repr(value)
                raise UserError(f"{self.name}: size {symbol} must be an integer from 1 to {LARGEST:,}, got {got}")
        values = sum(self.sizes[node.size] for node in self.trace.graph.nodes if isinstance(node.size, str))
        if values > _STEP_VALUES:
            raise UserError(f"{self.name}: one step may have {_STEP_VALUES:,} values, got {values:,}; lower its sizes")
        sizes = json.dumps(dict(self.sizes), sort_keys=True)
        object.__setattr__(self, "text", f'{{"sizes": {sizes}, "trace": {self.trace.text}}}')

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recurrence) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)  # which a text computes once

    def __reduce__(self) -> Any:
        return type(self), (self.trace, dict(self.sizes))

    @property
    def name(self) -> str:
        """The cell's name."""
        return self.trace.name

    @property
    def input_size(self) -> int:
        """I, the width of x alone."""
        return self.sizes["I"]

    @property
    def input_width(self) -> int:
        """The width of all inputs side by side, x first."""
        return self.trace.input_width(self.sizes)

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The widths of the states, in order."""
        return tuple(self.sizes[symbol] for symbol in self.trace.state_sizes.values())

    @property
    def output_size(self) -> int:
        """The width of the state that is the output."""
        return self.sizes[self.trace.state_sizes[self.trace.output]]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter name -> shape, in the order of declaration."""
        return self.trace.shapes(self.sizes)

    def initial_parameters(self, rng: np.random.Generator, dtype: Any = np.float32) -> dict[str, np.ndarray]:
        """Draw every parameter as its declaration says; name -> array."""
        return self.trace.initial_parameters(self.sizes, rng, dtype)

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dicts, for config.json."""
        return {"cell": self.name, "sizes": dict(self.sizes), "trace": self.trace.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> Recurrence:
        """Rebuild from `to_json`; UserError says what is wrong."""
        if not isinstance(data, dict) or not isinstance(data.get("sizes"), dict) or "trace" not in data:
            raise UserError("layer: expected an object with trace and sizes")
        try:
            trace = Trace.from_json(data["trace"])
        except ValueError as error:
            raise UserError(f"layer: {error}; config.json is damaged") from None
        return cls(trace, data["sizes"])
