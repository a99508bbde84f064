"""Nodes that move values about: mostly other views of the same values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.onnx.importing import fold
from throughtime.interop.onnx.importing.call import Call, apart, axes_asked
from throughtime.interop.onnx.importing.indices import looked_up
from throughtime.interop.onnx.importing.values import (
    Fixed,
    Joined,
    Known,
    NoSteps,
    Part,
    Reckoned,
    Reversed,
    Steps,
    View,
    reshaped,
)


def transpose(call: Call) -> None:
    value = call.value(0)
    if isinstance(value, Steps):
        call.build.values[call.outputs[0]] = Steps(value.lengths, 1 - value.time)
        return
    view = value.view if isinstance(value, Reversed) else call.view()
    order = call.a.get("perm", list(range(len(view.axes)))[::-1])
    if sorted(order) != list(range(len(view.axes))):
        raise UserError(f"its perm {list(order)[:8]} does not fit its input of {len(view.axes)} axes")
    _give(call, value, view.seen(tuple(view.axes[k] for k in order)))


def _give(call: Call, value: Known | None, view: View) -> None:
    """Say what an output is, turned where what it was made of is turned."""
    if isinstance(value, Reversed):
        call.build.values[call.outputs[0]] = Reversed(view, value.time)
    else:
        call.give(view)


def reverse(call: Call) -> None:
    """ReverseSequence of whole rows, as TensorFlow's exporters write what turns a sequence."""
    value, lengths = call.value(0), call.value(1)
    view = value.view if isinstance(value, Reversed) else call.view()
    time = int(call.a.get("time_axis", 0))
    if not isinstance(lengths, Fixed) or (lengths.array != view.shape[time]).any():
        raise UserError("it turns rows of different lengths, which is not known here")
    layer = call.build.layers[call.build.nodes[view.place[0]].layer]
    if isinstance(layer, kinds.Recurrent) and layer.turned:
        raise UserError("it turns a sequence that is read in both orders, which is not known here")
    if not isinstance(value, Reversed):
        call.build.values[call.outputs[0]] = Reversed(view, view.axes[time])
        return
    if view.axes[time] != value.time:
        raise UserError("it turns a sequence along two axes, which is not known here")
    call.build.straight.add(view.place)
    call.give(view)


def squeeze(call: Call) -> None:
    value = call.value(0)
    view = value.view if isinstance(value, Reversed) else call.view()
    found = axes_asked(call, len(view.axes))
    gone = {k for k, axis in enumerate(view.axes) if not axis} if found is None else {n % len(view.axes) for n in found}
    if any(view.axes[k] for k in gone):
        raise UserError(f"it drops axes of {[view.shape[k] for k in sorted(gone)]} values, or the batch")
    _give(call, value, view.seen(tuple(axis for k, axis in enumerate(view.axes) if k not in gone)))


def unsqueeze(call: Call) -> None:
    value = call.value(0)
    if isinstance(value, NoSteps):
        call.build.values[call.outputs[0]] = value
        return
    view = call.view()
    found = axes_asked(call, 16) or []
    rank = len(view.axes) + len(found)
    new = {n % rank for n in found}
    left = list(view.axes)
    call.give(view.seen(tuple(() if k in new else left.pop(0) for k in range(rank))))


def reshape(call: Call) -> None:
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


def gather(call: Call) -> None:
    table, where = call.value(0), call.value(1)
    if isinstance(table, Fixed) and isinstance(where, Reckoned) and table.array.ndim:
        where = looked_up(where, len(table.array))
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
    if isinstance(value, View | Reversed):
        return value.shape if isinstance(value, View) else value.view.shape
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
            build.values[call.outputs[output]] = view if kept else without(view, axis)
            return
    view = call.view()
    if (first, end) == (0, count):
        build.values[call.outputs[output]] = view if kept else without(view, axis)
        return
    view, place = apart(call, view, axis)
    one = end - first == 1
    if any(build.free(part) for part in view.axes[axis]):
        if (not one or end != count) and (first, end) != (0, 1):
            raise UserError("it takes some steps of a sequence; only the first or the last are known here")
        if one and end == count and place == 1:
            (new,) = build.put(kinds.Last(), call.name, [view.place])
            stored = (view.stored[0], *view.stored[2:])
            axes = tuple(() if k == axis else part for k, part in enumerate(view.axes))
            found = View(new, stored, axes)
            call.give(found if kept else without(found, axis), output)
            return
        if end == count:
            raise UserError("it takes the last step of a sequence whose second axis is not time")
    (new,) = build.put(kinds.Some(place, first, end, not one), call.name, [view.place])
    part = () if one else (Part(build.key(), end - first),)
    stored = (*view.stored[:place], *([] if one else [part]), *view.stored[place + 1 :])
    found = View(new, stored, tuple(part if k == axis else old for k, old in enumerate(view.axes)), view.whole)
    call.give(found if kept else without(found, axis), output)


def without(view: View, axis: int) -> View:
    if view.axes[axis]:
        raise UserError(f"it drops axis {axis}, which is not of one value")
    return view.seen((*view.axes[:axis], *view.axes[axis + 1 :]))


def some(call: Call) -> None:
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


def split(call: Call) -> None:
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


def concat(call: Call) -> None:
    rank = max(len(_shape(call.value(k))) for k in range(len(call.inputs)))
    axis = int(call.a["axis"]) % rank
    parts: list[View] = []
    for k in range(len(call.inputs)):
        value = call.value(k)
        parts += value.parts if isinstance(value, Joined) and value.axis == axis else (call.view(k),)
    if any(len(one.axes) != rank for one in parts):
        raise UserError("it joins values of different shapes")
    call.build.values[call.outputs[0]] = Joined(axis, tuple(parts)) if len(parts) > 1 else parts[0]
