"""The catalogue: one file per recurrence."""

from __future__ import annotations

from typing import Any

from throughtime.cells.gru import GRU
from throughtime.cells.gru_reset_after import GRUResetAfter
from throughtime.cells.lstm import LSTM
from throughtime.cells.rnn import RNN
from throughtime.recurrence import Cell

CATALOGUE: dict[str, type[Cell]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU, "gru_reset_after": GRUResetAfter}
"""Every cell of the house by its name."""


def make(name: str, **options: Any) -> Cell:
    """A cell of the catalogue by name; ValueError lists the names. Options go to the cell (rnn: f)."""
    if name not in CATALOGUE:
        raise ValueError(f"unknown cell {name!r}: choose from {', '.join(CATALOGUE)}")
    return CATALOGUE[name](**options)


__all__ = ["CATALOGUE", "GRU", "LSTM", "RNN", "GRUResetAfter", "make"]
