"""ONNX's RNN, LSTM and GRU as recurrences of the house: the catalogue's where they equal them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.cells import make
from throughtime.errors import UserError
from throughtime.interop.functions import Function
from throughtime.recurrence import ACTIVATIONS, Cell, Matrix, Recurrence, Trace, Vector, maximum, minimum

TANH, SIGMOID = Function("tanh"), Function("sigmoid")


@dataclass(frozen=True)
class Kind:
    """What a recurrent node does. op: "RNN", "LSTM" or "GRU"; functions: its own, in ONNX's order; clip: the largest
    input of a function, 0 for any; coupled: whether an LSTM forgets what it does not take in; peepholes: whether its
    gates see the memory; after: whether a GRU resets after the product."""

    op: str
    functions: tuple[Function, ...]
    clip: float = 0.0
    coupled: bool = False
    peepholes: bool = False
    after: bool = False

    def f(self, number: int, a: Any) -> Any:
        """A function of a value, which is clipped first."""
        clipped = self.clip and number < 2  # ONNX Runtime does not clip what an LSTM's output function reads
        return self.functions[number].symbol(maximum(minimum(a, self.clip), -self.clip) if clipped else a)


class _RNN(Cell):
    state = {"h": "H"}
    W_xh, W_hh, b_h = Matrix("H", "I"), Matrix("H", "H"), Vector("H")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def step(self, x: Any, h: Any) -> Any:
        return self.kind.f(0, self.W_xh @ x + self.W_hh @ h + self.b_h)


class _LSTM(Cell):
    state = {"h": "H", "c": "H"}
    W_xi = W_xf = W_xo = W_xc = Matrix("H", "I")
    W_hi = W_hf = W_ho = W_hc = Matrix("H", "H")
    b_i = b_f = b_o = b_c = Vector("H")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = self.kind.f(0, self.W_xi @ x + self.W_hi @ h + self.b_i)
        f = 1 - i if self.kind.coupled else self.kind.f(0, self.W_xf @ x + self.W_hf @ h + self.b_f)
        n = self.kind.f(1, self.W_xc @ x + self.W_hc @ h + self.b_c)
        c = f * c + i * n
        o = self.kind.f(0, self.W_xo @ x + self.W_ho @ h + self.b_o)
        return self.State(o * self.kind.f(2, c), c)


class _PeepholeLSTM(Cell):
    state = {"h": "H", "c": "H"}
    W_xi = W_xf = W_xo = W_xc = Matrix("H", "I")
    W_hi = W_hf = W_ho = W_hc = Matrix("H", "H")
    b_i = b_f = b_o = b_c = p_i = p_f = p_o = Vector("H")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = self.kind.f(0, self.W_xi @ x + self.W_hi @ h + self.b_i + self.p_i * c)
        f = 1 - i if self.kind.coupled else self.kind.f(0, self.W_xf @ x + self.W_hf @ h + self.b_f + self.p_f * c)
        n = self.kind.f(1, self.W_xc @ x + self.W_hc @ h + self.b_c)
        c = f * c + i * n
        o = self.kind.f(0, self.W_xo @ x + self.W_ho @ h + self.b_o + self.p_o * c)
        return self.State(o * self.kind.f(2, c), c)


class _GRU(Cell):
    state = {"h": "H"}
    W_xz = W_xr = W_xh = Matrix("H", "I")
    W_hz = W_hr = W_hh = Matrix("H", "H")
    b_z = b_r = b_h = Vector("H")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def step(self, x: Any, h: Any) -> Any:
        z = self.kind.f(0, self.W_xz @ x + self.W_hz @ h + self.b_z)
        r = self.kind.f(0, self.W_xr @ x + self.W_hr @ h + self.b_r)
        n = self.kind.f(1, self.W_xh @ x + self.W_hh @ (r * h) + self.b_h)
        return z * h + (1 - z) * n


class _GRUAfter(Cell):
    state = {"h": "H"}
    W_xr = W_xz = W_xn = Matrix("H", "I")
    W_hr = W_hz = W_hn = Matrix("H", "H")
    b_xr = b_xz = b_xn = b_hr = b_hz = b_hn = Vector("H")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def step(self, x: Any, h: Any) -> Any:
        z = self.kind.f(0, self.W_xz @ x + self.b_xz + self.W_hz @ h + self.b_hz)
        r = self.kind.f(0, self.W_xr @ x + self.b_xr + self.W_hr @ h + self.b_hr)
        n = self.kind.f(1, self.W_xn @ x + self.b_xn + r * (self.W_hn @ h + self.b_hn))
        return (1 - z) * n + z * h


def _usual(kind: Kind) -> str | None:
    """The catalogue's name of a kind; None for none."""
    if kind.clip or kind.coupled or kind.peepholes:
        return None
    if kind.op == "LSTM" and kind.functions == (SIGMOID, TANH, TANH):
        return "lstm"
    if kind.op == "GRU" and kind.functions == (SIGMOID, TANH):
        return "gru_reset_after" if kind.after else "gru"
    return None


def trace_of(kind: Kind) -> Trace:
    """The step of a node. UserError for a function that a recurrence cannot have."""
    if any(one.name == "softmax" for one in kind.functions):
        raise UserError("a softmax inside a recurrent node is not known here")
    (first, *_) = kind.functions
    if kind.op == "RNN":
        plain = not kind.clip and first.name in ACTIVATIONS and first == Function(first.name)
        return make("rnn", f=first.name).trace() if plain else _RNN(kind).trace()
    usual = _usual(kind)
    if usual is not None:
        return make(usual).trace()
    if kind.op == "LSTM":
        return _PeepholeLSTM(kind).trace() if kind.peepholes else _LSTM(kind).trace()
    return _GRUAfter(kind).trace() if kind.after else _GRU(kind).trace()


def cell_of(
    kind: Kind, w: np.ndarray, r: np.ndarray, b: np.ndarray, p: np.ndarray | None
) -> tuple[Recurrence, dict[str, np.ndarray]]:
    """The recurrence and parameters of one direction: w (G H, I), r (G H, H), b (2 G H,), p (3 H,)."""
    gates = {"RNN": "h", "LSTM": "iofc", "GRU": "zrn" if kind.after else "zrh"}[kind.op]
    size = r.shape[1]
    found: dict[str, np.ndarray] = {}
    for k, gate in enumerate(gates):
        rows = slice(k * size, (k + 1) * size)
        later = slice((k + len(gates)) * size, (k + len(gates) + 1) * size)
        found |= {f"W_x{gate}": w[rows], f"W_h{gate}": r[rows]}
        if kind.after:
            found |= {f"b_x{gate}": b[rows], f"b_h{gate}": b[later]}
        else:
            found[f"b_{gate}"] = b[rows] + b[later]
    if p is not None and kind.peepholes:
        found |= {f"p_{gate}": p[k * size : (k + 1) * size] for k, gate in enumerate("iof")}
    if _usual(kind) == "gru":  # the catalogue's z is the complement: sigmoid(-a) = 1 - sigmoid(a)
        found |= {name: -found[name] for name in ("W_xz", "W_hz", "b_z")}
    trace = trace_of(kind)
    return Recurrence(trace, {"I": int(w.shape[1]), "H": size}), {n: found[n] for n in trace.parameters}
