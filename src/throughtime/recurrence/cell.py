"""Cells: a recurrence as its paper prints it, and its trace."""

from __future__ import annotations

import math
import reprlib
import sys
from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from throughtime.recurrence.check import MOST_NODES, check, is_name, named
from throughtime.recurrence.graph import Graph
from throughtime.recurrence.symbols import Symbol

Init = str | float | tuple[float, float]


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


@dataclass(frozen=True)
class Trace:
    """One step of a recurrence as a graph.

    name: of the cell. graph: the step. input: number of x's node, its size is "I".
    states: name -> (number of the old state's node, number of the new state's node), in order.
    output: name of the state that is the cell's output.
    parameters: name -> declared shape as symbols, in the order of declaration.
    gates: name -> node number, for each value the step gives a name that is no state, in order.
    further: name -> node number, for each input beside x, in order. An array of inputs holds them side by side on its
    last axis, x first: [x | m | d].
    masks: names of further inputs that nobody wants a gradient of; see throughtime.recurrence.wrap.
    """

    name: str
    graph: Graph
    input: int
    states: dict[str, tuple[int, int]]
    output: str
    parameters: dict[str, tuple[str, ...]]
    inits: dict[str, Init] = field(default_factory=dict)
    gates: dict[str, int] = field(default_factory=dict)
    further: dict[str, int] = field(default_factory=dict)
    masks: tuple[str, ...] = ()

    @property
    def inputs(self) -> dict[str, int]:
        """Input name -> node number, x first."""
        return {"x": self.input, **self.further}

    @property
    def input_sizes(self) -> dict[str, str]:
        """Input name -> symbolic size, x first."""
        return {name: self.graph[number].size for name, number in self.inputs.items()}

    def input_width(self, sizes: Mapping[str, int]) -> int:
        """The width of all inputs side by side."""
        return sum(sizes[size] for size in self.input_sizes.values())

    def columns(self, sizes: Mapping[str, int]) -> dict[int, slice]:
        """Input node -> its columns in an array of all inputs."""
        found, first = {}, 0
        for number in self.inputs.values():
            width = sizes[self.graph[number].size]
            found[number] = slice(first, first + width)
            first += width
        return found

    def sizes_of(self, parameters: Mapping[str, Any], states: Sequence[Any] = (), width: int = 0) -> dict[str, int]:
        """The sizes read off arrays: parameters by name, states (..., S_j) in order, inputs of `width` columns.

        A size that nothing tells is missing, and so is I where it is not what is left of `width`.
        """
        sizes: dict[str, int] = {}
        for name, shape in self.parameters.items():
            sizes.update(zip(shape, parameters[name].shape, strict=True))
        if states:
            sizes.update(zip(self.state_sizes.values(), (state.shape[-1] for state in states), strict=True))
        others = [size for name, size in self.input_sizes.items() if name != "x"]
        if "I" not in sizes and all(size in sizes for size in others):
            sizes["I"] = width - sum(sizes[size] for size in others)
        return sizes

    @property
    def state_sizes(self) -> dict[str, str]:
        """State name -> symbolic size."""
        return {name: self.graph[old].size for name, (old, _) in self.states.items()}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every size the cell speaks of, "I" first, in order of appearance."""
        seen = dict.fromkeys([*self.input_sizes.values(), *self.state_sizes.values()])
        for shape in self.parameters.values():
            seen.update(dict.fromkeys(shape))
        return tuple(seen)

    def shapes(self, sizes: dict[str, int]) -> dict[str, tuple[int, ...]]:
        """Parameter name -> shape in numbers; ValueError where a size is missing or not positive."""
        for symbol in self.symbols:
            value = sizes.get(symbol)
            if value is None:
                raise ValueError(
                    f"{self.name}: size {symbol} is missing, the cell's sizes are {', '.join(self.symbols)}"
                )
            if type(value) is not int or value < 1:
                raise ValueError(f"{self.name}: size {symbol} must be a positive integer, got {value!r}")
        return {name: tuple(sizes[s] for s in shape) for name, shape in self.parameters.items()}

    def initial_parameters(
        self, sizes: dict[str, int], rng: np.random.Generator, dtype: Any = np.float32
    ) -> dict[str, np.ndarray]:
        """Draw every parameter as its declaration says; name -> array."""
        values = {}
        for name, shape in self.shapes(sizes).items():
            values[name] = _draw(self.inits.get(name, 0.0), shape, sizes, rng).astype(dtype)
        return values

    def to_json(self) -> dict[str, Any]:
        """The trace as plain lists and dicts, for a model's config."""
        return {
            "name": self.name,
            "nodes": self.graph.to_json(),
            "input": self.input,
            "states": {k: list(v) for k, v in self.states.items()},
            "output": self.output,
            "parameters": {k: list(v) for k, v in self.parameters.items()},
            "gates": dict(self.gates),
            **({"further": dict(self.further)} if self.further else {}),
            **({"masks": list(self.masks)} if self.masks else {}),
        }

    @classmethod
    def from_json(cls, data: Any) -> Trace:
        """Rebuild a trace from `to_json`; ValueError says what is wrong."""
        if not isinstance(data, dict):
            raise ValueError("recurrence: expected an object")
        missing = {"name", "nodes", "input", "states", "output", "parameters"} - data.keys()
        if missing:
            raise ValueError(f"recurrence: {', '.join(sorted(missing))} missing")
        graph = Graph.from_json(data["nodes"])
        for key in ("name", "output"):
            if not is_name(data[key]):
                raise ValueError(f"recurrence: {key} must be text, got {reprlib.repr(data[key])}")

        def number(value: Any) -> int:
            if type(value) is not int or not 0 <= value < len(graph):
                raise ValueError(f"recurrence: {reprlib.repr(value)} is no node")
            return value

        pairs, shapes = named(data, "states", 64), named(data, "parameters", MOST_NODES)
        for name, pair in pairs.items():
            if not isinstance(pair, list) or len(pair) != 2:
                raise ValueError(f"recurrence: state {name} must be two nodes, got {reprlib.repr(pair)}")
        for name, shape in shapes.items():
            if not isinstance(shape, list) or len(shape) not in (1, 2) or not all(is_name(s) for s in shape):
                raise ValueError(f"recurrence: parameter {name} must have one or two sizes, got {reprlib.repr(shape)}")
        states = {name: (number(old), number(new)) for name, (old, new) in pairs.items()}
        parameters = {name: tuple(shape) for name, shape in shapes.items()}
        gates = {name: number(value) for name, value in named(data, "gates", MOST_NODES).items()}
        further = {name: number(value) for name, value in named(data, "further", 64).items()}
        masks = data.get("masks", [])
        if not isinstance(masks, list) or not all(isinstance(name, str) and name in further for name in masks):
            raise ValueError(f"recurrence: masks must be names of further inputs, got {reprlib.repr(masks)}")
        trace = cls(
            *(data["name"], graph, number(data["input"]), states, data["output"], parameters),
            *({}, gates, further, tuple(masks)),
        )
        check(trace)
        return trace


