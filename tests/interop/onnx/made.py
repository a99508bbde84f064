"""ONNX files that the tests make with onnx.helper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
INPUT, HIDDEN = 3, 4


def save(
    path: Path,
    nodes: Sequence[Any],
    inputs: Sequence[tuple[str, int, Sequence[Any]]],
    outputs: Sequence[str],
    arrays: dict[str, np.ndarray],
    **options: Any,
) -> Path:
    """Write a model. inputs: name, element type and axes of each."""
    graph = helper.make_graph(
        list(nodes),
        "made",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in arrays.items()],
    )
    for one in graph.output:
        one.type.tensor_type.elem_type = TensorProto.FLOAT
    opset = options.pop("opset", 18)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=options.pop("ir", 9))
    path.write_bytes(made.SerializeToString())
    return path


def recurrent(
    path: Path,
    op: str,
    direction: str = "forward",
    lengths: bool = False,
    states: bool = False,
    peepholes: bool = False,
    second: bool = False,
    **attributes: Any,
) -> Path:
    """A recurrent node over x (T, B, I) and a dense layer, with random parameters; second: behind another one."""
    rng, ways, n = np.random.default_rng(7), 2 if direction == "bidirectional" else 1, GATES[op]

    def drawn(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) * 0.5).astype(np.float32)

    arrays = {"D": drawn(ways * HIDDEN, 2), "d": drawn(2), "to": np.array([0, 0, -1], np.int64)}
    inputs: list[Any] = [("x", TensorProto.FLOAT, ["T", "B", INPUT])]
    if attributes.get("layout"):
        inputs = [("x", TensorProto.FLOAT, ["B", "T", INPUT])]
    nodes, here, width = [], "x", INPUT
    for k in range(1 + second):
        arrays |= {f"W{k}": drawn(ways, n * HIDDEN, width), f"R{k}": drawn(ways, n * HIDDEN, HIDDEN)}
        arrays[f"B{k}"] = drawn(ways, 2 * n * HIDDEN)
        given = [here, f"W{k}", f"R{k}", f"B{k}", "lengths" if lengths else "", *([f"h{k}"] if states else [])]
        if states:
            inputs.append((f"h{k}", TensorProto.FLOAT, [ways, "B", HIDDEN]))
        if states and op == "LSTM":
            inputs.append((f"c{k}", TensorProto.FLOAT, [ways, "B", HIDDEN]))
            given.append(f"c{k}")
        if peepholes:
            arrays[f"P{k}"] = drawn(ways, 3 * HIDDEN)
            given += [""] * (7 - len(given)) + [f"P{k}"]
        gives = [f"y{k}", f"h{k}_last", *([f"c{k}_last"] if op == "LSTM" else [])]
        own = {"direction": direction, "hidden_size": HIDDEN, **attributes}
        nodes.append(helper.make_node(op, given, gives, name=f"layer {k}", **own))
        if attributes.get("layout"):
            nodes.append(helper.make_node("Reshape", [f"y{k}", "to"], [f"z{k}"]))
        else:
            nodes.append(helper.make_node("Transpose", [f"y{k}"], [f"t{k}"], perm=[0, 2, 1, 3]))
            nodes.append(helper.make_node("Reshape", [f"t{k}", "to"], [f"z{k}"]))
        here, width = f"z{k}", ways * HIDDEN
    if lengths:
        inputs.append(("lengths", TensorProto.INT32, ["B"]))
    nodes.append(helper.make_node("MatMul", [here, "D"], ["m"], name="dense"))
    nodes.append(helper.make_node("Add", ["m", "d"], ["out"]))
    nodes.append(helper.make_node("Softmax", ["out"], ["p"], axis=-1))
    last = [f"h{k}_last" for k in range(1 + second)]
    return save(path, nodes, inputs, ["p", *last], arrays)
