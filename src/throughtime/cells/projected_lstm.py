"""Long short-term memory with a projected output."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, sigmoid, tanh


class ProjectedLSTM(Cell):
    """Long short-term memory whose output is projected to a smaller size, P.

        i = sigmoid(W_xi x + W_hi h' + b_i)
        f = sigmoid(W_xf x + W_hf h' + b_f)
        o = sigmoid(W_xo x + W_ho h' + b_o)
        c = f * c' + i * tanh(W_xc x + W_hc h' + b_c)
        p = o * tanh(c)
        h = W_hr p

    Gates:
        i: input gate, how much of the new candidate enters the cell state.
        f: forget gate, how much of the old cell state stays; its bias starts at 1.
        o: output gate, how much of the cell state is shown.
        p: what is shown, before its projection.

    Equals:
        PyTorch: torch.nn.LSTM with proj_size
        Keras: none

    Source: Sak et al. 2014, arXiv:1402.1128, eq. 1-7 without peepholes and without the non-recurrent projection.
    """

    catalogue_name = "projected_lstm"
    state = {"h": "P", "c": "H"}

    W_xi = W_xf = W_xo = W_xc = Matrix("H", "I")
    W_hi = W_hf = W_ho = W_hc = Matrix("H", "P")
    b_i = b_o = b_c = Vector("H")
    b_f = Vector("H", init=1.0)
    W_hr = Matrix("P", "H")

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_xi @ x + self.W_hi @ h + self.b_i)
        f = sigmoid(self.W_xf @ x + self.W_hf @ h + self.b_f)
        o = sigmoid(self.W_xo @ x + self.W_ho @ h + self.b_o)
        c = f * c + i * tanh(self.W_xc @ x + self.W_hc @ h + self.b_c)
        p: Any = o * tanh(c)
        h = self.W_hr @ p
        return self.State(h, c)
