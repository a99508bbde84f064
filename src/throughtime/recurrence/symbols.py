"""Symbols: what a cell's step computes with.

A symbol stands for one vector of the step (the input, a state, a gate) and remembers how it was made. Shapes
are checked as the step is written, so a wrong product is reported at its own line.
"""

from __future__ import annotations

from typing import Any

from throughtime.recurrence.graph import Graph, is_number

Scalar = int | float


class Symbol:
    """A vector of symbolic size, or a number, in the graph of one step."""

    __array_ufunc__ = None  # NumPy must not try to broadcast a symbol

    def __init__(self, graph: Graph, number: int) -> None:
        self.graph = graph
        self.number = number

    @property
    def size(self) -> Any:
        """The symbolic size ("H"); None for a number."""
        return self.graph[self.number].size

    def __add__(self, other: Any) -> Symbol:
        return _binary("add", self, other)

    def __radd__(self, other: Any) -> Symbol:
        return _binary("add", other, self)

    def __sub__(self, other: Any) -> Symbol:
        return _binary("sub", self, other)

    def __rsub__(self, other: Any) -> Symbol:
        return _binary("sub", other, self)

    def __mul__(self, other: Any) -> Symbol:
        return _binary("mul", self, other)

    def __rmul__(self, other: Any) -> Symbol:
        return _binary("mul", other, self)

    def __truediv__(self, other: Any) -> Symbol:
        return _binary("div", self, other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return _binary("div", other, self)

    def __neg__(self) -> Symbol:
        return _unary("neg", self)

    def __matmul__(self, other: Any) -> Symbol:
        matrix = self.graph[self.number]
        if matrix.op != "matrix":
            raise TypeError(f"{self}: the left side of @ must be a Matrix of the cell")
        if not isinstance(other, Symbol) or other.graph is not self.graph or other.size is None:
            raise TypeError(f"{matrix.name} @ {other!r}: the right side must be a vector of this step")
        rows, columns = matrix.size
        if other.graph[other.number].op == "matrix" or other.size != columns:
            raise ValueError(
                f"{matrix.name} @ {other}: {matrix.name} is {rows} x {columns}, {other} has size {other.size}"
            )
        return Symbol(self.graph, self.graph.add("matmul", (self.number, other.number), rows))

    def __bool__(self) -> bool:
        raise TypeError("a symbol has no truth value: a step is traced once, write maximum() or a gate instead of `if`")

    def __iter__(self) -> Any:
        raise TypeError("a symbol cannot be unpacked or iterated over")

    def __repr__(self) -> str:
        node = self.graph[self.number]
        return node.name or (repr(node.value) if node.op == "const" else f"<{node.op}>")


def _lift(value: Any, other: Symbol) -> Symbol:
    if isinstance(value, Symbol):
        if value.graph is not other.graph:
            raise ValueError(f"{value} and {other} come from different steps")
        return value
    if isinstance(value, bool) or not isinstance(value, Scalar):
        raise TypeError(f"cannot combine {other} with {type(value).__name__}: expected a symbol or a number")
    if not is_number(value):
        raise ValueError(f"cannot combine {other} with {value!r}: expected a finite number")
    return Symbol(other.graph, other.graph.add("const", value=float(value)))


def _binary(op: str, left: Any, right: Any) -> Symbol:
    a = _lift(left, left if isinstance(left, Symbol) else right)
    b = _lift(right, a)
    for side in (a, b):
        if side.graph[side.number].op == "matrix":
            raise TypeError(f"{side} is a matrix: use {side} @ vector")
    if a.size is not None and b.size is not None and a.size != b.size:
        raise ValueError(f"{op} of {a} and {b}: sizes {a.size} and {b.size} differ")
    return Symbol(a.graph, a.graph.add(op, (a.number, b.number), a.size if a.size is not None else b.size))


def _unary(op: str, value: Any) -> Symbol:
    if not isinstance(value, Symbol):
        raise TypeError(f"{op}: expected a symbol of the step, got {type(value).__name__}")
    if value.graph[value.number].op == "matrix":
        raise TypeError(f"{op}: {value} is a matrix")
    return Symbol(value.graph, value.graph.add(op, (value.number,), value.size))


def sigmoid(a: Symbol) -> Symbol:
    """1 / (1 + exp(-a))."""
    return _unary("sigmoid", a)


def tanh(a: Symbol) -> Symbol:
    """The hyperbolic tangent."""
    return _unary("tanh", a)


def relu(a: Symbol) -> Symbol:
    """max(a, 0), with derivative 0 at 0."""
    return _unary("relu", a)


def exp(a: Symbol) -> Symbol:
    """e to the a."""
    return _unary("exp", a)


def log(a: Symbol) -> Symbol:
    """The natural logarithm."""
    return _unary("log", a)


def sqrt(a: Symbol) -> Symbol:
    """The square root."""
    return _unary("sqrt", a)


def softplus(a: Symbol) -> Symbol:
    """log(1 + exp(a))."""
    return _unary("softplus", a)


def mean(a: Symbol) -> Symbol:
    """The mean of a vector's elements, as a vector of the same size: every element is that mean."""
    return _unary("mean", a)


def normalize(a: Symbol) -> Symbol:
    """d / sqrt(mean(d * d) + 1e-5) with d = a - mean(a): layer normalisation without its gain and bias.

    Source: Ba et al. 2016, arXiv:1607.06450, eq. 4; 1e-5 as in torch.nn.LayerNorm.
    """
    return _unary("normalize", a)


def greater(a: Symbol | float, b: Symbol | float) -> Symbol:
    """1 where a > b, else 0: a switch. Its derivative is 0."""
    return _binary("greater", a, b)


def maximum(a: Symbol | float, b: Symbol | float) -> Symbol:
    """The larger of two values; the derivative goes to the first where they are equal."""
    return _binary("maximum", a, b)


def minimum(a: Symbol | float, b: Symbol | float) -> Symbol:
    """The smaller of two values; the derivative goes to the first where they are equal."""
    return _binary("minimum", a, b)


def identity(a: Symbol) -> Symbol:
    """The value itself: the activation of a linear recurrence."""
    return a


ACTIVATIONS = {"tanh": tanh, "relu": relu, "sigmoid": sigmoid, "softplus": softplus, "identity": identity}
"""Activations a cell's option may name."""
