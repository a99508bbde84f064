"""How good an answer is likely to be."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.runtime.beam import Answer
from throughtime.tasks.sequence.confidence import FEATURES, confidence, features, fit


def test_it_means_the_quality_that_such_answers_had() -> None:
    rng = np.random.default_rng(0)
    known = rng.normal(size=(4000, len(FEATURES))) * [1, 2, 0, 5, 0.1] + 3
    truth = 1 / (1 + np.exp(-(known[:, 0] - 3) - 0.3 * (known[:, 1] - 3)))
    quality = np.clip(truth + 0.2 * rng.normal(size=4000), 0, 1)
    weights = fit(known, quality)
    said = np.array([confidence(weights, one) for one in known])
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        some = (said >= low) & (said < low + 0.2)
        assert quality[some].mean() == pytest.approx(said[some].mean(), abs=0.04)
    assert fit(known[:10], quality[:10]) == ()
    assert 0 <= confidence(weights, known[0] * 1e9) <= 1


def test_what_is_known_of_an_answer() -> None:
    answer = Answer([1, 2], -3.0, -1.0, np.array([[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]]), np.array([0.0, 0.6, 0.0]))
    mean, covered, copied, pieces, length = features(answer, "ab c")
    assert (mean, pieces, length) == (-1.0, 1.0, pytest.approx(np.log(3)))
    assert copied == pytest.approx(0.2)
    assert covered == pytest.approx(np.log(0.5) / 2)
