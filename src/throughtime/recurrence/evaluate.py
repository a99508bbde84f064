"""A recurrence in plain NumPy, node by node: the reference that needs neither the engine nor torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.recurrence.trace import Trace

States = tuple[np.ndarray, ...]


def _sigmoid(a: np.ndarray) -> np.ndarray:
    return 0.5 * np.tanh(0.5 * a) + 0.5


OPERATIONS: dict[str, Callable[..., Any]] = {
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
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "greater": lambda a, b: np.greater(a, b) * np.ones(1, np.result_type(a, b)),
    "matmul": lambda matrix, operand: operand @ matrix.T,
}
"""What each operation of a step means, over arrays (..., size)."""


def interpret(
    trace: Trace,
    parameters: Mapping[str, Any],
    x: Any,
    states: Sequence[Any],
    operations: Mapping[str, Callable[..., Any]],
    constant: Callable[[float], Any],
    numbers: Iterable[int] | None = None,
) -> dict[int, Any]:
    """The values of a step's nodes by number, over arrays of any library.

    parameters, x, states: as for `step`. operations: what each operation means. constant: makes a value of a number.
    numbers: of the nodes, arguments first; None for all.
    """
    old = {number: state for (number, _), state in zip(trace.states.values(), states, strict=True)}
    columns = trace.columns(trace.sizes_of(parameters, states, x.shape[-1])) if trace.further else {}
    values: dict[int, Any] = {}
    for number in range(len(trace.graph)) if numbers is None else numbers:
        node = trace.graph[number]
        if node.op == "input":
            values[number] = x[..., columns[number]] if columns else x
        elif node.op == "state":
            values[number] = old[number]
        elif node.op in ("matrix", "vector"):
            values[number] = parameters[node.name or ""]
        elif node.op == "const":
            values[number] = constant(node.value or 0.0)
        else:
            values[number] = operations[node.op](*[values[argument] for argument in node.args])
    return values


def step(trace: Trace, parameters: Mapping[str, np.ndarray], x: np.ndarray, states: Sequence[np.ndarray]) -> States:
    """One step of the recurrence.

    x: (..., I), further inputs beside it. states: one (..., S_j) per state, in the trace's order; the leading
    axes broadcast. parameters: name -> array of the declared shape. Returns the new states, in the trace's order.
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
    return interpret(trace, parameters, x, states, OPERATIONS, x.dtype.type, trace.graph.reachable(wanted))


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
