"""A recurrence in plain NumPy, node by node: the reference that needs neither the engine nor torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.recurrence.trace import Trace

States = tuple[np.ndarray, ...]


def _sigmoid(a: np.ndarray) -> np.ndarray:
    return 0.5 * np.tanh(0.5 * a) + 0.5


UNARY: dict[str, Callable[[Any], Any]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "softplus": lambda a: np.logaddexp(a, 0),
    "neg": np.negative,
    "mean": lambda a: np.broadcast_to(a.mean(-1, keepdims=True), a.shape),
    "normalize": lambda a: (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + a.dtype.type(1e-5)),
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "greater": lambda a, b: np.greater(a, b) * np.ones(1, np.result_type(a, b)),
}


def step(trace: Trace, parameters: Mapping[str, np.ndarray], x: np.ndarray, states: Sequence[np.ndarray]) -> States:
    """One step of the recurrence.

    x: (..., I), further inputs beside it. states: one (..., S_j) per state, in the trace's order; the leading
    axes broadcast. parameters: name -> array of the declared shape. Returns the new states, in the trace's order.
    Raises ValueError where an operation is none a step may contain.
    """
    values = nodes(trace, parameters, x, states, [new for _, new in trace.states.values()])
    shape = x.shape[:-1]
    return tuple(
        np.array(np.broadcast_to(values[new], (*shape, state.shape[-1])), dtype=x.dtype)
        for (_, new), state in zip(trace.states.values(), states, strict=True)
    )


def nodes(
    trace: Trace,
    parameters: Mapping[str, np.ndarray],
    x: np.ndarray,
    states: Sequence[np.ndarray],
    wanted: Sequence[int],
) -> dict[int, Any]:
    """The values of wanted nodes of a step, and of all they are made of, by number; arguments as for `step`.

    With the states of a whole sequence, (T, B, S_j) before each step, it gives the gates of all steps at once.
    """
    graph = trace.graph
    old = {number: state for (number, _), state in zip(trace.states.values(), states, strict=True)}
    columns = {trace.input: slice(None)}
    if trace.further:
        columns = trace.columns(trace.sizes_of(parameters, states, x.shape[-1]))
    values: dict[int, Any] = {}
    for number in graph.reachable(list(wanted)):
        node = graph[number]
        if node.op == "input":
            values[number] = x[..., columns[number]]
        elif node.op == "state":
            values[number] = old[number]
        elif node.op in ("matrix", "vector"):
            values[number] = parameters[str(node.name)]
        elif node.op == "const":
            values[number] = x.dtype.type(node.value)
        elif node.op == "matmul":
            values[number] = values[node.args[1]] @ values[node.args[0]].T
        elif node.op in UNARY:
            values[number] = UNARY[node.op](values[node.args[0]])
        elif node.op in BINARY:
            values[number] = BINARY[node.op](values[node.args[0]], values[node.args[1]])
        else:
            raise ValueError(f"{trace.name}: {node.op} does not belong into a step")
    return values


def sequence(
    trace: Trace, parameters: Mapping[str, np.ndarray], x: np.ndarray, initial: Sequence[np.ndarray]
) -> tuple[np.ndarray, States]:
    """The recurrence over a sequence: x (T, B, I) and initial states (B, S_j) to (output (T, B, S), final states)."""
    states: States = tuple(initial)
    where = list(trace.states).index(trace.output)
    output = np.empty((*x.shape[:2], states[where].shape[-1]), x.dtype)
    for t in range(len(x)):
        states = step(trace, parameters, x[t], states)
        output[t] = states[where]
    return output, states
