"""ONNX Runtime sessions of one RNN, LSTM or GRU layer with the weights of a torch.nn one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

ORDER = {"RNN": [0], "LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2]}
"""ONNX's gates (i; i o f c; z r h) as places in torch's (i; i f c o; r z h)."""


def model(layer: torch.nn.RNNBase, quantized: bool = False) -> bytes:
    """The layer as an ONNX graph over X (T, B, I) and states (1, B, H); quantized: DynamicQuantizeLSTM."""
    kind, hidden, width = layer.mode.split("_")[0], layer.hidden_size, layer.input_size

    def gates(value: torch.Tensor) -> np.ndarray:
        parts = value.detach().numpy().reshape(len(ORDER[kind]), hidden, -1)
        return parts[ORDER[kind]].reshape(-1, parts.shape[-1])

    arrays = {
        "W": gates(layer.weight_ih_l0)[None],
        "R": gates(layer.weight_hh_l0)[None],
        "B": np.concatenate([gates(layer.bias_ih_l0)[:, 0], gates(layer.bias_hh_l0)[:, 0]])[None],
    }
    names = ["h0", "c0"] if kind == "LSTM" else ["h0"]
    outputs = ["Y", "h1", "c1"][: len(names) + 1]
    attributes: dict[str, Any] = {"hidden_size": hidden}
    if kind == "GRU":
        attributes["linear_before_reset"] = 1
    inputs, operation, domain = ["X", "W", "R", "B", "", *names], kind, ""
    if quantized:
        for name in "WR":
            weights = arrays[name][0].T  # (k, 4 H): one scale per gate and unit
            scale = np.abs(weights).max(0) / 127
            arrays[name] = np.rint(weights / scale).astype(np.int8)[None]
            arrays[f"{name}_scale"], arrays[f"{name}_zero"] = scale[None], np.zeros((1, len(scale)), np.int8)
        inputs += ["", "W_scale", "W_zero", "R_scale", "R_zero"]
        operation, domain = "DynamicQuantizeLSTM", "com.microsoft"
    shape = [1, "B", hidden]
    graph = helper.make_graph(
        [helper.make_node(operation, inputs, outputs, domain=domain, **attributes)],
        "layer",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["T", "B", width])]
        + [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in names],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, ["T", 1, "B", hidden])]
        + [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in outputs[1:]],
        [numpy_helper.from_array(np.ascontiguousarray(a), n) for n, a in arrays.items()],
    )
    opsets = [helper.make_opsetid("", 14), helper.make_opsetid("com.microsoft", 1)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(made) if not quantized else None
    return bytes(made.SerializeToString())


def session(graph: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def bound(session: onnxruntime.InferenceSession, arrays: Mapping[str, np.ndarray]) -> tuple[Callable[[], None], Any]:
    """A call with inputs and outputs bound once, the final states written over the initial ones; and the output."""
    values = {n: onnxruntime.OrtValue.ortvalue_from_numpy(a) for n, a in arrays.items()}
    steps, batch = arrays["X"].shape[:2]
    output = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
        [steps, 1, batch, arrays["h0"].shape[2]], np.float32, "cpu"
    )
    binding = session.io_binding()
    for name, value in values.items():
        binding.bind_ortvalue_input(name, value)
    binding.bind_ortvalue_output("Y", output)
    for name in arrays:
        if name != "X":
            binding.bind_ortvalue_output(name.replace("0", "1"), values[name])
    run = session.run_with_iobinding
    return (lambda: run(binding)), output
