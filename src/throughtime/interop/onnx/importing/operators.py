"""ONNX's nodes as layers of ours, and the nodes that move values about as other views of the same values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.functions import SELU, Function
from throughtime.interop.layers import Layer
from throughtime.interop.onnx.importing import fold
from throughtime.interop.onnx.importing.build import Builder
from throughtime.interop.onnx.importing.values import BATCH, Fixed, Joined, Known, NoSteps, Part, Steps, View, reshaped


@dataclass(frozen=True)
class Call:
    """A node at work. a: its attributes; name: of the layer it becomes; opset: the version of the operators."""

    build: Builder
    op: str
    a: Mapping[str, Any]
    inputs: Sequence[str]
    outputs: Sequence[str]
    name: str
    opset: int

    def value(self, place: int) -> Known | None:
        """An input; None where it is left out."""
        return self.build.values[self.inputs[place]] if self.has(place) else None

    def has(self, place: int) -> bool:
        """Whether an input is given."""
        return len(self.inputs) > place and bool(self.inputs[place])

    def view(self, place: int = 0) -> View:
        """An input as a value of the model."""
        return self.build.view(self.inputs[place])

    def array(self, place: int, what: str) -> np.ndarray:
        """An input as a fixed array."""
        return self.build.fixed(self.inputs[place], what)

    def axis(self, view: View, otherwise: int) -> int:
        """The attribute axis, not negative."""
        found = int(self.a.get("axis", otherwise))
        if not -len(view.axes) <= found < len(view.axes):
            raise UserError(f"its axis is {found}, its input has {len(view.axes)}")
        return found % len(view.axes)

    def give(self, view: View, output: int = 0) -> None:
        """Say what an output is."""
        self.build.remember(self.outputs[output], view)

    def same(self, layer: Layer, weights: Mapping[str, np.ndarray] | None = None, view: View | None = None) -> View:
        """A layer that keeps the shape of its input."""
        view = view or self.view()
        (place,) = self.build.put(layer, self.name, [view.place], weights)
        found = View(place, view.stored, view.axes)
        self.give(found)
        return found


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
    view, place = _apart(call, view, axis)
    name = "softmax" if call.op == "Softmax" else "log_softmax"
    call.same(kinds.Activation(Function(name, (float(place - len(view.stored)),))), view=view)


def _apart(call: Call, view: View, axis: int) -> tuple[View, int]:
    """The value stored so that an axis of ONNX's is an axis of ours, and which."""
    wanted = view.axes[axis]
    if any(part.key == BATCH for part in wanted):
        raise UserError(f"its axis {axis} is the batch")
    if not wanted or wanted not in view.stored:
        view = call.build.usual(view, call.name)
    if not wanted:
        return view, 1 + sum(1 for one in view.axes[:axis] if one != view.stored[0])
    return view, view.stored.index(wanted)


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
            value = View(value.place, value.stored, value.axes, to in (6, 7))
        elif to not in (1, 6, 7, 9, 11):
            raise UserError(f"it makes values of element type {to}, which is not known here")
    if call.op == "Dropout" and call.has(2) and bool(call.array(2, "training_mode")):
        raise UserError("it is in training mode; export the model for inference")
    if call.op == "Dropout" and len(call.outputs) > 1 and call.build.uses[call.outputs[1]]:
        raise UserError("its mask is read; export the model for inference")
    assert value is not None
    call.build.values[call.outputs[0]] = value


def _transpose(call: Call) -> None:
    value = call.value(0)
    if isinstance(value, Steps):
        call.build.values[call.outputs[0]] = Steps(value.lengths, 1 - value.time)
        return
    view = call.view()
    order = call.a.get("perm", list(range(len(view.axes)))[::-1])
    if sorted(order) != list(range(len(view.axes))):
        raise UserError(f"its perm {list(order)[:8]} does not fit its input of {len(view.axes)} axes")
    call.give(view.seen(tuple(view.axes[k] for k in order)))


def _axes(call: Call, rank: int) -> list[int] | None:
    given = [None, call.array(1, "axes")] if call.has(1) else [None]
    found = fold.axes_of(call.a, given)
    if found is not None and not all(-rank <= n < rank for n in found):
        raise UserError(f"its axes are {found[:8]}, its input has {rank} axes")
    return found


def _squeeze(call: Call) -> None:
    view = call.view()
    found = _axes(call, len(view.axes))
    gone = {k for k, axis in enumerate(view.axes) if not axis} if found is None else {n % len(view.axes) for n in found}
    if any(view.axes[k] for k in gone):
        raise UserError(f"it drops axes of {[view.shape[k] for k in sorted(gone)]} values, or the batch")
    call.give(view.seen(tuple(axis for k, axis in enumerate(view.axes) if k not in gone)))


