"""What a server or a device needs to know of a trained model: an input comes in, an output goes out."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import numpy as np

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.storage.ordered import in_order

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)

State = tuple[Mapping[str, np.ndarray], Json]
"""Of a stream: arrays by name, and what JSON can say."""

_KEY = "stream"


class Stream(ABC, Generic[In, Out]):
    """A model that follows one input as it arrives.

    `feed` takes in what comes next and returns what the model makes of all so far; the state is apart from the weights,
    so that one model serves many streams. A task writes `feed`, `state` and `set_state`, and names its kind.
    """

    kind: str

    @abstractmethod
    def feed(self, value: In) -> Out:
        """Take in what comes next; the model's answer to all so far."""

    @abstractmethod
    def state(self) -> State:
        """Everything the next answer depends on besides the weights; copies."""

    @abstractmethod
    def set_state(self, state: State | None) -> None:
        """Go on from a state; None: from the beginning. UserError where it is of another model."""

    def reset(self) -> None:
        """Forget everything that was fed."""
        self.set_state(None)

    def save(self) -> bytes:
        """The state, to go on with later or elsewhere; a safetensors file, equal bytes for equal states."""
        from safetensors.numpy import save

        arrays, rest = self.state()
        header = {_KEY: self.kind, "rest": json.dumps(rest)}
        return in_order(save({name: np.ascontiguousarray(one) for name, one in arrays.items()}, metadata=header))

    def restore(self, data: bytes) -> None:
        """Go on from what `save` gave; UserError where that is damaged or another model's, and nothing has changed."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            length = int.from_bytes(data[:8], "little")
            header = json.loads(data[8 : 8 + length])["__metadata__"]
            kind, rest, arrays = header[_KEY], json.loads(header["rest"]), load(data)
        except (SafetensorError, KeyError, TypeError, ValueError, RecursionError, OverflowError) as error:
            raise UserError(f"stream: expected a saved state ({error}); it is damaged") from None
        if kind != self.kind:
            raise UserError(f"stream: expected the state of a {self.kind} stream, got that of {str(kind)[:40]!r}")
        before = self.state()
        try:
            self.set_state((arrays, rest))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            self.set_state(before)
            text = str(error) if isinstance(error, UserError) else f"stream: the state is of another model ({error})"
            raise UserError(text) from None


class Stateless(Stream[In, Out]):
    """A stream of inputs that have nothing to do with each other. kind: see Stream. answer: to an input."""

    def __init__(self, kind: str, answer: Callable[[In], Out]) -> None:
        self.kind, self._answer = kind, answer

    def feed(self, value: In) -> Out:
        return self._answer(value)

    def state(self) -> State:
        """Nothing."""
        return {}, None

    def set_state(self, state: State | None) -> None:
        if state is not None and state[0]:
            raise UserError(f"stream: a {self.kind} stream carries no state; another model's?")


def check_shapes(arrays: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray]) -> None:
    """UserError unless the arrays of a state have the names, shapes and types that this model's have."""
    for name, one in wanted.items():
        if name not in arrays or arrays[name].shape != one.shape or arrays[name].dtype != one.dtype:
            got = f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "none"
            raise UserError(f"stream: the state's {name} must be {one.dtype} {one.shape}, got {got}; another model's?")
    if more := sorted(arrays.keys() - wanted.keys()):
        raise UserError(f"stream: the state has {', '.join(more[:3])}, which this model has not; another model's?")
