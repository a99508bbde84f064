"""Each of our layers as a layer of Keras: its class, what its config says, and its arrays in Keras's order.

Only what Keras 2 and 3 both mean alike, or the one that the format belongs to; all else is refused by the layer's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.functions import Function
from throughtime.interop.keras.recurrent import SIGMOID, TANH, trace_of
from throughtime.interop.layers import Layer
from throughtime.options import Json
from throughtime.recurrence import Recurrence, Trace

Weights = dict[str, np.ndarray]

BOTH = {
    **{name: Function(name) for name in ("tanh", "sigmoid", "softplus", "softsign", "elu", "selu", "exponential")},
    **{name: Function(name) for name in ("softmax", "mish", "relu", "gelu")},
    "linear": Function("identity"),
    "swish": Function("silu"),
}
"""The functions that have the same name and meaning in Keras 2 and 3."""

ONLY_3 = {
    **{name: Function(name) for name in ("log_softmax", "log_sigmoid", "hard_tanh", "celu", "hard_silu")},
    "hard_sigmoid": Function("hard_sigmoid", (1 / 6, 0.5)),
    "leaky_relu": Function("relu", (0.2,)),
    "relu6": Function("relu", (0.0, 6.0)),
}
"""Those of Keras 3; hard_sigmoid has another slope in Keras 2."""


HARD = Function("hard_sigmoid")
"""Of Keras 1 and 2: 0.2 a + 0.5, which is Keras 3's a / 6 + 0.5 of 1.2 a."""


@dataclass
class Made:
    """A layer of Keras. cls, values: its class and its config without a name; parts: its arrays by their group, "" for
    its own, in Keras's order; left: what does not travel."""

    cls: str
    values: dict[str, Json]
    parts: dict[str, list[np.ndarray]] = field(default_factory=dict)
    left: str = ""

    @property
    def arrays(self) -> list[np.ndarray]:
        """All of them, in Keras's order."""
        return [one for each in self.parts.values() for one in each]


