"""A model's parameters by name: whether they are those its configuration asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from throughtime.errors import UserError


def check_parameters(who: str, shapes: Mapping[str, tuple[int, ...]], parameters: Mapping[str, Any]) -> None:
    """UserError unless exactly these parameters are there, with these shapes, all float32 or all float64."""
    missing, extra = shapes.keys() - parameters.keys(), parameters.keys() - shapes.keys()
    if missing or extra:
        parts = [f"{_listed(names)} {word}" for names, word in ((missing, "missing"), (extra, "unknown")) if names]
        raise UserError(f"{who}: parameters do not fit the configuration: {'; '.join(parts)}")
    for name, shape in shapes.items():
        if tuple(parameters[name].shape) != shape:
            raise UserError(f"{who}: {name} must be {shape}, got {tuple(parameters[name].shape)}")
    types = {str(value.dtype).removeprefix("torch."): name for name, value in parameters.items()}
    if len(types) > 1 or not types.keys() <= {"float32", "float64"}:
        shown = ", ".join(f"{name} is {dtype}" for dtype, name in sorted(types.items()))
        raise UserError(f"{who}: expected all parameters as float32 or all as float64, {shown}; convert them")


def check_finite(who: str, parameters: Mapping[str, np.ndarray]) -> None:
    """UserError where a parameter has a value that is not a finite number."""
    for name, value in parameters.items():
        with np.errstate(all="ignore"):
            if np.isfinite(value.sum()):  # a sum is finite only where all its parts are
                continue
        if not np.isfinite(value).all():
            count = int(value.size - np.isfinite(value).sum())
            raise UserError(
                f"{who}: {name} has {count:,} of {value.size:,} values that are not finite (NaN or infinite); "
                "the file is damaged or its training diverged, train again with a smaller --learning-rate"
            )


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")


def check_finite_output(outputs: Iterable[Any]) -> None:
    """UserError where members, each an array or a tuple of arrays and None, put out what is no number."""
    for one in outputs:
        for values in one if isinstance(one, tuple) else (one,):
            if values is not None and not np.isfinite(values).all():
                raise UserError("the model's output is not finite; its training diverged or its file is damaged")
