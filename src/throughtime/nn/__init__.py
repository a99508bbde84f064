"""PyTorch modules: RNN, LSTM and GRU as in torch.nn, any other recurrence as Recurrent."""

from throughtime.nn.modules import GRU, LSTM, RNN
from throughtime.nn.recurrent import Recurrent

__all__ = ["GRU", "LSTM", "RNN", "Recurrent"]
