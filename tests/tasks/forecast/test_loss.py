"""The losses of forecasts, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from throughtime.tasks.forecast.loss import LIKELIHOODS, LOSSES, loss_of, quantile


def test_losses_against_their_definitions() -> None:
    rng = np.random.default_rng(5)
    forecast, actual = rng.standard_normal((6, 4)), rng.standard_normal((6, 4))
    observed = (rng.random((6, 4)) < 0.7) * 1.0
    level, scale, changed = 50.0 + rng.random(6), 1.0 + rng.random(6), 2.0 + rng.random(6)
    arrays = [
        torch.from_numpy(v) for v in (forecast[..., None], actual, observed, np.stack([level, scale, changed], 1))
    ]
    f, y = (v * scale[:, None] + level[:, None] for v in (forecast, actual))
    error, kept = np.abs(f - y), observed == 1
    assert float(LOSSES["mae"](*arrays)) == pytest.approx(np.abs(forecast - actual)[kept].mean())
    assert float(LOSSES["mse"](*arrays)) == pytest.approx(((forecast - actual) ** 2)[kept].mean())
    both = 0.5 * error / changed[:, None] + 2.5 * 2 * error / (np.abs(f) + np.abs(y))
    assert float(LOSSES["mase_smape"](*arrays)) == pytest.approx(both[kept].mean(), rel=1e-4)
    assert float(quantile([0.5])(*arrays)) == pytest.approx(np.abs(forecast - actual)[kept].mean())
    tenth = np.where(actual > forecast, 0.1 * (actual - forecast), 0.9 * (forecast - actual))
    assert float(quantile([0.1])(*arrays)) == pytest.approx(2 * tenth[kept].mean())


def test_which_loss_is_learned_by() -> None:
    assert loss_of("mse") is LOSSES["mse"]
    assert loss_of("mse", (0.1, 0.9), "student_t") is LIKELIHOODS["student_t"]
    levels = loss_of("mse", (0.5,))
    ones = torch.ones(2, 3)
    assert float(levels(torch.zeros(2, 3, 1), 3 * ones, ones, ones)) == pytest.approx(3.0)  # the square would be 9