def _unsqueeze(call: Call) -> None:
    value = call.value(0)
    if isinstance(value, NoSteps):
        call.build.values[call.outputs[0]] = value
        return
    view = call.view()
    found = _axes(call, 16) or []
    rank = len(view.axes) + len(found)
    new = {n % rank for n in found}
    left = list(view.axes)
    call.give(view.seen(tuple(() if k in new else left.pop(0) for k in range(rank))))


def _reshape(call: Call) -> None:
    view = call.view()
    if call.op == "Flatten":
        axis = int(call.a.get("axis", 1)) % (len(view.axes) + 1)
        wanted = [math.prod(view.shape[:axis]), math.prod(view.shape[axis:])]
    else:
        shape = call.value(1) if call.has(1) else Fixed(np.array(call.a.get("shape", [])))
        if not isinstance(shape, Fixed):
            raise UserError("its shape is no fixed array")
        wanted = [int(n) for n in np.atleast_1d(shape.array)]
        if not call.a.get("allowzero"):
            wanted = [view.shape[k] if n == 0 and k < len(view.shape) else n for k, n in enumerate(wanted)]
        if -1 in wanted:
            known = math.prod(n for n in wanted if n != -1)
            wanted[wanted.index(-1)] = math.prod(view.shape) // known if known else 0
    if math.prod(wanted) != math.prod(view.shape) or min(wanted, default=1) < 1:
        raise UserError("its shape does not fit its input for every batch and length")
    call.give(reshaped(view, tuple(wanted), call.build.key(40)))


def _gather(call: Call) -> None:
    table, where = call.value(0), call.value(1)
    if isinstance(table, Fixed) and isinstance(where, View):
        array = call.array(0, "table")
        if array.ndim != 2 or call.a.get("axis", 0) != 0 or array.dtype.kind != "f":
            raise UserError("it looks up what is no table of rows")
        layer = kinds.Embedding(rows=len(array), width=int(array.shape[1]))
        (place,) = call.build.put(layer, call.name, [where.place], {"table": array})
        part = ((Part(call.build.key(), int(array.shape[1])),) if array.shape[1] > 1 else (),)
        call.build.truths[call.build.names[-1]] = ("Gather", array)
        call.give(View(place, (*where.stored, *part), (*where.axes, *part)))
        return
    index = call.array(1, "indices")
    if index.size != 1 or index.ndim > 1:
        raise UserError(f"it takes values at {index.size} places; only one is known here")
    rank = len(_shape(table))
    axis = int(call.a.get("axis", 0)) % rank
    _taken(call, axis, int(index.reshape(())), None, bool(index.ndim), 0)


def _shape(value: Known | None) -> tuple[int, ...]:
    if isinstance(value, Joined):
        first = value.parts[0].shape
        total = sum(one.shape[value.axis] for one in value.parts)
        return (*first[: value.axis], total, *first[value.axis + 1 :])
    if isinstance(value, View):
        return value.shape
    raise UserError("its input has no shape that is known here")


def _taken(call: Call, axis: int, first: int, last: int | None, kept: bool, output: int) -> None:
    """Values first to last of an axis, or the one value first. kept: whether the axis stays for one value."""
    value = call.value(0)
    count = _shape(value)[axis]
    build = call.build
    first += count if first < 0 else 0
    end = first + 1 if last is None else min(count, last + count if last < 0 else last)
    if not 0 <= first < end <= count:
        raise UserError(f"it takes values {first} to {end} of {count}")
    if isinstance(value, Joined) and axis == value.axis:
        edges = np.cumsum([0, *(one.shape[axis] for one in value.parts)]).tolist()
        if first in edges and end in edges:
            parts = value.parts[edges.index(first) : edges.index(end)]
            if len(parts) > 1:
                build.values[call.outputs[output]] = Joined(axis, parts)
                return
            view = parts[0]
            build.values[call.outputs[output]] = view if kept else _without(view, axis)
            return
    view = call.view()
    if (first, end) == (0, count):
        build.values[call.outputs[output]] = view if kept else _without(view, axis)
        return
    view, place = _apart(call, view, axis)
    one = end - first == 1
    if any(build.free(part) for part in view.axes[axis]):
        if (not one or end != count) and (first, end) != (0, 1):
            raise UserError("it takes some steps of a sequence; only the first or the last are known here")
        if one and end == count and place == 1:
            (new,) = build.put(kinds.Last(), call.name, [view.place])
            stored = (view.stored[0], *view.stored[2:])
            axes = tuple(() if k == axis else part for k, part in enumerate(view.axes))
            found = View(new, stored, axes)
            call.give(found if kept else _without(found, axis), output)
            return
        if end == count:
            raise UserError("it takes the last step of a sequence whose second axis is not time")
    (new,) = build.put(kinds.Some(place, first, end, not one), call.name, [view.place])
    part = () if one else (Part(build.key(), end - first),)
    stored = (*view.stored[:place], *([] if one else [part]), *view.stored[place + 1 :])
    found = View(new, stored, tuple(part if k == axis else old for k, old in enumerate(view.axes)), view.whole)
    call.give(found if kept else _without(found, axis), output)


