"""The temperature that makes a model as sure as it is right."""

from __future__ import annotations

import numpy as np
import pytest

from tests.linear.answers import drawn, nll
from throughtime.linear.calibration import temperature


def test_the_temperature_is_found() -> None:
    log, truth = drawn(4000)
    for factor in (0.25, 1.0, 3.0):
        assert temperature(factor * log, truth) == pytest.approx(factor, rel=0.1)
        near = [nll(factor * log / (temperature(factor * log, truth) * k), truth) for k in (0.98, 1, 1.02)]
        assert near[1] == min(near)
    with_unseen = np.append(truth, -1)
    assert temperature(np.vstack([log, log[:1]]), with_unseen) == temperature(log, truth)
    assert temperature(log[:0], truth[:0]) == 1
    sure = np.array([[3.0, 0.0]])
    assert temperature(sure, np.array([0])) == pytest.approx(0.05, rel=0.01)
    assert 0.3 < temperature(sure, np.array([0]), prior=1.0) < 1
    assert temperature(sure, np.array([1])) == pytest.approx(20, rel=0.01)
