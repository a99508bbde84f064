"""The moving average of the weights."""

from __future__ import annotations

import pytest
import torch

from throughtime.training.average import Average


def test_the_average_follows_and_is_swapped_in() -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    average = Average({"w": weight}, 0.9)
    with torch.no_grad():
        for step in range(1, 201):
            weight.copy_(torch.tensor([1.0, float(step)]))
            average.update(step)
    wanted = 0.0
    for step in range(1, 201):
        d = min(0.9, (1 + step) / (10 + step))
        wanted = d * wanted + (1 - d) * step
    assert average.values["w"][0].item() == pytest.approx(1.0, abs=1e-5)
    assert average.values["w"][1].item() == pytest.approx(wanted, rel=1e-4)
    with average.applied():
        assert weight[1].item() == pytest.approx(wanted, rel=1e-4)
    assert weight[1].item() == 200.0
    with torch.no_grad():
        weight.add_(1.0)  # the parameter is still the memory that the average reads
    average.update(201)
    assert average.values["w"][1].item() == pytest.approx(0.9 * wanted + 0.1 * 201, rel=1e-4)
