"""How torch.nn stores the parameters of a recurrence: several gates stacked in one array."""

from __future__ import annotations

from functools import cache

import throughtime.cells
from throughtime.nn.call import Recurrence
from throughtime.recurrence import Cell

GATES = {"LSTM": "ifco", "GRU": "rzn", "RNN_TANH": "h", "RNN_RELU": "h"}
"""torch.nn's mode -> the gates in the order their rows are stacked (LSTM: torch calls the candidate c `g`)."""


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
        cell: Cell = throughtime.cells.ProjectedLSTM() if projection else throughtime.cells.LSTM()
    elif mode == "GRU":
        cell = throughtime.cells.GRUResetAfter()
    else:
        cell = throughtime.cells.RNN(f=mode.removeprefix("RNN_").lower())
    sizes = {"I": inputs, "H": hidden, **({"P": projection} if projection else {})}
    return Recurrence(cell.trace(), sizes, sources(mode, hidden, bias, projection))


def layer_key(mode: str, inputs: int, hidden: int, bias: bool, projection: int = 0) -> str:
    """The key of `layer`: what torch.compile takes for a constant instead of tracing how it is made."""
    return layer(mode, inputs, hidden, bias, projection).key
