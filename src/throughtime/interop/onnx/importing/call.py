"""A node at work, and what its kind asks of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop.layers import Layer
from throughtime.interop.onnx.importing import fold
from throughtime.interop.onnx.importing.build import Builder
from throughtime.interop.onnx.importing.values import BATCH, Known, View


@dataclass(frozen=True)
class Call:
    """A node at work. a: its attributes; name: of the layer it becomes; opset: the version of the operators."""

    build: Builder
    op: str
    a: Mapping[str, Any]
    inputs: Sequence[str]
    outputs: Sequence[str]
    name: str
    opset: int

    def value(self, place: int) -> Known | None:
        """An input; None where it is left out."""
        return self.build.values[self.inputs[place]] if self.has(place) else None

    def has(self, place: int) -> bool:
        """Whether an input is given."""
        return len(self.inputs) > place and bool(self.inputs[place])

    def view(self, place: int = 0) -> View:
        """An input as a value of the model."""
        return self.build.view(self.inputs[place])

    def array(self, place: int, what: str) -> np.ndarray:
        """An input as a fixed array."""
        return self.build.fixed(self.inputs[place], what)

    def axis(self, view: View, otherwise: int) -> int:
        """The attribute axis, not negative."""
        found = int(self.a.get("axis", otherwise))
        if not -len(view.axes) <= found < len(view.axes):
            raise UserError(f"its axis is {found}, its input has {len(view.axes)}")
        return found % len(view.axes)

    def give(self, view: View, output: int = 0) -> None:
        """Say what an output is."""
        self.build.remember(self.outputs[output], view)

    def same(self, layer: Layer, weights: Mapping[str, np.ndarray] | None = None, view: View | None = None) -> View:
        """A layer that keeps the shape of its input."""
        view = view or self.view()
        (place,) = self.build.put(layer, self.name, [view.place], weights)
        found = View(place, view.stored, view.axes)
        self.give(found)
        return found


def apart(call: Call, view: View, axis: int) -> tuple[View, int]:
    """The value stored so that an axis of ONNX's is an axis of ours, and which."""
    wanted = view.axes[axis]
    if any(part.key == BATCH for part in wanted):
        raise UserError(f"its axis {axis} is the batch")
    if not wanted or wanted not in view.stored:
        view = call.build.usual(view, call.name)
    if not wanted:
        return view, 1 + sum(1 for one in view.axes[:axis] if one != view.stored[0])
    return view, view.stored.index(wanted)


def axes_asked(call: Call, rank: int) -> list[int] | None:
    given = [None, call.array(1, "axes")] if call.has(1) else [None]
    found = fold.axes_of(call.a, given)
    if found is not None and not all(-rank <= n < rank for n in found):
        raise UserError(f"its axes are {found[:8]}, its input has {rank} axes")
    return found
