"""A graph of layers as an ONNX model. B and T stay free; what is left out of a sequence stays left out.

Native RNN, LSTM and GRU nodes stand for the catalogue's cells that equal them; every other cell is a Scan whose body is
the cell's traced step, node by node (github.com/onnx/onnx, docs/Operators.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from throughtime.cells import make
from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.layers import Layer, Recurrent
from throughtime.interop.model import ImportedModel
from throughtime.interop.onnx.plain import Named, merged, plain
from throughtime.interop.onnx.step import scan

OPSET = 18
WRITER = "throughtime"
"""What a file that was written here says of its writer."""

LENGTHS = "lengths"

_OUTPUT, _MADE_UP = re.compile(r"output\d+"), re.compile(r"[vwsc]\d")
"""Names of outputs, and how the names begin that are made up here."""


@dataclass
class Builder:
    """Nodes and arrays of an ONNX graph so far. states: names and widths of the states that come in and go out.
    prefix: before every name that is made up here, so that none is the name of an input."""

    nodes: list[Any] = field(default_factory=list)
    arrays: list[Any] = field(default_factory=list)
    states: list[tuple[str, int]] = field(default_factory=list)
    prefix: str = ""

    def add(self, op: str, inputs: Sequence[str], count: int = 1, **attributes: Any) -> Any:
        """A node; the names of its values, or the one name. A float of a constant goes through `const`."""
        from onnx import helper

        names = [f"{self.prefix}v{len(self.nodes)}_{k}" for k in range(count)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if count == 1 else names

    def const(self, value: Any) -> str:
        """The name of a fixed array."""
        from onnx import numpy_helper

        name = f"{self.prefix}w{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def number(self, value: float) -> str:
        """The name of a float32 number."""
        return self.const(np.float32(value))

    def whole(self, *values: int) -> str:
        """The name of a list of integers."""
        return self.const(np.array(values, np.int64))


def model_of(model: ImportedModel) -> Any:
    """The ONNX model: inputs in the order of the model's, lengths and initial states where it takes any; outputs, then
    final states. UserError names a layer that ONNX has no node for here."""
    from onnx import TensorProto, helper

    graph = model.graph
    names = [graph.names[graph.nodes[n].layer] for n in graph.inputs]
    if clash := next((name for name in names if _OUTPUT.fullmatch(name)), None):
        raise UserError(f"{clash}: an input of this name is not known in ONNX here, outputs are called so")
    build = Builder(prefix="inner_" if any(_MADE_UP.match(name) for name in names) else "")
    own = model.origin.get("format") == "throughtime"
    found: list[list[Named]] = []
    inputs: list[Any] = []
    for node in graph.nodes:
        layer, name = graph.layers[node.layer], graph.names[node.layer]
        if isinstance(layer, kinds.Input):
            sizes = ["B", *("T" if n is None else n for n in layer.shape)]
            inputs.append(
                helper.make_tensor_value_info(name, TensorProto.INT64 if layer.tokens else TensorProto.FLOAT, sizes)
            )
            mask = _length_mask(build, name, LENGTHS) if own and not found else ""
            found.append([Named(name, mask)])
            continue
        weights = {n: v.astype(np.float32) for n, v in model.layer_weights(node.layer).items()}
        found.append(_layer(build, layer, weights, [found[n][v] for n, v in node.inputs], name, own))
    if own:
        inputs.append(helper.make_tensor_value_info(LENGTHS, TensorProto.INT64, ["B"]))
    outputs = []
    ranks = _ranks(model)
    for k, (node_number, value) in enumerate(graph.outputs):
        name = f"output{k}"
        build.nodes.append(helper.make_node("Identity", [found[node_number][value].array], [name]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ranks[k]))
    for name, size in build.states:
        inputs.append(helper.make_tensor_value_info(f"{name}_0", TensorProto.FLOAT, ["B", size]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", size]))
    made = helper.make_graph(build.nodes, "throughtime", inputs, outputs, build.arrays)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9, producer_name=WRITER)


def _ranks(model: ImportedModel) -> list[list[Any]]:
    """The shapes of the outputs, free but for the last axis: found by running two steps."""
    given = [model.graph.layers[model.graph.nodes[n].layer] for n in model.graph.inputs]
    tried = [np.zeros((1, *(n or 2 for n in one.shape)), "int64") for one in given if isinstance(one, kinds.Input)]
    found = model.predict(*tried)
    each = found if isinstance(found, list) else [found]
    return [[None] * (one.ndim - 1) + [one.shape[-1]] for one in each]


def _length_mask(build: Builder, name: str, lengths: str) -> str:
    """(B, T): which steps lie before a row's end. lengths: the name of (B,) integers."""
    steps = build.add("Gather", [build.add("Shape", [name]), build.const(np.int64(1))])
    places = build.add("Range", [build.const(np.int64(0)), steps, build.const(np.int64(1))])
    return str(build.add("Less", [places, build.add("Unsqueeze", [lengths, build.whole(1)])]))


