"""Arithmetic with tokens before a table is read, as TensorFlow's exporters write it: the same tokens, or it is refused.

Keras counts negative tokens from the end of a table: Add, Less, Cast and Mul of the tokens, or Where, stand before the
Gather. What such nodes make of a token is kept as a function of it, and tried on every row of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from throughtime.errors import UserError
from throughtime.interop.onnx.importing.fold import FOLDS, INTEGERS, TYPES, Attributes
from throughtime.interop.onnx.importing.values import Fixed, Known, Reckoned, View

_BEGIN = ("Add", "Sub", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Mod")
"""What may be done with tokens themselves; the rest follows on what these gave."""

_ALL = (*_BEGIN, "Mul", "Not", "And", "Or", "Where", "Cast", "Identity")


def applies(op: str, a: Attributes, values: Sequence[Known | None]) -> bool:
    """Whether a node only reckons with tokens: with these, numbers, and what was reckoned from them."""
    small = all(isinstance(one, Reckoned | View) or (isinstance(one, Fixed) and one.array.size == 1) for one in values)
    if not small or op not in _ALL:
        return False
    if any(isinstance(one, Reckoned) for one in values):
        return True
    views = [one for one in values if isinstance(one, View)]
    begins = op in _BEGIN or (op == "Cast" and a.get("to") not in INTEGERS)
    return begins and len(views) == 1 and len(views[0].axes) > 1 and views[0].tokens


def reckoned(op: str, a: Attributes, values: Sequence[Known | None]) -> Reckoned:
    """What a node makes of tokens. UserError where it joins two values of the model, or makes what is not known."""
    view = next(one.view if isinstance(one, Reckoned) else one for one in values if isinstance(one, Reckoned | View))
    each: list[Callable[[np.ndarray], np.ndarray]] = []
    for one in values:
        if isinstance(one, Reckoned):
            _check(one.view, view)
            each.append(one.f)
        elif isinstance(one, View):
            _check(one, view)
            each.append(lambda tokens: tokens)
        elif isinstance(one, Fixed):
            each.append(lambda _, array=one.array: array.reshape(()))  # type: ignore[misc]
    if op == "Cast" and a.get("to") not in TYPES:
        raise UserError(f"it makes values of element type {a.get('to')}, which is not known here")
    if op == "Mod" and a.get("fmod"):
        raise UserError("the remainder that takes the sign of what is divided (fmod) is not known here")

    kept: list[np.ndarray] = []

    def f(tokens: np.ndarray) -> np.ndarray:
        if not kept or kept[0] is not tokens:  # what is read twice is reckoned once
            kept[:] = tokens, np.asarray(FOLDS[op](a, *(one(tokens) for one in each)))
        return kept[1]

    return Reckoned(replace(view, whole=True), f)


def _check(view: View, other: View) -> None:
    if view.place != other.place or view.axes != other.axes:
        raise UserError("it reckons with two values of the model; only with tokens and numbers is known here")


def looked_up(value: Reckoned, rows: int) -> View:
    """The tokens themselves, where all that was reckoned leaves each row of a table as it is; UserError elsewhere."""
    tokens = np.arange(rows, dtype=np.int64)
    try:
        found = value.f(tokens)
    except (RecursionError, TypeError, ValueError) as error:
        raise UserError(f"what is reckoned from its tokens cannot be reckoned here ({str(error)[:80]})") from None
    if found.shape != tokens.shape or not np.array_equal(found, tokens):
        raise UserError("what is reckoned from its tokens are not the tokens themselves, which is not known here")
    return value.view
