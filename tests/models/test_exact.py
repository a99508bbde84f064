"""A row's result is bit for bit the same alone or in any batch, however long its neighbours are."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.models.exact import ExactOps
from throughtime.models.ops_numpy import NumpyOps

OPS = ExactOps(2)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (3, 5), (64, 1), (64, 3), (257, 11), (384, 130)])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_linear_layer(inputs: int, outputs: int, kind: str) -> None:
    rng = np.random.default_rng(inputs)
    weight, bias = (rng.normal(size=shape).astype(kind) for shape in ((outputs, inputs), outputs))
    x = rng.normal(size=(3, 33, inputs)).astype(kind)
    for own in (bias, None):
        whole = OPS.linear(x, weight, own)
        np.testing.assert_allclose(whole, NumpyOps().linear(x, weight, own), atol=1e-4)
        assert whole.dtype == kind
        for b in (0, 7, 32):
            np.testing.assert_array_equal(OPS.linear(x[:, b : b + 1], weight, own)[:, 0], whole[:, b])
        np.testing.assert_array_equal(OPS.linear(x[:2, :19], weight, own), whole[:2, :19])
    assert OPS.linear(x[:0], weight, bias).shape == (0, 33, outputs)


@pytest.mark.parametrize("steps", [1, 9, 200])
@pytest.mark.parametrize("width", [1, 3, 64])
def test_sums_and_shares_over_time(steps: int, width: int) -> None:
    x = np.random.default_rng(steps).normal(size=(steps, 8, width)).astype(np.float32)
    behind = np.concatenate([x, np.zeros((30, 8, width), np.float32)])
    np.testing.assert_allclose(OPS.sum(x, 0), x.sum(0), atol=1e-4)
    np.testing.assert_array_equal(OPS.sum(behind, 0), OPS.sum(x, 0))
    far = np.concatenate([x, np.full((30, 8, width), -1e4, np.float32)])
    for rows in (1, 3, 8):
        np.testing.assert_array_equal(OPS.sum(x[:, :rows], 0), OPS.sum(x, 0)[:rows])
        np.testing.assert_array_equal(OPS.softmax(x[:, :rows], 0), OPS.softmax(far, 0)[:steps, :rows])


@pytest.mark.parametrize("width", [1, 3, 64])
def test_attention(width: int) -> None:
    rng = np.random.default_rng(width)
    queries, keys = (rng.normal(size=(n, 5, width)).astype(np.float32) for n in (4, 21))
    values = rng.normal(size=(21, 5, 7)).astype(np.float32)
    lengths = np.array([21, 1, 9, 20, 3])
    taken, shares = OPS.attention(queries, keys, values, lengths)
    for ours, theirs in zip((taken, shares), NumpyOps().attention(queries, keys, values, lengths), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    for b, n in enumerate(lengths):
        for some in (slice(0, 1), slice(1, 4)):
            own = OPS.attention(
                queries[some, b : b + 1], keys[:n, b : b + 1], values[:n, b : b + 1], lengths[b : b + 1]
            )
            np.testing.assert_array_equal(own[0][:, 0], taken[some, b])
            np.testing.assert_array_equal(own[1][:, 0], shares[some, b, :n])