def _layer(
    build: Builder, layer: Layer, weights: dict[str, np.ndarray], values: Sequence[Named], name: str, states: bool
) -> list[Named]:
    x, mask = values[0].array, values[0].mask
    if isinstance(layer, Recurrent):
        return _recurrent(build, layer, weights, values, name, states or layer.stateful)
    if isinstance(layer, kinds.Bidirectional):
        return _bidirectional(build, layer, weights, values, name, states)
    if isinstance(layer, kinds.Embedding):
        if layer.mask_zero:
            mask = build.add("Not", [build.add("Equal", [x, build.const(np.int64(0))])])
        return [Named(build.add("Gather", [build.const(weights["table"]), x]), mask)]
    if isinstance(layer, kinds.Masking):
        differs = build.add("Not", [build.add("Equal", [x, build.number(layer.value)])])
        some = build.add("ReduceMax", [build.add("Cast", [differs], to=1), build.whole(-1)], keepdims=1)
        held = build.add("Cast", [build.add("Squeeze", [some, build.whole(-1)])], to=9)
        return [Named(build.add("Mul", [x, some]), held)]
    if isinstance(layer, kinds.Merge):
        return [merged(build, layer, values)]
    if isinstance(layer, kinds.Lengths):
        return [Named(x, _length_mask(build, x, values[1].array))]
    if len(values) > 1:
        raise UserError(f"{name}: a {layer.kind} layer of several values is not known in ONNX here")
    return [plain(build, layer, weights, values, name)]


def _bidirectional(
    build: Builder,
    layer: kinds.Bidirectional,
    weights: dict[str, np.ndarray],
    values: Sequence[Named],
    name: str,
    states: bool,
) -> list[Named]:
    half = len(values) // 2
    both: list[list[Named]] = []
    for way, one, given in (("ahead", layer.ahead, values[1 : 1 + half]), ("back", layer.back, values[1 + half :])):
        own = {k.removeprefix(f"{way}."): v for k, v in weights.items() if k.startswith(f"{way}.")}
        both.append(_recurrent(build, one, own, [values[0], *given], f"{name}.{way}", states or one.stateful))
    first, second = both[0][0], both[1][0]
    rest = both[0][1:] + both[1][1:]
    if layer.merge == "none":
        return [first, second, *rest]
    both_ways = merged(build, kinds.Merge(layer.merge), [Named(first.array), Named(second.array)])
    return [Named(both_ways.array, first.mask), *rest]


def _recurrent(
    build: Builder, layer: Recurrent, weights: dict[str, np.ndarray], values: Sequence[Named], name: str, states: bool
) -> list[Named]:
    if layer.time_major:
        raise UserError(f"{name}: a layer whose first axis is time is not known in ONNX here")
    x, mask = values[0].array, values[0].mask
    start = _initial(build, layer, values, name, states)
    below, last = build.add("Transpose", [x], perm=[1, 0, 2]), {}
    turned = build.add("Transpose", [mask], perm=[1, 0]) if mask else ""
    for j, cell in enumerate(layer.cells):
        own = {n: weights[f"{j}.{n}"] for n in cell.trace.parameters}
        given = [start[j, k] for k in range(len(cell.state_sizes))]
        attributes = native(cell, own) if not mask or layer.zero else None
        if attributes is not None:
            lens = ""
            if mask:
                lens = build.add("ReduceSum", [build.add("Cast", [turned], to=6), build.whole(0)], keepdims=0)
            below, final = _native(build, attributes, below, given, lens, layer.back)
        else:
            below, final = scan(build, cell, own, below, given, turned, layer)
        last.update({(j, k): one for k, one in enumerate(final)})
    names = layer.state_names
    if states and len(values) == 1:
        from onnx import helper

        for j, k, state, _ in names:
            build.nodes.append(helper.make_node("Identity", [last[j, k]], [f"{name}.{j}.{state}"]))
    output = below
    if layer.sequences:
        if layer.back and layer.turned:
            bounds = [build.whole(-1), build.whole(-(2**62)), build.whole(0), build.whole(-1)]
            output = build.add("Slice", [output, *bounds])
        found = Named(build.add("Transpose", [output], perm=[1, 0, 2]), mask)
    else:
        found = Named(build.add("Gather", [output, build.const(np.int64(0 if layer.back else -1))], axis=0))
    return [found] + ([Named(last[j, k]) for j, k, _, _ in names] if layer.states else [])


