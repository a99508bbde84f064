"""A state_dict and its description as a model of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from throughtime.cells import make
from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.layers import Layer
from throughtime.interop.model import Graph, ImportedModel, Node
from throughtime.interop.pytorch.describe import FUNCTIONS, GATES, Step, layer_count
from throughtime.interop.pytorch.source import StateDict, Tensors
from throughtime.recurrence import Recurrence

ORDER = {"lstm": "ifco", "gru": "rzn", "rnn_tanh": "h", "rnn_relu": "h"}
"""The gates in the order in which PyTorch stacks them (torch.nn.LSTM, GRU, RNN), by the names of the house."""

CELLS = {"lstm": "lstm", "gru": "gru_reset_after", "rnn_tanh": "rnn", "rnn_relu": "rnn"}


@dataclass
class Builder:
    """What has been made so far. tensors: of the file; used: the names of those that a step has. sequence: whether what
    comes out is still a sequence; width: its values at a step, 0 where it is not known. parts: the arrays of each
    recurrent layer as the file has them, by the layer's name and direction."""

    who: str
    tensors: Tensors
    names: list[str] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    weights: Tensors = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    parts: dict[str, list[Tensors]] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    sequence: bool = True
    width: int = 0

    def take(self, name: str, *shape: int | None) -> np.ndarray:
        """An array of a name and a shape, None for a free size."""
        if name not in self.tensors:
            there = ", ".join(list(self.tensors)[:12])
            raise UserError(f"{self.who}: there is no {name} in the state_dict; it holds {there}")
        value = self.tensors[name]
        if len(value.shape) != len(shape) or any(w not in (None, h) for w, h in zip(shape, value.shape, strict=True)):
            wanted = ", ".join("any" if n is None else str(n) for n in shape)
            raise UserError(
                f"{self.who}: {name} is {value.shape}, expected ({wanted}); the description is of another model"
            )
        self.used.add(name)
        return value

    def add(self, name: str, layer: Layer, weights: Tensors, step: Step) -> None:
        """One more layer, of a name that is not yet taken."""
        own, count = name, 1
        while own in self.names:
            count += 1
            own = f"{name}_{count}"
        self.names.append(own)
        self.steps[own] = step
        number = len(self.layers)
        self.layers.append(layer)
        self.weights |= {f"{number}.{key}": value for key, value in weights.items()}


def build(path: Path, state: StateDict, steps: Sequence[Step]) -> tuple[ImportedModel, Builder]:
    """The model, and what it was built of; UserError where description and arrays do not fit, or arrays are left."""
    made = Builder(str(path), state.tensors)
    if not steps:
        raise UserError(f"{path}: the description has no steps")
    for step in steps:
        if not made.layers:
            _begin(made, step)
        _add(made, step)
    left = [name for name in state.tensors if name not in made.used]
    if left:
        raise UserError(
            f"{path}: {len(left)} arrays belong to no step of the description, {', '.join(left[:5])}; describe them, "
            "or save the model without them"
        )
    nodes = tuple(Node(n, ((n - 1, 0),) if n else ()) for n in range(len(made.layers)))
    graph = Graph(tuple(made.names), tuple(made.layers), nodes, ((len(made.layers) - 1, 0),))
    return ImportedModel(graph, made.weights, {"format": "PyTorch", "left": state.left}), made


def _begin(made: Builder, step: Step) -> None:
    if step.kind == "embedding":
        made.names.append("tokens")
        made.layers.append(kinds.Input((None,), True))
        return
    if step.kind in GATES:
        suffix = "" if layer_count(step, made.tensors) == 0 else "_l0"
        made.width = made.take(f"{step.prefix}weight_ih{suffix}", None, None).shape[1]
    elif step.kind == "linear":
        made.width = made.take(f"{step.prefix}weight", None, None).shape[1]
    elif step.kind == "layer_norm":
        made.width = made.take(f"{step.prefix}weight", None).shape[0]
    else:
        raise UserError(f"{made.who}: expected an embedding, a recurrent or a linear module first, got {step.kind}")
    made.names.append("x")
    made.layers.append(kinds.Input((None, made.width)))


def _add(made: Builder, step: Step) -> None:
    if step.kind in GATES:
        _recurrent(made, step)
    elif step.kind == "embedding":
        table = made.take(f"{step.prefix}weight", None, None)
        if len(made.layers) != 1:
            raise UserError(f"{made.who}: an embedding stands first, it is given {made.names[-1]}")
        made.width = table.shape[1]
        made.add(step.name or step.kind, kinds.Embedding(*table.shape), {"table": table}, step)
    elif step.kind == "linear":
        weight = made.take(f"{step.prefix}weight", None, made.width)
        weights = {"W": weight}
        if f"{step.prefix}bias" in made.tensors:
            weights["b"] = made.take(f"{step.prefix}bias", len(weight))
        made.add(step.name or step.kind, kinds.Dense(made.width, len(weight), "b" in weights), weights, step)
        made.width = len(weight)
    elif step.kind in ("layer_norm", "batch_norm"):
        _norm(made, step)
    elif step.kind in FUNCTIONS:
        made.add(step.kind, kinds.Activation(step.function), {}, step)
    elif step.kind != "dropout":
        _pick(made, step)


