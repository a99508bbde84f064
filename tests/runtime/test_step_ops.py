"""What is kept packed gives the same bits as what is packed anew."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from throughtime.models.exact import ExactOps
from throughtime.models.resolve import trace_of
from throughtime.recurrence import Recurrence
from throughtime.runtime.step_ops import _KEPT, StepOps


@pytest.mark.parametrize("rows", [1, 2, 5, 16, 17])
def test_the_same_bits(rows: int) -> None:
    rng, exact, kept = np.random.default_rng(rows), ExactOps(), StepOps()
    weight, bias = rng.normal(size=(900, 80)).astype(np.float32), rng.normal(size=900).astype(np.float32)
    layer = Recurrence(trace_of("lstm"), {"I": 12, "H": 9})
    own = layer.initial_parameters(rng, np.float32)
    for _ in range(3):
        x = rng.normal(size=(1, rows, 80)).astype(np.float32)
        np.testing.assert_array_equal(kept.linear(x, weight, bias), exact.linear(x, weight, bias))
        y = rng.normal(size=(1, rows, 12)).astype(np.float32)
        states = [rng.normal(size=(rows, 9)).astype(np.float32) for _ in layer.state_sizes]
        for initial in (states, None):
            ours, theirs = (ops.recurrence(layer, y, initial, own) for ops in (kept, exact))
            np.testing.assert_array_equal(ours[0], theirs[0])
            for one, other in zip(ours[1], theirs[1], strict=True):
                np.testing.assert_array_equal(one, other)
    assert kept.linear(x[:, :0], weight, bias).shape == (1, 0, 900)


def test_little_is_kept_and_nothing_copied() -> None:
    kept, rng = StepOps(), np.random.default_rng(0)
    x = rng.normal(size=(1, 2, 300)).astype(np.float32)
    bias = np.zeros(300, np.float32)
    for _ in range(2 * _KEPT):
        weight = rng.normal(size=(300, 300)).astype(np.float32)
        np.testing.assert_array_equal(kept.linear(x, weight, bias), ExactOps().linear(x, weight, bias))
    assert len(kept._packed) == _KEPT
    assert not copy.deepcopy(kept)._packed
