"""What one run of a recurrence is made of, apart from its tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from throughtime import engine
from throughtime.nn.choice import engine_dtype
from throughtime.nn.state import state_type
from throughtime.recurrence import Trace

Sources = Mapping[str, tuple[tuple[int, int], ...]]


@dataclass(frozen=True, eq=False)
class Recurrence:
    """A traced cell with its sizes and the place of its parameters; compiled once per dtype.

    sources: parameter name -> ((array, first row), ...) as `engine.compile` takes it; None: one array per
    parameter, in the trace's order. every: every state is output at every step, side by side.
    key: the recurrence as text, from which `from_key` makes it again, in any process.
    State: the type of its states.
    """

    trace: Trace
    sizes: dict[str, int]
    sources: Sources | None = None
    every: bool = False
    programs: dict[Any, Any] = field(default_factory=dict, repr=False)
    key: str = field(init=False, repr=False)
    State: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "State", state_type(tuple(self.trace.states)))
        plain = {"trace": self.trace.to_json(), "sizes": self.sizes, "sources": self.sources, "every": self.every}
        object.__setattr__(self, "key", json.dumps(plain, separators=(",", ":")))

    def __getstate__(self) -> dict[str, Any]:
        # a program is compiled again where it is needed
        return {name: value for name, value in self.__dict__.items() if name != "State"} | {"programs": {}}

    def __setstate__(self, plain: dict[str, Any]) -> None:
        self.__dict__.update(plain)
        self.__post_init__()

    def program(self, dtype: torch.dtype) -> Any:
        """The compiled program for float32 or float64."""
        program = self.programs.get(dtype)
        if program is None:
            program = engine.compile(self.trace, self.sizes, engine_dtype(dtype), self.sources, every=self.every)
            self.programs[dtype] = program
        return program

    def lookup_program(self, dtype: torch.dtype) -> Any:
        """The same for ids into a table in place of x."""
        program = self.programs.get((dtype, "lookup"))
        if program is None:
            program = engine.compile(self.trace, self.sizes, engine_dtype(dtype), self.sources, lookup=True)
            self.programs[(dtype, "lookup")] = program
        return program

    def parameters(self, arrays: Sequence[Tensor]) -> dict[str, Tensor]:
        """The cell's parameters by name, cut out of the arrays, differentiably."""
        if self.sources is None:
            return dict(zip(self.trace.parameters, arrays, strict=True))
        values = {}
        for name, shape in self.trace.shapes(self.sizes).items():
            parts = [arrays[array][first : first + shape[0]] for array, first in self.sources.get(name, ())]
            values[name] = sum(parts[1:], start=parts[0]) if parts else arrays[0].new_zeros(shape)
        return values

    def widths(self) -> tuple[list[int], int]:
        """The sizes of the states in order, and that of the output."""
        sizes = self.trace.state_sizes
        widths = [self.sizes[size] for size in sizes.values()]
        return widths, sum(widths) if self.every else widths[list(sizes).index(self.trace.output)]


@lru_cache(maxsize=256)
def from_key(key: str) -> Recurrence:
    """The recurrence a key stands for."""
    plain = json.loads(key)
    sources = plain["sources"]
    if sources is not None:
        sources = {name: tuple((array, row) for array, row in places) for name, places in sources.items()}
    return Recurrence(Trace.from_json(plain["trace"]), plain["sizes"], sources, plain["every"])


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """Everything of one run that is no tensor to differentiate.

    layer: the recurrence, or its key while torch.compile traces.
    states: how many initial states are given, 0 or all. lengths: (B,) or None. batch_sizes: of packed data, or None.
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
