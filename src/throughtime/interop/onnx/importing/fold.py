"""Arithmetic with arrays that are known beforehand: mostly the shapes that exporters reckon with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.errors import UserError

Array = np.ndarray
Attributes = Mapping[str, Any]

MOST_VALUES, MOST_BYTES = 1 << 26, 1 << 30
"""The largest array that is reckoned beforehand, and the memory of all of them."""

INTEGERS = {6: np.int32, 7: np.int64}
FLOATS = {1: np.float32, 11: np.float64}
TYPES: dict[int, Any] = {**INTEGERS, **FLOATS, 9: np.bool_, 2: np.uint8, 3: np.int8}
"""The element types of ONNX that are known here."""


def axes_of(attributes: Attributes, inputs: Sequence[Array | None], place: int = 1) -> list[int] | None:
    """The axes a node is about: an attribute up to opset 12, an input later; None for none."""
    if "axes" in attributes:
        return [int(n) for n in attributes["axes"]]
    if len(inputs) > place and inputs[place] is not None:
        return [int(n) for n in np.atleast_1d(np.asarray(inputs[place]))]
    return None


def _plain(shape: Sequence[int] | Array) -> list[int]:
    found = [int(n) for n in np.atleast_1d(np.asarray(shape))]
    if any(n < 0 for n in found) or len(found) > 8:
        raise UserError(f"a shape of {found[:8]} is none")
    return found


def _spread(value: Array, shape: Sequence[int] | Array) -> Array:
    """One value at every place, without the memory."""
    return np.broadcast_to(value, np.broadcast_shapes(value.shape, tuple(_plain(shape))))


def _constant_of_shape(a: Attributes, shape: Array) -> Array:
    value = np.asarray(a.get("value", np.zeros(1, np.float32)))
    return np.asarray(np.broadcast_to(value.reshape(()), _plain(shape)))


def _gather(a: Attributes, data: Array, indices: Array) -> Array:
    axis = range(data.ndim)[a.get("axis", 0)]
    if not indices.ndim:
        return data[(slice(None),) * axis + (int(indices),)]
    return np.asarray(np.take(data, indices.astype(np.int64), axis=axis))


def bounds(a: Attributes, inputs: Sequence[Array | None], rank: int) -> dict[int, slice]:
    """What a Slice takes of each axis."""
    if "starts" in a:
        starts, ends, axes, steps = a["starts"], a["ends"], a.get("axes"), None
    else:
        starts, ends, axes, steps = (*inputs[1:], None, None, None)[:4]
    count = len(np.atleast_1d(starts))
    each = range(count) if axes is None else np.atleast_1d(axes)
    paces = [1] * count if steps is None else np.atleast_1d(steps)
    found = {}
    for axis, start, end, pace in zip(each, np.atleast_1d(starts), np.atleast_1d(ends), paces, strict=True):
        last: int | None = int(end)
        if int(pace) < 0 and int(end) <= -(1 << 31):
            last = None
        found[int(axis) % rank] = slice(int(start), last, int(pace))
    return found


def _slice(a: Attributes, data: Array, *rest: Array | None) -> Array:
    chosen = bounds(a, [data, *rest], data.ndim)
    return data[tuple(chosen.get(k, slice(None)) for k in range(data.ndim))]


def _squeeze(a: Attributes, data: Array, axes: Array | None = None) -> Array:
    wanted = axes_of(a, [data, axes])
    return data.squeeze(None if wanted is None else tuple(wanted))


def _unsqueeze(a: Attributes, data: Array, axes: Array | None = None) -> Array:
    return np.expand_dims(data, tuple(axes_of(a, [data, axes]) or []))


def _reshape(a: Attributes, data: Array, shape: Array) -> Array:
    wanted = [data.shape[k] if n == 0 and not a.get("allowzero") else int(n) for k, n in enumerate(shape)]
    if data.size and not any(data.strides):  # one value at every place
        known = math.prod(n for n in wanted if n != -1)
        return np.broadcast_to(data.flat[0], [data.size // known if n == -1 else n for n in wanted])
    _check_size(data.size if 0 in data.strides else 0)
    return data.reshape(wanted)


def _cast(a: Attributes, data: Array) -> Array:
    if a.get("to") not in TYPES:
        raise UserError(f"it makes values of element type {a.get('to')}, which is not known here")
    return data.astype(TYPES[a["to"]])


def _range(a: Attributes, start: Any, limit: Any, delta: Any) -> Array:
    count = (limit - start) / delta
    if not 0 <= count <= MOST_VALUES:
        raise UserError("a range of so many values is too large")
    return np.asarray(np.arange(start, limit, delta))


def _divide(a: Attributes, x: Array, y: Array) -> Array:
    if x.dtype.kind in "iu":
        if not y.all():
            raise UserError("it divides by zero")
        return np.asarray(x // y)
    return np.asarray(x / y)


def _total(a: Attributes, data: Array, axes: Array | None = None) -> Array:
    wanted = axes_of(a, [data, axes])
    return np.asarray(data.prod(None if wanted is None else tuple(wanted), keepdims=bool(a.get("keepdims", 1))))


FOLDS: dict[str, Callable[..., Array]] = {
    "Identity": lambda a, x: x,
    "Cast": _cast,
    "ConstantOfShape": _constant_of_shape,
    "Expand": lambda a, x, shape: _spread(x, shape),
    "Gather": _gather,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Transpose": lambda a, x: x.transpose(a.get("perm")),
    "Concat": lambda a, *each: np.concatenate(each, a["axis"]),
    "Range": _range,
    "ReduceProd": _total,
    "Add": lambda a, x, y: x + y,
    "Sub": lambda a, x, y: x - y,
    "Mul": lambda a, x, y: x * y,
    "Div": _divide,
    "Neg": lambda a, x: -x,
    "Max": lambda a, *each: np.maximum.reduce(each),
    "Min": lambda a, *each: np.minimum.reduce(each),
    "Equal": lambda a, x, y: x == y,
    "Where": lambda a, c, x, y: np.asarray(np.where(c, x, y)),
    "Not": lambda a, x: ~x,
    "Less": lambda a, x, y: x < y,
    "LessOrEqual": lambda a, x, y: x <= y,
    "Greater": lambda a, x, y: x > y,
    "GreaterOrEqual": lambda a, x, y: x >= y,
    "And": lambda a, x, y: x & y,
    "Or": lambda a, x, y: x | y,
    "Mod": lambda a, x, y: np.fmod(x, y) if a.get("fmod") else np.mod(x, y),
    "Shape": lambda a, x: np.array(x.shape[slice(a.get("start", 0), a.get("end"))], np.int64),
    "Size": lambda a, x: np.array(x.size, np.int64),
}
"""The operators that are reckoned beforehand."""

_LAZY = {"Identity", "Expand", "ConstantOfShape", "Gather", "Slice", "Squeeze", "Unsqueeze", "Transpose", "Shape"}
_LAZY |= {"Size", "Reshape"}
"""Those that copy nothing, or no more than they give."""


_TOGETHER = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Where"}
"""Those whose inputs are spread over each other."""


def check_whole(array: Array, what: str) -> None:
    """UserError for one value at so many places that they are not to be made."""
    if array.size > MOST_VALUES and 0 in array.strides:
        raise UserError(f"its {what} is one value at {array.size:,} places, which is too large")


def _check_size(count: int) -> None:
    if count > MOST_VALUES:
        raise UserError("it reckons with arrays that are too large")


@dataclass
class Reckoner:
    """Reckons the nodes of a file. taken: bytes of memory that their values have so far."""

    taken: int = 0

    def fold(self, op: str, attributes: Attributes, inputs: Sequence[Array | None]) -> Array:
        """As `fold`; UserError, too, where all values together would be too large."""
        found = fold(op, attributes, inputs)
        if 0 not in found.strides and not any(one is not None and np.may_share_memory(found, one) for one in inputs):
            self.taken += found.nbytes
            if self.taken > MOST_BYTES:
                raise UserError("what is reckoned beforehand is too large in all")
        return found


def fold(op: str, attributes: Attributes, inputs: Sequence[Array | None]) -> Array:
    """The value of a node; UserError where it cannot be, or would be too large."""
    given = list(inputs)
    while given and given[-1] is None:
        given.pop()
    if op not in _LAZY:
        _check_size(sum(one.size for one in given if one is not None))
    try:
        if op == "Gather" and given[1] is not None and given[0] is not None and given[1].ndim:
            axis = given[0].shape[attributes.get("axis", 0)] or 1
            _check_size(given[0].size // axis * max(given[1].size, 1))
        if op in _TOGETHER:
            _check_size(math.prod(np.broadcast_shapes(*(one.shape for one in given if one is not None))))
        with np.errstate(all="ignore"):
            return np.asarray(FOLDS[op](attributes, *given))
    except UserError:
        raise
    except (ValueError, IndexError, TypeError, KeyError, OverflowError) as error:
        raise UserError(f"its inputs do not fit ({(str(error).splitlines() or [''])[0][:120]})") from None
