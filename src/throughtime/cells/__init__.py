"""The catalogue: one file per recurrence."""

from __future__ import annotations

from typing import Any

from throughtime.cells.coupled_lstm import CoupledLSTM
from throughtime.cells.gru import GRU
from throughtime.cells.gru_d import GRUD
from throughtime.cells.gru_reset_after import GRUResetAfter
from throughtime.cells.indrnn import IndRNN
from throughtime.cells.layer_norm_gru import LayerNormGRU
from throughtime.cells.layer_norm_lstm import LayerNormLSTM
from throughtime.cells.lstm import LSTM
from throughtime.cells.mgu import MGU
from throughtime.cells.min_gru import MinGRU
from throughtime.cells.min_lstm import MinLSTM
from throughtime.cells.peephole_lstm import PeepholeLSTM
from throughtime.cells.projected_lstm import ProjectedLSTM
from throughtime.cells.rg_lru import RGLRU
from throughtime.cells.rnn import RNN
from throughtime.cells.slstm import SLSTM
from throughtime.cells.sru import SRU
from throughtime.recurrence import Cell

CATALOGUE: dict[str, type[Cell]] = {
    "rnn": RNN,
    "lstm": LSTM,
    "gru": GRU,
    "gru_reset_after": GRUResetAfter,
    "peephole_lstm": PeepholeLSTM,
    "coupled_lstm": CoupledLSTM,
    "projected_lstm": ProjectedLSTM,
    "layer_norm_lstm": LayerNormLSTM,
    "layer_norm_gru": LayerNormGRU,
    "mgu": MGU,
    "indrnn": IndRNN,
    "sru": SRU,
    "min_gru": MinGRU,
    "min_lstm": MinLSTM,
    "slstm": SLSTM,
    "rg_lru": RGLRU,
    "gru_d": GRUD,
}
"""Every cell of the house by its name."""

PLAIN = tuple(name for name, cell in CATALOGUE.items() if not cell.inputs)
"""The cells that read nothing beside x."""


def make(name: str, **options: Any) -> Cell:
    """A cell of the catalogue by name; ValueError lists the names. Options go to the cell (rnn: f)."""
    if name not in CATALOGUE:
        raise ValueError(f"unknown cell {name!r}: choose from {', '.join(CATALOGUE)}")
    return CATALOGUE[name](**options)


__all__ = [
    "CATALOGUE",
    "GRU",
    "GRUD",
    "LSTM",
    "MGU",
    "PLAIN",
    "RGLRU",
    "RNN",
    "SLSTM",
    "SRU",
    "CoupledLSTM",
    "GRUResetAfter",
    "IndRNN",
    "LayerNormGRU",
    "LayerNormLSTM",
    "MinGRU",
    "MinLSTM",
    "PeepholeLSTM",
    "ProjectedLSTM",
    "make",
]
