"""Matrices of eight bits with a scale for each row, in a file of weights: about a quarter of its size."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from throughtime.errors import UserError

SCALE = ":scale"
"""What stands behind a matrix's name in that of its scales."""

_MOST = 127


def packed(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays by name with every matrix of float32 in eight bits, the largest value of a row as 127."""
    found: dict[str, np.ndarray] = {}
    for name, value in arrays.items():
        if value.ndim != 2 or value.dtype != np.float32:
            found[name] = value
            continue
        largest = np.abs(value).max(1, initial=0.0)
        scale = np.where(largest > 0, largest / _MOST, 1.0).astype(np.float32)
        found[name] = np.clip(np.rint(value / scale[:, None]), -_MOST, _MOST).astype(np.int8)
        found[name + SCALE] = scale
    return found


def unpacked(arrays: Mapping[str, np.ndarray], where: str) -> dict[str, np.ndarray]:
    """Arrays by name as they were packed, float32. where: the file. UserError where matrices and scales do not fit."""
    found: dict[str, np.ndarray] = {}
    for name, value in arrays.items():
        if name.endswith(SCALE):
            continue
        scale = arrays.get(name + SCALE)
        if scale is None:
            found[name] = value
            continue
        if value.dtype != np.int8 or value.ndim != 2 or scale.dtype != np.float32 or scale.shape != (len(value),):
            raise UserError(f"{where}: {name[:60]}: expected eight bits and a scale for each row; the file is damaged")
        found[name] = value.astype(np.float32) * scale[:, None]
    if missing := [name for name in arrays if name.endswith(SCALE) and name.removesuffix(SCALE) not in found]:
        raise UserError(f"{where}: {missing[0][:60]}: there is no matrix for these scales; the file is damaged")
    return found
