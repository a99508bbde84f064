"""Cells: a recurrence as its paper prints it."""

from __future__ import annotations

import sys
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

from throughtime.recurrence.graph import Graph
from throughtime.recurrence.symbols import Symbol
from throughtime.recurrence.trace import Init, Trace


@dataclass(frozen=True)
class Matrix:
    """A weight matrix, rows x columns; `init`: "glorot", "orthogonal", "zeros", "uniform", a number or a pair.

    "uniform" draws from +-1/sqrt(H), as PyTorch's recurrent layers do; a pair (low, high) draws from between the two.
    """

    rows: str
    columns: str
    init: Init = "glorot"

    @property
    def shape(self) -> tuple[str, ...]:
        return (self.rows, self.columns)


@dataclass(frozen=True)
class Vector:
    """A bias or another vector of weights; `init` as for a Matrix."""

    size: str
    init: Init = 0.0

    @property
    def shape(self) -> tuple[str, ...]:
        return (self.size,)


Parameter = Matrix | Vector


class Cell:
    """A recurrence. Subclasses declare state, further inputs, parameters and `step`; nothing else.

    state: name -> symbolic size, in order; the first is the output unless `output` names another.
    inputs: name -> symbolic size of each input beside x, in order; the step is then `step(self, x, m, d, *states)`.
    Parameters are class attributes, `W_xi = Matrix("H", "I")`; one declaration may serve several names.
    `step(self, x, *states)` returns the new states in order, as a tuple or a `self.State`.

    Example:
        >>> from throughtime.recurrence import Cell, Matrix, tanh
        >>> class Plain(Cell):
        ...     state = {"h": "H"}
        ...     W_xh, W_hh = Matrix("H", "I"), Matrix("H", "H")
        ...     def step(self, x, h):
        ...         return tanh(self.W_xh @ x + self.W_hh @ h)
        >>> Plain().trace().parameters
        {'W_xh': ('H', 'I'), 'W_hh': ('H', 'H')}
    """

    state: dict[str, str] = {}
    inputs: dict[str, str] = {}
    output: str = ""

    @property
    def name(self) -> str:
        """The cell's name, as in the catalogue."""
        return getattr(self, "catalogue_name", type(self).__name__)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Declared parameters by name, in order, base classes first."""
        declared = [item for cls in reversed(type(self).__mro__) for item in vars(cls).items()]
        return {name: value for name, value in declared if isinstance(value, Matrix | Vector)}

    @property
    def State(self) -> Any:
        """The named tuple of this cell's states."""
        return namedtuple("State", list(self.state))  # type: ignore[misc]

    def step(self, x: Any, *states: Any) -> Any:
        """One step: the input, further ones if there are any, and the old states to the new states."""
        raise NotImplementedError(f"{self.name}: a cell needs a step method")

    def trace(self) -> Trace:
        """Run the step once over symbols. ValueError or TypeError where the step does not make sense."""
        if not self.state:
            raise ValueError(f'{self.name}: declare the states, for example state = {{"h": "H"}}')
        output = self.output or next(iter(self.state))
        if output not in self.state:
            raise ValueError(f"{self.name}: output {output!r} is none of the states {', '.join(self.state)}")
        taken = ({"x"} & self.inputs.keys()) | (self.state.keys() & self.inputs.keys())
        if taken:
            raise ValueError(f"{self.name}: the input {min(taken)} needs another name, there is one already")
        graph = Graph()
        x = Symbol(graph, graph.add("input", size="I", name="x"))
        further = {name: Symbol(graph, graph.add("input", size=s, name=name)) for name, s in self.inputs.items()}
        old = {name: Symbol(graph, graph.add("state", size=size, name=name)) for name, size in self.state.items()}
        parameters = self.parameters
        bound = _Bound(self, graph, parameters)
        step = type(self).step
        result, local = _call_and_watch(step, bound, x, *further.values(), *old.values())
        new = result if isinstance(result, tuple) else (result,)
        if len(new) != len(old):
            raise ValueError(f"{self.name}: step must return {len(old)} states ({', '.join(old)}), got {len(new)}")
        states = {}
        for (name, before), after in zip(old.items(), new, strict=True):
            if not isinstance(after, Symbol) or after.graph is not graph:
                raise TypeError(f"{self.name}: the new state {name} must be a symbol, got {type(after).__name__}")
            if after.size != before.size:
                raise ValueError(f"{self.name}: the new state {name} has size {after.size}, declared {before.size}")
            states[name] = (before.number, after.number)
        ends = {number for pair in states.values() for number in pair}
        gates = {
            name: value.number
            for name, value in local.items()
            if isinstance(value, Symbol)
            and value.number not in ends
            and graph[value.number].op not in ("input", "state", "matrix", "vector", "const")
        }
        shapes = {name: p.shape for name, p in parameters.items()}
        inits = {name: p.init for name, p in parameters.items()}
        others = {name: symbol.number for name, symbol in further.items()}
        return Trace(self.name, graph, x.number, states, output, shapes, inits, gates, others)


class _Bound:
    """The cell as its step sees it: parameters are symbols, everything else is the cell's own."""

    def __init__(self, cell: Cell, graph: Graph, parameters: dict[str, Parameter]) -> None:
        self._cell, self._graph, self._parameters = cell, graph, parameters

    def __getattr__(self, name: str) -> Any:
        declared = self._parameters.get(name)
        if declared is None:
            return getattr(self._cell, name)
        if isinstance(declared, Matrix):
            return Symbol(self._graph, self._graph.add("matrix", size=declared.shape, name=name))
        return Symbol(self._graph, self._graph.add("vector", size=declared.size, name=name))


def _call_and_watch(function: Any, *args: Any) -> tuple[Any, dict[str, Any]]:
    """Call the step and keep its local variables: their names are the gates' names."""
    local: dict[str, Any] = {}
    before: Any = sys.getprofile()

    def watch(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is function.__code__:
            local.update(frame.f_locals)

    sys.setprofile(watch)
    try:
        return function(*args), local
    finally:
        if hasattr(before, "enable"):  # cProfile's, which sys.setprofile takes and cannot call
            before.enable()  # type: ignore[union-attr]
        else:
            sys.setprofile(before)