@dataclass(frozen=True)
class Writer:
    """How layers are written. modern: for Keras 3, or else as Keras 2 has them. masked: whether the model leaves steps
    out."""

    modern: bool
    masked: bool

    def function(self, f: Function, name: str) -> str:
        """Keras's name of a function; UserError where there is none that means the same."""
        known = BOTH | (ONLY_3 if self.modern else {})
        found = next((word for word, one in known.items() if one == f), None)
        if found is None:
            said = ", ".join(f"{a:g}" for a in f.arguments)
            raise UserError(
                f"{name}: Keras has no function that is {f.name}({said}) in this format; choose another, or export onnx"
            )
        return found

    def make(self, layer: Layer, weights: Weights, name: str) -> Made:
        """A layer; UserError where Keras has none that means the same."""
        if isinstance(layer, kinds.Recurrent):
            return self._recurrent(layer, weights, name)
        if isinstance(layer, kinds.Bidirectional):
            return self._bidirectional(layer, weights, name)
        if isinstance(layer, kinds.Merge):
            return self._merge(layer, name)
        if isinstance(layer, kinds.TimeDistributed):
            inner = self.make(layer.layer, weights, name)
            return Made("TimeDistributed", {"layer": self.inner(inner, f"{name}_inner")}, {"layer": inner.arrays})
        if isinstance(layer, kinds.Activation):
            return self._activation(layer, weights, name)
        if isinstance(layer, kinds.Dense):
            values: dict[str, Json] = {"units": layer.units, "activation": self.function(layer.f, name)}
            arrays = [weights["W"].T] + ([weights["b"]] if layer.bias else [])
            return Made("Dense", values | {"use_bias": layer.bias}, {"": arrays})
        maker = _PLAIN.get(layer.kind)
        if maker is None:
            raise UserError(f"{name}: a {layer.kind} layer is none of Keras's; take it out, or export onnx")
        return maker(layer, weights)

    def inner(self, made: Made, name: str) -> Json:
        """The config of a layer inside another, which Keras 3 finds by its module only."""
        config = {"name": name, "dtype": "float32", **made.values}
        return {"module": "keras.layers", "class_name": made.cls, "config": config, "registered_name": None}

    def _activation(self, layer: kinds.Activation, weights: Weights, name: str) -> Made:
        if layer.trained:
            return Made("PReLU", {"shared_axes": None}, {"": [weights["slope"]]})
        f, a = layer.f, layer.f.arguments
        slope = "negative_slope" if self.modern else "alpha"
        if f.name == "relu" and a[1] < 0 and not a[2] and a[0]:
            return Made("LeakyReLU", {slope: a[0]})
        if f.name == "relu":
            most = None if a[1] < 0 else a[1]
            return Made("ReLU", {"max_value": most, "negative_slope": a[0], "threshold": a[2]})
        if f.name == "elu":
            return Made("ELU", {"alpha": a[0]})
        if f.name == "softmax":
            return Made("Softmax", {"axis": int(a[0])})
        return Made("Activation", {"activation": self.function(f, name)})

    def _merge(self, layer: kinds.Merge, name: str) -> Made:
        if layer.how not in _MERGES or self.masked:
            raise UserError(f"{name}: merging by {layer.how}{' with masks' * self.masked} is not known in Keras here")
        return Made(_MERGES[layer.how], {"axis": layer.axis} if layer.how == "concat" else {})

    def _recurrent(self, layer: kinds.Recurrent, weights: Weights, name: str, inside: bool = False) -> Made:
        if len(layer.cells) != 1 or layer.time_major:
            raise UserError(f"{name}: several cells in one layer, or time first, are not known in Keras here")
        if layer.back and layer.sequences and not layer.turned and not inside:
            raise UserError(
                f"{name}: it reads from the end and answers in the order of time, which no layer of Keras does"
            )
        if self.masked and layer.begins:
            raise UserError(
                f"{name}: it shows its state for what is masked, as Keras before 2.3 did; no later one does"
            )
        (cell,) = layer.cells
        own = {key.removeprefix("0."): value for key, value in weights.items()}
        kind, f, g = cell_of(cell, name)
        values: dict[str, Json] = {"units": int(cell.sizes["H"]), "activation": self.function(f, name)}
        values |= {"use_bias": True, "return_sequences": layer.sequences, "return_state": layer.states}
        values |= {"go_backwards": layer.back, "stateful": False, "unroll": False}
        values["zero_output_for_mask"] = layer.zero and self.masked
        if self.modern and kind != "rnn" and g == HARD:
            own, g = _steeper(own), ONLY_3["hard_sigmoid"]
        if kind != "rnn":
            values["recurrent_activation"] = self.function(g, name)
        if kind.startswith("gru"):
            values["reset_after"] = kind == "gru_reset_after"
        cls = {"rnn": "SimpleRNN", "lstm": "LSTM"}.get(kind, "GRU")
        left = f"{name}: its state is kept by nobody between calls (stateful)" if layer.stateful else ""
        return Made(cls, values, {"cell": _arrays(kind, own, (f, g) == (TANH, SIGMOID))}, left)

    def _bidirectional(self, layer: kinds.Bidirectional, weights: Weights, name: str) -> Made:
        each = []
        for way, one in (("ahead.", layer.ahead), ("back.", layer.back)):
            own = {key.removeprefix(way): value for key, value in weights.items() if key.startswith(way)}
            if self.masked and one.zero != one.sequences:
                raise UserError(
                    f"{name}: it repeats its last output for what is masked, Keras's Bidirectional gives zeros"
                )
            each.append(self._recurrent(one, own, name, inside=True))
        if layer.ahead.back or not layer.back.back or layer.back.turned:
            raise UserError(f"{name}: expected a layer that reads ahead and one that reads from the end")
        merge = None if layer.merge == "none" else layer.merge
        values: dict[str, Json] = {"merge_mode": merge, "layer": self.inner(each[0], f"forward_{name}")}
        values["backward_layer"] = self.inner(each[1], f"backward_{name}")
        parts = {"forward_layer/cell": each[0].arrays, "backward_layer/cell": each[1].arrays}
        return Made("Bidirectional", values, parts, each[0].left)


