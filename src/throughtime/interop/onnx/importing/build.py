"""A graph of ours in the making, and what each value of the ONNX graph is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.layers import Layer
from throughtime.interop.model import Node, Place
from throughtime.interop.onnx.importing.fold import Reckoner, check_whole
from throughtime.interop.onnx.importing.values import (
    BATCH,
    Axis,
    Fixed,
    Joined,
    Known,
    Part,
    Reckoned,
    Reversed,
    View,
    size,
)


class Elsewhere(Exception):
    """The batch of an input is another axis than was thought. The message: "input axis"."""


@dataclass
class Builder:
    """What was made so far.

    values: ONNX's name -> what it is. seen: a place -> the name of the ONNX value that it equals, and how it is seen.
    truths: a layer's name -> what ONNX's own node says of it, for the proof. uses: how often a value is read.
    origins: a part of an input -> the input's name and axis. outside: places that are no value of ours, but initial
    states and lengths of a file that was written here. carried: a recurrent layer -> the inputs that are its states.
    reckoner: of what is known beforehand. taken: the names of layers. last: of a name that several wanted, the number
    that the last one got.
    straight: sequences that were turned and turned back, so that they stay in the order of time.
    """

    uses: Counter[str]
    values: dict[str, Known] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    weights: list[dict[str, np.ndarray]] = field(default_factory=list)
    seen: dict[Place, tuple[str, View]] = field(default_factory=dict)
    truths: dict[str, Any] = field(default_factory=dict)
    origins: dict[int, tuple[str, int]] = field(default_factory=dict)
    outside: dict[Place, str] = field(default_factory=dict)
    carried: dict[str, tuple[str, ...]] = field(default_factory=dict)
    primes: set[int] = field(default_factory=set)
    reckoner: Reckoner = field(default_factory=Reckoner)
    taken: set[str] = field(default_factory=set)
    last: dict[str, int] = field(default_factory=dict)
    straight: set[Place] = field(default_factory=set)
    keys: int = BATCH

    def key(self, count: int = 1) -> int:
        """A key of a part nobody has, the first of so many."""
        self.keys += count
        return self.keys - count + 1

    def name(self, wanted: str) -> str:
        """A name no other layer has."""
        plain = "".join(c if c.isprintable() else "?" for c in wanted).strip("/")[:150] or "layer"
        number = self.last.get(plain, 0) + 1
        while (found := plain if number == 1 else f"{plain} {number}") in self.taken:
            number += 1
        self.last[plain] = number
        self.taken.add(found)
        return found

    def put(
        self, layer: Layer, name: str, inputs: Sequence[Place], weights: Mapping[str, np.ndarray] | None = None
    ) -> list[Place]:
        """A layer at work; the places of its values."""
        self.names.append(self.name(name))
        self.layers.append(layer)
        self.weights.append(dict(weights or {}))
        self.nodes.append(Node(len(self.layers) - 1, tuple(inputs)))
        return [(len(self.nodes) - 1, value) for value in range(layer.count)]

    def placed(
        self, layer: Layer, name: str, inputs: Sequence[Place], weights: Mapping[str, np.ndarray]
    ) -> list[Place]:
        """A recurrent layer at work. Where its initial states come in and go out beside what the model is about, as in
        files that were written here, they become those that a stream carries."""
        names = [self.outside[place] for place in inputs[1:] if place in self.outside]
        if names and len(names) == len(inputs) - 1:
            inputs = inputs[:1]
        elif names:
            raise UserError("some of its initial states are its own, others are not, which is not known here")
        found = self.put(layer, name, inputs, weights)
        if names:
            own = self.names[-1]
            half = len(names) // 2
            both = layer.kind == "bidirectional"
            parts = {f"{own}.ahead": names[:half], f"{own}.back": names[half:]} if both else {own: names}
            self.carried.update({key: tuple(each) for key, each in parts.items()})
        return found

    def settled(self, view: View, axes: tuple[Axis, ...], name: str) -> View:
        """The value stored with these axes, the batch alone in front."""
        if view.stored == axes:
            return view
        parts = [part for axis in axes for part in axis]
        place, stored = view.place, view.stored
        if [part for axis in stored for part in axis] != parts:
            if any(len(axis) != 1 for axis in stored):
                stored = tuple((part,) for axis in stored for part in axis)
                place = self._reshape(place, stored, f"{name}.apart")
            order = [stored.index((part,)) for part in parts]
            stored = tuple((part,) for part in parts)
            (place,) = self.put(kinds.Permute(tuple(order[1:])), f"{name}.turned", [place])
        if stored != axes:
            place = self._reshape(place, axes, f"{name}.together")
        return View(place, axes, view.axes, view.whole)

    def _reshape(self, place: Place, axes: tuple[Axis, ...], name: str) -> Place:
        if not axes or len(axes[0]) != 1 or axes[0][0].key != BATCH:
            raise UserError("the batch would not be an axis of its own")
        free = [k for k, axis in enumerate(axes[1:]) if any(self.free(part) for part in axis)]
        if len(free) > 1:
            raise UserError("it would reshape an array with two free sizes")
        shape = tuple(-1 if k in free else size(axis) for k, axis in enumerate(axes[1:]))
        return self.put(kinds.Reshape(shape), name, [place])[0]

    def free(self, part: Part) -> bool:
        """Whether a part's size is not fixed."""
        return part.size in self.primes

    def usual(self, view: View, name: str) -> View:
        """The value stored as ONNX has it, but for the batch, which is in front."""
        return self.settled(view, view.usual, name)

    def view(self, name: str) -> View:
        """A value of the graph as one of ours, joined where it is not yet."""
        value = self.values[name]
        if isinstance(value, Joined):
            value = self.values[name] = self.joined(value, name)
        if isinstance(value, View):
            return value
        if isinstance(value, Fixed):
            raise UserError("it reads a fixed array where values of the model are expected")
        if isinstance(value, Reversed):
            return self._turned(value, name)
        if isinstance(value, Reckoned):
            raise UserError("it reads what was reckoned from tokens, which only a table's rows are here")
        raise UserError("it reads which steps a row has, which only recurrences do here")

    def joined(self, value: Joined, name: str) -> View:
        """Several values as one."""
        views = [self.usual(one, name) for one in value.parts]
        first = views[0]
        if any(part.key == BATCH or self.free(part) for one in views for part in one.axes[value.axis]):
            raise UserError("it joins along the batch or a free axis")
        apart = {tuple(n for k, n in enumerate(one.shape) if k != value.axis) for one in views}
        if len(apart) > 1 or any(len(one.stored) != len(first.stored) for one in views):
            raise UserError("it joins values of different shapes")
        before = sum(1 for one in first.axes[: value.axis] if one != first.stored[0])
        total = (Part(self.key(), sum(size(one.axes[value.axis]) for one in views)),)
        (place,) = self.put(kinds.Merge("concat", axis=1 + before), name, [one.place for one in views])
        stored = (*first.stored[: 1 + before], total, *first.stored[2 + before :])
        axes = (*first.axes[: value.axis], total, *first.axes[value.axis + 1 :])
        return View(place, stored, axes)

    def turn(self, name: str, time: Axis) -> None:
        """Say that a value is in the file what it is here, but from its end to its start."""
        value = self.values.get(name)
        if isinstance(value, View):
            self.values[name] = Reversed(value, time)
            if self.seen.get(value.place, ("",))[0] == name:
                del self.seen[value.place]

    def _turned(self, value: Reversed, name: str) -> View:
        """A sequence that is read from its end, in the order in which it was read."""
        number = self.nodes[value.view.place[0]].layer
        layer = self.layers[number]
        if value.view.place[1] or not isinstance(layer, kinds.Recurrent) or not layer.back:
            raise UserError("it turns a sequence, which only a recurrent layer that reads from the end does here")
        if value.view.place in self.straight:
            raise UserError("it reads a sequence in both orders, which is not known here")
        self.layers[number] = layer.replaced(turned=True)
        self.values[name] = value.view
        self.remember(name, value.view)
        return value.view

    def fixed(self, name: str, what: str) -> np.ndarray:
        """An array that is known beforehand and of no free size."""
        value = self.values.get(name)
        if not isinstance(value, Fixed):
            raise UserError(f"its {what} is no fixed array")
        if value.free:
            raise UserError(f"its {what} depends on the length of the input")
        check_whole(value.array, what)
        return value.array

    def remember(self, name: str, view: View) -> None:
        """A value of the graph."""
        self.values[name] = view
        if view.place not in self.outside:
            self.seen.setdefault(view.place, (name, view))

    def batch_is(self, axis: Axis) -> None:
        """Check that an axis is the batch; Elsewhere where it is another axis of an input."""
        if len(axis) == 1 and axis[0].key == BATCH:
            return
        if len(axis) == 1 and axis[0].key in self.origins:
            name, number = self.origins[axis[0].key]
            raise Elsewhere(f"{number} {name}")
        raise UserError("its batch is no axis of the model's inputs")
