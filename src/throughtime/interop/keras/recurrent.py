"""Keras's recurrent layers as recurrences of the house: gates told apart, biases where they belong, functions named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from throughtime.cells import make
from throughtime.interop.functions import Function
from throughtime.interop.keras.config import LayerConfig
from throughtime.recurrence import ACTIVATIONS, Cell, Matrix, Recurrence, Trace, Vector

Weights = dict[str, np.ndarray]

TANH, SIGMOID = Function("tanh"), Function("sigmoid")


class SimpleRNN(Cell):
    """A simple recurrent network with any function."""

    state = {"h": "H"}
    W_xh, W_hh, b_h = Matrix("H", "I"), Matrix("H", "H"), Vector("H")

    def __init__(self, f: Function, size: int) -> None:
        self.f, self.size = f, size

    def step(self, x: Any, h: Any) -> Any:
        return self.f.symbol(self.W_xh @ x + self.W_hh @ h + self.b_h, self.size)


class LSTM(Cell):
    """Long short-term memory with any functions: g of the gates, f of candidate and output."""

    state = {"h": "H", "c": "H"}
    W_xi = W_xf = W_xo = W_xc = Matrix("H", "I")
    W_hi = W_hf = W_ho = W_hc = Matrix("H", "H")
    b_i = b_f = b_o = b_c = Vector("H")

    def __init__(self, f: Function, g: Function, size: int) -> None:
        self.f, self.g, self.size = f, g, size

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = self.g.symbol(self.W_xi @ x + self.W_hi @ h + self.b_i, self.size)
        f = self.g.symbol(self.W_xf @ x + self.W_hf @ h + self.b_f, self.size)
        o = self.g.symbol(self.W_xo @ x + self.W_ho @ h + self.b_o, self.size)
        c = f * c + i * self.f.symbol(self.W_xc @ x + self.W_hc @ h + self.b_c, self.size)
        h = o * self.f.symbol(c, self.size)
        return self.State(h, c)


class GRU(Cell):
    """The gated recurrent unit that resets before the product, with any functions; z keeps the old state."""

    state = {"h": "H"}
    W_xz = W_xr = W_xh = Matrix("H", "I")
    W_hz = W_hr = W_hh = Matrix("H", "H")
    b_z = b_r = b_h = Vector("H")

    def __init__(self, f: Function, g: Function, size: int) -> None:
        self.f, self.g, self.size = f, g, size

    def step(self, x: Any, h: Any) -> Any:
        z = self.g.symbol(self.W_xz @ x + self.W_hz @ h + self.b_z, self.size)
        r = self.g.symbol(self.W_xr @ x + self.W_hr @ h + self.b_r, self.size)
        n = self.f.symbol(self.W_xh @ x + self.W_hh @ (r * h) + self.b_h, self.size)
        return z * h + (1 - z) * n


class GRUResetAfter(Cell):
    """The gated recurrent unit that resets after the product, with any functions."""

    state = {"h": "H"}
    W_xr = W_xz = W_xn = Matrix("H", "I")
    W_hr = W_hz = W_hn = Matrix("H", "H")
    b_xr = b_xz = b_xn = b_hr = b_hz = b_hn = Vector("H")

    def __init__(self, f: Function, g: Function, size: int) -> None:
        self.f, self.g, self.size = f, g, size

    def step(self, x: Any, h: Any) -> Any:
        z = self.g.symbol(self.W_xz @ x + self.b_xz + self.W_hz @ h + self.b_hz, self.size)
        r = self.g.symbol(self.W_xr @ x + self.b_xr + self.W_hr @ h + self.b_hr, self.size)
        n = self.f.symbol(self.W_xn @ x + self.b_xn + r * (self.W_hn @ h + self.b_hn), self.size)
        return (1 - z) * n + z * h


@lru_cache(maxsize=256)
def trace_of(kind: str, f: Function, g: Function, size: int) -> Trace:
    """The step of a layer: the catalogue's own where its functions are the usual ones. kind: "rnn", "lstm", "gru" or
    "gru_reset_after". UserError for a function that a recurrence cannot have."""
    if kind == "rnn":
        if f.name in ACTIVATIONS and f == Function(f.name):
            return make("rnn", f=f.name).trace()
        return SimpleRNN(f, size).trace()
    if f == TANH and g == SIGMOID:
        return make(kind).trace()
    cells: dict[str, type[Any]] = {"lstm": LSTM, "gru": GRU, "gru_reset_after": GRUResetAfter}
    trace: Trace = cells[kind](f, g, size if "softmax" in (f.name, g.name) else 0).trace()
    return trace


GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
_CELLS = {"SimpleRNNCell": "SimpleRNN", "LSTMCell": "LSTM", "GRUCell": "GRU"}


def family(layer: LayerConfig) -> str:
    """ "SimpleRNN", "LSTM" or "GRU"; UserError for another layer or cell."""
    name = _CELLS.get(layer.cls, layer.cls.removeprefix("CuDNN"))
    if name not in GATES:
        raise layer.error("its equation is none that is known here; known: SimpleRNN, LSTM, GRU")
    return name


def units(layer: LayerConfig) -> int:
    """H."""
    return layer.size("units", "output_dim")


def functions(layer: LayerConfig) -> tuple[Function, Function]:
    """f and g of a layer, its writer's own where the config says nothing."""
    if layer.cls.startswith("CuDNN"):
        return TANH, SIGMOID
    usual = None
    if layer.writer.version and layer.writer.major < 3:
        usual = "sigmoid" if layer.writer.version >= (2, 3) else "hard_sigmoid"
    f = layer.activation("activation", otherwise="tanh")
    if family(layer) == "SimpleRNN":
        return f, SIGMOID
    return f, layer.activation("recurrent_activation", "inner_activation", otherwise=usual)


