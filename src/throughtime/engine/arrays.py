"""Arrays for the engine: memory for its results, and the integers it takes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import throughtime.engine._engine as _engine

Array = np.ndarray[Any, Any]

LARGE = 1 << 17
"""Bytes from which the system gives fresh pages for an array, which cost more than writing them."""


def empty(shape: tuple[int, ...], dtype: str) -> Array:
    """An uninitialised array; a large one in memory that earlier results have left."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return _engine.block(size).view(dtype).reshape(shape) if size >= LARGE else np.empty(shape, dtype)


def integers(what: str, values: Any) -> Array:
    """Values as a contiguous int64 array; TypeError where they are no integers."""
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{what} must be integers, got {array.dtype}")
    return np.ascontiguousarray(array, np.int64)
