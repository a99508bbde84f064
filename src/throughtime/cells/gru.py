"""The gated recurrent unit, reset before the product."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, sigmoid, tanh


class GRU(Cell):
    """The gated recurrent unit that resets before the matrix product and blends with 1 - z on the old state.

        z = sigmoid(W_xz x + W_hz h' + b_z)
        r = sigmoid(W_xr x + W_hr h' + b_r)
        n = tanh(W_xh x + W_hh (r * h') + b_h)
        h = (1 - z) * h' + z * n

    Gates:
        z: update gate, how much of the candidate replaces the old state.
        r: reset gate, how much of the old state the candidate may see.
        n: candidate, the state proposed for this step.

    Equals:
        PyTorch: none (torch.nn.GRU resets after the product: see gru_reset_after)
        Keras: keras.layers.GRU(reset_after=False), with its z the complement of this one

    Source: Chung et al. 2014, arXiv:1412.3555, section 3.2. Cho et al. 2014, arXiv:1406.1078, eq. 5-8, swap the
    roles of z and 1 - z.
    """

    catalogue_name = "gru"
    state = {"h": "H"}

    W_xz = W_xr = W_xh = Matrix("H", "I")
    W_hz = W_hr = W_hh = Matrix("H", "H", init="orthogonal")
    b_z = b_r = b_h = Vector("H")

    def step(self, x: Any, h: Any) -> Any:
        z = sigmoid(self.W_xz @ x + self.W_hz @ h + self.b_z)
        r = sigmoid(self.W_xr @ x + self.W_hr @ h + self.b_r)
        n = tanh(self.W_xh @ x + self.W_hh @ (r * h) + self.b_h)
        return (1 - z) * h + z * n
