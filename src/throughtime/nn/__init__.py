"""PyTorch modules: RNN, LSTM and GRU and their cells as in torch.nn, any other recurrence as Recurrent."""

from throughtime.nn.cells import GRUCell, LSTMCell, RecurrentCell, RNNCell
from throughtime.nn.modules import GRU, LSTM, RNN
from throughtime.nn.recurrent import Recurrent
from throughtime.nn.state import State

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell", "Recurrent", "RecurrentCell", "State"]
