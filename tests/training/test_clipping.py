"""Clipping by the global norm."""

from __future__ import annotations

import math

import torch

from throughtime.training.clipping import clip


def test_clipping_by_the_global_norm() -> None:
    gradients = [torch.tensor([3.0, 0.0]), torch.tensor([[4.0]])]
    assert clip(gradients, 5.0) == (5.0, False)
    assert clip(gradients, None) == (5.0, False)
    norm, struck = clip(gradients, 1.0)
    assert (norm, struck) == (5.0, True)
    torch.testing.assert_close(gradients[0], torch.tensor([0.6, 0.0]))
    torch.testing.assert_close(gradients[1], torch.tensor([[0.8]]))
    assert math.isnan(clip([torch.tensor([math.nan])], 1.0)[0])
