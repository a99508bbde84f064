"""The minimal gated unit."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, sigmoid, tanh


class MGU(Cell):
    """The minimal gated unit: one gate both resets the old state and replaces it.

        f = sigmoid(W_xf x + W_hf h' + b_f)
        n = tanh(W_xh x + W_hh (f * h') + b_h)
        h = (1 - f) * h' + f * n

    Gates:
        f: forget gate, how much of the candidate replaces the old state, and how much of that it may see.
        n: candidate, the state proposed for this step.

    Equals:
        PyTorch: none
        Keras: none

    Source: Zhou et al. 2016, arXiv:1603.09420, eq. 6.
    """

    catalogue_name = "mgu"
    state = {"h": "H"}

    W_xf = W_xh = Matrix("H", "I")
    W_hf = W_hh = Matrix("H", "H", init="orthogonal")
    b_f = b_h = Vector("H")

    def step(self, x: Any, h: Any) -> Any:
        f = sigmoid(self.W_xf @ x + self.W_hf @ h + self.b_f)
        n = tanh(self.W_xh @ x + self.W_hh @ (f * h) + self.b_h)
        return (1 - f) * h + f * n
