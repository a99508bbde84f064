"""A step as a graph: what a cell becomes, and what everything else is derived from."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.recurrence.graph import BINARY, MOST_NODES, Graph, check_length, is_name

Init = str | float | tuple[float, float]


@dataclass(frozen=True, eq=False)
class Trace:
    """One step of a recurrence as a graph. Equal to another where `to_json` is, orders included.

    name: of the cell. graph: the step. input: number of x's node, its size is "I".
    states: name -> (number of the old state's node, number of the new state's node), in order.
    output: name of the state that is the cell's output.
    parameters: name -> declared shape as symbols, in the order of declaration.
    gates: name -> node number, for each value the step gives a name that is no state, in order.
    further: name -> node number, for each input beside x, in order. An array of inputs holds them side by side on its
    last axis, x first: [x | m | d].
    masks: names of further inputs that nobody wants a gradient of; see throughtime.recurrence.wrap.
    Raises ValueError where these do not make a step.
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
    _text: str | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        _check(self)

    @property
    def text(self) -> str:
        """`to_json` as text: what two equal traces have in common."""
        if self._text is None:  # functools.cached_property has a lock, which a fork could leave taken
            object.__setattr__(self, "_text", json.dumps(self.to_json(), separators=(",", ":")))
        return str(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trace) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

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
        columns, first = {}, 0
        for number in self.inputs.values():
            width = sizes[self.graph[number].size]
            columns[number] = slice(first, first + width)
            first += width
        return columns

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
        symbols = [*self.input_sizes.values(), *self.state_sizes.values()]
        return tuple(dict.fromkeys(symbols + [symbol for shape in self.parameters.values() for symbol in shape]))

    def shapes(self, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        """Parameter name -> shape in numbers; UserError where a size is missing or not positive."""
        for symbol in self.symbols:
            value = sizes.get(symbol)
            if value is None:
                raise UserError(
                    f"{self.name}: size {symbol} is missing, the cell's sizes are {', '.join(self.symbols)}"
                )
            if type(value) is not int or value < 1:
                raise UserError(f"{self.name}: size {symbol} must be a positive integer, got {reprlib.repr(value)}")
        return {name: tuple(sizes[s] for s in shape) for name, shape in self.parameters.items()}

    def initial_parameters(
        self, sizes: Mapping[str, int], rng: np.random.Generator, dtype: Any = np.float32
    ) -> dict[str, np.ndarray]:
        """Draw every parameter as its declaration says; name -> array."""
        return {
            name: _draw(self.inits.get(name, 0.0), shape, sizes, rng).astype(dtype)
            for name, shape in self.shapes(sizes).items()
        }

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

        pairs, shapes = _named(data, "states", 64), _named(data, "parameters", MOST_NODES)
        for name, pair in pairs.items():
            if not isinstance(pair, list) or len(pair) != 2:
                raise ValueError(f"recurrence: state {name} must be two nodes, got {reprlib.repr(pair)}")
        for name, shape in shapes.items():
            if not isinstance(shape, list) or len(shape) not in (1, 2) or not all(is_name(s) for s in shape):
                raise ValueError(f"recurrence: parameter {name} must have one or two sizes, got {reprlib.repr(shape)}")
        further = {name: number(value) for name, value in _named(data, "further", 64).items()}
        masks = data.get("masks", [])
        if not isinstance(masks, list) or not all(isinstance(name, str) and name in further for name in masks):
            raise ValueError(f"recurrence: masks must be names of further inputs, got {reprlib.repr(masks)}")
        return cls(
            name=data["name"],
            graph=graph,
            input=number(data["input"]),
            states={name: (number(old), number(new)) for name, (old, new) in pairs.items()},
            output=data["output"],
            parameters={name: tuple(shape) for name, shape in shapes.items()},
            gates={name: number(value) for name, value in _named(data, "gates", MOST_NODES).items()},
            further=further,
            masks=tuple(masks),
        )


def _draw(init: Init, shape: tuple[int, ...], sizes: Mapping[str, int], rng: np.random.Generator) -> np.ndarray:
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


def _named(data: dict[str, Any], key: str, most: int) -> dict[str, Any]:
    """An object of a trace's JSON, by names; a step has fewer than `most` of whatever it lists."""
    values = data.get(key, {})
    if not isinstance(values, dict) or len(values) > most or not all(is_name(name) for name in values):
        raise ValueError(f"recurrence: {key} must be an object of at most {most} names, got {reprlib.repr(values)}")
    return values


def _check(trace: Trace) -> None:
    """What the rest of the house relies on; ValueError otherwise."""
    graph = trace.graph
    check_length([node.op for node in graph.nodes])
    if graph[trace.input].op != "input" or graph[trace.input].size != "I":
        raise ValueError(f"{trace.name}: a recurrence needs an input of size I")
    for name, number in trace.further.items():
        if graph[number].op != "input" or graph[number].name != name or name == "x" or name in trace.states:
            raise ValueError(f"{trace.name}: input {name} is malformed")
    inputs = set(trace.inputs.values())
    if len(inputs) != len(trace.inputs):
        raise ValueError(f"{trace.name}: two inputs are the same")
    if trace.output not in trace.states:
        raise ValueError(f"{trace.name}: the output must be one of the states, got {trace.output}")
    for name, (old, new) in trace.states.items():
        if graph[old].op != "state" or graph[old].name != name or graph[old].size != graph[new].size:
            raise ValueError(f"{trace.name}: state {name} is malformed")
    olds = {old for old, _ in trace.states.values()}
    for number, node in enumerate(graph.nodes):
        sizes = {graph[a].size for a in node.args} - {None}
        if node.op in ("matrix", "vector"):
            size = node.size if node.op == "matrix" else (node.size,)
            if trace.parameters.get(node.name or "") != size:
                raise ValueError(f"{trace.name}: parameter {node.name} is not declared with the shape it is used with")
        elif node.op == "matmul":
            matrix, operand = (graph[a] for a in node.args)
            if matrix.op != "matrix" or (node.size, operand.size) != matrix.size:
                raise ValueError(f"{trace.name}: product with {matrix.name} has the wrong size")
        elif node.op in ("adjoint", "shown", "dsigmoid", "dtanh", "dnormalize", "positive"):
            raise ValueError(f"{trace.name}: {node.op} does not belong into a step")
        elif node.op == "state" and number not in olds:
            raise ValueError(f"{trace.name}: unknown state {node.name}")
        elif node.op == "input" and number not in inputs:
            raise ValueError(f"{trace.name}: unknown input {node.name}")
        elif node.args and (sizes != {node.size} or isinstance(node.size, tuple)):
            if node.op in BINARY and not sizes and is_name(node.size):
                continue  # two constants make a vector of any size
            raise ValueError(f"{trace.name}: {node.op} combines the sizes {sizes} into {node.size}")
    for name, number in trace.gates.items():
        if isinstance(graph[number].size, tuple):
            raise ValueError(f"{trace.name}: the gate {name} is a matrix")
