"""ONNX's nodes as layers of ours, and the nodes that move values about as other views of the same values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.functions import SELU, Function
from throughtime.interop.onnx.importing import moves
from throughtime.interop.onnx.importing.call import Call, apart, axes_asked
from throughtime.interop.onnx.importing.moves import without
from throughtime.interop.onnx.importing.values import Fixed, NoSteps, Part, Steps, View


def _function(call: Call) -> None:
    call.same(kinds.Activation(FUNCTIONS[call.op](call.a)))


FUNCTIONS: dict[str, Callable[[Mapping[str, Any]], Function]] = {
    "Relu": lambda a: Function("relu"),
    "Tanh": lambda a: Function("tanh"),
    "Sigmoid": lambda a: Function("sigmoid"),
    "HardSigmoid": lambda a: Function("hard_sigmoid", (a.get("alpha", 0.2), a.get("beta", 0.5))),
    "LeakyRelu": lambda a: Function("relu", (a.get("alpha", 0.01),)),
    "Elu": lambda a: Function("elu", (a.get("alpha", 1.0),)),
    "Celu": lambda a: Function("celu", (a.get("alpha", 1.0),)),
    "Softplus": lambda a: Function("softplus"),
    "Softsign": lambda a: Function("softsign"),
    "ThresholdedRelu": lambda a: Function("thresholded", (a.get("alpha", 1.0),)),
    "HardSwish": lambda a: Function("hard_silu"),
    "Mish": lambda a: Function("mish"),
    "Gelu": lambda a: Function("gelu", (float(a.get("approximate", b"none") == b"tanh"),)),
    "Exp": lambda a: Function("exponential"),
    "Log": lambda a: Function("logarithm"),
    "Sqrt": lambda a: Function("sqrt"),
    "Abs": lambda a: Function("absolute"),
    "Neg": lambda a: Function("negative"),
    "Reciprocal": lambda a: Function("reciprocal"),
    "Erf": lambda a: Function("erf"),
}


def _selu(call: Call) -> None:
    alpha, gamma = call.a.get("alpha", SELU[1]), call.a.get("gamma", SELU[0])
    if not (math.isclose(alpha, SELU[1], rel_tol=1e-6) and math.isclose(gamma, SELU[0], rel_tol=1e-6)):
        raise UserError(f"its alpha and gamma are {alpha:g} and {gamma:g}; only the usual ones are known here")
    call.same(kinds.Activation(Function("selu")))


def _softmax(call: Call) -> None:
    view = call.view()
    axis = call.axis(view, -1 if call.opset >= 13 else 1)
    if call.opset < 13 and axis != len(view.axes) - 1:
        raise UserError(f"up to opset 12 its axis {axis} means all axes from there on; only the last is known here")
    view, place = apart(call, view, axis)
    name = "softmax" if call.op == "Softmax" else "log_softmax"
    call.same(kinds.Activation(Function(name, (float(place - len(view.stored)),))), view=view)


def _clip(call: Call) -> None:
    low, high = call.a.get("min", -3.4e38), call.a.get("max", 3.4e38)
    if call.has(1):
        low = float(call.array(1, "min"))
    if call.has(2):
        high = float(call.array(2, "max"))
    call.same(kinds.Activation(Function("hard_tanh", (low, high))))


def _same(call: Call) -> None:
    value = call.value(0)
    if call.op == "Cast":
        to = call.a.get("to")
        if isinstance(value, View):
            if to not in (1, 11, 6, 7) or (to in (6, 7)) < value.whole:
                raise UserError(f"it makes values of element type {to}, which is not known here")
            value = View(value.place, value.stored, value.axes, to in (6, 7), value.tokens)
        elif to not in (1, 6, 7, 9, 11):
            raise UserError(f"it makes values of element type {to}, which is not known here")
    if call.op == "Dropout" and call.has(2) and bool(call.array(2, "training_mode")):
        raise UserError("it is in training mode; export the model for inference")
    if call.op == "Dropout" and len(call.outputs) > 1 and call.build.uses[call.outputs[1]]:
        raise UserError("its mask is read; export the model for inference")
    assert value is not None
    call.build.values[call.outputs[0]] = value


def _dense(call: Call) -> None:
    a, matrix = call.a, call.array(1, "second factor")
    bias = None
    if call.op == "Gemm":
        if a.get("transA"):
            raise UserError("it turns its input (transA); only plain ones are known here")
        matrix = (matrix.T if a.get("transB") else matrix) * matrix.dtype.type(a.get("alpha", 1.0))
        if call.has(2):
            bias = call.array(2, "bias") * matrix.dtype.type(a.get("beta", 1.0))
    if matrix.ndim != 2 or matrix.dtype.kind != "f":
        raise UserError(f"its second factor has the shape {matrix.shape}; only fixed matrices are known here")
    dense(call, matrix, bias)


def dense(call: Call, matrix: np.ndarray, bias: np.ndarray | None) -> None:
    """x @ matrix (I, S) + bias."""
    view, build = call.view(), call.build
    if view.axes[-1] != view.stored[-1] or len(view.stored) < 2:
        view = build.usual(view, call.name)
    rows, units = matrix.shape
    if len(view.stored) < 2 or view.shape[-1] != rows:
        raise UserError(f"it multiplies {view.shape[-1:]} values by a matrix of {matrix.shape}")
    weights = {"W": np.ascontiguousarray(matrix.T)}
    if bias is not None:
        weights["b"] = np.ascontiguousarray(np.broadcast_to(bias.reshape(-1), (units,)))
    layer = kinds.Dense(rows, units, bias is not None)
    (place,) = build.put(layer, call.name, [view.place], weights)
    build.truths[build.names[-1]] = ("MatMul", matrix, bias)
    part = ((Part(build.key(), units),) if units > 1 else (),)
    call.give(View(place, (*view.stored[:-1], *part), (*view.axes[:-1], *part)))


def _norm(call: Call) -> None:
    view = call.view()
    if call.op == "BatchNormalization":
        if call.a.get("training_mode") or sum(map(bool, call.outputs)) > 1:
            raise UserError("it is in training mode; export the model for inference")
        view, place = apart(call, view, 1)
        arrays = [call.array(k, "parameters") for k in range(1, 5)]
        layer = kinds.BatchNorm(len(arrays[0]), place, float(np.float32(call.a.get("epsilon", 1e-5))))
        call.same(layer, dict(zip(("gain", "bias", "mean", "variance"), arrays, strict=True)), view)
        call.build.truths[call.build.names[-1]] = ("BatchNormalization", arrays, place, layer.epsilon)
        return
    axis = call.axis(view, -1)
    view, place = apart(call, view, axis)
    if axis != len(view.axes) - 1 or place != len(view.stored) - 1:
        raise UserError("it normalises over several axes; only the last is known here")
    gain = call.array(1, "scale")
    bias = call.array(2, "bias") if call.has(2) else np.zeros_like(gain)
    norm = kinds.LayerNorm(gain.size, float(np.float32(call.a.get("epsilon", 1e-5))))
    call.same(norm, {"gain": gain.reshape(-1), "bias": bias.reshape(-1)}, view)


def _pool(call: Call) -> None:
    view = call.view()
    axes = axes_asked(call, len(view.axes))
    if axes is None or len(axes) != 1:
        raise UserError("it reduces several axes; only one is known here")
    axis = axes[0] % len(view.axes)
    view, place = apart(call, view, axis)
    if place != 1:
        view = call.build.usual(view, call.name)
        rest = tuple(one for one in view.stored[1:] if one != view.axes[axis])
        view = call.build.settled(view, (view.stored[0], view.axes[axis], *rest), call.name)
    how = "ave" if call.op == "ReduceMean" else "max"
    (new,) = call.build.put(kinds.Pool(how), call.name, [view.place])
    axes_now = tuple(() if k == axis else one for k, one in enumerate(view.axes))
    found = View(new, (view.stored[0], *view.stored[2:]), axes_now)
    call.give(found if call.a.get("keepdims", 1) else without(found, axis))


def _binary(call: Call) -> None:
    left, right = call.value(0), call.value(1)
    if isinstance(left, Fixed) or isinstance(right, Fixed):
        _with_fixed(call, isinstance(left, Fixed))
        return
    how = {"Add": "sum", "Sum": "sum", "Mul": "mul", "Sub": "sub", "Max": "max", "Min": "min", "Mean": "ave"}
    if call.op not in how:
        raise UserError("it combines two values of the model; only sums, differences, products and the like are known")
    views = [call.view(k) for k in range(len(call.inputs))]
    if all(one.stored == views[0].stored and one.axes == views[0].axes for one in views):
        usual = views
    else:
        usual = [call.build.usual(one, call.name) for one in views]
        if len({one.shape for one in usual}) > 1 or len({len(one.stored) for one in usual}) > 1:
            raise UserError(f"it combines values of the shapes {usual[0].shape} and {usual[1].shape}")
        if len({one.batch_axis for one in usual}) > 1:
            raise UserError("it combines values whose batch is not the same axis")
    (place,) = call.build.put(kinds.Merge(how[call.op]), call.name, [one.place for one in usual])
    call.give(View(place, usual[0].stored, usual[0].axes))


def _with_fixed(call: Call, first: bool) -> None:
    """A value of the model combined with a fixed array: one number, or one for each value of the last axis."""
    fixed, view = call.array(int(not first), "fixed array"), call.view(int(first))
    one, op = fixed.dtype.type, call.op
    if fixed.dtype.kind != "f" or view.whole:
        raise UserError("it reckons with integers of the model, which is not known here")
    if op not in ("Add", "Sub", "Mul", "Div"):
        raise UserError("it combines a value of the model with a fixed array")
    if op == "Mul" and not fixed.any():
        shape = np.broadcast_shapes(view.shape, fixed.shape)
        call.build.values[call.outputs[0]] = Fixed(np.broadcast_to(one(0), shape), True)
        return
    if op == "Div" and not first:
        fixed = one(1) / fixed
    elif op == "Div":
        raise UserError("it divides a fixed array by values of the model")
    gain = fixed if op in ("Mul", "Div") else np.full(fixed.shape, -1 if op == "Sub" and first else 1, one)
    bias = np.zeros(fixed.shape, one) if op in ("Mul", "Div") else -fixed if op == "Sub" and not first else fixed
    if fixed.size == 1:
        call.same(kinds.Activation(Function("affine", (float(gain.flat[0]), float(bias.flat[0])))), view=view)
        return
    if op == "Add" and _added(call, view, fixed):
        return
    if fixed.size != fixed.shape[-1] or view.shape[-1] != fixed.size:
        raise UserError(f"its fixed array has the shape {fixed.shape}; only one number a column is known here")
    view, place = apart(call, view, len(view.axes) - 1)
    layer = kinds.BatchNorm(fixed.size, place, 0.0)
    arrays = {"gain": gain.reshape(-1), "bias": bias.reshape(-1)}
    arrays |= {"mean": np.zeros(fixed.size, one), "variance": np.ones(fixed.size, one)}
    call.same(layer, arrays, view)


def _added(call: Call, view: View, bias: np.ndarray) -> bool:
    """Whether an addition is the bias of the dense layer just before."""
    build = call.build
    number = build.nodes[view.place[0]].layer
    layer, name = build.layers[number], build.names[number]
    source = build.seen.get(view.place, ("", view))[0]
    if not isinstance(layer, kinds.Dense) or layer.bias or build.uses[source] != 1:
        return False
    if bias.size != bias.shape[-1] or view.axes[-1] != view.stored[-1] or layer.units != bias.size:
        return False
    build.layers[number] = kinds.Dense(layer.inputs, layer.units)
    build.weights[number]["b"] = bias.reshape(-1)
    build.truths[name] = ("MatMul", build.truths[name][1], bias.reshape(-1))
    del build.seen[view.place]
    call.give(view)
    return True


def _less(call: Call) -> None:
    """Steps before the end of their row: Less(range over time, lengths (B, 1))."""
    places, lengths = call.value(0), call.value(1)
    right = isinstance(places, Fixed) and places.free and isinstance(lengths, View) and lengths.whole
    if right and isinstance(places, Fixed) and isinstance(lengths, View):
        array = places.array
        if array.ndim == 1 and np.array_equal(array, np.arange(len(array))) and lengths.axes[1:] == ((),):
            call.build.batch_is(lengths.axes[0])
            call.build.values[call.outputs[0]] = Steps(lengths.seen(lengths.axes[:1]), 1)
            return
    raise UserError("it compares values of the model; only lengths with the steps of a sequence are known here")


def _counted(call: Call) -> None:
    """The lengths again: the sum over time of which steps there are."""
    value = call.value(0)
    if not isinstance(value, Steps) or axes_asked(call, 2) != [value.time] or call.a.get("keepdims", 1):
        raise UserError("it sums values of the model, which is not known here")
    call.build.values[call.outputs[0]] = value.lengths


def _equal(call: Call) -> None:
    lengths = call.view()
    if not lengths.whole or call.array(1, "number").any() or len(lengths.axes) != 1:
        raise UserError("it compares values of the model, which is not known here")
    call.build.values[call.outputs[0]] = NoSteps(lengths)


def _where(call: Call) -> None:
    if not isinstance(call.value(0), NoSteps):
        raise UserError("it chooses between values of the model, which is not known here")
    call.build.values[call.outputs[0]] = call.view(2)  # a row without steps keeps its state here


OPERATORS: dict[str, Callable[[Call], None]] = {
    **dict.fromkeys(FUNCTIONS, _function),
    **dict.fromkeys(("Identity", "Cast", "Dropout"), _same),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _softmax),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Sum", "Max", "Min", "Mean"), _binary),
    **dict.fromkeys(("MatMul", "Gemm"), _dense),
    **dict.fromkeys(("BatchNormalization", "LayerNormalization"), _norm),
    **dict.fromkeys(("ReduceMean", "ReduceMax"), _pool),
    **dict.fromkeys(("Reshape", "Flatten"), moves.reshape),
    "Selu": _selu,
    "Clip": _clip,
    "Transpose": moves.transpose,
    "ReverseSequence": moves.reverse,
    "Squeeze": moves.squeeze,
    "Unsqueeze": moves.unsqueeze,
    "Gather": moves.gather,
    "Slice": moves.some,
    "Split": moves.split,
    "Concat": moves.concat,
    "Less": _less,
    "ReduceSum": _counted,
    "Equal": _equal,
    "Where": _where,
}
"""Operators of values of the model."""
