"""Clipping by the global norm."""

from __future__ import annotations

import math

import torch

from throughtime.training.clipping import clip


def test_the_norm_is_torchs_and_what_is_left_is_the_limit() -> None:
    generator = torch.Generator().manual_seed(3)
    for scale in (1e-6, 1.0, 1e4):
        gradients = [scale * torch.randn(shape, generator=generator) for shape in ((7, 5), (3,), (2, 3, 4))]
        for gradient in gradients:
            gradient.requires_grad_(False)
        wanted = float(torch.nn.utils.get_total_norm(gradients))
        norm, struck = clip(gradients, 0.5 * wanted)
        assert (norm, struck) == (wanted, True)
        assert math.isclose(clip(gradients, None)[0], 0.5 * wanted, rel_tol=1e-6)
    assert clip([torch.tensor([math.inf])], 1.0) == (math.inf, False)


def test_clipping_by_the_global_norm() -> None:
    gradients = [torch.tensor([3.0, 0.0]), torch.tensor([[4.0]])]
    assert clip(gradients, 5.0) == (5.0, False)
    assert clip(gradients, None) == (5.0, False)
    norm, struck = clip(gradients, 1.0)
    assert (norm, struck) == (5.0, True)
    torch.testing.assert_close(gradients[0], torch.tensor([0.6, 0.0]))
    torch.testing.assert_close(gradients[1], torch.tensor([[0.8]]))
    assert math.isnan(clip([torch.tensor([math.nan])], 1.0)[0])