def _steeper(weights: Weights) -> Weights:
    """A cell whose gates see 1.2 times what they saw; its candidate sees the same."""
    gates = re.compile(r"(?:W_[xh]|b_[xh]?)[ifozr]$")
    return {
        name: (value.astype(np.float64) * 1.2).astype(value.dtype) if gates.match(name) else value
        for name, value in weights.items()
    }


_MERGES = {
    "concat": "Concatenate",
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "min": "Minimum",
    "sub": "Subtract",
}


def _norm(layer: Any, weights: Weights) -> Made:
    parts = ["gain", "bias", "mean", "variance"] if layer.kind == "batch_norm" else ["gain", "bias"]
    cls = "BatchNormalization" if layer.kind == "batch_norm" else "LayerNormalization"
    axis = layer.axis if layer.kind == "batch_norm" else -1
    values: dict[str, Json] = {"axis": axis, "epsilon": layer.epsilon, "center": True, "scale": True}
    return Made(cls, values, {"": [weights[name] for name in parts]})


_PLAIN: dict[str, Callable[[Any, Weights], Made]] = {
    "embedding": lambda one, w: Made(
        "Embedding", {"input_dim": one.rows, "output_dim": one.width, "mask_zero": one.mask_zero}, {"": [w["table"]]}
    ),
    "masking": lambda one, _: Made("Masking", {"mask_value": one.value}),
    "batch_norm": _norm,
    "layer_norm": _norm,
    "identity": lambda one, _: Made("Dropout", {"rate": 0.0}),
    "reshape": lambda one, _: Made("Reshape", {"target_shape": list(one.shape)}),
    "flatten": lambda one, _: Made("Flatten", {"data_format": "channels_last"}),
    "permute": lambda one, _: Made("Permute", {"dims": list(one.order)}),
    "repeat": lambda one, _: Made("RepeatVector", {"n": one.steps}),
    "pool": lambda one, _: Made(
        "GlobalMaxPooling1D" if one.how == "max" else "GlobalAveragePooling1D",
        {"data_format": "channels_last", "keepdims": one.kept},
    ),
}


@lru_cache(maxsize=64)
def _named(trace: Trace, size: int) -> tuple[str, Function, Function] | None:
    """Which layer of Keras a traced step is, and its two functions; None for none."""
    names = set(trace.parameters)
    every = [TANH, *(one for one in (BOTH | ONLY_3).values() if one != TANH)]
    gates = [SIGMOID, Function("hard_sigmoid"), *(one for one in every if one != SIGMOID)]
    signs = {"rnn": "W_hh", "lstm": "W_xi", "gru": "b_z", "gru_reset_after": "b_hn"}
    for kind, sign in signs.items():
        if sign not in names or (kind == "rnn" and "W_xz" in names):
            continue
        for g in gates if kind != "rnn" else [SIGMOID]:
            for f in every:
                try:
                    found = trace_of(kind, f, g, size)
                except UserError:
                    continue
                if found == trace:
                    return kind, f, g
    return None


def cell_of(cell: Recurrence, name: str) -> tuple[str, Function, Function]:
    """Which layer of Keras a recurrence is; UserError where it is none."""
    found = _named(cell.trace, int(cell.sizes.get("H", 0)))
    if found is None:
        raise UserError(
            f"{name}: its cell is none of Keras's SimpleRNN, LSTM and GRU; export onnx, which has every cell"
        )
    return found


def _arrays(kind: str, weights: Weights, usual: bool) -> list[np.ndarray]:
    """Kernel, recurrent kernel and bias in Keras's order of gates. usual: whether the cell is the catalogue's own;
    its GRU has the complement of Keras's z (recurrent.py)."""
    order = {"rnn": "h", "lstm": "ifco", "gru": "zrh", "gru_reset_after": "zrn"}[kind]
    if kind == "gru" and usual:
        weights = weights | {name: -weights[name] for name in ("W_xz", "W_hz", "b_z")}
    found = [np.concatenate([weights[f"W_{a}{gate}"].T for gate in order], 1) for a in "xh"]
    if kind == "gru_reset_after":
        return [*found, np.stack([np.concatenate([weights[f"b_{a}{gate}"] for gate in order]) for a in "xh"])]
    return [*found, np.concatenate([weights[f"b_{gate}"] for gate in order])]
