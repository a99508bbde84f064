"""Long short-term memory."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, sigmoid, tanh


class LSTM(Cell):
    """Long short-term memory with a forget gate: a cell state that is added to, not multiplied through.

        i = sigmoid(W_xi x + W_hi h' + b_i)
        f = sigmoid(W_xf x + W_hf h' + b_f)
        o = sigmoid(W_xo x + W_ho h' + b_o)
        c = f * c' + i * tanh(W_xc x + W_hc h' + b_c)
        h = o * tanh(c)

    Gates:
        i: input gate, how much of the new candidate enters the cell state.
        f: forget gate, how much of the old cell state stays; its bias starts at 1 (Jozefowicz et al. 2015).
        o: output gate, how much of the cell state is shown.

    Equals:
        PyTorch: torch.nn.LSTM (its two biases add up to b; gate order i, f, g, o; g is the candidate)
        Keras: keras.layers.LSTM (gate order i, f, c, o; one bias)

    Source: Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; forget gate: Gers et al. 2000,
    doi:10.1162/089976600300015015. As printed in Graves 2013, arXiv:1308.0850, eq. 7-11 without peepholes.
    """

    catalogue_name = "lstm"
    state = {"h": "H", "c": "H"}

    W_xi = W_xf = W_xo = W_xc = Matrix("H", "I")
    W_hi = W_hf = W_ho = W_hc = Matrix("H", "H", init="orthogonal")
    b_i = b_o = b_c = Vector("H")
    b_f = Vector("H", init=1.0)

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_xi @ x + self.W_hi @ h + self.b_i)
        f = sigmoid(self.W_xf @ x + self.W_hf @ h + self.b_f)
        o = sigmoid(self.W_xo @ x + self.W_ho @ h + self.b_o)
        c = f * c + i * tanh(self.W_xc @ x + self.W_hc @ h + self.b_c)
        h = o * tanh(c)
        return self.State(h, c)
