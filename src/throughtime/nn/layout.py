"""How torch.nn stores the parameters of a recurrence, several gates stacked in one array; and layers by their keys."""

from __future__ import annotations

from functools import lru_cache

import throughtime.cells
from throughtime.nn.call import Layer
from throughtime.recurrence import Cell, Recurrence

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


def layer_key(mode: str, inputs: int, hidden: int, bias: bool, projection: int = 0) -> str:
    """The key of `layer`."""
    return f"{mode} {inputs} {hidden} {bias:d} {projection}"


def layer(mode: str, inputs: int, hidden: int, bias: bool, projection: int = 0) -> Layer:
    """One layer and direction of torch.nn's RNN, LSTM or GRU."""
    return from_key(layer_key(mode, inputs, hidden, bias, projection))


@lru_cache(maxsize=256)
def from_key(key: str) -> Layer:
    """The layer a key stands for: one of torch.nn's as `layer_key` writes it, or any other as `Layer.key` does."""
    if key.startswith("["):
        return Layer.from_key(key)
    mode, *numbers = key.split()
    inputs, hidden, bias, projection = map(int, numbers)
    if mode == "LSTM":
        cell: Cell = throughtime.cells.ProjectedLSTM() if projection else throughtime.cells.LSTM()
    elif mode == "GRU":
        cell = throughtime.cells.GRUResetAfter()
    else:
        cell = throughtime.cells.RNN(f=mode.removeprefix("RNN_").lower())
    sizes = {"I": inputs, "H": hidden, **({"P": projection} if projection else {})}
    return Layer(Recurrence(cell.trace(), sizes), frozenset(sources(mode, hidden, bool(bias), projection).items()))
