"""ONNX out: each layer without a state, functions, masks that are joined, and names of inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.functions import Function
from throughtime.interop.layers import Layer
from throughtime.interop.model import Graph, ImportedModel, Node
from throughtime.interop.onnx.check import write

WIDTH = 4


def model_of(*layers: Layer | tuple[Layer, Sequence[int]], name: str = "x", steps: int | None = None) -> ImportedModel:
    """Layers one after the other, or each with the numbers of those that it reads, over x (B, T, 4)."""
    found: list[Layer] = [kinds.Input((steps, WIDTH))]
    nodes = [Node(0, ())]
    for number, one in enumerate(layers):
        layer, read = one if isinstance(one, tuple) else (one, [number])
        found.append(layer)
        nodes.append(Node(number + 1, tuple((n, 0) for n in read)))
    names = [name, *(f"layer {n}" for n in range(1, len(found)))]
    graph = Graph(tuple(names), tuple(found), tuple(nodes), ((len(nodes) - 1, 0),))
    rng = np.random.default_rng(5)
    weights = {key: (rng.random(shape) + 0.1).astype(np.float32) for key, shape in graph.shapes.items()}
    return ImportedModel(graph, weights)


LAYERS: dict[str, Layer] = {
    "last": kinds.Last(),
    "some steps": kinds.Some(1, 0, 1, True),
    "some values": kinds.Some(2, 1, 3, True),
    "one value": kinds.Some(2, 2, 3, False),
    "unmasked": kinds.Unmasked(),
    "max": kinds.Pool("max"),
    "mean": kinds.Pool("ave", True),
    "norm": kinds.BatchNorm(WIDTH, 2),
    "norm of the last": kinds.BatchNorm(WIDTH),
    "slopes": kinds.Activation(trained=[1, WIDTH]),
    "norm at every step": kinds.TimeDistributed(kinds.BatchNorm(WIDTH, 1)),
    "shape at every step": kinds.TimeDistributed(kinds.Reshape([2, 2])),
    "all at every step": kinds.TimeDistributed(kinds.Flatten()),
    "layer norm at every step": kinds.TimeDistributed(kinds.LayerNorm(WIDTH)),
    "softmax at every step": kinds.TimeDistributed(kinds.Activation(Function("softmax", (1.0,)))),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer(tmp_path: Path, name: str) -> None:
    assert write(model_of(LAYERS[name]), tmp_path / "a.onnx")["error"] <= 1e-5


FUNCTIONS = (
    *(Function("relu", (0.1,)), Function("relu", (0.0, 0.5)), Function("relu", (0.2, 6.0, 0.4)), Function("gelu")),
    *(Function("gelu", (1.0,)), Function("silu"), Function("hard_silu"), Function("log_sigmoid"), Function("celu")),
    *(Function("hard_tanh"), Function("thresholded", (0.4,)), Function("affine", (2.0, -1.0)), Function("absolute")),
    *(Function("negative"), Function("erf"), Function("mish"), Function("selu"), Function("elu", (0.5,))),
    *(Function("hard_sigmoid", (1 / 6, 0.5)), Function("exponential"), Function("softsign"), Function("softplus")),
)


def test_functions(tmp_path: Path) -> None:
    """All in one file, beside each other."""
    layers: list[Any] = [(kinds.Activation(f), [0]) for f in FUNCTIONS]
    joined = (kinds.Merge("concat"), range(1, len(layers) + 1))
    assert write(model_of(*layers, joined), tmp_path / "a.onnx")["error"] <= 1e-5


@pytest.mark.parametrize("name", ["sqrt", "reciprocal", "logarithm"])
def test_functions_of_positive_values(tmp_path: Path, name: str) -> None:
    positive = kinds.Activation(Function("exponential"))
    assert write(model_of(positive, kinds.Activation(Function(name))), tmp_path / "a.onnx")["error"] <= 1e-5


@pytest.mark.parametrize("masks", ["all", "any"])
@pytest.mark.parametrize(("how", "axis"), [("sum", -1), ("concat", -1), ("concat", 1), ("max", -1)])
def test_masks_of_what_is_joined(tmp_path: Path, how: str, axis: int, masks: str) -> None:
    """Two values with masks of their own, and one without: the mean over time tells which steps are left."""
    layers: list[Any] = [
        (kinds.Masking(0.0), [0]),
        (kinds.Activation(Function("relu")), [0]),
        (kinds.Masking(0.0), [2]),
        (kinds.Merge(how, axis, masks), [1, 3]),
        (kinds.Merge(how, axis, masks), [4, 0]),
        kinds.Pool("ave"),
    ]
    if axis == -1 and how != "concat":
        layers[4] = (kinds.Merge(how, axis, masks), [4, 4])
    assert write(model_of(*layers), tmp_path / "a.onnx")["error"] <= 1e-5


def test_a_vector_as_a_sequence(tmp_path: Path) -> None:
    assert write(model_of(kinds.Last(), kinds.Repeat(5)), tmp_path / "a.onnx")["error"] <= 1e-5


@pytest.mark.parametrize("name", ["w0", "v1_0", "lengths", "a/b:0"])
def test_the_name_of_an_input(tmp_path: Path, name: str) -> None:
    dense = kinds.Dense(WIDTH, 3)
    assert write(model_of(dense, name=name), tmp_path / "a.onnx")["error"] <= 1e-5


def test_an_input_with_the_name_of_an_output(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="output0: an input of this name"):
        write(model_of(kinds.Last(), name="output0"), tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()