def convert(layer: LayerConfig, arrays: Sequence[np.ndarray]) -> tuple[Recurrence, Weights]:
    """A recurrence and its parameters. arrays: as the file has them, in its order."""
    name, size = family(layer), units(layer)
    f, g = functions(layer)
    kernel, recurrent, bias = fused(layer, arrays)
    kind, weights = {"SimpleRNN": _rnn, "LSTM": _lstm, "GRU": _gru}[name](layer, kernel, recurrent, bias, size)
    trace = trace_of(kind, f, g, size)
    if kind == "gru" and (f, g) == (TANH, SIGMOID):  # the catalogue's z is the complement: sigmoid(-a) = 1 - sigmoid(a)
        weights |= {part: -weights[part] for part in ("W_xz", "W_hz", "b_z")}
    return Recurrence(trace, {"I": int(kernel.shape[0]), "H": size}), weights


def fused(layer: LayerConfig, arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Kernel (I, G H), recurrent kernel (H, G H) and bias, gates in the order of Keras 2, whoever wrote. UserError
    where shapes do not fit."""
    name, size = family(layer), units(layer)
    gates = GATES[name]
    arrays = list(arrays)
    if len(arrays) == 3 * gates and gates > 1:
        order = (0, 2, 1, 3) if name == "LSTM" else (0, 1, 2)  # Keras 1: i c f o
        arrays = [np.concatenate([arrays[3 * k + j] for k in order], -1) for j in range(3)]
    with_bias = layer.cls.startswith("CuDNN") or layer.flag("use_bias", otherwise=True)
    if len(arrays) != 2 + with_bias:
        raise layer.error(f"expected {2 + with_bias} arrays or {3 * gates}, the file has {len(arrays)}")
    kernel, recurrent = arrays[0], arrays[1]
    bias = arrays[2] if with_bias else None
    wide = gates * size
    right = kernel.ndim == 2 and kernel.shape[1] == wide and kernel.shape[0] > 0 and recurrent.shape == (size, wide)
    if not right or (bias is not None and bias.shape not in ((wide,), (2 * wide,), (2, wide))):
        shapes = ", ".join(str(one.shape) for one in arrays)
        raise layer.error(f"expected arrays for {size} units and {gates} gates, the file has {shapes}")
    if bias is not None and bias.shape == (2 * wide,):
        if name == "SimpleRNN":
            raise layer.error(f"expected a bias of {wide} values, got {2 * wide}")
        kernel, recurrent = _from_cudnn(kernel, gates), np.hstack([part.T for part in np.hsplit(recurrent, gates)])
        bias = bias.reshape(2, wide)
    return kernel, recurrent, bias


def _from_cudnn(kernel: np.ndarray, gates: int) -> np.ndarray:
    """The matrices of a layer that was stored as cuDNN reads it: each gate's is transposed in memory."""
    return np.hstack([part.T.reshape(part.shape, order="F") for part in np.hsplit(kernel, gates)])


def _gates(array: np.ndarray, names: Sequence[str]) -> Weights:
    """A fused array as one array a gate, matrices (H, I)."""
    return {
        name: np.ascontiguousarray(part.T) for name, part in zip(names, np.split(array, len(names), -1), strict=True)
    }


def _zeros(bias: np.ndarray | None, like: np.ndarray, wide: int) -> np.ndarray:
    return np.zeros(wide, like.dtype) if bias is None else bias


def _rnn(
    layer: LayerConfig, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray | None, size: int
) -> tuple[str, Weights]:
    if bias is not None and bias.ndim == 2:
        raise layer.error(f"expected one bias, got {bias.shape}")
    found = _gates(kernel, ["W_xh"]) | _gates(recurrent, ["W_hh"])
    return "rnn", found | {"b_h": _zeros(bias, kernel, size)}


def _lstm(
    layer: LayerConfig, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray | None, size: int
) -> tuple[str, Weights]:
    if bias is not None and bias.ndim == 2:  # the two of cuDNN
        bias = bias.sum(0)
    found = _gates(kernel, ["W_xi", "W_xf", "W_xc", "W_xo"]) | _gates(recurrent, ["W_hi", "W_hf", "W_hc", "W_ho"])
    return "lstm", found | _gates(_zeros(bias, kernel, 4 * size), ["b_i", "b_f", "b_c", "b_o"])


def _gru(
    layer: LayerConfig, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray | None, size: int
) -> tuple[str, Weights]:
    two = bias is not None and bias.ndim == 2
    after = layer.get("reset_after")
    if after is None:
        after = two or layer.cls.startswith("CuDNN")
    if not isinstance(after, bool | int):
        raise layer.error(f"expected reset_after as true or false, got {after!r}")
    if two and not after:
        raise layer.error("its reset_after is false, but it has two biases; the config is of another model")
    if not after:
        found = _gates(kernel, ["W_xz", "W_xr", "W_xh"]) | _gates(recurrent, ["W_hz", "W_hr", "W_hh"])
        return "gru", found | _gates(_zeros(bias, kernel, 3 * size), ["b_z", "b_r", "b_h"])
    if bias is not None and not two:
        raise layer.error("its reset_after is true, but it has one bias; the config is of another model")
    both = np.zeros((2, 3 * size), kernel.dtype) if bias is None else bias
    found = _gates(kernel, ["W_xz", "W_xr", "W_xn"]) | _gates(recurrent, ["W_hz", "W_hr", "W_hn"])
    found |= _gates(both[0], ["b_xz", "b_xr", "b_xn"]) | _gates(both[1], ["b_hz", "b_hr", "b_hn"])
    return "gru_reset_after", found


def named(weights: Mapping[str, np.ndarray], prefix: str) -> Weights:
    """Parameters with something before their names."""
    return {f"{prefix}{name}": value for name, value in weights.items()}
