"""On a CUDA device: RNN, LSTM and GRU are torch's own (cuDNN), other cells the loop; all equal the CPU."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

import throughtime.cells
import throughtime.nn
from tests.nn.helpers import flat, gradients
from throughtime.nn import functional

DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
    ),
]
CLOSE = {"atol": 1e-4, "rtol": 1e-4}
"""cuDNN may multiply in TensorFloat-32; switched off below, it sums in another order still."""


@pytest.fixture(params=DEVICES)
def device(request: Any) -> Iterator[str]:
    switches = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [switch.allow_tf32 for switch in switches]
    for switch in switches:
        switch.allow_tf32 = False
    yield str(request.param)
    for switch, value in zip(switches, before, strict=True):
        switch.allow_tf32 = value


def close(ours: Any, theirs: Any, device: str) -> None:
    for a, b in zip(flat(ours), flat(theirs), strict=True):
        assert a.device.type == device
        torch.testing.assert_close(a.cpu(), b, **CLOSE)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_torchs_layers(name: str, device: str) -> None:
    here = getattr(throughtime.nn, name)(5, 9, 2, bidirectional=True)
    there = copy.deepcopy(here).to(device)
    x = torch.randn(6, 3, 5)
    a, b = there(x.to(device)), here(x)
    close(a, b, device)
    close(gradients_of(a, there), gradients_of(b, here), device)
    packed = pack_padded_sequence(x, [6, 2, 4], enforce_sorted=False)
    close(flat(there(packed.to(device))), flat(here(packed)), device)


def gradients_of(result: Any, module: Any) -> list[Any]:
    values = flat(result)
    generator = torch.Generator().manual_seed(1)
    weights = [torch.randn(v.shape, generator=generator).to(v.device) for v in values]
    return list(torch.autograd.grad(values, list(module.parameters()), weights, allow_unused=True))


@pytest.mark.parametrize("name", throughtime.cells.PLAIN)
def test_any_cell(name: str, device: str) -> None:
    here = throughtime.nn.Recurrent(name, 3, 3, {"P": 2}, seed=0, initial="learned")
    there = copy.deepcopy(here).to(device)
    x, lengths, resets = torch.randn(6, 4, 3), torch.tensor([6, 0, 3, 5]), torch.rand(6, 4) < 0.3
    for options in ({}, {"lengths": lengths}, {"lengths": lengths, "resets": resets}):
        moved = {key: value.to(device) for key, value in options.items()}
        a, b = there(x.to(device), **moved), here(x, **options)
        close(a, b, device)
        close(gradients_of(a, there), gradients_of(b, here), device)


def test_the_state_travels(device: str) -> None:
    layer = throughtime.nn.Recurrent("lstm", 3, 4, seed=0).to(device)
    _, state = layer(torch.randn(5, 3, 3, device=device))
    state = state.detach().reset([1]).reorder([2, 0, 1])
    again = layer.State.from_bytes(state.to_bytes(), device)
    assert all(torch.equal(a, b) for a, b in zip(again, state, strict=True))
    assert again.h.device.type == device
    assert state.to("cpu").h.device.type == "cpu"


def test_one_step(device: str) -> None:
    here = throughtime.nn.RecurrentCell("gru", 3, 4, seed=0)
    there = copy.deepcopy(here).to(device)
    x = torch.randn(2, 3)
    close(there(x.to(device)), here(x), device)


def test_the_engine_is_never_asked(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if device == "cuda":
        monkeypatch.setattr(functional, "engine_forward", None)
    layer = throughtime.nn.Recurrent("gru", 3, 4).to(device)
    values = layer(torch.randn(5, 2, 3, device=device))
    assert all(gradient is not None for gradient in gradients(values, list(layer.parameters()))) or device == "cuda"
