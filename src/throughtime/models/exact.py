"""The operations of NumpyOps in an order that depends on a row alone: its result is bit for bit the same alone or in
any batch. NumPy's own products and sums choose their order by the shape of the whole."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from throughtime.models.ops_numpy import NumpyOps
from throughtime.recurrence import Cell, Matrix, Recurrence, Vector


class _Affine(Cell):
    """A linear layer as a recurrence of one step, so that the engine's product computes it."""

    state = {"y": "H"}

    W = Matrix("H", "I")
    b = Vector("H")

    def step(self, x: Any, y: Any) -> Any:
        return self.W @ x + self.b


@cache
def layer_of(inputs: int, outputs: int) -> Recurrence:
    """The recurrence of one step that is a linear layer of these sizes; its parameters are W and b."""
    return Recurrence(_Affine().trace(), {"I": inputs, "H": outputs})


class ExactOps(NumpyOps):
    """NumpyOps, bit for bit alike in every company."""

    def linear(self, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """weight (N, K) times x (..., K), plus bias (N,): (..., N)."""
        from throughtime import engine

        outputs, inputs = weight.shape
        layer = layer_of(inputs, outputs)
        program = engine.compile(layer, str(x.dtype))
        own = {"W": np.ascontiguousarray(weight), "b": np.zeros(outputs, x.dtype) if bias is None else bias}
        arrays = tuple(own[name] for name in layer.trace.parameters)
        rows = np.ascontiguousarray(x).reshape(1, -1, inputs)
        if not rows.shape[1]:
            return np.zeros((*x.shape[:-1], outputs), x.dtype)
        found, _, _ = program.forward(rows, None, arrays, threads=self.threads)
        return np.asarray(found).reshape(*x.shape[:-1], outputs)

    def softmax(self, x: np.ndarray, axis: int) -> np.ndarray:
        """Shares along an axis that add up to 1."""
        found: np.ndarray = np.exp(x - x.max(axis=axis, keepdims=True))
        found /= np.expand_dims(self.sum(found, axis), axis)
        return found

    def sum(self, x: np.ndarray, axis: int) -> np.ndarray:
        """The sum along an axis, one after the other."""
        if axis % x.ndim == x.ndim - 1 or not len(x):
            return super().sum(x, axis)  # within a row
        found: np.ndarray = np.add.accumulate(x, axis=axis).take(-1, axis)
        return found

    def attention(
        self, queries: np.ndarray, keys: np.ndarray, values: np.ndarray, lengths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What each query takes of the values, and the shares it gives to them; see Ops.

        Sums run over the width of a key as it lies in memory, and over time one after the other, so that neither the
        other rows nor what lies behind a row's end have a say.
        """
        scale = np.asarray(keys.shape[-1] ** -0.5, keys.dtype)
        with np.errstate(all="ignore"):
            scores = np.einsum("ubk,tbk->ubt", np.ascontiguousarray(queries) * scale, keys, order="C")
            inside = np.arange(len(keys)) < lengths[:, None]
            scores = np.where(inside, scores, -np.inf)
            shares: np.ndarray = np.exp(scores - scores.max(-1, keepdims=True))
            shares /= np.add.accumulate(shares, axis=-1)[..., -1:]
            taken = np.einsum("ubt,tbn->ubn", shares, values, order="C")
        return taken, shares
