"""The minimal LSTM, linear in its state."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, sigmoid


class MinLSTM(Cell):
    """An LSTM whose gates do not look at the state and add up to 1, without cell state and output gate.

        f = sigmoid(W_xf x + b_f)
        i = sigmoid(W_xi x + b_i)
        h = f / (f + i) * h' + i / (f + i) * (W_xh x + b_h)

    Gates:
        f: forget gate, how much of the old state stays, relative to i.
        i: input gate, how much of the candidate comes in, relative to f.

    Equals:
        PyTorch: none
        Keras: none

    Source: Feng et al. 2024, arXiv:2410.01201, section 3.2.4.
    """

    catalogue_name = "min_lstm"
    state = {"h": "H"}

    W_xf = W_xi = W_xh = Matrix("H", "I")
    b_f = Vector("H", init=1.0)
    b_i = b_h = Vector("H")

    def step(self, x: Any, h: Any) -> Any:
        f = sigmoid(self.W_xf @ x + self.b_f)
        i = sigmoid(self.W_xi @ x + self.b_i)
        return f / (f + i) * h + i / (f + i) * (self.W_xh @ x + self.b_h)