def _initial(
    build: Builder, layer: Recurrent, values: Sequence[Named], name: str, states: bool
) -> dict[tuple[int, int], str]:
    """The names of the initial states: given, inputs of the graph, or zeros."""
    if len(values) > 1:
        return {(j, k): one.array for (j, k, _, _), one in zip(layer.state_names, values[1:], strict=True)}
    found = {}
    rows = (
        None if states else build.add("Slice", [build.add("Shape", [values[0].array]), build.whole(0), build.whole(1)])
    )
    for j, k, state, size in layer.state_names:
        if states:
            build.states.append((f"{name}.{j}.{state}", size))
            found[j, k] = f"{name}.{j}.{state}_0"
        else:
            shape = build.add("Concat", [str(rows), build.whole(size)], axis=0)
            found[j, k] = build.add("Expand", [build.number(0.0), shape])
    return found


@dataclass(frozen=True)
class Native:
    """A native node: its operator, gates' matrices one below the other, both biases, and attributes."""

    op: str
    w: np.ndarray
    r: np.ndarray
    b: np.ndarray
    attributes: dict[str, Any]


def native(cell: Any, p: dict[str, np.ndarray]) -> Native | None:
    """The native node that equals a recurrence; None where there is none."""

    def rows(*names: str) -> np.ndarray:
        return np.concatenate([p[n] for n in names])

    size = {"hidden_size": cell.state_sizes[0]}
    if cell.trace == make("lstm").trace():  # ONNX's gates: i o f c
        b = rows("b_i", "b_o", "b_f", "b_c")
        w, r = rows("W_xi", "W_xo", "W_xf", "W_xc"), rows("W_hi", "W_ho", "W_hf", "W_hc")
        return Native("LSTM", w, r, np.concatenate([b, np.zeros_like(b)]), size)
    if cell.trace == make("gru_reset_after").trace():  # z r h
        w, r = rows("W_xz", "W_xr", "W_xn"), rows("W_hz", "W_hr", "W_hn")
        b = rows("b_xz", "b_xr", "b_xn", "b_hz", "b_hr", "b_hn")
        return Native("GRU", w, r, b, size | {"linear_before_reset": 1})
    if cell.trace == make("gru").trace():  # ONNX's z is the complement
        p = p | {n: -p[n] for n in ("W_xz", "W_hz", "b_z")}
        b = rows("b_z", "b_r", "b_h")
        w, r = rows("W_xz", "W_xr", "W_xh"), rows("W_hz", "W_hr", "W_hh")
        return Native("GRU", w, r, np.concatenate([b, np.zeros_like(b)]), size | {"linear_before_reset": 0})
    for f in ("tanh", "relu"):
        if cell.trace == make("rnn", f=f).trace():
            b = np.concatenate([p["b_h"], np.zeros_like(p["b_h"])])
            return Native("RNN", p["W_xh"], p["W_hh"], b, size | {"activations": [f.title()]})
    return None


def _native(
    build: Builder, node: Native, x: str, states: Sequence[str], lengths: str, back: bool
) -> tuple[str, list[str]]:
    start = [build.add("Unsqueeze", [one, build.whole(0)]) for one in states]
    arrays = [build.const(one[None]) for one in (node.w, node.r, node.b)]
    way = {"direction": "reverse" if back else "forward"}
    y, *final = build.add(node.op, [x, *arrays, lengths, *start], 1 + len(states), **node.attributes, **way)
    last = [build.add("Squeeze", [one, build.whole(0)]) for one in final]
    if lengths:  # ONNX Runtime gives zeros for a row without a step; it keeps its initial state
        none = build.add("Unsqueeze", [build.add("Equal", [lengths, build.const(np.int32(0))]), build.whole(1)])
        last = [build.add("Where", [none, before, after]) for before, after in zip(states, last, strict=True)]
    return build.add("Squeeze", [y, build.whole(1)]), last
