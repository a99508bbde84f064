"""The body of a Scan as a step of the recurrence language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop.onnx.importing.fold import FOLDS, Attributes, Reckoner, bounds, check_whole
from throughtime.interop.onnx.importing.read import array
from throughtime.interop.onnx.importing.recurrent import attributes_of
from throughtime.interop.onnx.importing.values import Fixed, Known
from throughtime.recurrence.graph import Graph
from throughtime.recurrence.symbols import Symbol

UNARY = {
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Relu": "relu",
    "Exp": "exp",
    "Log": "log",
    "Sqrt": "sqrt",
    "Softplus": "softplus",
    "Neg": "neg",
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a / b,
}
NAMED = {"Max": "maximum", "Min": "minimum", "Greater": "greater"}


@dataclass(frozen=True)
class Chosen:
    """Where(mask, then, otherwise)."""

    then: Any
    otherwise: Any


class Mask:
    """Which rows have this step."""


class Shape:
    """The shape of a value, which only Expand reads."""


@dataclass
class Body:
    """A step in the making. known: arrays of the graph around it; width: of x; same: whether sizes equal to it are it.
    reckoner: of what is known beforehand.

    Values of the body are Symbols, arrays, or one of the classes above."""

    known: Mapping[str, Known]
    width: int
    same: bool
    reckoner: Reckoner = field(default_factory=Reckoner)
    graph: Graph = field(default_factory=Graph)
    values: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    pieces: dict[tuple[int, int], Symbol] = field(default_factory=dict)
    x: str = ""

    def size(self, n: int) -> str:
        """The symbol of a size."""
        name = "I" if self.same and n == self.sizes.get("I", self.width) else f"N{n}"
        self.sizes[name] = n
        return name

    def leaf(self, op: str, size: Any, name: str) -> Symbol:
        """An input, a state or a parameter."""
        return Symbol(self.graph, self.graph.add(op, (), size, None, name))

    def run(self, nodes: Any) -> None:
        """All nodes of the body. UserError names the first that is not known in a step."""
        for node in nodes:
            where = f"in its body, {node.op_type[:60]} {(node.name or node.output[0])[:60]}"
            try:
                given = [self.value(name) if name else None for name in node.input]
                self.values[node.output[0]] = self.one(node.op_type, attributes_of(node), given, list(node.input))
                if len(node.output) > 1:
                    raise UserError("it gives several values, which is not known here")
            except UserError as error:
                raise UserError(f"{where}: {error}") from None
            except (ValueError, TypeError, ArithmeticError) as error:
                raise Mixed(f"{where}: {str(error)[:150]}") from None

    def value(self, name: str) -> Any:
        """A value by name: the body's own, or a fixed array from around it."""
        if name in self.values:
            return self.values[name]
        around = self.known.get(name)
        if not isinstance(around, Fixed) or around.free:
            raise UserError(f"it reads {name[:60]}, which is no fixed array and nothing of the step")
        return around.array

    def one(self, op: str, a: Attributes, given: list[Any], names: list[str]) -> Any:
        """The value of a node."""
        if op == "Constant":
            return a.get("value", a.get("value_float"))
        if all(isinstance(one, np.ndarray) or one is None for one in given) and op in FOLDS:
            return self.reckoner.fold(op, a, given)
        if op == "Slice" and names[0] == self.x:
            return self.piece(a, given)
        if op in ("Identity", "Dropout"):
            return given[0]
        if op in ("Unsqueeze", "Cast", "Not") and isinstance(given[0], Mask) and op != "Not":
            return given[0]
        if op == "Where" and isinstance(given[0], Mask):
            return Chosen(given[1], given[2])
        if op == "Shape":
            return Shape()
        if op == "Expand" and isinstance(given[1], Shape):
            return given[0]
        if op == "Cast" and isinstance(given[0], Symbol) and a.get("to") in (1, 11):
            return given[0]
        if not all(isinstance(one, Symbol | np.ndarray) or one is None for one in given):
            raise UserError("it reads what no step of a recurrence has")
        return self.arithmetic(op, a, given)

    def arithmetic(self, op: str, a: Attributes, given: list[Any]) -> Any:
        """The value of a node that computes."""
        if op in ("MatMul", "Gemm"):
            return self.product(op, a, given)
        if op == "ReduceMean":
            axes = a.get("axes") or (None if len(given) < 2 else np.atleast_1d(given[1]).tolist())
            if axes not in ([-1], [1]) or not a.get("keepdims", 1):
                raise UserError("its mean is not of all values of a row")
            return self.named("mean", given[0])
        if op in UNARY:
            return self.named(UNARY[op], self.side(given[0], None))
        if op in BINARY and len(given) == 2:
            left, right = self.pair(given)
            return BINARY[op](left, right)
        if op in NAMED and len(given) == 2:
            left, right = self.pair(given)
            return self.named(NAMED[op], left, right)
        raise UserError("the operator is not known in a step; take it out")

    def named(self, op: str, *given: Any) -> Symbol:
        """An operation of the recurrence language by its name."""
        numbers = [one.number if isinstance(one, Symbol) else self.graph.add("const", value=one) for one in given]
        sizes = {one.size for one in given if isinstance(one, Symbol) and one.size is not None}
        if len(sizes) != 1:
            raise ValueError(f"it combines the sizes {sorted(map(str, sizes))}")
        return Symbol(self.graph, self.graph.add(op, tuple(numbers), sizes.pop()))

    def pair(self, given: list[Any]) -> tuple[Any, Any]:
        """Both sides, fixed arrays as numbers or parameters."""
        left, right = given
        return self.side(left, right), self.side(right, left)

    def side(self, one: Any, other: Any) -> Any:
        if not isinstance(one, np.ndarray):
            return one
        if one.size == 1 and (one.ndim == 0 or self.sizes.get(getattr(other, "size", None) or "") != 1):
            return float(one.reshape(()))
        if one.size != one.shape[-1]:
            raise UserError(f"its fixed array has the shape {one.shape}; only one number a column is known here")
        return self.parameter("vector", one.reshape(-1), self.size(one.size))

    def parameter(self, op: str, value: np.ndarray, size: Any) -> Symbol:
        """A parameter of the step."""
        check_whole(value, "fixed array")
        for name, known in self.parameters.items():
            if known.shape == value.shape and np.array_equal(known, value):
                return self.leaf(op, size, name)
        name = f"{'W' if op == 'matrix' else 'b'}_{len(self.parameters)}"
        self.parameters[name] = np.ascontiguousarray(value)
        return self.leaf(op, size, name)

    def product(self, op: str, a: Attributes, given: list[Any]) -> Symbol:
        """x @ W, and with Gemm + b."""
        value, matrix = given[0], given[1]
        if not isinstance(value, Symbol) or not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or a.get("transA"):
            raise UserError("only products with a fixed matrix are known in a step")
        check_whole(matrix, "matrix")
        turned = matrix if a.get("transB") else matrix.T
        turned = turned * turned.dtype.type(a.get("alpha", 1.0))
        if self.sizes.get(str(value.size)) != turned.shape[1]:
            raise UserError(f"it multiplies {self.sizes.get(str(value.size))} values by a matrix of {matrix.shape}")
        found: Symbol = self.parameter("matrix", turned, (self.size(turned.shape[0]), value.size)) @ value
        if len(given) > 2 and given[2] is not None:
            found = found + self.side(given[2] * given[2].dtype.type(a.get("beta", 1.0)), found)
        return found

    def piece(self, a: Attributes, given: list[Any]) -> Symbol:
        """Some columns of what comes in."""
        ((axis, part),) = bounds(a, [None, *given[1:]], 2).items()
        key = (part.start, min(part.stop, 1 << 30))
        if axis != 1 or key not in self.pieces:
            raise UserError("it takes rows, or columns that overlap others")
        return self.pieces[key]


class Mixed(Exception):
    """Two sizes that are the same number were told apart, or do not fit."""


def cut(body: Any, x: str, known: Mapping[str, Known], width: int) -> list[tuple[int, int]]:
    """The columns into which a body cuts what comes in; all of them where it cuts nothing."""
    found = set()
    own = {one.name: one for one in body.initializer}
    for node in body.node:
        if node.op_type == "Slice" and node.input and node.input[0] == x:
            given: list[Any] = [None]
            for name in node.input[1:]:
                around = known.get(name)
                value = array(own[name]) if name in own else around.array if isinstance(around, Fixed) else None
                if name and value is None:
                    raise UserError("in its body, a Slice takes columns that are not fixed")
                given.append(value)
            for axis, part in bounds(attributes_of(node), given, 2).items():
                if axis == 1 and part.step == 1:
                    found.add((part.start, part.stop))
    pieces = sorted(found)
    if not pieces:
        return [(0, width)]
    if [0, *(end for _, end in pieces)] != [*(start for start, _ in pieces), width]:
        raise UserError(f"in its body, columns {pieces[:4]} of {width} overlap or leave some out")
    return pieces
