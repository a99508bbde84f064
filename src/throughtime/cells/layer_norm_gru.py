"""The gated recurrent unit with layer normalisation."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, normalize, sigmoid, tanh


class LayerNormGRU(Cell):
    """The gated recurrent unit, reset after the product, whose products are normalised over their units.

        z = sigmoid(a_xz * normalize(W_xz x) + a_hz * normalize(W_hz h') + b_z)
        r = sigmoid(a_xr * normalize(W_xr x) + a_hr * normalize(W_hr h') + b_r)
        n = tanh(a_xh * normalize(W_xh x) + b_x + r * (a_hh * normalize(W_hh h') + b_h))
        h = (1 - z) * h' + z * n

    Gates:
        z: update gate, how much of the candidate replaces the old state.
        r: reset gate, how much of the old state the candidate may see.
        n: candidate, the state proposed for this step.

    Equals:
        PyTorch: none
        Keras: none

    Source: Ba et al. 2016, arXiv:1607.06450, eq. 23-25 of its supplement. Mean and variance are each gate's own, where
    the paper takes those of z and r together.
    """

    catalogue_name = "layer_norm_gru"
    state = {"h": "H"}

    W_xz = W_xr = W_xh = Matrix("H", "I")
    W_hz = W_hr = W_hh = Matrix("H", "H", init="orthogonal")
    a_xz = a_xr = a_xh = a_hz = a_hr = a_hh = Vector("H", init=1.0)
    b_z = b_r = b_x = b_h = Vector("H")

    def step(self, x: Any, h: Any) -> Any:
        z = sigmoid(self.a_xz * normalize(self.W_xz @ x) + self.a_hz * normalize(self.W_hz @ h) + self.b_z)
        r = sigmoid(self.a_xr * normalize(self.W_xr @ x) + self.a_hr * normalize(self.W_hr @ h) + self.b_r)
        n = tanh(
            self.a_xh * normalize(self.W_xh @ x) + self.b_x + r * (self.a_hh * normalize(self.W_hh @ h) + self.b_h)
        )
        return (1 - z) * h + z * n
