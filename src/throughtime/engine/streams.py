"""Many independent streams of one recurrence, stepped as one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np

from throughtime.engine.arrays import Array, integers
from throughtime.recurrence import Recurrence


class Streams:
    """Streams that join, step in any company and leave; each a row of one batch with a state of its own.

    Made by Program.streams. A stream's numbers are those of a Stepper of its own, bit for bit, whoever steps with it.
    threads: rows of a large batch are split between so many. Calls of several threads come one after the other.

    Example:
        streams = program.streams(arrays)
        a, b = streams.join(), streams.join()
        y = streams.step([a, b], x)  # x (2, I) -> y (2, S)
        y = streams.step({b: x_b})[b]
        saved = streams.save(a)
        streams.leave(a)
        a = streams.join(saved)
    """

    def __init__(self, streams: Any, recurrence: Recurrence, dtype: str, threads: int) -> None:
        self._streams, self._recurrence, self._dtype, self._threads = streams, recurrence, dtype, threads

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def ids(self) -> list[int]:
        """The live streams, in the order of their rows: stepped in this order, no state is moved."""
        return list(self._streams.ids())

    def join(self, state: Sequence[Array] | bytes | None = None) -> int:
        """A new stream; its id. state: arrays (S_j,), what `save` returned, or None for zeros."""
        return int(self._streams.join(None if state is None else self._values(state)))

    def leave(self, stream: int) -> None:
        """Forget a stream. Raises ValueError where it is not alive."""
        self._streams.leave(stream)

    def state(self, stream: int) -> tuple[Array, ...]:
        """Copies of a stream's states, (S_j,) each."""
        states = [np.empty(size, self._dtype) for size in self._recurrence.state_sizes]
        self._streams.read_state(stream, states)
        return tuple(states)

    def save(self, stream: int) -> bytes:
        """A stream's states as bytes, little-endian, for `join`."""
        return b"".join(part.astype(self._stored).tobytes() for part in self.state(stream))

    @overload
    def step(self, streams: Mapping[int, Array]) -> dict[int, Array]: ...
    @overload
    def step(self, streams: Sequence[int] | Array, x: Array) -> Array: ...
    def step(self, streams: Any, x: Array | None = None) -> Any:
        """One step of the streams named, each once: ids (n,) and x (n, I) -> the output states (n, S), newly made.

        Or {id: x (I,)} -> {id: output (S,)}. Raises ValueError for ids that are not alive or come twice and for wrong
        shapes, TypeError for a wrong dtype; no stream has moved then.
        """
        if isinstance(streams, Mapping):
            ids = np.fromiter(streams, np.int64, len(streams))
            if not len(ids):
                return {}
            return dict(zip(streams, self.step(ids, np.stack(list(streams.values()))), strict=True))
        ids = _row("ids", streams)
        if not isinstance(x, np.ndarray) or x.dtype != self._dtype:
            got = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
            raise TypeError(f"{self._recurrence.name}: x must be a {self._dtype} array, got {got}")
        output = np.empty((len(ids), self._recurrence.output_size), self._dtype)
        self._streams.step(ids, x, output, self._threads)
        return output

    def set_table(self, inputs: Array) -> None:
        """inputs (count, I): what tokens stand for; their products with the weights are computed once."""
        self._streams.set_table(inputs)

    def step_tokens(self, streams: Sequence[int] | Array, tokens: Sequence[int] | Array) -> Array:
        """As step(streams, inputs[tokens])."""
        ids = _row("ids", streams)
        output = np.empty((len(ids), self._recurrence.output_size), self._dtype)
        self._streams.step_tokens(ids, _row("tokens", tokens), output, self._threads)
        return output

    @property
    def _stored(self) -> np.dtype[Any]:
        return np.dtype(self._dtype).newbyteorder("<")

    def _values(self, state: Sequence[Array] | bytes) -> list[Array]:
        name, sizes = self._recurrence.name, self._recurrence.state_sizes
        if isinstance(state, bytes):
            expected = sum(sizes) * self._stored.itemsize
            if len(state) != expected:
                raise ValueError(f"{name}: a saved state must have {expected} bytes, got {len(state)}")
            state = np.split(np.frombuffer(state, self._stored), np.cumsum(sizes)[:-1])
        values = [np.ascontiguousarray(part, self._dtype) for part in state]
        if [v.shape for v in values] != [(size,) for size in sizes]:
            raise ValueError(f"{name}: states must be {[(s,) for s in sizes]}, got {[v.shape for v in values]}")
        return values


def _row(what: str, values: Sequence[int] | Array) -> Array:
    array = np.asarray(values)
    row = integers(what, array)
    if array.ndim != 1:
        raise ValueError(f"{what} must be (n,), got {array.shape}")
    return row
