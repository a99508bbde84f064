"""The real-gated linear recurrent unit."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, exp, maximum, sigmoid, softplus, sqrt


class RGLRU(Cell):
    """The real-gated linear recurrent unit: a decay of each unit's own, slowed down by a gate that sees the input.

        r = sigmoid(W_xa x + b_a)
        i = sigmoid(W_xi x + b_i)
        a = exp(-8 * softplus(-decay) * r)
        h = a * h' + sqrt(max(1 - a * a, 1e-06)) * i * x

    Gates:
        r: recurrence gate, how fast the state decays at this step.
        i: input gate, how much of the input comes in; the state is as wide as the input, H is I.
        a: what is left of the old state.

    Equals:
        PyTorch: none
        Keras: none

    Source: De et al. 2024 (Griffin), arXiv:2402.19427, eq. 1-4 and 6, with c = 8; decay is its Lambda and
    starts evenly spread where a at r = 1 is about 0.9 to 0.999. The bound of 1e-6 keeps the root's derivative finite.
    """

    catalogue_name = "rg_lru"
    state = {"h": "I"}

    W_xa = W_xi = Matrix("I", "I")
    b_a = b_i = Vector("I")
    decay: Any = Vector("I", init=(4.3, 9.0))

    def step(self, x: Any, h: Any) -> Any:
        r = sigmoid(self.W_xa @ x + self.b_a)
        i = sigmoid(self.W_xi @ x + self.b_i)
        a = exp(-(8 * softplus(-self.decay) * r))
        return a * h + sqrt(maximum(1 - a * a, 1e-6)) * (i * x)
