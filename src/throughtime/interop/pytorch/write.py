"""A graph of layers as a state_dict and a small module of torch.nn that needs nothing of ours.

Only what PyTorch has itself is written: cells that equal nn.RNN, nn.LSTM and nn.GRU, without masks. Everything else is
refused by the layer's name.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from throughtime.cells import make
from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.functions import Function
from throughtime.interop.layers import Layer
from throughtime.interop.model import ImportedModel
from throughtime.interop.pytorch.build import CELLS, ORDER
from throughtime.interop.pytorch.source import Tensors
from throughtime.recurrence import Recurrence

_HEAD = '''"""A model that throughtime wrote as a module of PyTorch; its weights lie in {weights!r} beside it.

    model = load()                         in evaluation mode
    y, states = model({inputs})
    y, states = model({inputs}, states)    goes on from there

{shapes}
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


class Model(nn.Module):
    def __init__(self):
        super().__init__()
{modules}

    def forward(self, {inputs}, states=None):
        states = [None] * {count} if states is None else states
{steps}


def load(file=Path(__file__).with_name({weights!r})):
    model = Model(){double}
    {read}
    return model.eval()
'''
_READ = {
    ".pt": 'model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))',
    ".safetensors": "from safetensors.torch import load_file\n\n    model.load_state_dict(load_file(file))",
}


@dataclass
class Code:
    """What has been written so far. modules, steps: lines; tensors: the state_dict; states: those that are carried."""

    modules: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    tensors: Tensors = field(default_factory=dict)
    states: int = 0

    def module(self, name: str, code: str, tensors: Tensors) -> str:
        """A submodule; how the code calls it."""
        from torch import nn

        own = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_")[:40].lower()
        if not own[:1].isalpha() or keyword.iskeyword(own) or hasattr(nn.Module(), own):
            own = f"layer_{own}".rstrip("_")
        if any(line.startswith(f"self.{own} =") for line in self.modules):
            own = f"{own}_{len(self.modules)}"
        self.modules.append(f"self.{own} = {code}")
        self.tensors |= {f"{own}.{key}": value for key, value in tensors.items()}
        return f"self.{own}"


def module_of(model: ImportedModel, weights: str) -> tuple[str, Tensors]:
    """The source of the module, and its state_dict. weights: the name of the file that will hold that. UserError names
    what PyTorch has no module for."""
    graph, code = model.graph, Code()
    for layer, name in zip(graph.layers, graph.names, strict=True):
        if isinstance(layer, kinds.Masking) or (isinstance(layer, kinds.Embedding) and layer.mask_zero):
            raise UserError(
                f"{name}: it leaves steps out by their values, which no module of PyTorch does; export onnx"
            )
    values: list[list[str]] = []
    calls: dict[int, Callable[[Sequence[str], int], list[str]]] = {}
    inputs: list[str] = []
    shapes: list[str] = []
    for number, node in enumerate(graph.nodes):
        layer, name = graph.layers[node.layer], graph.names[node.layer]
        if isinstance(layer, kinds.Input):
            inputs.append(f"x{len(inputs)}")
            sizes = ", ".join(["batch", *("any" if n is None else str(n) for n in layer.shape)])
            shapes.append(f"{inputs[-1]}: ({sizes}), {'numbers of rows' if layer.tokens else model.dtype}.")
            values.append([inputs[-1]])
            continue
        if node.layer not in calls:
            calls[node.layer] = _layer(code, layer, model.layer_weights(node.layer), name)
        values.append(calls[node.layer]([values[n][v] for n, v in node.inputs], number))
    outputs = [values[n][v] for n, v in graph.outputs]
    result = outputs[0] if len(outputs) == 1 else f"({', '.join(outputs)})"
    after = ", ".join(f"s{k}" for k in range(code.states))
    code.steps.append(f"return {result}, [{after}]")
    text = _HEAD.format(
        weights=weights,
        inputs=", ".join(inputs),
        shapes="\n".join(shapes),
        modules="\n".join(" " * 8 + line for line in code.modules) or " " * 8 + "pass",
        steps="\n".join(" " * 8 + line for line in code.steps),
        count=code.states,
        double=".double()" if model.dtype == "float64" else "",
        read=_READ[".safetensors" if weights.endswith(".safetensors") else ".pt"],
    )
    return text, code.tensors


Call = Callable[[Sequence[str], int], list[str]]
"""From the names of a layer's inputs and the number of its node to the names of its values, in code."""


def _simple(code: Code, make_line: Callable[[str], str]) -> Call:
    """A layer of one value and no state. make_line: the expression, of a name."""

    def call(inputs: Sequence[str], number: int) -> list[str]:
        code.steps.append(f"v{number} = {make_line(inputs[0])}")
        return [f"v{number}"]

    return call


def _layer(code: Code, layer: Layer, weights: Tensors, name: str) -> Call:
    if isinstance(layer, kinds.Recurrent):
        return _recurrent(code, layer, weights, name)
    if isinstance(layer, kinds.Bidirectional):
        return _bidirectional(code, layer, weights, name)
    if isinstance(layer, kinds.Merge):
        return lambda inputs, number: [_set(code, number, merge(layer.how, inputs, name, layer.axis))]
    if isinstance(layer, kinds.Embedding):
        own = code.module(name, f"nn.Embedding({layer.rows}, {layer.width})", {"weight": weights["table"]})
        return _simple(code, lambda x: f"{own}({x}.long())")
    inner = layer.layer if isinstance(layer, kinds.TimeDistributed) else layer
    if isinstance(layer, kinds.TimeDistributed) and not isinstance(
        inner, kinds.Dense | kinds.LayerNorm | kinds.Identity
    ):
        raise UserError(f"{name}: a {inner.kind} at every step is not known in PyTorch here")
    return _simple(code, _expression(code, inner, weights, name))


def _set(code: Code, number: int, expression: str) -> str:
    code.steps.append(f"v{number} = {expression}")
    return f"v{number}"


def _expression(code: Code, layer: Layer, weights: Tensors, name: str) -> Callable[[str], str]:
    if isinstance(layer, kinds.Dense):
        tensors = {"weight": weights["W"]} | ({"bias": weights["b"]} if layer.bias else {})
        own = code.module(name, f"nn.Linear({layer.inputs}, {layer.units}, bias={layer.bias})", tensors)
        apply = function(layer.f, name)
        return lambda x: apply(f"{own}({x})")
    if isinstance(layer, kinds.Activation) and not layer.trained:
        return function(layer.f, name)
    if isinstance(layer, kinds.LayerNorm):
        tensors = {"weight": weights["gain"], "bias": weights["bias"]}
        own = code.module(name, f"nn.LayerNorm({layer.size}, eps={layer.epsilon!r})", tensors)
        return lambda x: f"{own}({x})"
    if isinstance(layer, kinds.BatchNorm) and layer.axis == -1:
        tensors = {"weight": weights["gain"], "bias": weights["bias"], "running_mean": weights["mean"]}
        tensors |= {"running_var": weights["variance"], "num_batches_tracked": np.array(0)}
        own = code.module(name, f"nn.BatchNorm1d({layer.size}, eps={layer.epsilon!r})", tensors)
        return lambda x: f"{own}({x}.movedim(-1, 1)).movedim(1, -1)"
    if isinstance(layer, kinds.Pool):
        kept = f", keepdim={layer.kept}"
        return lambda x: f"{x}.{'amax' if layer.how == 'max' else 'mean'}(1{kept})"
    if isinstance(layer, kinds.Reshape):
        return lambda x: f"{x}.reshape({x}.shape[0], {', '.join(map(str, layer.shape))})"
    if isinstance(layer, kinds.Permute):
        return lambda x: f"{x}.permute(0, {', '.join(map(str, layer.order))})"
    if isinstance(layer, kinds.Repeat):
        return lambda x: f"{x}.unsqueeze(1).repeat_interleave({layer.steps}, 1)"
    if isinstance(layer, kinds.Flatten | kinds.Last | kinds.Identity):
        return {"flatten": "{0}.flatten(1)", "last": "{0}[:, -1]", "identity": "{0}"}[layer.kind].format
    raise UserError(f"{name}: a {layer.kind} layer is not known in PyTorch here; take it out, or export onnx")


_PLAIN = {
    "tanh": "torch.tanh({0})",
    "sigmoid": "torch.sigmoid({0})",
    "softplus": "F.softplus({0})",
    "softsign": "F.softsign({0})",
    "selu": "F.selu({0})",
    "exponential": "torch.exp({0})",
    "silu": "F.silu({0})",
    "hard_silu": "F.hardswish({0})",
    "mish": "F.mish({0})",
    "log_sigmoid": "F.logsigmoid({0})",
    "absolute": "{0}.abs()",
    "identity": "{0}",
}
_WITH = {
    "elu": "F.elu({0}, {1!r})",
    "celu": "F.celu({0}, {1!r})",
    "hard_tanh": "{0}.clamp({1!r}, {2!r})",
    "hard_sigmoid": "({0} * {1!r} + {2!r}).clamp(0, 1)",
    "affine": "({0} * {1!r} + {2!r})",
    "thresholded": "F.threshold({0}, {1!r}, 0.0)",
}


def function(f: Function, name: str) -> Callable[[str], str]:
    """The code of a function of what another code gives."""
    a = f.arguments
    if f.name in _PLAIN:
        return _PLAIN[f.name].format
    if f.name in _WITH:
        return lambda x: _WITH[f.name].format(x, *a)
    if f.name == "relu" and a[2] == 0 and (a[1] < 0 or a[0] == 0):
        if a[1] >= 0:
            return lambda x: f"{x}.clamp(0, {a[1]!r})"
        return lambda x: f"F.leaky_relu({x}, {a[0]!r})" if a[0] else f"F.relu({x})"
    if f.name == "gelu":
        return lambda x: f"F.gelu({x}, approximate={'tanh' if a[0] else 'none'!r})"
    if f.name in ("softmax", "log_softmax"):
        return lambda x: f"F.{f.name}({x}, {int(a[0])})"
    raise UserError(f"{name}: the function {f.name} is not known in PyTorch here; choose another activation")


def merge(how: str, inputs: Sequence[str], name: str, axis: int = -1) -> str:
    """The code of several values as one."""
    if how == "concat":
        return f"torch.cat([{', '.join(inputs)}], {axis})"
    signs = {"sum": " + ", "ave": " + ", "mul": " * ", "sub": " - "}
    if how in signs:
        found = signs[how].join(inputs)
        return f"({found}) / {len(inputs)}" if how == "ave" else found
    if how in ("max", "min"):
        found = inputs[0]
        for one in inputs[1:]:
            found = f"torch.{how}imum({found}, {one})"
        return found
    raise UserError(f"{name}: merging by {how} is not known in PyTorch here")


def kind_of(cell: Recurrence, name: str) -> str:
    """Which of PyTorch's modules a recurrence is; UserError where it is none."""
    for kind in ORDER:
        if cell.trace == (make("rnn", f=kind[4:]) if kind.startswith("rnn_") else make(CELLS[kind])).trace():
            return kind
    if cell.trace == make("projected_lstm").trace():
        return "lstm"
    raise UserError(
        f"{name}: its cell is none of torch.nn.RNN (tanh, relu), LSTM and GRU (reset after the product); "
        "export onnx, which has every cell"
    )


def stacked(cell: Recurrence, kind: str, weights: Tensors, end: str) -> Tensors:
    """The arrays of a recurrence as PyTorch stacks them. end: "_l0", or "_l0_reverse"."""

    def rows(*names: str) -> np.ndarray:
        return np.concatenate([weights[n] for n in names])

    order = ORDER[kind]
    found = {f"weight_ih{end}": rows(*(f"W_x{g}" for g in order)), f"weight_hh{end}": rows(*(f"W_h{g}" for g in order))}
    if kind == "gru":
        return found | {f"bias_{a}h{end}": rows(*(f"b_{b}{g}" for g in order)) for a, b in (("i", "x"), ("h", "h"))}
    bias = rows(*(f"b_{g}" for g in order))
    found |= {f"bias_ih{end}": bias, f"bias_hh{end}": np.zeros_like(bias)}
    return found | ({f"weight_hr{end}": weights["W_hr"]} if "W_hr" in weights else {})


def _own(weights: Tensors, start: str) -> Tensors:
    return {key.removeprefix(start): value for key, value in weights.items() if key.startswith(start)}


def _constructor(cell: Recurrence, kind: str, both: bool = False) -> str:
    options = ["batch_first=True"] + (["bidirectional=True"] if both else [])
    if "P" in cell.trace.symbols:
        options.append(f"proj_size={cell.sizes['P']}")
    if kind == "rnn_relu":
        options.append('nonlinearity="relu"')
    cls = "RNN" if kind.startswith("rnn_") else kind.upper()
    return f"nn.{cls}({cell.input_size}, {cell.sizes['H']}, {', '.join(options)})"


def _recurrent(code: Code, layer: kinds.Recurrent, weights: Tensors, name: str) -> Call:
    if layer.time_major:
        raise UserError(f"{name}: a layer whose first axis is time is not known in PyTorch here")
    which = [kind_of(cell, name) for cell in layer.cells]
    modules = []
    for j, (cell, kind) in enumerate(zip(layer.cells, which, strict=True)):
        own = name if len(layer.cells) == 1 else f"{name}_{j}"
        modules.append(code.module(own, _constructor(cell, kind), stacked(cell, kind, _own(weights, f"{j}."), "_l0")))

    def call(inputs: Sequence[str], number: int) -> list[str]:
        given = {(j, k): one for (j, k, *_), one in zip(layer.state_names, inputs[1:], strict=False)}
        here = f"{inputs[0]}.flip(1)" if layer.back else inputs[0]
        ends: dict[tuple[int, int], str] = {}
        for j, (module, kind) in enumerate(zip(modules, which, strict=True)):
            state, start = f"s{code.states}", f"states[{code.states}]"
            code.states += 1
            if given:
                both = [f"{given[j, k]}.unsqueeze(0)" for k in range(2 if kind == "lstm" else 1)]
                start = f"({', '.join(both)})" if kind == "lstm" else both[0]
            code.steps.append(f"v{number}_{j}, {state} = {module}({here}, {start})")
            here = f"v{number}_{j}"
            ends |= {(j, k): f"{state}[{k}][0]" if kind == "lstm" else f"{state}[0]" for k in range(2)}
        if not layer.sequences:
            here = f"{here}[:, -1]"
        elif layer.back and not layer.turned:
            here = f"{here}.flip(1)"
        return [_set(code, number, here), *(ends[j, k] for j, k, *_ in layer.state_names if layer.states)]

    return call


def _bidirectional(code: Code, layer: kinds.Bidirectional, weights: Tensors, name: str) -> Call:
    ahead, back = layer.ahead, layer.back
    cells, (first, second) = (*ahead.cells, *back.cells), (ahead.cells[0], back.cells[0])
    kind = kind_of(first, name)
    usual = not ahead.back and back.back and not back.turned and ahead.sequences == back.sequences
    same = len(cells) == 2 and kind_of(second, name) == kind and first.sizes == second.sizes
    if not usual or not same or ahead.states != back.states or ahead.time_major or back.time_major:
        raise UserError(f"{name}: its two directions are no module of PyTorch; they differ by more than their weights")
    tensors = stacked(first, kind, _own(weights, "ahead.0."), "_l0")
    tensors |= stacked(second, kind, _own(weights, "back.0."), "_l0_reverse")
    module = code.module(name, _constructor(first, kind, both=True), tensors)
    size, lstm = first.output_size, kind == "lstm"

    def call(inputs: Sequence[str], number: int) -> list[str]:
        state, start, given = f"s{code.states}", f"states[{code.states}]", inputs[1:]
        code.states += 1
        if given:
            n = len(given) // 2
            pairs = [f"torch.stack([{given[k]}, {given[n + k]}])" for k in range(n)]
            start = f"({', '.join(pairs)})" if lstm else pairs[0]
        code.steps.append(f"w{number}, {state} = {module}({inputs[0]}, {start})")
        parts = (
            (f"[:, :, :{size}]", f"[:, :, {size}:]") if ahead.sequences else (f"[:, -1, :{size}]", f"[:, 0, {size}:]")
        )
        a, b = (f"w{number}{part}" for part in parts)
        states = [f"{state}[{k}][{d}]" if lstm else f"{state}[{d}]" for d in (0, 1) for k in range(1 + lstm)]
        states = states if ahead.states else []
        if layer.merge == "none":
            return [a, b, *states]
        return [_set(code, number, merge(layer.merge, [a, b], name)), *states]

    return call
