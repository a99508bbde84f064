"""Keras's layers as Keras defines them, from a file's own arrays in float64: what a conversion is held against.

Nothing here is shared with the conversion: gates are taken where Keras keeps them, step by step, one after the other.
Source: keras/layers/recurrent.py of Keras 1 and 2, keras/src/layers/rnn of Keras 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from throughtime.interop.keras.config import LayerConfig
from throughtime.interop.run import Value

Arrays = Sequence[np.ndarray]
Array = np.ndarray

KNOWN: tuple[str, ...] = (
    "SimpleRNN",
    "LSTM",
    "GRU",
    "CuDNNLSTM",
    "CuDNNGRU",
    "RNN",
    "Bidirectional",
    "Dense",
    "Embedding",
    "Masking",
)
KNOWN += ("TimeDistributedDense", "BatchNormalization")
"""The layers defined here; the others move values or are functions of one value."""


Function = Callable[[Array], Array]


def _softmax(x: Array) -> Array:
    raised = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True))


_FUNCTIONS: dict[str, Function] = {
    "softmax": _softmax,
    "sigmoid": lambda x: np.asarray(1 / (1 + np.exp(-x))),
    "tanh": np.tanh,
    "linear": np.asarray,
    "relu": lambda x: x * (x > 0),
    "softsign": lambda x: x / (1 + abs(x)),
}


def _function(layer: LayerConfig, keys: Sequence[str], otherwise: str) -> Function:
    """The function of a layer: a plain one of Keras as written down here, another one as the conversion has it."""
    name = layer.get(*keys, otherwise=otherwise)
    if name == "hard_sigmoid":
        slope, part = (1.0, 6.0) if layer.writer.major == 3 else (0.2, 1.0)
        return lambda x: np.clip(x * slope / part + 0.5, 0, 1)
    plain = _FUNCTIONS.get("linear" if name is None else name) if isinstance(name, str | None) else None
    return plain or layer.activation(*keys)


def _gates_of(layer: LayerConfig) -> str:
    """The gate function of a layer whose config does not say it."""
    old = layer.writer.version and layer.writer.version < (2, 3)
    return "hard_sigmoid" if old and not layer.cls.startswith("CuDNN") else "sigmoid"


class _Step:
    """One step of a layer: states in, output and states out."""

    def __init__(self, layer: LayerConfig, arrays: Arrays) -> None:
        self.layer, self.kind = layer, layer.cls.removeprefix("CuDNN").removesuffix("Cell")
        self.size = int(layer.get("units", "output_dim"))
        if layer.cls.startswith("CuDNN"):
            self._f, self._g = _FUNCTIONS["tanh"], _FUNCTIONS["sigmoid"]
        else:
            self._f = _function(layer, ["activation"], "tanh")
            self._g = _function(layer, ["recurrent_activation", "inner_activation"], _gates_of(layer))
        wide = [np.asarray(a, np.float64) for a in arrays]
        n = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}[self.kind]
        if n > 1 and len(wide) == 3 * n:  # Keras 1: W, U, b of each gate; LSTM: i, c, f, o
            self.w, self.u, self.b = wide[0::3], wide[1::3], [[b] for b in wide[2::3]]
            if self.kind == "LSTM":
                for one in (self.w, self.u, self.b):
                    several: list[Any] = one
                    several[1], several[2] = several[2], several[1]
            return
        h = self.size

        def of(a: Array, k: int) -> Array:
            return a[..., k * h : (k + 1) * h]

        self.w, self.u = [of(wide[0], k) for k in range(n)], [of(wide[1], k) for k in range(n)]
        bias = wide[2] if len(wide) > 2 else np.zeros(n * h)
        if bias.shape == (2 * n * h,):  # cuDNN's: matrices lie transposed in memory, two biases
            rows = wide[0].shape[0]
            self.w = [one.reshape(-1).reshape(h, rows).T for one in self.w]
            self.u = [one.T for one in self.u]
            bias = bias.reshape(2, n * h)
        self.b = [[of(row, k) for row in np.atleast_2d(bias)] for k in range(n)]

    @property
    def states(self) -> int:
        return 2 if self.kind == "LSTM" else 1

    def inputs(self, x: Array) -> list[Array]:
        """What each gate adds of x, at one step or at all of them."""
        return [x @ one for one in self.w]

    def __call__(self, x: Sequence[Array], states: Sequence[Array]) -> tuple[Array, list[Array]]:
        """Its output and states. x: what each gate adds of the input."""
        h, u, b = states[0], self.u, self.b
        if self.kind == "SimpleRNN":
            h = self._f(x[0] + h @ u[0] + sum(b[0]))
            return h, [h]
        if self.kind == "LSTM":
            i, f, o = (self._g(x[k] + h @ u[k] + sum(b[k])) for k in (0, 1, 3))
            c = f * states[1] + i * self._f(x[2] + h @ u[2] + sum(b[2]))
            h = o * self._f(c)
            return h, [h, c]
        z, r = (self._g(x[k] + h @ u[k] + sum(b[k])) for k in (0, 1))
        after = self.layer.cls == "CuDNNGRU" or self.layer.get("reset_after", otherwise=len(b[2]) == 2)
        if after:
            inside, outside = b[2] if len(b[2]) == 2 else (b[2][0], np.zeros_like(b[2][0]))
            n = self._f(x[2] + inside + r * (h @ u[2] + outside))
        else:
            n = self._f(x[2] + (r * h) @ u[2] + sum(b[2]))
        h = z * h + (1 - z) * n
        return h, [h]


def _steps(layer: LayerConfig, arrays: Arrays) -> list[_Step]:
    if layer.cls != "RNN":
        return [_Step(layer, arrays)]
    from throughtime.interop.keras.weights import cells_of

    left, found = list(arrays), []
    cells = cells_of(layer)
    for cell in cells:
        count = len(left) if len(cells) == 1 else 3 if cell.get("use_bias", otherwise=True) else 2
        found.append(_Step(cell, left[:count]))
        left = left[count:]
    return found


def recurrent(
    layer: LayerConfig,
    arrays: Arrays,
    x: Array,
    mask: Array | None,
    initial: Sequence[Array] | None,
    turned: bool = False,
    zero: bool | None = None,
) -> tuple[Array, list[Array]]:
    """Outputs (B, T, S) in the order in which they are computed, and the last states. turned: read from the end, beside
    what the layer itself says."""
    steps = _steps(layer, arrays)
    back = bool(layer.get("go_backwards", otherwise=False)) != turned
    zero = bool(layer.get("zero_output_for_mask", otherwise=False)) if zero is None else zero
    if back:
        x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
    if initial is None:
        initial = [np.zeros((len(x), one.size)) for one in steps for _ in range(one.states)]
    states = list(initial)
    shown = np.zeros((len(x), steps[-1].size))
    if mask is not None and _shows_state(layer):
        shown = states[0]
    outputs, added = [], steps[0].inputs(x)
    for t in range(x.shape[1]):
        here, after, first = shown, [], 0
        for one in steps:
            given = one.inputs(here) if first else [gate[:, t] for gate in added]
            here, own = one(given, states[first : first + one.states])
            first += one.states
            after += own
        if mask is None:
            shown, states = here, after
        else:
            held = mask[:, t, None]
            shown = np.where(held, here, shown)
            states = [np.where(held, new, old) for new, old in zip(after, states, strict=True)]
        outputs.append(np.where(mask[:, t, None], shown, 0) if zero and mask is not None else shown)
    return np.stack(outputs, 1), states


def _shows_state(layer: LayerConfig) -> bool:
    """Whether what is masked at the start shows the state, as Keras 2 before 2.3 did on TensorFlow."""
    writer = layer.writer
    old = (2, 0, 0) <= writer.version < (2, 3, 0) and not writer.text.endswith("-tf")
    return old and writer.backend == "tensorflow" and not layer.get("unroll", otherwise=False)


def _bidirectional(layer: LayerConfig, arrays: Arrays, values: Sequence[Value]) -> list[Value]:
    x, mask = values[0]
    inner, half = layer.inner(), len(arrays) // 2
    states = [one.array for one in values[1:]]
    sequences, forced = bool(inner.get("return_sequences")), None
    if layer.writer.text.endswith("-tf") or (2, 4) <= layer.writer.version < (3,):
        forced = sequences
    each = []
    own_back = layer.get("backward_layer")
    for k, turned in enumerate((False, True)):
        one = layer.inner("backward_layer") if turned and isinstance(own_back, dict) else inner
        given = states[k * len(states) // 2 : (k + 1) * len(states) // 2] or None
        flip = turned and one is inner
        each.append(recurrent(one, arrays[k * half : (k + 1) * half], x, mask, given, flip, forced))
    (ahead, first), (back, second) = each
    a, b = (ahead, back[:, ::-1]) if sequences else (ahead[:, -1], back[:, -1])
    how = layer.get("merge_mode", otherwise="concat")
    merged = {"sum": a + b, "mul": a * b, "ave": (a + b) / 2, "concat": np.concatenate([a, b], -1)}
    kept = mask if sequences else None
    found = [Value(a, kept), Value(b, kept)] if how is None else [Value(merged[how], kept)]
    return found + ([Value(s) for s in first + second] if inner.get("return_state", otherwise=False) else [])


def evaluate(layer: LayerConfig, arrays: Arrays, values: Sequence[Value]) -> list[Value] | None:
    """What Keras makes of float64 inputs; None for a layer that is not defined here."""
    x, mask = values[0]
    if layer.cls not in KNOWN or layer.get("time_major", otherwise=False):
        return None
    if layer.get("cell") is not None and len(_steps(layer, arrays)) > 1 and len(values) > 1:
        return None
    if layer.cls == "Bidirectional":
        return _bidirectional(layer, arrays, values)
    if layer.cls in ("Dense", "TimeDistributedDense"):
        y = x @ np.asarray(arrays[0], np.float64)
        if layer.get("use_bias", "bias", otherwise=True):
            y = y + np.asarray(arrays[1], np.float64)
        return [Value(_function(layer, ["activation"], "linear")(y), mask)]
    if layer.cls == "Embedding":
        held = x != 0 if layer.get("mask_zero", otherwise=False) else mask
        return [Value(np.asarray(arrays[0][x.astype(np.int64)], np.float64), held)]
    if layer.cls == "Masking":
        held = ~np.all(x == np.float64(np.float32(layer.number("mask_value", otherwise=0.0))), -1)
        return [Value(np.where(held[..., None], x, 0), held)]
    if layer.cls == "BatchNormalization":
        return _norm(layer, arrays, x, mask)
    output, states = recurrent(layer, arrays, x, mask, [one.array for one in values[1:]] or None)
    sequences = bool(layer.get("return_sequences", otherwise=False))
    found = [Value(output if sequences else output[:, -1], mask if sequences else None)]
    return found + ([Value(one) for one in states] if layer.get("return_state", otherwise=False) else [])


def _norm(layer: LayerConfig, arrays: Arrays, x: Array, mask: Array | None) -> list[Value] | None:
    axis = layer.get("axis", otherwise=-1)
    if axis not in (-1, x.ndim - 1, [x.ndim - 1], [-1]):
        return None
    wide = [np.asarray(one, np.float64) for one in arrays]
    gamma = wide.pop(0) if layer.get("scale", otherwise=True) else 1.0
    beta = wide.pop(0) if layer.get("center", otherwise=True) else 0.0
    mean, variance = wide
    return [Value(gamma * (x - mean) / np.sqrt(variance + layer.number("epsilon", otherwise=1e-3)) + beta, mask)]