def _without(view: View, axis: int) -> View:
    if view.axes[axis]:
        raise UserError(f"it drops axis {axis}, which is not of one value")
    return view.seen((*view.axes[:axis], *view.axes[axis + 1 :]))


def _slice(call: Call) -> None:
    value = call.value(0)
    rank = len(_shape(value))
    rest = [call.array(k, "bounds") if call.has(k) else None for k in range(1, len(call.inputs))]
    chosen = fold.bounds(call.a, [None, *rest], rank)
    todo = {k: s for k, s in chosen.items() if not (s.start == 0 and (s.stop or 0) >= (1 << 31) - 1 and s.step == 1)}
    if len(todo) != 1 or next(iter(todo.values())).step != 1:
        if not todo:
            assert value is not None
            call.build.values[call.outputs[0]] = value
            return
        raise UserError("it takes values of several axes, or backwards or with gaps; only plain parts are known here")
    ((axis, part),) = todo.items()
    _taken(call, axis, int(part.start), int(part.stop), True, 0)


def _split(call: Call) -> None:
    shape = _shape(call.value(0))
    axis = int(call.a.get("axis", 0)) % len(shape)
    count = len(call.outputs)
    sizes: Any = call.array(1, "split") if call.has(1) else call.a.get("split")
    if sizes is None:
        each = -(-shape[axis] // count)
        sizes = [min(each, shape[axis] - k * each) for k in range(count)]
    first = 0
    for output, length in enumerate(int(n) for n in sizes):
        if call.outputs[output] and call.build.uses[call.outputs[output]]:
            _taken(call, axis, first, first + length, True, output)
        first += length


def _concat(call: Call) -> None:
    rank = max(len(_shape(call.value(k))) for k in range(len(call.inputs)))
    axis = int(call.a["axis"]) % rank
    parts: list[View] = []
    for k in range(len(call.inputs)):
        value = call.value(k)
        parts += value.parts if isinstance(value, Joined) and value.axis == axis else (call.view(k),)
    if any(len(one.axes) != rank for one in parts):
        raise UserError("it joins values of different shapes")
    call.build.values[call.outputs[0]] = Joined(axis, tuple(parts)) if len(parts) > 1 else parts[0]


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
        view, place = _apart(call, view, 1)
        arrays = [call.array(k, "parameters") for k in range(1, 5)]
        layer = kinds.BatchNorm(len(arrays[0]), place, float(np.float32(call.a.get("epsilon", 1e-5))))
        call.same(layer, dict(zip(("gain", "bias", "mean", "variance"), arrays, strict=True)), view)
        call.build.truths[call.build.names[-1]] = ("BatchNormalization", arrays, place, layer.epsilon)
        return
    axis = call.axis(view, -1)
    view, place = _apart(call, view, axis)
    if axis != len(view.axes) - 1 or place != len(view.stored) - 1:
        raise UserError("it normalises over several axes; only the last is known here")
    gain = call.array(1, "scale")
    bias = call.array(2, "bias") if call.has(2) else np.zeros_like(gain)
    norm = kinds.LayerNorm(gain.size, float(np.float32(call.a.get("epsilon", 1e-5))))
    call.same(norm, {"gain": gain.reshape(-1), "bias": bias.reshape(-1)}, view)


def _pool(call: Call) -> None:
    view = call.view()
    axes = _axes(call, len(view.axes))
    if axes is None or len(axes) != 1:
        raise UserError("it reduces several axes; only one is known here")
    axis = axes[0] % len(view.axes)
    view, place = _apart(call, view, axis)
    if place != 1:
        view = call.build.usual(view, call.name)
        rest = tuple(one for one in view.stored[1:] if one != view.axes[axis])
        view = call.build.settled(view, (view.stored[0], view.axes[axis], *rest), call.name)
    how = "ave" if call.op == "ReduceMean" else "max"
    (new,) = call.build.put(kinds.Pool(how), call.name, [view.place])
    axes_now = tuple(() if k == axis else one for k, one in enumerate(view.axes))
    found = View(new, (view.stored[0], *view.stored[2:]), axes_now)
    call.give(found if call.a.get("keepdims", 1) else _without(found, axis))


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
    view, place = _apart(call, view, len(view.axes) - 1)
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
    alone = build.uses[source] == 1 and isinstance(layer, kinds.Dense) and not layer.bias
    if not alone or bias.size != bias.shape[-1] or view.axes[-1] != view.stored[-1] or layer.units != bias.size:
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
    if not isinstance(value, Steps) or _axes(call, 2) != [value.time] or call.a.get("keepdims", 1):
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
    **dict.fromkeys(("Reshape", "Flatten"), _reshape),
    "Selu": _selu,
    "Clip": _clip,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Gather": _gather,
    "Slice": _slice,
    "Split": _split,
    "Concat": _concat,
    "Less": _less,
    "ReduceSum": _counted,
    "Equal": _equal,
    "Where": _where,
}
"""Operators of values of the model."""
