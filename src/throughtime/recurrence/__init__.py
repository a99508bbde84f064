"""The language cells are written in, and what is derived from a step: sizes, derivative, schedule."""

from throughtime.recurrence.cell import Cell, Matrix, Vector
from throughtime.recurrence.recurrence import LARGEST, Recurrence
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
from throughtime.recurrence.trace import Trace

__all__ = [
    "ACTIVATIONS",
    "LARGEST",
    "Cell",
    "Matrix",
    "Recurrence",
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
