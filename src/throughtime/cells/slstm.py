"""Long short-term memory with exponential gates."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, exp, greater, maximum, sigmoid, softplus, tanh


class SLSTM(Cell):
    """Long short-term memory with an exponential input gate, a normaliser, and a stabiliser that keeps both in range.

        z = tanh(W_xz x + W_hz h' + b_z)
        i = W_xi x + W_hi h' + b_i
        f = -softplus(-(W_xf x + W_hf h' + b_f))
        o = sigmoid(W_xo x + W_ho h' + b_o)
        g = f + m' - 10000 * (1 - greater(n', 0))
        m = max(g, i)
        p = exp(i - m)
        q = exp(g - m)
        c = q * c' + p * z
        n = q * n' + p
        h = o * c / n

    Gates:
        z: candidate, what is offered to the cell state.
        i: logarithm of the input gate.
        f: logarithm of the forget gate, a logistic one; its bias starts at 3.
        o: output gate, how much of the normalised cell state is shown.
        g: logarithm of what is left of the past; before the first step there is none.
        p: stabilised input gate.
        q: stabilised forget gate.

    Equals:
        PyTorch: none
        Keras: none

    Source: Beck et al. 2024, arXiv:2405.04517, eq. 8-17, with one head (a full recurrent matrix).
    """

    catalogue_name = "slstm"
    state = {"h": "H", "c": "H", "n": "H", "m": "H"}

    W_xz = W_xi = W_xf = W_xo = Matrix("H", "I")
    W_hz = W_hi = W_hf = W_ho = Matrix("H", "H", init="orthogonal")
    b_z = b_i = b_o = Vector("H")
    b_f = Vector("H", init=3.0)

    def step(self, x: Any, h: Any, c: Any, n: Any, m: Any) -> Any:
        z = tanh(self.W_xz @ x + self.W_hz @ h + self.b_z)
        i = self.W_xi @ x + self.W_hi @ h + self.b_i
        f = -softplus(-(self.W_xf @ x + self.W_hf @ h + self.b_f))
        o = sigmoid(self.W_xo @ x + self.W_ho @ h + self.b_o)
        g = f + m - 10000 * (1 - greater(n, 0))
        m = maximum(g, i)
        p = exp(i - m)
        q = exp(g - m)
        c = q * c + p * z
        n = q * n + p
        h = o * (c / n)
        return self.State(h, c, n, m)
