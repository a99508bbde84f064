"""The language cells are written in: symbols, shapes, derivative, schedule."""

from throughtime.recurrence.cell import Cell, Matrix, Trace, Vector
from throughtime.recurrence.symbols import (
    ACTIVATIONS,
    Symbol,
    exp,
    greater,
    identity,
    log,
    maximum,
    mean,
    minimum,
    normalize,
    relu,
    sigmoid,
    softplus,
    sqrt,
    tanh,
)

__all__ = [
    "ACTIVATIONS",
    "Cell",
    "Matrix",
    "Symbol",
    "Trace",
    "Vector",
    "exp",
    "greater",
    "identity",
    "log",
    "maximum",
    "mean",
    "minimum",
    "normalize",
    "relu",
    "sigmoid",
    "softplus",
    "sqrt",
    "tanh",
]
