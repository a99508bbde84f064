"""How torch.nn stores the parameters of a recurrence: several gates stacked in one array."""

from __future__ import annotations

from functools import cache
from typing import Any

import throughtime.cells
from throughtime.nn.functional import Recurrence
from throughtime.recurrence import Cell, Matrix, Vector, sigmoid, tanh

GATES = {"LSTM": "ifco", "GRU": "rzn", "RNN_TANH": "h", "RNN_RELU": "h"}
"""torch.nn's mode -> the gates in the order their rows are stacked (LSTM: torch calls the candidate c `g`)."""


class ProjectedLSTM(Cell):
    """Long short-term memory whose output is projected to a smaller size.

        i = sigmoid(W_xi x + W_hi h' + b_i)
        f = sigmoid(W_xf x + W_hf h' + b_f)
        o = sigmoid(W_xo x + W_ho h' + b_o)
        c = f * c' + i * tanh(W_xc x + W_hc h' + b_c)
        h = W_hr (o * tanh(c))

    Equals:
        PyTorch: torch.nn.LSTM with proj_size

    Source: Sak et al. 2014, arXiv:1402.1128, eq. 1-7 without peepholes and without the non-recurrent projection.
    """

    catalogue_name = "projected_lstm"
    state = {"h": "P", "c": "H"}

    W_xi = W_xf = W_xo = W_xc = Matrix("H", "I")
    W_hi = W_hf = W_ho = W_hc = Matrix("H", "P")
    b_i = b_f = b_o = b_c = Vector("H")
    W_hr = Matrix("P", "H")

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_xi @ x + self.W_hi @ h + self.b_i)
        f = sigmoid(self.W_xf @ x + self.W_hf @ h + self.b_f)
        o = sigmoid(self.W_xo @ x + self.W_ho @ h + self.b_o)
        c = f * c + i * tanh(self.W_xc @ x + self.W_hc @ h + self.b_c)
        shown: Any = o * tanh(c)
        h = self.W_hr @ shown
        return self.State(h, c)


def sources(mode: str, hidden: int, bias: bool, projection: int = 0) -> dict[str, tuple[tuple[int, int], ...]]:
    """Parameter name -> ((array, first row), ...) in torch's arrays of one layer and direction.

    The arrays are weight_ih, weight_hh, then bias_ih and bias_hh if `bias`, then weight_hr if `projection`. Without
    bias a vector has no source and counts as zero; with it, the vectors of RNN and LSTM are sums of two.
    """
    where: dict[str, tuple[tuple[int, int], ...]] = {}
    for row, gate in enumerate(GATES[mode]):
        first = row * hidden
        where[f"W_x{gate}"] = ((0, first),)
        where[f"W_h{gate}"] = ((1, first),)
        if mode == "GRU":
            where[f"b_x{gate}"] = ((2, first),) if bias else ()
            where[f"b_h{gate}"] = ((3, first),) if bias else ()
        else:
            where[f"b_{gate}"] = ((2, first), (3, first)) if bias else ()
    if projection:
        where["W_hr"] = ((4 if bias else 2, 0),)
    return where


@cache
def layer(mode: str, inputs: int, hidden: int, bias: bool, projection: int = 0) -> Recurrence:
    """The recurrence of one layer and direction of torch.nn's RNN, LSTM or GRU."""
    if mode == "LSTM":
        cell: Cell = ProjectedLSTM() if projection else throughtime.cells.LSTM()
    elif mode == "GRU":
        cell = throughtime.cells.GRUResetAfter()
    else:
        cell = throughtime.cells.RNN(f=mode.removeprefix("RNN_").lower())
    sizes = {"I": inputs, "H": hidden, **({"P": projection} if projection else {})}
    return Recurrence(cell.trace(), sizes, sources(mode, hidden, bias, projection))