def _draw(init: Init, shape: tuple[int, ...], sizes: dict[str, int], rng: np.random.Generator) -> np.ndarray:
    if isinstance(init, int | float):
        return np.full(shape, float(init))
    if isinstance(init, tuple):
        return rng.uniform(*init, shape)
    if init == "zeros":
        return np.zeros(shape)
    if init == "uniform":
        bound = 1.0 / math.sqrt(sizes.get("H", shape[0]))
        return rng.uniform(-bound, bound, shape)
    if init == "glorot":
        bound = math.sqrt(6.0 / sum(shape)) if len(shape) == 2 else 1.0 / math.sqrt(shape[0])
        return rng.uniform(-bound, bound, shape)
    if init == "orthogonal" and len(shape) == 2:
        rows, columns = shape
        q, r = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
        q = q * np.sign(np.diag(r))
        return q if rows >= columns else q.T
    raise ValueError(f"unknown init {init!r} for shape {shape}: glorot, orthogonal, zeros, uniform, a number or a pair")


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
        found: dict[str, Parameter] = {}
        for cls in reversed(type(self).__mro__):
            found.update({k: v for k, v in vars(cls).items() if isinstance(v, Matrix | Vector)})
        return found

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
        trace = Trace(self.name, graph, x.number, states, output, shapes, inits, gates, others)
        check(trace)
        return trace


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
    before = sys.getprofile()

    def watch(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is function.__code__:
            local.update(frame.f_locals)

    sys.setprofile(watch)
    try:
        return function(*args), local
    finally:
        sys.setprofile(before)
