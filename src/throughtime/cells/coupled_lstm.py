"""Long short-term memory with one gate for taking in and forgetting."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, sigmoid, tanh


class CoupledLSTM(Cell):
    """Long short-term memory that forgets just as much as it takes in: three gates' work for two.

        i = sigmoid(W_xi x + W_hi h' + b_i)
        o = sigmoid(W_xo x + W_ho h' + b_o)
        c = (1 - i) * c' + i * tanh(W_xc x + W_hc h' + b_c)
        h = o * tanh(c)

    Gates:
        i: input gate, the share of the cell state that is replaced by the candidate; its bias starts at -1.
        o: output gate, how much of the cell state is shown.

    Equals:
        PyTorch: none
        Keras: none

    Source: Greff et al. 2017, arXiv:1503.04069, section IV, variant CIFG (f = 1 - i), without peepholes.
    """

    catalogue_name = "coupled_lstm"
    state = {"h": "H", "c": "H"}

    W_xi = W_xo = W_xc = Matrix("H", "I")
    W_hi = W_ho = W_hc = Matrix("H", "H", init="orthogonal")
    b_i = Vector("H", init=-1.0)
    b_o = b_c = Vector("H")

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_xi @ x + self.W_hi @ h + self.b_i)
        o = sigmoid(self.W_xo @ x + self.W_ho @ h + self.b_o)
        c = (1 - i) * c + i * tanh(self.W_xc @ x + self.W_hc @ h + self.b_c)
        h = o * tanh(c)
        return self.State(h, c)
