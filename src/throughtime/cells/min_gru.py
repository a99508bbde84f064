"""The minimal GRU, linear in its state."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, sigmoid


class MinGRU(Cell):
    """A GRU whose gate and candidate do not look at the state, so that the state is linear in the one before.

        z = sigmoid(W_xz x + b_z)
        h = (1 - z) * h' + z * (W_xh x + b_h)

    Gates:
        z: update gate, how much of the candidate replaces the old state.

    Equals:
        PyTorch: none
        Keras: none

    Source: Feng et al. 2024, arXiv:2410.01201, section 3.1.3.
    """

    catalogue_name = "min_gru"
    state = {"h": "H"}

    W_xz = W_xh = Matrix("H", "I")
    b_z = b_h = Vector("H")

    def step(self, x: Any, h: Any) -> Any:
        z = sigmoid(self.W_xz @ x + self.b_z)
        return (1 - z) * h + z * (self.W_xh @ x + self.b_h)
