"""What one run of a recurrence is made of, apart from its tensors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from throughtime import engine
from throughtime.engine.spec import FrozenSources
from throughtime.nn.choice import engine_dtype
from throughtime.nn.state import state_type
from throughtime.recurrence import Recurrence, Trace


@dataclass(frozen=True)
class Layer:
    """A recurrence as PyTorch runs it: with the place of its parameters, and what it shows.

    sources: the items of what `engine.compile` takes; None: one array per parameter, in the trace's order.
    every: every state is output at every step, side by side. key: the layer as text, from which `from_key` makes it
    again, in any process. State: the type of its states.
    """

    recurrence: Recurrence
    sources: FrozenSources | None = None
    every: bool = False
    key: str = field(init=False, repr=False, compare=False)
    State: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # both at once: torch.compile cannot follow how they are made
        shown = json.dumps([None if self.sources is None else sorted(self.sources), self.every])
        object.__setattr__(self, "key", f"{shown}\n{self.recurrence.text}")
        object.__setattr__(self, "State", state_type(tuple(self.trace.states)))

    def __reduce__(self) -> Any:
        return Layer, (self.recurrence, self.sources, self.every)

    @property
    def trace(self) -> Trace:
        """The recurrence's step."""
        return self.recurrence.trace

    @property
    def output_size(self) -> int:
        """The width of what is output at every step."""
        return sum(self.recurrence.state_sizes) if self.every else self.recurrence.output_size

    @classmethod
    def from_key(cls, key: str) -> Layer:
        """The layer a key stands for."""
        (sources, every), recurrence = map(json.loads, key.split("\n"))
        if sources is not None:
            sources = frozenset((name, tuple((array, row) for array, row in places)) for name, places in sources)
        return cls(Recurrence.from_json(recurrence), sources, every)

    def program(self, dtype: torch.dtype, lookup: bool = False) -> engine.Program:
        """The compiled program for float32 or float64. lookup: for ids into a table in place of x."""
        return engine.compile(self.recurrence, engine_dtype(dtype), self.sources, lookup=lookup, every=self.every)

    def parameters(self, arrays: Sequence[Tensor]) -> dict[str, Tensor]:
        """The cell's parameters by name, cut out of the arrays, differentiably."""
        if self.sources is None:
            return dict(zip(self.trace.parameters, arrays, strict=True))
        places, values = dict(self.sources), {}
        for name, shape in self.recurrence.shapes.items():
            parts = [arrays[array][first : first + shape[0]] for array, first in places.get(name, ())]
            values[name] = sum(parts[1:], start=parts[0]) if parts else arrays[0].new_zeros(shape)
        return values


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """Everything of one run that is no tensor to differentiate.

    layer: what is run, or its key while torch.compile traces.
    states: how many initial states are given, 0 or all. lengths: (B,) or None. batch_sizes: of packed data, or None.
    ids: (T, B) or None; the input is then a table (V, I) of what they stand for.
    input_first, output_first: the batch axis comes first in the input, in the output.
    lead: initial and final states are (1, B, S_j) instead of (B, S_j), as torch.nn's are for one layer.
    """

    layer: Any
    states: int
    lengths: Tensor | None = None
    batch_sizes: Tensor | None = None
    reverse: bool = False
    input_first: bool = False
    output_first: bool = False
    lead: bool = False
    ids: Tensor | None = None
