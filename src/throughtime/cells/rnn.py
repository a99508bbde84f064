"""The simple recurrent network."""

from __future__ import annotations

from typing import Any

from throughtime.recurrence import ACTIVATIONS, Cell, Matrix, Vector


class RNN(Cell):
    """The simple (Elman) recurrent network: the new state is one layer over input and old state.

        h = f(W_xh x + W_hh h' + b_h)

    Gates:
        none: the whole state is rewritten at every step, which is why its gradient vanishes or explodes.

    Equals:
        PyTorch: torch.nn.RNN with nonlinearity f (its two biases add up to b_h)
        Keras: keras.layers.SimpleRNN with activation f

    Source: Elman 1990, doi:10.1207/s15516709cog1402_1; as printed in Pascanu et al. 2013, arXiv:1211.5063.
    Arguments: f, the activation: tanh, relu, sigmoid, softplus or identity.
    """

    catalogue_name = "rnn"
    state = {"h": "H"}

    W_xh = Matrix("H", "I")
    W_hh = Matrix("H", "H", init="orthogonal")
    b_h = Vector("H")

    def __init__(self, f: str = "tanh") -> None:
        if f not in ACTIVATIONS:
            raise ValueError(f"rnn: f must be one of {', '.join(ACTIVATIONS)}, got {f!r}")
        self.f = ACTIVATIONS[f]

    def step(self, x: Any, h: Any) -> Any:
        return self.f(self.W_xh @ x + self.W_hh @ h + self.b_h)
