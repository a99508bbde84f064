"""The expression graph of one step of a recurrence.

A graph is a list of nodes in an order where arguments come first. Equal nodes are stored once, so comparing
node numbers compares expressions. Everything derived from a cell (derivative, schedule, equations, reference
loop) is a walk over this list; `to_json` makes it part of a saved model, so that a model with a cell of the
user's own runs where the cell's source is not installed.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

UNARY = ("sigmoid", "tanh", "relu", "exp", "log", "sqrt", "softplus", "neg", "positive", "mean", "normalize")
BINARY = ("add", "sub", "mul", "div", "maximum", "minimum", "greater", "dsigmoid", "dtanh", "dnormalize")
LEAVES = ("input", "state", "matrix", "vector", "const", "adjoint", "shown")

MOST_NODES, MOST_PRODUCTS = 512, 256
"""The largest step: the catalogue's have about 30 nodes; deriving and scheduling one takes more than linear time."""


@dataclass(frozen=True)
class Node:
    """One value of the step.

    op: an entry of UNARY, BINARY or LEAVES, or
        "matmul"    args (matrix, operand)
        "affine"    args (matrix, operand, matrix, operand, ..., vector, vector, ...): the sum of its products
                    and vectors; `value` is the number of products
        "affine_t"  args (matrix, operand, ...): the sum of transposed products
    args: node numbers, each smaller than this node's.
    size: the symbolic size of the value ("H"), None for a constant; (rows, columns) for a matrix.
    value: the number of a "const".
    name: the name of a leaf.
    """

    op: str
    args: tuple[int, ...] = ()
    size: Any = None
    value: float | None = None
    name: str | None = None


class Graph:
    """Nodes of one step, each stored once."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Node, int] = {}

    def add(
        self,
        op: str,
        args: tuple[int, ...] = (),
        size: Any = None,
        value: float | None = None,
        name: str | None = None,
    ) -> int:
        """Store a node, or find the equal one already stored; its number."""
        node = Node(op, args, size, value, name)
        number = self._known.get(node)
        if number is None:
            number = len(self.nodes)
            self.nodes.append(node)
            self._known[node] = number
        return number

    def __getitem__(self, number: int) -> Node:
        return self.nodes[number]

    def __len__(self) -> int:
        return len(self.nodes)

    def copy(self) -> Graph:
        graph = Graph()
        graph.nodes = list(self.nodes)
        graph._known = dict(self._known)
        return graph

    def products(self, number: int) -> list[tuple[int, int]]:
        """The (matrix, operand) pairs of an affine or matmul node."""
        node = self.nodes[number]
        if node.op == "matmul":
            return [(node.args[0], node.args[1])]
        if node.op not in ("affine", "affine_t"):
            return []
        count = int(node.value or 0)
        return [(node.args[2 * i], node.args[2 * i + 1]) for i in range(count)]

    def biases(self, number: int) -> tuple[int, ...]:
        """The vectors added by an affine node."""
        node = self.nodes[number]
        return node.args[2 * int(node.value or 0) :] if node.op == "affine" else ()

    def reachable(self, roots: Iterable[int]) -> list[int]:
        """Every node the roots depend on, themselves included, arguments first."""
        seen: set[int] = set()
        stack = list(roots)
        while stack:
            number = stack.pop()
            if number not in seen:
                seen.add(number)
                stack.extend(self.nodes[number].args)
        return sorted(seen)

    def readers(self, numbers: Iterable[int]) -> dict[int, list[int]]:
        """Node -> those of the nodes that read it, as often as they do, in order."""
        readers: dict[int, list[int]] = {}
        for number in numbers:
            for argument in self.nodes[number].args:
                readers.setdefault(argument, []).append(number)
        return readers

    def total(self, summands: Sequence[int], size: Any) -> int:
        """The sum of at least one node, from the left."""
        total = summands[0]
        for summand in summands[1:]:
            total = self.add("add", (total, summand), size)
        return total

    def to_json(self) -> list[list[Any]]:
        """The nodes as plain lists."""
        return [
            [n.op, list(n.args), list(n.size) if isinstance(n.size, tuple) else n.size, n.value, n.name]
            for n in self.nodes
        ]

    @classmethod
    def from_json(cls, rows: Any) -> Graph:
        """Rebuild a graph, checking every node; ValueError says which row is wrong."""
        graph = cls()
        if not isinstance(rows, list) or not rows:
            raise ValueError("recurrence: expected a list of nodes")
        check_length([row[0] if isinstance(row, list) and row else None for row in rows])
        for i, row in enumerate(rows):
            try:
                op, args, size, value, name = _read_row(row, i)
            except ValueError as error:
                raise ValueError(f"recurrence: node {i} {error}") from None
            if graph.add(op, args, size, value, name) != i:
                raise ValueError(f"recurrence: node {i} repeats an earlier node")
        return graph


def check_length(ops: list[Any]) -> None:
    """ValueError for a step of more nodes, whose operations these are, or products than a step may have."""
    if len(ops) > MOST_NODES:
        raise ValueError(f"recurrence: a step may have {MOST_NODES} values, got {len(ops)}; write it without a loop")
    products = ops.count("matmul")
    if products > MOST_PRODUCTS:
        raise ValueError(f"recurrence: a step may have {MOST_PRODUCTS} products, got {products}; use larger matrices")


def _read_row(row: Any, i: int) -> tuple[str, tuple[int, ...], Any, float | None, str | None]:
    """The parts of row i as `to_json` writes it; ValueError says what it must be."""
    if not isinstance(row, list) or len(row) != 5:
        raise ValueError(f"must be [op, args, size, value, name], got {reprlib.repr(row)}")
    op, args, size, value, name = row
    if not isinstance(op, str) or op not in (*UNARY, *BINARY, *LEAVES, "matmul"):
        raise ValueError(f"has the unknown operation {reprlib.repr(op)}")
    if not isinstance(args, list) or not all(type(a) is int and 0 <= a < i for a in args):
        raise ValueError(f"({op}) must only use earlier nodes, got {reprlib.repr(args)}")
    wanted = 1 if op in UNARY else 0 if op in LEAVES else 2
    if len(args) != wanted:
        raise ValueError(f"({op}) takes {wanted} arguments, got {len(args)}")
    if op == "matrix":
        if not isinstance(size, list) or len(size) != 2 or not all(is_name(s) for s in size):
            raise ValueError(f"has the size {reprlib.repr(size)}, expected two names")
        size = tuple(size)
    elif op == "const":
        if size is not None or not is_number(value):
            raise ValueError(f"is a constant: expected a number and no size, got {reprlib.repr(value)}")
        value = float(value)
    elif not is_name(size):
        raise ValueError(f"has the size {reprlib.repr(size)}, expected a name")
    if op != "const" and value is not None:
        raise ValueError(f"has the value {reprlib.repr(value)}, only a constant has one")
    if op in ("input", "state", "matrix", "vector"):
        if not is_name(name):
            raise ValueError(f"has the name {reprlib.repr(name)}, expected text")
    elif name is not None:
        raise ValueError(f"has the name {reprlib.repr(name)}, only inputs, states and parameters have one")
    return op, tuple(args), size, value, name


def is_name(value: Any) -> bool:
    """Whether a value read from a file can name a size, a state or a parameter."""
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()


def is_number(value: Any) -> bool:
    """Whether a value is a number that a 64-bit float can hold, and finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False
