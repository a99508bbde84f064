"""The functions that models apply to values: by name, over arrays and inside a recurrence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.recurrence import exp, maximum, minimum, relu, sigmoid, softplus, tanh

SELU = (1.0507009873554805, 1.6732632423543772)
"""Scale and alpha of Klambauer et al. 2017, arXiv:1706.02515, equation 14."""


@dataclass(frozen=True)
class Function:
    """A function of values, one by one (softmax and log_softmax: along an axis). arguments: its numbers, in the order
    that DEFAULTS lists; those left out are the defaults. UserError for an unknown name or wrong arguments.

    Example:
        >>> import numpy as np
        >>> from throughtime.interop.functions import Function
        >>> Function("hard_sigmoid")(np.float32([-9, 0, 1])).tolist()
        [0.0, 0.5, 0.699999988079071]
    """

    name: str
    arguments: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in DEFAULTS:
            raise UserError(f"function {str(self.name)[:60]!r}: expected one of {', '.join(DEFAULTS)}")
        usual, given = DEFAULTS[self.name], self.arguments
        numbers = all(isinstance(a, int | float) and not isinstance(a, bool) and math.isfinite(a) for a in given)
        if len(given) > len(usual) or not numbers:
            raise UserError(f"function {self.name}: expected at most {len(usual)} finite numbers, got {given}")
        object.__setattr__(self, "arguments", (*map(float, given), *usual[len(given) :]))

    def __call__(self, x: Any) -> Any:
        """Its values, of the dtype of x."""
        return _ARRAYS[self.name](x, *self.arguments)

    def symbol(self, a: Any, size: int = 0) -> Any:
        """Its value inside the step of a cell, of a symbol; size: the number of values, which softmax needs.
        UserError where the language of recurrences cannot say it."""
        if self.name not in _SYMBOLS:
            raise UserError(f"function {self.name}: it cannot stand inside a recurrence; choose another activation")
        if self.name == "softmax":
            return _softmax_symbol(a, size)
        return _SYMBOLS[self.name](a, *self.arguments)

    def to_json(self) -> Json:
        """Plain values: the name, then the arguments."""
        return [self.name, *self.arguments]

    @classmethod
    def from_json(cls, data: Json) -> Function:
        """Rebuild from `to_json`; UserError says what is wrong."""
        if isinstance(data, Function):
            return data
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise UserError("function: expected a list of a name and its numbers; the file is damaged")
        return cls(data[0], tuple(data[1:]))


def _softmax(x: np.ndarray, axis: float) -> np.ndarray:
    shifted = np.exp(x - x.max(axis=int(axis), keepdims=True))
    found: np.ndarray = shifted / shifted.sum(axis=int(axis), keepdims=True)
    return found


def _log_softmax(x: np.ndarray, axis: float) -> np.ndarray:
    shifted = x - x.max(axis=int(axis), keepdims=True)
    found: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=int(axis), keepdims=True))
    return found


def _sigmoid(x: np.ndarray) -> np.ndarray:
    half = x.dtype.type(0.5)
    found: np.ndarray = half * np.tanh(half * x) + half
    return found


def _relu(x: np.ndarray, slope: float, ceiling: float, threshold: float) -> np.ndarray:
    kind = x.dtype.type
    found = np.where(x >= kind(threshold), x, kind(slope) * (x - kind(threshold)))
    return np.asarray(np.minimum(found, kind(ceiling)) if ceiling >= 0 else found)


def _elu(x: np.ndarray, alpha: float) -> np.ndarray:
    return np.where(x > 0, x, x.dtype.type(alpha) * np.expm1(np.minimum(x, 0)))


def _erf(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.vectorize(math.erf, otypes=[np.float64])(x).astype(x.dtype)
    return found


def _gelu(x: np.ndarray, approximate: float) -> np.ndarray:
    kind = x.dtype.type
    if approximate:
        inner = kind(math.sqrt(2 / math.pi)) * (x + kind(0.044715) * x * x * x)
        found: np.ndarray = kind(0.5) * x * (1 + np.tanh(inner))
        return found
    found = kind(0.5) * x * (1 + _erf(x * kind(math.sqrt(0.5))))
    return found


def _clip(x: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.asarray(np.clip(x, x.dtype.type(low), x.dtype.type(high)))


def _hard_sigmoid(x: np.ndarray, slope: float, shift: float) -> np.ndarray:
    return _clip(x * x.dtype.type(slope) + x.dtype.type(shift), 0, 1)


def _softplus(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.logaddexp(x, x.dtype.type(0))
    return found


NO_CEILING = -1.0
"""What stands for "no largest value" in the arguments of relu."""

DEFAULTS: dict[str, tuple[float, ...]] = {
    "identity": (),
    "tanh": (),
    "sigmoid": (),
    "hard_sigmoid": (0.2, 0.5),
    "relu": (0.0, NO_CEILING, 0.0),
    "softplus": (),
    "softsign": (),
    "elu": (1.0,),
    "selu": (),
    "exponential": (),
    "silu": (),
    "hard_silu": (),
    "gelu": (0.0,),
    "mish": (),
    "hard_tanh": (-1.0, 1.0),
    "softmax": (-1.0,),
    "log_softmax": (-1.0,),
    "log_sigmoid": (),
    "thresholded": (1.0,),
    "affine": (1.0, 0.0),
    "absolute": (),
    "sqrt": (),
    "reciprocal": (),
    "negative": (),
    "logarithm": (),
    "erf": (),
    "celu": (1.0,),
}
"""Function -> the usual values of its arguments: hard_sigmoid: slope and shift; relu: slope below, largest value (none
below 0), threshold; gelu: whether approximated by tanh; softmax: axis; affine: factor and summand."""

_ARRAYS: dict[str, Callable[..., np.ndarray]] = {
    "identity": lambda x: x,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "relu": _relu,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "elu": _elu,
    "selu": lambda x: x.dtype.type(SELU[0]) * _elu(x, SELU[1]),
    "exponential": np.exp,
    "silu": lambda x: x * _sigmoid(x),
    "hard_silu": lambda x: x * _hard_sigmoid(x, 1 / 6, 0.5),
    "gelu": _gelu,
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "hard_tanh": _clip,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "log_sigmoid": lambda x: -_softplus(-x),
    "thresholded": lambda x, theta: np.where(x > x.dtype.type(theta), x, x.dtype.type(0)),
    "affine": lambda x, factor, summand: x.dtype.type(factor) * x + x.dtype.type(summand),
    "absolute": np.abs,
    "sqrt": np.sqrt,
    "reciprocal": lambda x: 1 / x,
    "negative": np.negative,
    "logarithm": np.log,
    "erf": _erf,
    "celu": lambda x, alpha: np.where(x > 0, x, x.dtype.type(alpha) * np.expm1(np.minimum(x, 0) / alpha)),
}


def _relu_symbol(a: Any, slope: float, ceiling: float, threshold: float) -> Any:
    if threshold:
        raise UserError("function relu: with a threshold it cannot stand inside a recurrence")
    found = relu(a) + slope * minimum(a, 0) if slope else relu(a)
    return minimum(found, ceiling) if ceiling >= 0 else found


def _elu_symbol(a: Any, alpha: float) -> Any:
    return maximum(a, 0) + alpha * (exp(minimum(a, 0)) - 1)


def _softmax_symbol(a: Any, size: int) -> Any:
    from throughtime.recurrence import mean

    raised = exp(a - mean(a))
    return raised / (mean(raised) * size)


_SYMBOLS: dict[str, Callable[..., Any]] = {
    "identity": lambda a: a,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "hard_sigmoid": lambda a, slope, shift: minimum(maximum(a * slope + shift, 0), 1),
    "relu": _relu_symbol,
    "softplus": softplus,
    "softsign": lambda a: a / (1 + maximum(a, -a)),
    "elu": _elu_symbol,
    "selu": lambda a: SELU[0] * _elu_symbol(a, SELU[1]),
    "exponential": exp,
    "silu": lambda a: a * sigmoid(a),
    "hard_silu": lambda a: a * minimum(maximum(a * (1 / 6) + 0.5, 0), 1),
    "mish": lambda a: a * tanh(softplus(a)),
    "hard_tanh": lambda a, low, high: minimum(maximum(a, low), high),
    "softmax": _softmax_symbol,
    "log_sigmoid": lambda a: -softplus(-a),
    "affine": lambda a, factor, summand: a * factor + summand,
}
