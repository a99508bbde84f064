"""The independently recurrent network."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, relu


class IndRNN(Cell):
    """The independently recurrent network: every unit remembers itself only; layers mix the units.

        h = relu(W_xh x + b_h + u * h')

    Equals:
        PyTorch: none
        Keras: none

    Source: Li et al. 2018, arXiv:1803.04831, eq. 4. u starts evenly spread over 0 to 1: memories of all lengths.
    """

    catalogue_name = "indrnn"
    state = {"h": "H"}

    W_xh = Matrix("H", "I")
    u = Vector("H", init=(0.0, 1.0))
    b_h = Vector("H")

    def step(self, x: Any, h: Any) -> Any:
        return relu(self.W_xh @ x + self.b_h + self.u * h)
