"""Long short-term memory whose gates see the cell state."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, sigmoid, tanh


class PeepholeLSTM(Cell):
    """Long short-term memory whose gates also see the cell state, each unit its own.

        i = sigmoid(W_xi x + W_hi h' + b_i + p_i * c')
        f = sigmoid(W_xf x + W_hf h' + b_f + p_f * c')
        c = f * c' + i * tanh(W_xc x + W_hc h' + b_c)
        o = sigmoid(W_xo x + W_ho h' + b_o + p_o * c)
        h = o * tanh(c)

    Gates:
        i: input gate, how much of the new candidate enters the cell state.
        f: forget gate, how much of the old cell state stays; its bias starts at 1.
        o: output gate, how much of the cell state is shown; it sees the new cell state.

    Equals:
        PyTorch: none
        Keras: none

    Source: Gers and Schmidhuber 2000, doi:10.1109/IJCNN.2000.861302; as printed in Graves 2013, arXiv:1308.0850,
    eq. 7-11.
    """

    catalogue_name = "peephole_lstm"
    state = {"h": "H", "c": "H"}

    W_xi = W_xf = W_xc = W_xo = Matrix("H", "I")
    W_hi = W_hf = W_hc = W_ho = Matrix("H", "H", init="orthogonal")
    p_i = p_f = p_o = b_i = b_c = b_o = Vector("H")
    b_f = Vector("H", init=1.0)

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_xi @ x + self.W_hi @ h + self.b_i + self.p_i * c)
        f = sigmoid(self.W_xf @ x + self.W_hf @ h + self.b_f + self.p_f * c)
        c = f * c + i * tanh(self.W_xc @ x + self.W_hc @ h + self.b_c)
        o = sigmoid(self.W_xo @ x + self.W_ho @ h + self.b_o + self.p_o * c)
        h = o * tanh(c)
        return self.State(h, c)
