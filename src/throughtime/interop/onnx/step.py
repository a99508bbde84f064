"""A traced step as the body of an ONNX Scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.recurrence import Recurrence

_OPS = {
    **{"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "exp": "Exp", "log": "Log", "sqrt": "Sqrt"},
    **{"softplus": "Softplus", "neg": "Neg", "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div"},
    **{"maximum": "Max", "minimum": "Min", "matmul": "MatMul"},
}
"""Operation of a step -> ONNX's, where there is one."""


class _Body:
    """The nodes of a body. Its arrays are those of the graph around it."""

    def __init__(self, outer: Any) -> None:
        self.outer, self._prefix = outer, f"{outer.prefix}s{len(outer.nodes)}"
        self.nodes: list[Any] = []

    def add(self, op: str, inputs: Sequence[str], name: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = name or f"{self._prefix}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name


def scan(
    build: Any,
    cell: Recurrence,
    parameters: Mapping[str, np.ndarray],
    x: str,
    states: Sequence[str],
    mask: str,
    layer: Any,
) -> tuple[str, list[str]]:
    """A Scan over x (T, B, I), masks (T, B) or "", and states (B, S_j): the outputs (T, B, S) and the last states."""
    from onnx import TensorProto, helper

    trace, body = cell.trace, _Body(build)
    prefix = f"{build.prefix}c{len(build.nodes)}"
    old = [f"{prefix}_{name}" for name in trace.states]
    taken = [*old, *([f"{prefix}_shown"] if mask else []), f"{prefix}_x", *([f"{prefix}_mask"] if mask else [])]
    values = _values(body, build, cell, parameters, f"{prefix}_x", old)
    place = list(trace.states).index(trace.output)
    new = []
    held = body.add("Unsqueeze", [f"{prefix}_mask", build.whole(1)]) if mask else ""
    for number, (before, after) in enumerate(trace.states.values()):
        value = body.add("Expand", [values[after], body.add("Shape", [values[before]])])
        new.append(body.add("Where", [held, value, old[number]]) if mask else value)
    shown = body.add("Identity", [new[place]])
    further = []
    if mask:
        now = body.add("Where", [held, new[place], f"{prefix}_shown"])
        further = [body.add("Identity", [now])]
        shown = body.add("Where", [held, now, build.number(0.0)]) if layer.zero else body.add("Identity", [now])
    kinds = {f"{prefix}_mask": TensorProto.BOOL}
    inner = helper.make_graph(
        body.nodes,
        f"{prefix}_step",
        [helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), None) for name in taken],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in [*new, *further, shown]],
    )
    start = list(states)
    if mask:
        zeros = build.add("Mul", [states[place], build.number(0.0)])
        start.append(states[place] if layer.begins else zeros)
    scanned = [x, *([mask] if mask else [])]
    way = int(layer.back)
    found = build.add(
        "Scan",
        [*start, *scanned],
        len(start) + 1,
        body=inner,
        num_scan_inputs=len(scanned),
        scan_input_directions=[way] * len(scanned),
        scan_output_directions=[way],
    )
    return found[-1], found[: len(states)]


def _values(
    body: _Body, build: Any, cell: Recurrence, parameters: Mapping[str, np.ndarray], x: str, old: Sequence[str]
) -> dict[int, str]:
    """The names of a step's values by the numbers of its nodes."""
    trace = cell.trace
    names = {before: old[k] for k, (before, _) in enumerate(trace.states.values())}
    columns = trace.columns(cell.sizes)
    for number, part in columns.items():
        whole = len(columns) == 1
        bounds = [build.whole(part.start), build.whole(part.stop), build.whole(1)]
        names[number] = x if whole else body.add("Slice", [x, *bounds])
    for number in trace.graph.reachable([new for _, new in trace.states.values()]):
        node = trace.graph[number]
        if number in names:
            continue
        given = [names[a] for a in node.args if a in names]
        if node.op == "const":
            names[number] = build.number(node.value or 0.0)
        elif node.op in ("matrix", "vector"):
            value = parameters[node.name or ""]
            names[number] = build.const(value.T if node.op == "matrix" else value)
        elif node.op == "matmul":
            names[number] = body.add("MatMul", given[::-1])
        elif node.op == "greater":
            names[number] = body.add("Cast", [body.add("Greater", given)], to=1)
        elif node.op == "mean":
            mean = body.add("ReduceMean", [*given, build.whole(-1)], keepdims=1)
            names[number] = body.add("Expand", [mean, body.add("Shape", given)])
        elif node.op == "normalize":
            centred = body.add("Sub", [*given, body.add("ReduceMean", [*given, build.whole(-1)], keepdims=1)])
            square = body.add("ReduceMean", [body.add("Mul", [centred, centred]), build.whole(-1)], keepdims=1)
            names[number] = body.add(
                "Div", [centred, body.add("Sqrt", [body.add("Add", [square, build.number(1e-5)])])]
            )
        else:
            names[number] = body.add(_OPS[node.op], given)
    return names
