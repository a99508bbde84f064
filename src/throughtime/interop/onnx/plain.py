"""Layers without a state as ONNX nodes: functions, dense layers, what moves values about, and what joins them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.functions import SELU, Function
from throughtime.interop.layers import Layer

Arrays = dict[str, np.ndarray]

FURTHEST = 2**62
"""An end of a Slice that no axis reaches."""


@dataclass(frozen=True)
class Named:
    """A value by its name in the ONNX graph, and its mask's."""

    array: str
    mask: str = ""


PLAIN = {
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "exponential": "Exp",
    "mish": "Mish",
    "hard_silu": "HardSwish",
    "absolute": "Abs",
    "sqrt": "Sqrt",
    "reciprocal": "Reciprocal",
    "negative": "Neg",
    "logarithm": "Log",
    "erf": "Erf",
}
"""Functions without numbers that ONNX has by itself."""

WITH_NUMBERS: dict[str, Callable[[tuple[float, ...]], tuple[str, dict[str, Any]]]] = {
    "hard_sigmoid": lambda a: ("HardSigmoid", {"alpha": a[0], "beta": a[1]}),
    "softmax": lambda a: ("Softmax", {"axis": int(a[0])}),
    "log_softmax": lambda a: ("LogSoftmax", {"axis": int(a[0])}),
    "elu": lambda a: ("Elu", {"alpha": a[0]}),
    "celu": lambda a: ("Celu", {"alpha": a[0]}),
    "selu": lambda a: ("Selu", {"alpha": SELU[1], "gamma": SELU[0]}),
    "thresholded": lambda a: ("ThresholdedRelu", {"alpha": a[0]}),
}
"""Functions whose numbers are attributes of ONNX's."""


def function(build: Any, f: Function, x: str, name: str) -> str:
    """A function of a value."""
    if f.name == "identity":
        return x
    if f.name in PLAIN:
        return str(build.add(PLAIN[f.name], [x]))
    if f.name in WITH_NUMBERS:
        op, attributes = WITH_NUMBERS[f.name](f.arguments)
        return str(build.add(op, [x], **attributes))
    if f.name in _COMPOSED:
        return _COMPOSED[f.name](build, x, *f.arguments)
    raise UserError(f"{name}: the function {f.name} is not known in ONNX here; choose another activation")


def _affine(build: Any, x: str, factor: float, summand: float) -> str:
    here = x if factor == 1 else build.add("Mul", [x, build.number(factor)])
    return str(build.add("Add", [here, build.number(summand)]) if summand else here)


def _relu(build: Any, x: str, slope: float, ceiling: float, threshold: float) -> str:
    if threshold:
        below = build.add("Mul", [build.add("Sub", [x, build.number(threshold)]), build.number(slope)])
        found = build.add("Where", [build.add("Less", [x, build.number(threshold)]), below, x])
    else:
        found = build.add("LeakyRelu", [x], alpha=slope) if slope else build.add("Relu", [x])
    return str(build.add("Min", [found, build.number(ceiling)]) if ceiling >= 0 else found)


def _gelu(build: Any, x: str, approximate: float) -> str:
    if approximate:
        cubed = build.add("Mul", [build.add("Mul", [build.add("Mul", [x, x]), x]), build.number(0.044715)])
        inner = build.add("Mul", [build.add("Add", [x, cubed]), build.number(math.sqrt(2 / math.pi))])
        inner = build.add("Tanh", [inner])
    else:
        inner = build.add("Erf", [build.add("Mul", [x, build.number(math.sqrt(0.5))])])
    return str(build.add("Mul", [build.add("Mul", [x, build.number(0.5)]), _affine(build, inner, 1.0, 1.0)]))


def _log_sigmoid(build: Any, x: str) -> str:
    return str(build.add("Neg", [build.add("Softplus", [build.add("Neg", [x])])]))


_COMPOSED: dict[str, Callable[..., str]] = {
    "affine": _affine,
    "relu": _relu,
    "gelu": _gelu,
    "silu": lambda build, x: str(build.add("Mul", [x, build.add("Sigmoid", [x])])),
    "log_sigmoid": _log_sigmoid,
    "hard_tanh": lambda build, x, low, high: str(build.add("Clip", [x, build.number(low), build.number(high)])),
}
"""Functions of several nodes."""


def merged(build: Any, layer: kinds.Merge, values: Sequence[Named]) -> Named:
    """Several values as one, and their masks."""
    arrays = [one.array for one in values]
    mask = _merged_mask(build, layer, values)
    ops = {"sum": "Sum", "ave": "Mean", "max": "Max", "min": "Min"}
    if layer.how == "concat":
        return Named(build.add("Concat", arrays, axis=layer.axis), mask)
    if layer.how == "dot":
        return Named(build.add("ReduceSum", [build.add("Mul", arrays), build.whole(-1)], keepdims=1))
    if layer.how in ops:
        return Named(build.add(ops[layer.how], arrays), mask)
    here = arrays[0]
    for one in arrays[1:]:
        here = build.add("Sub" if layer.how == "sub" else "Mul", [here, one])
    return Named(here, mask)


def _merged_mask(build: Any, layer: kinds.Merge, values: Sequence[Named]) -> str:
    """As run.py has it."""
    there = [one.mask for one in values if one.mask]
    if not there or layer.how == "dot":
        return ""
    some = len(there) < len(values) and layer.masks == "any"
    if layer.how == "concat" and layer.axis == 1:  # the time axis
        first = build.const(np.int64(0))
        each = [one.mask or _all(build, build.add("Gather", [one.array, first], axis=-1)) for one in values]
        return str(build.add("Concat", each, axis=1))
    if some:  # what has no mask counts as there
        return _all(build, there[0]) if layer.how == "concat" else ""
    here = there[0]
    for one in there[1:]:
        here = build.add("And" if layer.masks == "all" else "Or", [here, one])
    return str(here)


