"""A graph of layers as C: one function that takes a step, and one that forgets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.c.language import equation, identifier, number, value_of
from throughtime.interop.c.source import Source, narrow
from throughtime.interop.c.step import emit
from throughtime.interop.functions import Function
from throughtime.interop.layers import Layer
from throughtime.interop.model import ImportedModel
from throughtime.recurrence.equations import as_text

MOST_WEIGHTS = 1 << 22
"""Values of a model that is written as C: 16 MB as float32, more than a small machine has."""

SIGNS = {"sub": "-", "mul": "*"}

_UNKNOWN = "is not known in C here"


@dataclass(frozen=True)
class Value:
    """What a node gives at a step. array: its expression in C; size: its values; mask: the expression of whether the
    step is there, "" where it always is; timed: whether it is one step of a sequence."""

    array: str
    size: int
    mask: str = ""
    timed: bool = True


@dataclass(frozen=True)
class Built:
    """A generated step. input: its values, 0 for a token; rows: how many tokens there are; outputs: the values of each
    of its answers."""

    source: Source
    input: int
    rows: int
    outputs: tuple[int, ...]


def refuse(model: ImportedModel, who: str) -> None:
    """UserError, naming the layer, for a model that cannot run step by step on a small machine."""
    graph = model.graph
    model.stream()
    for name, layer in zip(graph.names, graph.layers, strict=True):
        if isinstance(layer, kinds.Input) and (len(layer.shape) != (1 if layer.tokens else 2)):
            raise UserError(f"{name}: expected steps of values, (T, I), or tokens, (T,), got the shape {layer.shape}")
        if isinstance(layer, kinds.Input) and layer.shape[1:] == (None,):
            raise UserError(f"{name}: the width of its input is free; C needs a fixed one")
    used = [node.layer for node in graph.nodes]
    for number_, layer in enumerate(graph.layers):
        if isinstance(layer, kinds.Recurrent) and used.count(number_) > 1:
            raise UserError(f"{graph.names[number_]}: a recurrence that runs at two places {_UNKNOWN}")
    count = sum(one.size for one in model.parameters.values())
    if count > MOST_WEIGHTS:
        raise UserError(f"{who}: expected at most {MOST_WEIGHTS:,} weights for C, got {count:,}; export it to onnx")
    if not all(np.isfinite(one.astype(np.float32)).all() for one in model.parameters.values()):
        raise UserError(f"{who}: a weight is too large for float32")


def build(model: ImportedModel, who: str, int8: bool = False) -> Built:
    """The step of a model. int8: matrices are kept in eight bits. UserError names a layer that C has no code for."""
    refuse(model, who)
    graph, source = model.graph, Source(int8)
    found: list[list[Value]] = []
    width = rows = 0
    for number_, node in enumerate(graph.nodes):
        layer, name = graph.layers[node.layer], graph.names[node.layer]
        if isinstance(layer, kinds.Input):
            if layer.tokens:
                rows = min((one.rows for one in _reading(model, number_)), default=0)
                if not rows:
                    raise UserError(f"{name}: expected tokens to be read by an embedding")
            else:
                width = int(layer.shape[1] or 0)
            found.append([Value("x", width)])
            continue
        weights = {n: v.astype(np.float32) for n, v in model.layer_weights(node.layer).items()}
        source.line(f"/* {identifier(name)}: {layer.kind} */")
        source.line("{")
        source.inside += 1
        values = _Layer(source, f"l{number_}", name).write(layer, weights, [found[n][v] for n, v in node.inputs])
        source.inside -= 1
        source.line("}")
        found.append(values)
    outputs = []
    for k, (node_number, value) in enumerate(graph.outputs):
        one = found[node_number][value]
        if not one.size or one.array == "x":
            raise UserError(f"{who}: expected an answer of a layer, got the input itself")
        source.line(f"memcpy(y{k}, {one.array}, {one.size} * sizeof(float));")
        outputs.append(one.size)
    return Built(source, width, rows, tuple(outputs))


def _reading(model: ImportedModel, number_: int) -> list[kinds.Embedding]:
    """The embeddings that read a node; UserError where another layer reads it too."""
    found = []
    for node in model.graph.nodes:
        if (number_, 0) in node.inputs:
            layer = model.graph.layers[node.layer]
            layer = layer.layer if isinstance(layer, kinds.TimeDistributed) else layer
            if not isinstance(layer, kinds.Embedding):
                raise UserError(f"{model.graph.names[node.layer]}: {layer.kind} over tokens {_UNKNOWN}")
            found.append(layer)
    return found


class _Layer:
    """Writes one layer. prefix: stands before the names of its arrays; name: of the layer, in errors."""

    def __init__(self, source: Source, prefix: str, name: str) -> None:
        self.source, self.prefix, self.name = source, prefix, name

    def write(self, layer: Layer, weights: dict[str, np.ndarray], values: Sequence[Value]) -> list[Value]:
        """The lines of a layer; its values."""
        first = values[0]
        if isinstance(layer, kinds.Merge):
            return [self._merge(layer, values)]
        if len(values) > 1:
            if isinstance(layer, kinds.Recurrent):
                raise UserError(f"{self.name}: an initial state that another layer gives {_UNKNOWN}")
            raise UserError(f"{self.name}: a {layer.kind} layer of several values {_UNKNOWN}")
        if isinstance(layer, kinds.TimeDistributed):
            layer = layer.layer
        if isinstance(layer, kinds.Recurrent):
            return self._recurrent(layer, weights, first)
        if isinstance(layer, kinds.Embedding):
            return [self._embedding(layer, weights, first)]
        if isinstance(layer, kinds.Masking):
            return [self._masking(layer, first)]
        if isinstance(layer, kinds.Identity):
            return [first]
        if isinstance(layer, kinds.Dense):
            return [self._dense(layer, weights, first)]
        if isinstance(layer, kinds.Activation):
            return [self._activation(layer, weights, first)]
        if isinstance(layer, kinds.BatchNorm):
            return [self._batch_norm(layer, weights, first)]
        if isinstance(layer, kinds.LayerNorm):
            return [self._layer_norm(layer, weights, first)]
        raise UserError(f"{self.name}: a {layer.kind} layer {_UNKNOWN}; take it out")

    def _each(self, size: int, lines: Sequence[str], first: Value, kept: bool = True) -> Value:
        """A loop over units that fills a new array, by the name of `y`."""
        y = self.source.scratch(self.prefix, size)
        self.source.line(f"for (i = 0; i < {size}; i++) {{")
        for text in lines:
            self.source.line(text.replace("$y", y), 2)
        self.source.line("}")
        return Value(y, size, first.mask if kept else "", first.timed)

    def _recurrent(self, layer: kinds.Recurrent, weights: dict[str, np.ndarray], first: Value) -> list[Value]:
        if not first.timed:
            raise UserError(f"{self.name}: a recurrence over what is no sequence {_UNKNOWN}")
        if layer.cells[0].input_width != first.size:
            raise UserError(f"{self.name}: expected {layer.cells[0].input_width} values at a step, got {first.size}")
        source, below, states = self.source, first.array, {}
        zero = layer.zero and bool(first.mask)
        for j, cell in enumerate(layer.cells):
            for k, (state, size) in enumerate(zip(cell.trace.states, cell.state_sizes, strict=True)):
                states[j, k] = source.state(f"{self.prefix}_{j}_{identifier(state)}", size)
        if first.mask:
            source.line(f"if ({first.mask}) {{")
            source.inside += 1
        for j, cell in enumerate(layer.cells):
            for text in as_text(cell.trace):
                source.line(f"/* {equation(text)} */")
            own = {n: weights[f"{j}.{n}"] for n in cell.trace.parameters}
            arrays = [states[j, k] for k in range(len(cell.state_sizes))]
            emit(source, cell, own, below, arrays, f"{self.prefix}_{j}")
            below = arrays[list(cell.trace.states).index(cell.trace.output)]
        if first.mask:
            source.inside -= 1
            source.line("}")
        mask = first.mask if layer.sequences else ""
        output = Value(below, layer.size, mask, layer.sequences)
        if zero:
            shown = self._each(layer.size, [f"$y[i] = {first.mask} ? {below}[i] : 0.0f;"], output)
            output = Value(shown.array, shown.size, mask, layer.sequences)
        further = [Value(states[j, k], size, "", False) for j, k, _, size in layer.state_names] if layer.states else []
        return [output, *further]

    def _embedding(self, layer: kinds.Embedding, weights: dict[str, np.ndarray], first: Value) -> Value:
        source, table = self.source, weights["table"]
        if first.array != "x" or first.size:
            raise UserError(f"{self.name}: an embedding of what a layer computed {_UNKNOWN}")
        mask = "(x != 0)" if layer.mask_zero else ""
        name, size = f"{self.prefix}_table", layer.width
        if not source.int8:
            return Value(f"({source.array(name, table)} + (size_t)x * {size})", size, mask)
        values, scale = narrow(table)
        short, scales = source.array(name, values), source.array(f"{name}_scale", scale)
        return self._each(size, [f"$y[i] = {scales}[x] * (float){short}[(size_t)x * {size} + i];"], Value("", 0, mask))

    def _masking(self, layer: kinds.Masking, first: Value) -> Value:
        if first.mask:
            raise UserError(f"{self.name}: a mask of what is masked already {_UNKNOWN}")
        there = self.source.scratch(f"{self.prefix}_there", 1)
        self.source.line(f"{there}[0] = 0.0f;")
        self.source.line(f"for (i = 0; i < {first.size}; i++) {{")
        self.source.line(f"if ({first.array}[i] != {number(layer.value)}) {{", 2)
        self.source.line(f"{there}[0] = 1.0f;", 3)
        self.source.line("}", 2)
        self.source.line("}")
        mask = f"({there}[0] > 0.0f)"
        return self._each(first.size, [f"$y[i] = {first.array}[i] * {there}[0];"], Value("", 0, mask, first.timed))

    def _dense(self, layer: kinds.Dense, weights: dict[str, np.ndarray], first: Value) -> Value:
        if layer.inputs != first.size or (first.array == "x" and not first.size):
            raise UserError(f"{self.name}: expected {layer.inputs} values at a step, got {first.size}")
        text = self.source.row(f"{self.prefix}_W", weights["W"], first.array)
        if layer.bias:
            text += f" + {self.source.array(f'{self.prefix}_b', weights['b'])}[i]"
        return self._applied(layer.f, text, layer.units, first)

    def _activation(self, layer: kinds.Activation, weights: dict[str, np.ndarray], first: Value) -> Value:
        if not layer.trained:
            return self._applied(layer.f, f"{first.array}[i]", first.size, first)
        slope = weights["slope"].ravel()
        if slope.size not in (1, first.size):
            raise UserError(f"{self.name}: slopes that differ from step to step, {weights['slope'].shape}, {_UNKNOWN}")
        slopes = self.source.array(f"{self.prefix}_slope", np.broadcast_to(slope, (first.size,)))
        return self._each(first.size, [f"const float x_i = {first.array}[i];",
                                       f"$y[i] = x_i > 0.0f ? x_i : x_i * {slopes}[i];"], first)  # fmt: skip

    def _applied(self, f: Function, text: str, size: int, first: Value) -> Value:
        """A function of an expression of unit i."""
        known = value_of(f)
        if known is not None:
            inner, needed = known
            self.source.use(*needed)
            if inner == "x":
                return self._each(size, [f"$y[i] = {text};"], first)
            inner = _renamed(inner)
            return self._each(size, [f"const float x_i = {text};", f"$y[i] = {inner};"], first)
        if f.name not in ("softmax", "log_softmax") or int(f.arguments[0]) not in (-1, 2 if first.timed else 1):
            raise UserError(f"{self.name}: the function {f.name} along that axis {_UNKNOWN}; choose another activation")
        found = self._each(size, [f"$y[i] = {text};"], first)
        self.source.use(f.name)
        self.source.line(f"tt_{f.name}({found.array}, {size});")
        return found

    def _batch_norm(self, layer: kinds.BatchNorm, weights: dict[str, np.ndarray], first: Value) -> Value:
        if layer.axis not in (-1, 2 if first.timed else 1) or layer.size != first.size:
            raise UserError(f"{self.name}: batch normalisation along another axis than the last {_UNKNOWN}")
        scale = weights["gain"] / np.sqrt(weights["variance"] + np.float32(layer.epsilon))
        arrays = {
            name: self.source.array(f"{self.prefix}_{name}", one)
            for name, one in (("mean", weights["mean"]), ("scale", scale), ("bias", weights["bias"]))
        }
        text = f"$y[i] = ({first.array}[i] - {arrays['mean']}[i]) * {arrays['scale']}[i] + {arrays['bias']}[i];"
        return self._each(first.size, [text], first)

    def _layer_norm(self, layer: kinds.LayerNorm, weights: dict[str, np.ndarray], first: Value) -> Value:
        if layer.size != first.size:
            raise UserError(f"{self.name}: expected {layer.size} values at a step, got {first.size}")
        self.source.use("mean", "spread")
        self.source.line(f"const float m = tt_mean({first.array}, {first.size});")
        spread = f"tt_spread({first.array}, m, {number(layer.epsilon)}, {first.size})"
        self.source.line(f"const float r = {spread};")
        gain, bias = (self.source.array(f"{self.prefix}_{name}", weights[name]) for name in ("gain", "bias"))
        return self._each(first.size, [f"$y[i] = ({first.array}[i] - m) * r * {gain}[i] + {bias}[i];"], first)

    def _merge(self, layer: kinds.Merge, values: Sequence[Value]) -> Value:
        if any(one.mask for one in values) or layer.how == "dot":
            raise UserError(f"{self.name}: a merge of masked values {_UNKNOWN}")
        if len({one.timed for one in values}) > 1:
            raise UserError(f"{self.name}: a merge of a step with a whole sequence {_UNKNOWN}")
        first = values[0]
        if layer.how == "concat":
            if layer.axis not in (-1, 2 if first.timed else 1):
                raise UserError(f"{self.name}: a merge along another axis than the last {_UNKNOWN}")
            y, place = self.source.scratch(self.prefix, sum(one.size for one in values)), 0
            for one in values:
                self.source.line(f"memcpy({y} + {place}, {one.array}, {one.size} * sizeof(float));")
                place += one.size
            return Value(y, place, "", first.timed)
        if len({one.size for one in values}) > 1:
            raise UserError(f"{self.name}: a merge of values of several widths {_UNKNOWN}")
        text = f"{first.array}[i]"
        for one in values[1:]:
            if layer.how in ("max", "min"):
                self.source.use(layer.how)
                text = f"tt_{layer.how}({text}, {one.array}[i])"
            else:
                text = f"{text} {SIGNS.get(layer.how, '+')} {one.array}[i]"
        if layer.how == "ave":
            text = f"({text}) / {number(len(values))}"
        return self._each(first.size, [f"$y[i] = {text};"], first)


def _renamed(text: str) -> str:
    """An expression of x as one of x_i; x is the step's input there."""
    return re.sub(r"\bx\b", "x_i", text)
