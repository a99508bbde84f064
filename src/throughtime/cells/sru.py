"""The simple recurrent unit."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, sigmoid


class SRU(Cell):
    """The simple recurrent unit: products with the input only, a light recurrence, a highway around it.

        f = sigmoid(W_xf x + b_f + v_f * c')
        r = sigmoid(W_xr x + b_r + v_r * c')
        c = f * c' + (1 - f) * W_xc x
        h = r * c + (1 - r) * x

    Gates:
        f: forget gate, how much of the old cell state stays.
        r: reset gate, how much of the output is the cell state; the rest is the input itself, so H is I.

    Equals:
        PyTorch: none
        Keras: none

    Source: Lei et al. 2018, arXiv:1709.02755v5, eq. 1-4.
    """

    catalogue_name = "sru"
    state = {"h": "I", "c": "I"}

    W_xf = W_xr = W_xc = Matrix("I", "I")
    v_f = v_r = b_f = b_r = Vector("I")

    def step(self, x: Any, h: Any, c: Any) -> Any:
        f = sigmoid(self.W_xf @ x + self.b_f + self.v_f * c)
        r = sigmoid(self.W_xr @ x + self.b_r + self.v_r * c)
        c = f * c + (1 - f) * (self.W_xc @ x)
        h = r * c + (1 - r) * x
        return self.State(h, c)
