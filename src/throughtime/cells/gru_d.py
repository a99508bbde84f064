"""Gated recurrent unit for series with missing values."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import Cell, Matrix, Vector, exp, maximum, sigmoid, tanh


class GRUD(Cell):
    """Gated recurrent unit with decay: what was last seen fades to the mean, the hidden state to zero, as time passes.

        gamma_x = exp(-max(w_gx * d + b_gx, 0))
        gamma_h = exp(-max(W_gh d + b_gh, 0))
        g = gamma_x * s' + (1 - gamma_x) * x_mean
        u = m * x + (1 - m) * g
        s = m * x + (1 - m) * s'
        k = gamma_h * h'
        z = sigmoid(W_xz u + W_hz k + V_mz m + b_z)
        r = sigmoid(W_xr u + W_hr k + V_mr m + b_r)
        n = tanh(W_xh u + W_hh (r * k) + V_mh m + b_h)
        h = (1 - z) * k + z * n

    Beside x it reads m, 1 where x was observed and 0 where not, and d, the time since the last observation of each
    variable. What stands in x where m is 0 does not matter but must be finite. x_mean is the mean of what is
    observed in the training data: set it before training.

    Gates:
        gamma_x: what is left of the last observation; one decay a variable.
        gamma_h: what is left of the hidden state.
        g: guess at what was not observed.
        u: the input with its gaps filled.
        k: decayed hidden state.
        z: update gate, how much of the candidate to take.
        r: reset gate, how much of the past the candidate sees.
        n: candidate.

    Equals:
        PyTorch: none
        Keras: none

    Source: Che et al. 2018, doi:10.1038/s41598-018-24271-9 (arXiv:1606.01865), "GRU-D: model with trainable decays".
    """

    catalogue_name = "gru_d"
    inputs = {"m": "I", "d": "I"}
    state = {"h": "H", "s": "I"}

    w_gx = b_gx = Vector("I")
    W_gh = Matrix("H", "I")
    b_gh = Vector("H")
    x_mean = Vector("I")
    W_xz = W_xr = W_xh = Matrix("H", "I")
    W_hz = W_hr = W_hh = Matrix("H", "H", init="orthogonal")
    V_mz = V_mr = V_mh = Matrix("H", "I")
    b_z = b_r = b_h = Vector("H")

    def step(self, x: Any, m: Any, d: Any, h: Any, s: Any) -> Any:
        gamma_x = exp(-maximum(self.w_gx * d + self.b_gx, 0))
        gamma_h = exp(-maximum(self.W_gh @ d + self.b_gh, 0))
        g = gamma_x * s + (1 - gamma_x) * self.x_mean
        u = m * x + (1 - m) * g
        s = m * x + (1 - m) * s
        k = gamma_h * h
        z = sigmoid(self.W_xz @ u + self.W_hz @ k + self.V_mz @ m + self.b_z)
        r = sigmoid(self.W_xr @ u + self.W_hr @ k + self.V_mr @ m + self.b_r)
        n = tanh(self.W_xh @ u + self.W_hh @ (r * k) + self.V_mh @ m + self.b_h)
        h = (1 - z) * k + z * n
        return self.State(h, s)