def _all(build: Any, like: str) -> str:
    """True in the shape of a value."""
    one = build.const(np.ones(1, bool))
    return str(build.add("Expand", [one, build.add("Shape", [like])]))


def plain(build: Any, layer: Layer, weights: Arrays, values: Sequence[Named], name: str) -> Named:
    """A layer of one value without a state."""
    x, mask = values[0].array, values[0].mask
    if isinstance(layer, kinds.Pool):
        return Named(_pool(build, layer, x, mask))
    if isinstance(layer, kinds.Last) and mask:
        raise UserError(f"{name}: the last step of rows of different lengths is not known in ONNX here")
    found = _at_every_step(build, layer.layer, weights, x, name) if isinstance(layer, kinds.TimeDistributed) else None
    return Named(found or _array(build, layer, weights, x, name), "" if layer.masked == "dropped" else mask)


def _pool(build: Any, layer: kinds.Pool, x: str, mask: str) -> str:
    kept = {"keepdims": int(layer.kept)}
    if layer.how == "max" or not mask:
        return str(build.add("ReduceMax" if layer.how == "max" else "ReduceMean", [x, build.whole(1)], **kept))
    held = build.add("Unsqueeze", [build.add("Cast", [mask], to=1), build.whole(-1)])
    total = build.add("ReduceSum", [build.add("Mul", [x, held]), build.whole(1)], **kept)
    return str(build.add("Div", [total, build.add("ReduceSum", [held, build.whole(1)], **kept)]))


def _at_every_step(build: Any, layer: Layer, weights: Arrays, x: str, name: str) -> str | None:
    """A layer at every step, where that is not the same as the layer itself."""
    if isinstance(layer, kinds.Reshape):
        return str(build.add("Reshape", [x, build.whole(0, 0, *layer.shape)]))
    if isinstance(layer, kinds.Flatten):
        return str(build.add("Reshape", [x, build.whole(0, 0, -1)]))
    if isinstance(layer, kinds.BatchNorm) and layer.axis > 0:
        return _norm(build, layer, weights, x, layer.axis + 1)
    if isinstance(layer, kinds.Activation) and layer.f.name in ("softmax", "log_softmax") and layer.f.arguments[0] > 0:
        return function(build, Function(layer.f.name, (layer.f.arguments[0] + 1,)), x, name)
    return _array(build, layer, weights, x, name)


def _norm(build: Any, layer: kinds.BatchNorm, weights: Arrays, x: str, axis: int) -> str:
    """As (x - mean) * scale + bias. axis: of all axes, counted from the front, or -1 or less from the end."""
    scale = weights["gain"] / np.sqrt(weights["variance"] + np.float32(layer.epsilon))
    each = [weights["mean"], scale, weights["bias"]]
    if axis > 0:
        rank = build.add("Shape", [build.add("Shape", [x])])
        ones = build.add("Expand", [build.whole(1), build.add("Sub", [rank, build.whole(axis + 1)])])
        shape = build.add("Concat", [build.whole(layer.size), ones], axis=0)
        mean, factor, bias = (build.add("Reshape", [build.const(one), shape]) for one in each)
    else:
        mean, factor, bias = (build.const(one.reshape(-1, *[1] * (-axis - 1))) for one in each)
    shifted = build.add("Sub", [x, mean])
    return str(build.add("Add", [build.add("Mul", [shifted, factor]), bias]))


def _array(build: Any, layer: Layer, weights: Arrays, x: str, name: str) -> str:
    if isinstance(layer, kinds.Dense):
        y = build.add("MatMul", [x, build.const(weights["W"].T)])
        if layer.bias:
            y = build.add("Add", [y, build.const(weights["b"])])
        return function(build, layer.f, y, name)
    if isinstance(layer, kinds.Activation):
        if layer.trained:
            return str(build.add("PRelu", [x, build.const(weights["slope"])]))
        return function(build, layer.f, x, name)
    if isinstance(layer, kinds.BatchNorm):
        return _norm(build, layer, weights, x, layer.axis)
    if isinstance(layer, kinds.LayerNorm):
        arrays = [build.const(weights["gain"]), build.const(weights["bias"])]
        return str(build.add("LayerNormalization", [x, *arrays], axis=-1, epsilon=layer.epsilon))
    return _moved(build, layer, x, name)


def _moved(build: Any, layer: Layer, x: str, name: str) -> str:
    """A layer that computes nothing."""
    if isinstance(layer, kinds.Identity | kinds.Unmasked):
        return x
    if isinstance(layer, kinds.Flatten):
        return str(build.add("Flatten", [x], axis=1))
    if isinstance(layer, kinds.Reshape):
        return str(build.add("Reshape", [x, build.whole(0, *layer.shape)]))
    if isinstance(layer, kinds.Permute):
        return str(build.add("Transpose", [x], perm=[0, *layer.order]))
    if isinstance(layer, kinds.Last):
        return str(build.add("Gather", [x, build.const(np.int64(-1))], axis=1))
    if isinstance(layer, kinds.Repeat):
        steps = build.whole(1, layer.steps, 1)
        return str(build.add("Tile", [build.add("Unsqueeze", [x, build.whole(1)]), steps]))
    if isinstance(layer, kinds.Some):
        bounds = [build.whole(n) for n in (layer.first, layer.last, layer.axis)]
        found = build.add("Slice", [x, *bounds])
        return str(found if layer.kept else build.add("Squeeze", [found, build.whole(layer.axis)]))
    raise UserError(f"{name}: a {layer.kind} layer is not known in ONNX here; take it out")
