"""The operations that models are written over: once in NumPy (ops_numpy), once in torch (ops_torch).

A model's `forward(ops, config, parameters, ...)` calls nothing else on its arrays but arithmetic, indexing and reshape.
Arrays are time-major, (T, B, ...). tests/models/test_ops.py holds that the two agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from throughtime.recurrence import Recurrence

Array = Any
"""An array of NumPy or a tensor of torch."""

Params = Mapping[str, Array]
"""A model's parameters by their flat names."""


class Ops(Protocol):
    """What a model may do with its arrays."""

    def lookup(self, table: Array, tokens: Array) -> Array:
        """Rows of the table: (V, E) and integers (...) to (..., E)."""

    def linear(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """weight (N, K) times x (..., K), plus bias (N,): (..., N)."""

    def log_softmax(self, x: Array) -> Array:
        """Logarithms of the probabilities along the last axis."""

    def relu(self, x: Array) -> Array:
        """max(x, 0)."""

    def tanh(self, x: Array) -> Array:
        """The hyperbolic tangent."""

    def softmax(self, x: Array, axis: int) -> Array:
        """Shares along an axis that add up to 1."""

    def sum(self, x: Array, axis: int) -> Array:
        """The sum along an axis."""

    def largest(self, x: Array, axis: int) -> Array:
        """The largest value along an axis."""

    def exp(self, x: Array) -> Array:
        """The exponential."""

    def log(self, x: Array) -> Array:
        """The natural logarithm; of what is smaller than 1e-30, that of 1e-30."""

    def concatenate(self, parts: Sequence[Array]) -> Array:
        """Arrays side by side on the last axis."""

    def mask(self, lengths: Array, steps: int, like: Array) -> Array:
        """(T, B, 1): 1 where a row (B,) has a step, 0 behind its end."""

    def bag(self, table: Array, indices: Array, offsets: Array) -> Array:
        """The mean of some rows of a table: (V, E), indices (N,) and offsets (D + 1,) to (D, E); of none, zeros.

        Row d is the mean of indices[offsets[d] : offsets[d + 1]].
        """

    def permute(self, x: Array, axes: Sequence[int]) -> Array:
        """The axes in another order."""

    def blocks(self, x: Array, count: int) -> Array:
        """`count` copies one after the other on a new first axis: (count, ...), to be read only."""

    def constant(self, values: np.ndarray, like: Array) -> Array:
        """Fixed values, beside an array."""

    def fixed(self, x: Array) -> Array:
        """The same values, which training leaves as they are."""

    def dropout(self, x: Array, share: float, variational: bool) -> Array:
        """Zero the share of values, scale the rest up; variational: the same ones at every step. Only in training."""

    def layer_norm(self, x: Array, gain: Array, bias: Array) -> Array:
        """Each row (..., N) shifted and scaled to mean 0 and variance 1, times gain (N,), plus bias (N,).

        1e-5 is added to the variance. Source: Ba et al. 2016, arXiv:1607.06450, equation 4.
        """

    def attention(self, queries: Array, keys: Array, values: Array, lengths: Array) -> tuple[Array, Array]:
        """What each query takes of the values, (U, B, N), and the shares it gives to them, (U, B, T).

        queries: (U, B, K). keys: (T, B, K). values: (T, B, N). lengths: (B,), at least 1, of keys and values; what lies
        behind has no share. Scaled dot products: Vaswani et al. 2017, arXiv:1706.03762, equation 1.
        """

    def recurrence(
        self,
        layer: Recurrence,
        x: Array,
        initial: Sequence[Array] | None,
        parameters: Mapping[str, Array],
        lengths: Array | None = None,
        reverse: bool = False,
    ) -> tuple[Array, tuple[Array, ...]]:
        """The recurrence over x (T, B, I) from `initial` (None: zeros): output (T, B, S), final states (B, S_j).

        lengths: (B,), what lies behind is not read, and zero in the output. reverse: from each row's end to its start.
        """

    def embedded(
        self,
        layer: Recurrence,
        tokens: Array,
        table: Array,
        initial: Sequence[Array] | None,
        parameters: Mapping[str, Array],
    ) -> tuple[Array, tuple[Array, ...]]:
        """`recurrence` over lookup(table, tokens), tokens (T, B), the products made once per row of the table."""


NORM = 1e-5
"""Added to a variance before its root is taken."""
