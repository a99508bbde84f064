"""A text in parallel streams: every chunk continues the one before, targets are inputs moved by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughtime.errors import UserError
from throughtime.training.streams import Streams


@given(st.integers(2, 500), st.integers(1, 40), st.integers(1, 40), st.integers(0, 3))
def test_chunks_continue_each_other(length: int, batch: int, window: int, number: int) -> None:
    streams = Streams(np.arange(length, dtype=np.int32), batch, window, seed=1)
    epoch = streams.epoch(number)
    assert len(epoch) == len(streams) >= 1
    chunks = [epoch[i] for i in range(len(epoch))]
    for chunk in chunks:
        assert chunk.shape == (streams.window + 1, streams.batch)
        assert chunk.dtype == np.int64
        assert (np.diff(chunk, axis=0) == 1).all()
    for one, two in itertools.pairwise(chunks):
        np.testing.assert_array_equal(one[-1], two[0])
    read = np.concatenate([chunk[1:] for chunk in chunks]).ravel()
    assert len(np.unique(read)) == len(read)  # nothing is learned twice
    assert read.max() < length
    with pytest.raises(IndexError):
        epoch[len(epoch)]


def test_nearly_all_is_read_and_borders_move() -> None:
    streams = Streams(np.arange(100_000), 32, 64, seed=0)
    assert streams.batch * len(streams) * streams.window > 0.97 * 100_000
    first = {int(streams.epoch(i)[0][0, 0]) for i in range(20)}
    assert len(first) > 5
    assert first <= set(range(64))
    assert streams.epoch(3)[5].tolist() == Streams(np.arange(100_000), 32, 64, seed=0).epoch(3)[5].tolist()


def test_errors() -> None:
    with pytest.raises(UserError, match="at least 2 tokens"):
        Streams(np.arange(1), 2, 2, 0)
    with pytest.raises(UserError, match="window must be a positive integer, got 0"):
        Streams(np.arange(9), 2, 0, 0)
