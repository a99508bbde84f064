"""The gated recurrent unit of the frameworks, reset after the product."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, sigmoid, tanh


class GRUResetAfter(Cell):
    """The gated recurrent unit of cuDNN, PyTorch and Keras: reset after the product, two biases.

        z = sigmoid(W_xz x + b_xz + W_hz h' + b_hz)
        r = sigmoid(W_xr x + b_xr + W_hr h' + b_hr)
        n = tanh(W_xn x + b_xn + r * (W_hn h' + b_hn))
        h = (1 - z) * n + z * h'

    Gates:
        z: update gate, how much of the old state stays (the complement of `gru`'s).
        r: reset gate, how much of the recurrent product the candidate may see.
        n: candidate, the state proposed for this step.

    Equals:
        PyTorch: torch.nn.GRU (gate order r, z, n)
        Keras: keras.layers.GRU, its default reset_after=True (gate order z, r, h)

    Source: the cuDNN formulation, arXiv:1410.0759 and its later documentation; torch.nn.GRU's documentation. The
    update follows Cho et al. 2014, arXiv:1406.1078, eq. 7.
    """

    catalogue_name = "gru_reset_after"
    state = {"h": "H"}

    W_xr = W_xz = W_xn = Matrix("H", "I")
    W_hr = W_hz = W_hn = Matrix("H", "H", init="orthogonal")
    b_xr = b_xz = b_xn = b_hr = b_hz = b_hn = Vector("H")

    def step(self, x: Any, h: Any) -> Any:
        z = sigmoid(self.W_xz @ x + self.b_xz + self.W_hz @ h + self.b_hz)
        r = sigmoid(self.W_xr @ x + self.b_xr + self.W_hr @ h + self.b_hr)
        n = tanh(self.W_xn @ x + self.b_xn + r * (self.W_hn @ h + self.b_hn))
        return (1 - z) * n + z * h