def _norm(made: Builder, step: Step) -> None:
    size = made.width
    weights = {"gain": made.take(f"{step.prefix}weight", size), "bias": made.take(f"{step.prefix}bias", size)}
    layer: Layer = kinds.LayerNorm(size, step.numbers[0])
    if step.kind == "batch_norm":
        if made.sequence:
            raise UserError(
                f"{made.who}: batch_norm of a sequence is not known here; only behind last, final, mean, max"
            )
        weights["mean"] = made.take(f"{step.prefix}running_mean", size)
        weights["variance"] = made.take(f"{step.prefix}running_var", size)
        layer = kinds.BatchNorm(size, -1, step.numbers[0])
    made.add(step.name or step.kind, layer, weights, step)


def _pick(made: Builder, step: Step) -> None:
    """What becomes of a sequence: one vector."""
    if not made.sequence:
        raise UserError(f"{made.who}: {step.kind} needs a sequence, but there is none after {made.names[-1]}")
    made.sequence = False
    below = made.layers[-1]
    if step.kind in ("mean", "max"):
        made.add(step.kind, kinds.Pool("ave" if step.kind == "mean" else "max"), {}, step)
    elif isinstance(below, kinds.Recurrent):
        made.layers[-1] = below.replaced(sequences=False)
    elif step.kind == "last":
        made.add("last", kinds.Last(), {}, step)
    elif isinstance(below, kinds.Bidirectional):
        both = (one.replaced(sequences=False) for one in (below.ahead, below.back))
        made.layers[-1] = kinds.Bidirectional(*both)
    else:
        raise UserError(f"{made.who}: final stands behind a recurrent module, not behind {made.names[-1]}")


def _recurrent(made: Builder, step: Step) -> None:
    if not made.sequence:
        raise UserError(f"{made.who}: {step.name or step.kind} needs a sequence, but there is none before it")
    count = layer_count(step, made.tensors)
    for k in range(max(count, 1)):
        suffix = f"_l{k}" if count else ""
        both = f"{step.prefix}weight_ih{suffix}_reverse" in made.tensors
        made_layers: list[kinds.Recurrent] = []
        weights: Tensors = {}
        parts: list[Tensors] = []
        for way, end in (("ahead.", ""), ("back.", "_reverse"))[: 1 + both]:
            part = _part(made, step, suffix + end)
            cell, own = _cell(step.kind, part)
            parts.append(part)
            made_layers.append(kinds.Recurrent(cells=(cell,), back=bool(end), sequences=True))
            weights |= {f"{way if both else ''}0.{name}": value for name, value in own.items()}
        name = step.name or step.kind
        name = f"{name}.l{k}" if count > 1 else name
        layer: Layer = made_layers[0] if not both else kinds.Bidirectional(made_layers[0], made_layers[1])
        made.add(name, layer, weights, step)
        made.parts[made.names[-1]] = parts
        made.width = made_layers[0].size * (1 + both)


def _part(made: Builder, step: Step, suffix: str) -> Tensors:
    """The arrays of one layer and direction: weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, those there are."""
    gates, start = GATES[step.kind], step.prefix
    recurrent = made.take(f"{start}weight_hh{suffix}", None, None)
    rows, out = recurrent.shape
    size = rows // gates
    projected = f"{start}weight_hr{suffix}" in made.tensors
    if size * gates != rows or not size or (size != out and not projected) or (projected and step.kind != "lstm"):
        raise UserError(f"{made.who}: {start}weight_hh{suffix} is {recurrent.shape}, which is no {step.kind}")
    found = {"weight_ih": made.take(f"{start}weight_ih{suffix}", rows, made.width), "weight_hh": recurrent}
    if projected:
        found["weight_hr"] = made.take(f"{start}weight_hr{suffix}", out, size)
    if f"{start}bias_ih{suffix}" in made.tensors or f"{start}bias_hh{suffix}" in made.tensors:
        found |= {name: made.take(f"{start}{name}{suffix}", rows) for name in ("bias_ih", "bias_hh")}
    return found


def _cell(kind: str, part: Tensors) -> tuple[Recurrence, Tensors]:
    """A layer and direction as a recurrence and its parameters."""
    order = ORDER[kind]
    rows, out = part["weight_hh"].shape
    size = rows // len(order)
    projected = "weight_hr" in part
    cell = make("rnn", f=kind[4:]) if order == "h" else make("projected_lstm" if projected else CELLS[kind])
    zeros = np.zeros(rows, part["weight_hh"].dtype)
    first, second = part.get("bias_ih", zeros), part.get("bias_hh", zeros)
    weights: Tensors = {}
    for g, gate in enumerate(order):
        own = slice(g * size, (g + 1) * size)
        weights |= {f"W_x{gate}": part["weight_ih"][own], f"W_h{gate}": part["weight_hh"][own]}
        if kind == "gru":
            weights |= {f"b_x{gate}": first[own], f"b_h{gate}": second[own]}
        else:
            weights[f"b_{gate}"] = first[own] + second[own]
    sizes = {"I": int(part["weight_ih"].shape[1]), "H": size}
    if projected:
        weights["W_hr"] = part["weight_hr"]
        sizes["P"] = int(out)
    return Recurrence(cell.trace(), sizes), {name: np.ascontiguousarray(value) for name, value in weights.items()}
