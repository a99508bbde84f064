"""ONNX's recurrent nodes as recurrent layers, one or two directions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.functions import Function
from throughtime.interop.model import Place
from throughtime.interop.onnx.importing.build import Builder
from throughtime.interop.onnx.importing.call import Call
from throughtime.interop.onnx.importing.cells import Kind, cell_of
from throughtime.interop.onnx.importing.values import Axis, Fixed, Joined, Part, Reversed, View

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
_USUAL = {"RNN": ("Tanh",), "LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh")}
_DEFAULTS: dict[str, tuple[float | None, float | None]] = {
    "affine": (None, None),
    "leakyrelu": (0.01, None),
    "thresholdedrelu": (1.0, None),
    "hardsigmoid": (0.2, 0.5),
    "elu": (1.0, None),
}
"""Function -> its usual alpha and beta; None where it has none, or no usual one."""
_NAMES = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid", "softsign": "softsign", "softplus": "softplus"}
_NAMES |= {"hardsigmoid": "hard_sigmoid", "elu": "elu", "affine": "affine", "leakyrelu": "relu"}


@dataclass(frozen=True)
class Truth:
    """A node as ONNX has it, for the proof: W (D, G H, I), R (D, G H, H), B (D, 2 G H), P (D, 3 H) or None."""

    ways: tuple[Kind, ...]
    direction: str
    w: np.ndarray
    r: np.ndarray
    b: np.ndarray
    p: np.ndarray | None
    finals: bool
    masked: bool


def _functions(call: Call, directions: int) -> list[tuple[Function, ...]]:
    usual = _USUAL[call.op]
    names = [
        (one.decode(errors="replace") if isinstance(one, bytes) else str(one)).lower()
        for one in call.a.get("activations", usual * directions)
    ]
    if len(names) != len(usual) * directions:
        raise UserError(f"expected {len(usual) * directions} activations, got {len(names)}")
    alphas, betas = list(call.a.get("activation_alpha", [])), list(call.a.get("activation_beta", []))
    taking = [[n for n, name in enumerate(names) if name in ("affine", "leakyrelu", "hardsigmoid", "elu")], []]
    taking[1] = [n for n, name in enumerate(names) if name in ("affine", "hardsigmoid")]
    found = []
    for n, name in enumerate(names):
        if name not in _NAMES:
            raise UserError(f"its activation {name[:40]!r} is not known here; known: {', '.join(_NAMES)}")
        numbers = []
        for given, takers, usual_one in zip((alphas, betas), taking, _DEFAULTS.get(name, (None, None)), strict=True):
            if n not in takers:
                continue
            place = takers.index(n)
            value = given[place] if place < len(given) else usual_one
            if value is None:
                raise UserError(f"its activation {name} has no alpha or beta")
            numbers.append(float(value))
        found.append(Function(_NAMES[name], tuple(numbers)))
    return [tuple(found[d * len(usual) : (d + 1) * len(usual)]) for d in range(directions)]


def _truth(call: Call) -> Truth:
    """What the node says, checked."""
    raw = call.a.get("direction", b"forward")
    direction = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
    count = {"forward": 1, "reverse": 1, "bidirectional": 2}.get(direction.lower())
    if count is None:
        raise UserError(f"its direction is {direction[:40]!r}")
    w, r = call.array(1, "W"), call.array(2, "R")
    gates, size = GATES[call.op], int(r.shape[-1])
    b = call.array(3, "B") if call.has(3) else np.zeros((count, 2 * gates * size), w.dtype)
    p = call.array(7, "P") if call.op == "LSTM" and call.has(7) else None
    right = w.ndim == 3 and w.shape[:2] == (count, gates * size) and r.shape == (count, gates * size, size)
    right = right and b.shape == (count, 2 * gates * size) and (p is None or p.shape == (count, 3 * size))
    if not right or call.a.get("hidden_size", size) != size or w.dtype.kind != "f":
        raise UserError(f"its arrays have the shapes {w.shape}, {r.shape} and {b.shape}, which do not fit")
    ways = tuple(
        Kind(
            call.op,
            functions,
            float(call.a.get("clip", 0.0)),
            bool(call.a.get("input_forget", 0)),
            p is not None,
            bool(call.a.get("linear_before_reset", 0)) and call.op == "GRU",
        )
        for functions in _functions(call, count)
    )
    outputs = [bool(name) and call.build.uses[name] > 0 for name in call.outputs]
    return Truth(ways, direction.lower(), w, r, b, p, any(outputs[1:]), call.has(4))


def convert(call: Call) -> None:
    """A recurrent node."""
    build, truth = call.build, _truth(call)
    batched = bool(call.a.get("layout", 0))
    turned = call.value(0)
    if isinstance(turned, Reversed):
        if truth.masked or truth.direction == "bidirectional":
            raise UserError("it reads a turned sequence in two directions or with lengths, which is not known here")
        truth = replace(truth, direction="forward" if truth.direction == "reverse" else "reverse")
    x = turned.view if isinstance(turned, Reversed) else call.view()
    if len(x.axes) != 3:
        raise UserError(f"its input has {len(x.axes)} axes, expected 3")
    time, batch = (x.axes[1], x.axes[0]) if batched else (x.axes[0], x.axes[1])
    if isinstance(turned, Reversed) and turned.time != time:
        raise UserError("it reads a sequence that is turned along another axis than time")
    build.batch_is(batch)
    if x.shape[2] != truth.w.shape[2]:
        raise UserError(f"its input has {x.shape[2]} values a step, W takes {truth.w.shape[2]}")
    x = build.settled(x, (batch, time, x.axes[2]), call.name)
    states = _states(call, truth, batched)
    place = x.place
    if truth.masked:
        lengths = call.view(4)
        if len(lengths.axes) != 1:
            raise UserError("its sequence_lens is no list of lengths")
        build.batch_is(lengths.axes[0])
        place = masked(build, call.name, place, lengths)
    places = _put(call, truth, [place, *states])
    if truth.masked:
        places = unmasked(build, call.name, places)
    _outputs(call, truth, places, (batch, time), batched)
    if isinstance(turned, Reversed) and call.outputs[0]:
        build.turn(call.outputs[0], turned.time)


def masked(build: Builder, name: str, place: Place, lengths: View) -> Place:
    """A sequence with its lengths; in files that were written here, `predict` is given them."""
    if lengths.place in build.outside:
        return place
    return build.put(kinds.Lengths(), f"{name}.lengths", [place, lengths.place])[0]


def unmasked(build: Builder, name: str, places: list[Place]) -> list[Place]:
    """The values of a recurrent layer, the first without lengths from here on."""
    if build.outside:
        return places
    return [build.put(kinds.Unmasked(), f"{name}.all", places[:1])[0], *places[1:]]


def _put(call: Call, truth: Truth, inputs: list[Place]) -> list[Place]:
    layers: list[kinds.Recurrent] = []
    weights: list[dict[str, np.ndarray]] = []
    for d, kind in enumerate(truth.ways):
        p = None if truth.p is None else truth.p[d]
        cell, own = cell_of(kind, truth.w[d], truth.r[d], truth.b[d], p)
        back = truth.direction == "reverse" or d == 1
        layers.append(kinds.Recurrent(cells=(cell,), back=back, sequences=True, states=truth.finals, zero=truth.masked))
        weights.append({f"0.{name}": np.ascontiguousarray(value) for name, value in own.items()})
    if len(layers) == 1:
        places = call.build.placed(layers[0], call.name, inputs, weights[0])
    else:
        both = {f"{way}.{k}": v for way, own in zip(("ahead", "back"), weights, strict=True) for k, v in own.items()}
        places = call.build.placed(kinds.Bidirectional(layers[0], layers[1]), call.name, inputs, both)
    call.build.truths[call.build.names[-1]] = truth
    return places


def _outputs(call: Call, truth: Truth, places: list[Place], axes: tuple[Axis, Axis], batched: bool) -> None:
    """Y (T, D, B, H), Y_h and Y_c (D, B, H); with layout 1 (B, T, D, H) and (B, D, H)."""
    batch, time = axes
    build, size, count = call.build, int(truth.r.shape[2]), len(truth.ways)
    units: Axis = (Part(build.key(), size),) if size > 1 else ()
    ways: Axis = (Part(build.key(), 2),) if count == 2 else ()
    order = (batch, time, ways, units) if batched else (time, ways, batch, units)
    if call.outputs and call.outputs[0]:
        call.give(View(places[0], (batch, time, (*ways, *units)), order))
    each = 2 if call.op == "LSTM" else 1
    for k in range(each if truth.finals else 0):
        if len(call.outputs) <= 1 + k or not call.outputs[1 + k]:
            continue
        one = tuple(
            View(places[1 + d * each + k], (batch, units), (batch, (), units) if batched else ((), batch, units))
            for d in range(count)
        )
        if count == 1:
            call.give(one[0], 1 + k)
        else:
            build.values[call.outputs[1 + k]] = Joined(1 if batched else 0, one)


def _states(call: Call, truth: Truth, batched: bool) -> list[Place]:
    """The initial states, of the first direction before those of the second; none for zeros."""
    count = len(truth.ways)
    each: list[list[View]] = []
    wanted = 2 if call.op == "LSTM" else 1
    for k in range(wanted):
        value = call.value(5 + k)
        if value is None or (isinstance(value, Fixed) and value.zero):
            continue
        if isinstance(value, Fixed):
            raise UserError("its initial state is a fixed array that is not zero, which is not known here")
        axis = 1 if batched else 0
        if isinstance(value, Joined) and value.axis == axis and len(value.parts) == count:
            each.append([_state(call, one, axis) for one in value.parts])
        else:
            each.append(_ways(call, call.view(5 + k), axis, count))
    if each and len(each) < wanted:
        raise UserError("it is given one of its two initial states, which is not known here")
    return [each[k][d].place for d in range(count) for k in range(len(each))]


def _state(call: Call, view: View, axis: int) -> View:
    if len(view.axes) != 3 or view.axes[axis]:
        raise UserError("its initial state has not one value a direction")
    call.build.batch_is(view.axes[1 - axis] if axis < 2 else ())
    return call.build.settled(view, ((view.axes[1 - axis]), view.axes[2]), f"{call.name}.state")


def _ways(call: Call, view: View, axis: int, count: int) -> list[View]:
    """An initial state of each direction, (B, H)."""
    if count == 1:
        return [_state(call, view, axis)]
    build = call.build
    build.batch_is(view.axes[1 - axis])
    view = build.settled(view, (view.axes[1 - axis], view.axes[axis], view.axes[2]), f"{call.name}.states")
    found = []
    for d in range(count):
        (place,) = build.put(kinds.Some(1, d, d + 1, False), f"{call.name}.states {d}", [view.place])
        stored = (view.stored[0], view.stored[2])
        found.append(View(place, stored, stored))
    return found


def attributes_of(node: Any) -> dict[str, Any]:
    """The attributes of a node, arrays as arrays."""
    from onnx import helper

    from throughtime.interop.onnx.importing.read import array

    found: dict[str, Any] = {}
    for one in node.attribute:
        if one.type == one.TENSOR:
            found[one.name] = array(one.t)
            continue
        try:
            found[one.name] = helper.get_attribute_value(one)
        except ValueError:
            raise UserError(f"its attribute {one.name[:40]} is of a type that is not known here") from None
    return found
