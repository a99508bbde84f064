"""Long short-term memory with layer normalisation."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, normalize, sigmoid, tanh


class LayerNormLSTM(Cell):
    """Long short-term memory whose products and shown cell state are normalised over their units.

        i = sigmoid(a_xi * normalize(W_xi x) + a_hi * normalize(W_hi h') + b_i)
        f = sigmoid(a_xf * normalize(W_xf x) + a_hf * normalize(W_hf h') + b_f)
        o = sigmoid(a_xo * normalize(W_xo x) + a_ho * normalize(W_ho h') + b_o)
        n = tanh(a_xc * normalize(W_xc x) + a_hc * normalize(W_hc h') + b_c)
        c = f * c' + i * n
        h = o * tanh(a_c * normalize(c) + b_n)

    Gates:
        i: input gate, how much of the new candidate enters the cell state.
        f: forget gate, how much of the old cell state stays; its bias starts at 1.
        o: output gate, how much of the cell state is shown.
        n: candidate, what is offered to the cell state.

    Equals:
        PyTorch: none
        Keras: none

    Source: Ba et al. 2016, arXiv:1607.06450, eq. 20-22. Mean and variance are each gate's own, where the paper takes
    those of all four gates together; its two further biases add up to b.
    """

    catalogue_name = "layer_norm_lstm"
    state = {"h": "H", "c": "H"}

    W_xi = W_xf = W_xo = W_xc = Matrix("H", "I")
    W_hi = W_hf = W_ho = W_hc = Matrix("H", "H", init="orthogonal")
    a_xi = a_xf = a_xo = a_xc = a_hi = a_hf = a_ho = a_hc = a_c = Vector("H", init=1.0)
    b_i = b_o = b_c = b_n = Vector("H")
    b_f = Vector("H", init=1.0)

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.a_xi * normalize(self.W_xi @ x) + self.a_hi * normalize(self.W_hi @ h) + self.b_i)
        f = sigmoid(self.a_xf * normalize(self.W_xf @ x) + self.a_hf * normalize(self.W_hf @ h) + self.b_f)
        o = sigmoid(self.a_xo * normalize(self.W_xo @ x) + self.a_ho * normalize(self.W_ho @ h) + self.b_o)
        n = tanh(self.a_xc * normalize(self.W_xc @ x) + self.a_hc * normalize(self.W_hc @ h) + self.b_c)
        c = f * c + i * n
        h = o * tanh(self.a_c * normalize(c) + self.b_n)
        return self.State(h, c)
