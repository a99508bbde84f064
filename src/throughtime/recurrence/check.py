"""What a step read from a file, or traced from a user's cell, must be before anything is derived from it."""

from __future__ import annotations

import math
import reprlib
from typing import TYPE_CHECKING, Any

from throughtime.recurrence.graph import BINARY, LEAVES, UNARY

if TYPE_CHECKING:
    from throughtime.recurrence.cell import Trace

MOST_NODES, MOST_PRODUCTS = 512, 256
"""The largest step: the catalogue's have about 30 nodes; deriving and scheduling one takes more than linear time."""


def check_length(nodes: list[Any], ops: list[Any]) -> None:
    """ValueError for a step of more nodes or products than a step may have."""
    if len(nodes) > MOST_NODES:
        raise ValueError(f"recurrence: a step may have {MOST_NODES} values, got {len(nodes)}; write it without a loop")
    products = ops.count("matmul")
    if products > MOST_PRODUCTS:
        raise ValueError(f"recurrence: a step may have {MOST_PRODUCTS} products, got {products}; use larger matrices")


def read_row(row: Any, i: int) -> tuple[str, tuple[int, ...], Any, float | None, str | None]:
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


def named(data: dict[str, Any], key: str, most: int) -> dict[str, Any]:
    """An object of a trace's JSON, by names; a step has fewer than `most` of whatever it lists."""
    found = data.get(key, {})
    if not isinstance(found, dict) or len(found) > most or not all(is_name(name) for name in found):
        raise ValueError(f"recurrence: {key} must be an object of at most {most} names, got {reprlib.repr(found)}")
    return found


def check(trace: Trace) -> None:
    """What the rest of the house relies on; ValueError otherwise."""
    graph = trace.graph
    check_length(graph.nodes, [node.op for node in graph.nodes])
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
            raise ValueError(f"{trace.name}: {node.op} combines the sizes {sizes} into {node.size}")
    for name, number in trace.gates.items():
        if isinstance(graph[number].size, tuple):
            raise ValueError(f"{trace.name}: the gate {name} is a matrix")
