"""What the values of an ONNX graph are while it is converted: fixed arrays, views of values of ours, and a few more.

A value of ours keeps its batch in front. ONNX turns axes, splits and joins them; a view says which parts of which axes
of ours an axis is made of, so that such nodes cost nothing until a layer needs the values in another order.
Free sizes are stood for by prime numbers that nothing else in the file has, so that reckoning with shapes is plain
arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from throughtime.errors import UserError
from throughtime.interop.model import Place

BATCH = 0
"""The part that is the batch."""


class Part(NamedTuple):
    """A part of an axis. key: which one; size: its number of values, a prime where it is free."""

    key: int
    size: int


Axis = tuple[Part, ...]
"""Parts side by side, the first the slowest; none for an axis of one value."""


def size(axis: Axis) -> int:
    """How many values an axis has."""
    return math.prod(part.size for part in axis)


@dataclass(frozen=True)
class Fixed:
    """An array that is known beforehand. free: whether it was reckoned from a free size."""

    array: np.ndarray
    free: bool = False

    @property
    def zero(self) -> bool:
        """Whether all its values are 0; of one that stands at many places it is looked at once."""
        once = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in self.array.strides)
        return not self.array[once].any()


@dataclass(frozen=True)
class View:
    """A value of ours as ONNX sees it. stored: its axes, the batch first; axes: ONNX's, of the same parts. whole:
    whether its values are integers. tokens: whether it is an input, perhaps turned or in another type."""

    place: Place
    stored: tuple[Axis, ...]
    axes: tuple[Axis, ...]
    whole: bool = False
    tokens: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape in ONNX."""
        return tuple(map(size, self.axes))

    def seen(self, axes: tuple[Axis, ...]) -> View:
        """The same value in other axes."""
        return View(self.place, self.stored, axes, self.whole, self.tokens)

    @property
    def batch_axis(self) -> int:
        """Which axis of ONNX's holds the batch, alone or with more."""
        return next(k for k, axis in enumerate(self.axes) if any(part.key == BATCH for part in axis))

    @property
    def usual(self) -> tuple[Axis, ...]:
        """ONNX's axes, the batch in front and apart."""
        rest: list[Axis] = []
        for axis in self.axes:
            left = tuple(part for part in axis if part.key != BATCH)
            if left or len(left) == len(axis):
                rest.append(left)
        return (self._batch, *rest)

    @property
    def _batch(self) -> Axis:
        return next((part,) for axis in self.stored for part in axis if part.key == BATCH)

    def divided(self, part: Part, into: tuple[Part, ...]) -> View:
        """The same, a part told apart as several."""

        def new(axis: Axis) -> Axis:
            return tuple(p for one in axis for p in (into if one == part else (one,)))

        return View(self.place, tuple(map(new, self.stored)), tuple(map(new, self.axes)), self.whole, self.tokens)


@dataclass(frozen=True)
class Joined:
    """Several values one behind the other along an axis, not joined yet."""

    axis: int
    parts: tuple[View, ...]


@dataclass(frozen=True)
class Steps:
    """Which steps lie before the end of their row, from the lengths. axes: 2 for (B, T) or (T, B). time: which axis."""

    lengths: View
    time: int


@dataclass(frozen=True)
class NoSteps:
    """Which rows have no step at all."""

    lengths: View


@dataclass(frozen=True)
class Reckoned:
    """What integer arithmetic makes of tokens. view: the tokens; f: what it makes of each."""

    view: View
    f: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Reversed:
    """A sequence from its end to its start. view: the sequence as it is; time: its axis."""

    view: View
    time: Axis


Known = Fixed | View | Joined | Steps | NoSteps | Reckoned | Reversed


def reshaped(view: View, target: tuple[int, ...], fresh: int) -> View:
    """A view in another shape; parts are divided where it must be. fresh: a key nobody has. UserError where a part
    cannot be divided."""
    left = [part for axis in view.axes for part in axis]
    axes: list[Axis] = []
    for wanted in target:
        axis: list[Part] = []
        have = 1
        while have < wanted or (not axis and wanted == 1 and left and left[0] == Part(BATCH, 1)):
            if not left:
                raise UserError(f"a reshape of {view.shape} to {target} does not fit")
            part = left.pop(0)
            if wanted % (have * part.size):
                first = wanted // have
                if part.key == BATCH or part.size % first or wanted % have:
                    raise UserError(f"a reshape of {view.shape} to {target} splits or mixes the batch or a free axis")
                into = (Part(fresh, first), Part(fresh + 1, part.size // first))
                fresh += 2
                view = view.divided(part, into)
                axes = [tuple(p for one in a for p in (into if one == part else (one,))) for a in axes]
                left.insert(0, into[1])
                part = into[0]
            axis.append(part)
            have *= part.size
        axes.append(tuple(axis))
    if left:
        raise UserError(f"a reshape of {view.shape} to {target} does not fit")
    return view.seen(tuple(axes))


def unseen(array: np.ndarray, view: View, sizes: dict[int, int]) -> np.ndarray:
    """An array of ONNX's in the order in which the value is stored. sizes: prime -> what stands for it now."""

    def now(part: Part) -> int:
        return sizes.get(part.size, part.size) if part.key != BATCH else sizes.get(BATCH, part.size)

    parts = [part for axis in view.axes for part in axis]
    order = [part for axis in view.stored for part in axis]
    apart = array.reshape([now(part) for part in parts]).transpose([parts.index(part) for part in order])
    return apart.reshape([math.prod(now(part) for part in axis) for axis in view.stored])
