"""The operations in NumPy and in torch agree: those no other test of the models reaches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.tolerances import OUTPUT
from throughtime.models.ops_numpy import NumpyOps
from throughtime.models.ops_torch import TorchOps

DTYPES = ["float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_attention_agrees_and_reads_nothing_behind_an_end(dtype: str) -> None:
    rng = np.random.default_rng(0)
    queries, keys, values = (rng.standard_normal(shape).astype(dtype) for shape in ((3, 4, 5), (7, 4, 5), (7, 4, 2)))
    lengths = np.array([7, 1, 4, 6])
    taken, shares = NumpyOps().attention(queries, keys, values, lengths)
    tensors = [torch.from_numpy(one) for one in (queries, keys, values, lengths)]
    wanted, wanted_shares = TorchOps().attention(*tensors)
    np.testing.assert_allclose(taken, wanted.numpy(), atol=OUTPUT[dtype])
    np.testing.assert_allclose(shares, wanted_shares.numpy(), atol=OUTPUT[dtype])
    assert taken.shape == (3, 4, 2)
    assert shares.shape == (3, 4, 7)
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-5)
    for row, length in enumerate(lengths):
        assert not shares[:, row, length:].any()
        keys[length:, row], values[length:, row] = 1e3, 1e3
    np.testing.assert_array_equal(NumpyOps().attention(queries, keys, values, lengths)[0], taken)


def test_attention_by_hand() -> None:
    keys = np.array([[[2.0, 0, 0, 0]], [[0, 0, 0, 0]]])
    values = np.array([[[1.0]], [[0.0]]])
    taken, shares = NumpyOps().attention(np.array([[[1.0, 0, 0, 0]]]), keys, values, np.array([2]))
    share = np.exp(1.0) / (np.exp(1.0) + 1.0)  # 2 / sqrt(4) against 0
    np.testing.assert_allclose(shares[0, 0], [share, 1 - share])
    np.testing.assert_allclose(taken, [[[share]]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_layer_norm_agrees_and_is_as_its_paper_has_it(dtype: str) -> None:
    rng = np.random.default_rng(1)
    x, gain, bias = (rng.standard_normal(shape).astype(dtype) for shape in ((3, 4, 6), (6,), (6,)))
    normed = NumpyOps().layer_norm(x, gain, bias)
    wanted = TorchOps().layer_norm(*(torch.from_numpy(one) for one in (x, gain, bias))).numpy()
    np.testing.assert_allclose(normed, wanted, atol=OUTPUT[dtype])
    plain = NumpyOps().layer_norm(x, np.ones(6, dtype), np.zeros(6, dtype))
    np.testing.assert_allclose(plain.mean(-1), 0, atol=1e-5)
    np.testing.assert_allclose(plain.var(-1), 1, rtol=1e-3)
    assert NumpyOps().layer_norm(np.full((1, 6), 5, dtype), gain, bias) == pytest.approx(bias[None])  # no variance
