"""The operations of a model over NumPy arrays: for running it. No derivative, dropout does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.models.ops import NORM
from throughtime.recurrence import Recurrence

_SMALLEST = 1e-30
"""What a logarithm is taken of at least."""


class NumpyOps:
    """Arrays are time-major, (T, B, ...). threads: how many the engine may use."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def lookup(self, table: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """Rows of the table: (V, E) and integers (...) to (..., E)."""
        rows: np.ndarray = np.take(table, tokens, axis=0)
        return rows

    @np.errstate(all="ignore")  # see tasks/text/stream.py
    def linear(self, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """weight (N, K) times x (..., K), plus bias (N,): (..., N)."""
        y: np.ndarray = np.matmul(x, weight.T)
        if bias is not None:
            y += bias
        return y

    def log_softmax(self, x: np.ndarray) -> np.ndarray:
        """Logarithms of the probabilities along the last axis."""
        shifted: np.ndarray = x - x.max(axis=-1, keepdims=True)
        shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        return shifted

    def relu(self, x: np.ndarray) -> np.ndarray:
        """max(x, 0)."""
        found: np.ndarray = np.maximum(x, 0)
        return found

    def tanh(self, x: np.ndarray) -> np.ndarray:
        """The hyperbolic tangent."""
        found: np.ndarray = np.tanh(x)
        return found

    def softmax(self, x: np.ndarray, axis: int) -> np.ndarray:
        """Shares along an axis that add up to 1."""
        found: np.ndarray = np.exp(x - x.max(axis=axis, keepdims=True))
        found /= found.sum(axis=axis, keepdims=True)
        return found

    def sum(self, x: np.ndarray, axis: int) -> np.ndarray:
        """The sum along an axis."""
        found: np.ndarray = x.sum(axis)
        return found

    def largest(self, x: np.ndarray, axis: int) -> np.ndarray:
        """The largest value along an axis."""
        found: np.ndarray = x.max(axis)
        return found

    def exp(self, x: np.ndarray) -> np.ndarray:
        """The exponential."""
        found: np.ndarray = np.exp(x)
        return found

    def log(self, x: np.ndarray) -> np.ndarray:
        """The natural logarithm; of what is smaller than 1e-30, that of 1e-30."""
        found: np.ndarray = np.log(np.maximum(x, np.asarray(_SMALLEST, x.dtype)))
        return found

    def concatenate(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Arrays side by side on the last axis."""
        return parts[0] if len(parts) == 1 else np.concatenate(parts, -1)

    def mask(self, lengths: np.ndarray, steps: int, like: np.ndarray) -> np.ndarray:
        """(T, B, 1): 1 where a row (B,) has a step, 0 behind its end."""
        found: np.ndarray = (np.arange(steps)[:, None] < lengths).astype(like.dtype)[..., None]
        return found

    def bag(self, table: np.ndarray, indices: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """The mean of some rows of a table: (V, E), indices (N,) and offsets (D + 1,) to (D, E); of none, zeros.

        Row d is the mean of indices[offsets[d] : offsets[d + 1]].
        """
        counts = np.diff(offsets)
        found = np.zeros((len(counts), table.shape[1]), table.dtype)
        some = counts > 0
        if some.any():
            sums = np.add.reduceat(table[indices], offsets[:-1][some], axis=0)
            found[some] = sums / counts[some, None].astype(table.dtype)
        return found

    def permute(self, x: np.ndarray, axes: Sequence[int]) -> np.ndarray:
        """The axes in another order."""
        return np.transpose(x, axes)

    def blocks(self, x: np.ndarray, count: int) -> np.ndarray:
        """`count` copies one after the other on a new first axis: (count, ...), to be read only."""
        return np.broadcast_to(x, (count, *x.shape))

    def constant(self, values: np.ndarray, like: np.ndarray) -> np.ndarray:
        """Fixed values, beside an array."""
        return values.astype(like.dtype, copy=False)

    def fixed(self, x: np.ndarray) -> np.ndarray:
        """The same values."""
        return x

    def layer_norm(self, x: np.ndarray, gain: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """Each row shifted and scaled to mean 0 and variance 1, times gain, plus bias; see Ops."""
        centred = x - x.mean(-1, keepdims=True)
        variance = np.square(centred).mean(-1, keepdims=True)
        normed: np.ndarray = centred / np.sqrt(variance + np.asarray(NORM, x.dtype)) * gain + bias
        return normed

    @np.errstate(all="ignore")  # see tasks/text/stream.py
    def attention(
        self, queries: np.ndarray, keys: np.ndarray, values: np.ndarray, lengths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What each query takes of the values, and the shares it gives to them; see Ops."""
        scale = np.asarray(keys.shape[-1] ** -0.5, keys.dtype)
        scores = np.matmul(queries.transpose(1, 0, 2) * scale, keys.transpose(1, 2, 0))  # (B, U, T)
        scores = np.where((np.arange(len(keys)) < lengths[:, None])[:, None], scores, -np.inf)
        shares = self.softmax(scores, -1)
        taken = np.matmul(shares, values.transpose(1, 0, 2))
        return taken.transpose(1, 0, 2), shares.transpose(1, 0, 2)

    def dropout(self, x: np.ndarray, share: float, variational: bool) -> np.ndarray:
        """The identity: dropout belongs to training."""
        return x

    def recurrence(
        self,
        layer: Recurrence,
        x: np.ndarray,
        initial: Sequence[np.ndarray] | None,
        parameters: Mapping[str, np.ndarray],
        lengths: np.ndarray | None = None,
        reverse: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """The recurrence over x (T, B, I) from `initial` (None: zeros): output (T, B, S), final states (B, S_j).

        lengths: (B,), what lies behind is not read, and zero in the output. reverse: from each row's end to its start.
        """
        from throughtime import engine

        program = engine.compile(layer, str(x.dtype))
        arrays = tuple(parameters[name] for name in layer.trace.parameters)
        start = tuple(initial) if initial is not None else None
        output, final, _ = program.forward(x, start, arrays, lengths=lengths, reverse=reverse, threads=self.threads)
        return output, final

    def embedded(
        self,
        layer: Recurrence,
        tokens: np.ndarray,
        table: np.ndarray,
        initial: Sequence[np.ndarray] | None,
        parameters: Mapping[str, np.ndarray],
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """`recurrence` over lookup(table, tokens), tokens (T, B), the products made once per row of the table."""
        from throughtime import engine

        program = engine.compile(layer, str(table.dtype), lookup=True)
        if not program.takes_ids or tokens.size < 2 * len(table):
            return self.recurrence(layer, self.lookup(table, tokens), initial, parameters)
        arrays = tuple(parameters[name] for name in layer.trace.parameters)
        start, ids = tuple(initial) if initial is not None else None, np.ascontiguousarray(tokens, np.int64)
        output, final, _ = program.forward_ids(ids, table, start, arrays, training=False, threads=self.threads)
        return output, final


class ReferenceOps(NumpyOps):
    """The same with the recurrence node by node in NumPy: what the engine is tested against."""

    def recurrence(
        self,
        layer: Recurrence,
        x: np.ndarray,
        initial: Sequence[np.ndarray] | None,
        parameters: Mapping[str, np.ndarray],
        lengths: np.ndarray | None = None,
        reverse: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        from throughtime.recurrence.evaluate import sequence

        trace = layer.trace
        if initial is None:
            initial = [np.zeros((x.shape[1], size), x.dtype) for size in layer.state_sizes]
        if lengths is None and not reverse:
            return sequence(trace, parameters, x, initial)
        output, final = np.zeros((*x.shape[:2], layer.output_size), x.dtype), []
        turn = -1 if reverse else 1
        for row in range(x.shape[1]):
            length = len(x) if lengths is None else int(lengths[row])
            last: Sequence[np.ndarray] = [value[row : row + 1] for value in initial]
            if length:
                one, last = sequence(trace, parameters, x[:length, row : row + 1][::turn], last)
                output[:length, row : row + 1] = one[::turn]
            final.append(last)
        return output, tuple(np.concatenate(states) for states in zip(*final, strict=True))

    def embedded(
        self,
        layer: Recurrence,
        tokens: np.ndarray,
        table: np.ndarray,
        initial: Sequence[np.ndarray] | None,
        parameters: Mapping[str, np.ndarray],
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        return self.recurrence(layer, self.lookup(table, tokens), initial, parameters)


def nats(ops: NumpyOps, logits: Any, targets: np.ndarray) -> np.ndarray:
    """-log p(target) of each position: logits (..., V), targets (...), result (...)."""
    return -np.take_along_axis(ops.log_softmax(logits), targets[..., None].astype(np.int64), axis=-1)[..., 0]
