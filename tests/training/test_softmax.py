"""The cross-entropy over many classes, against torch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from throughtime.training import softmax
from throughtime.training.softmax import Copied, Sampler, cross_entropy, smoothed_cross_entropy

ROWS, WIDTH, CLASSES = 200, 24, 3000


def layer(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, np.ndarray]:
    """Rows, weight, bias, targets as frequent as words are, and how often each class is seen."""
    random, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    share = 1.0 / np.arange(1, CLASSES + 1)
    share /= share.sum()
    x = torch.randn(ROWS, WIDTH, generator=random, requires_grad=True)
    weight = (0.3 * torch.randn(CLASSES, WIDTH, generator=random)).requires_grad_()
    bias = torch.from_numpy(np.log(share).astype(np.float32)).requires_grad_()
    return x, weight, bias, torch.from_numpy(rng.choice(CLASSES, ROWS, p=share)), rng.multinomial(500_000, share)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("chunk", [1, 100_000, 1 << 30])
def test_it_is_the_cross_entropy_of_all_classes(fast: bool, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax, "fast_bfloat16", lambda: fast)
    monkeypatch.setattr(softmax, "_CHUNK", chunk)
    x, weight, bias, targets, _ = layer()
    parameters = (x, weight, bias)
    expected = torch.nn.functional.cross_entropy(x @ weight.T + bias, targets)
    gradients = torch.autograd.grad(3.0 * expected, parameters)
    found = cross_entropy(x, weight, bias, targets)
    near = 1e-3 if fast else 2e-6
    assert found.item() == pytest.approx(expected.item(), rel=near)
    for ours, theirs in zip(torch.autograd.grad(3.0 * found, parameters), gradients, strict=True):
        assert (ours - theirs).norm() <= (1e-2 if fast else 2e-6) * theirs.norm()


def test_some_classes_estimate_all_of_them_without_bias() -> None:
    """The denominator is a sum over classes; each candidate counts as many times as it stands for."""
    x, weight, bias, targets, counts = layer(1)
    sampler, generator = Sampler(counts, 400), torch.Generator().manual_seed(0)
    drawn = sampler.draw(targets, generator)
    assert set(targets.tolist()) <= set(drawn.ids.tolist())
    assert len(drawn.ids) < CLASSES / 4
    assert (drawn.weight >= 0).all()
    expected = torch.nn.functional.cross_entropy(x @ weight.T + bias, targets)
    exact = torch.autograd.grad(expected, weight)[0]
    losses, mean = [], torch.zeros_like(exact)
    for _ in range(200):  # other batches, for a class is a candidate as it is a target elsewhere
        found = cross_entropy(x, weight, bias, targets, sampler.draw(targets, generator))
        losses.append(found.item())
        mean += torch.autograd.grad(found, weight)[0] / 200
    assert np.mean(losses) == pytest.approx(expected.item(), rel=0.02)
    assert (mean - exact).norm() < 0.15 * exact.norm()


def test_the_targets_of_a_batch_alone_would_not_do() -> None:
    """What the weights of the candidates are for: without them the loss comes out far too low."""
    x, weight, bias, targets, counts = layer(2)
    drawn = Sampler(counts, 400).draw(targets, torch.Generator().manual_seed(0))
    expected = torch.nn.functional.cross_entropy(x @ weight.T + bias, targets).item()
    unweighted = softmax.Candidates(drawn.ids, torch.zeros_like(drawn.weight))
    assert cross_entropy(x, weight, bias, targets, unweighted).item() < 0.95 * expected
    assert cross_entropy(x, weight, bias, targets, drawn).item() == pytest.approx(expected, rel=0.03)


def test_all_classes_as_candidates_are_the_exact_loss() -> None:
    x, weight, bias, targets, _ = layer(3)
    every = softmax.Candidates(torch.arange(CLASSES), torch.zeros(CLASSES))
    exact, found = cross_entropy(x, weight, bias, targets), cross_entropy(x, weight, bias, targets, every)
    assert found.item() == pytest.approx(exact.item(), rel=1e-6)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("chunk", [1, 100_000, 1 << 30])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("copying", [False, True])
def test_smoothed_and_copied_against_its_definition(
    fast: bool, chunk: int, smoothing: float, copying: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(softmax, "fast_bfloat16", lambda: fast)
    monkeypatch.setattr(softmax, "_CHUNK", chunk)
    x, weight, bias, targets, _ = layer()
    random = torch.Generator().manual_seed(3)
    gate = torch.randn(ROWS, generator=random, requires_grad=True)
    mass = (torch.rand(ROWS, generator=random) * (torch.arange(ROWS) % 3 > 0)).requires_grad_()
    parameters = (x, weight, bias, *((gate, mass) if copying else ()))
    logs = torch.log_softmax(x @ weight.T + bias, 1)
    likely = logs.gather(1, targets[:, None])[:, 0]
    if copying:
        g = torch.sigmoid(gate)
        likely = (g * likely.exp() + (1 - g) * mass).log()
    expected = -((1 - smoothing) * likely + smoothing * logs.mean(1)).mean()
    gradients = torch.autograd.grad(3.0 * expected, parameters)
    found = smoothed_cross_entropy(x, weight, bias, targets, smoothing, Copied(gate, mass) if copying else None)
    assert found.item() == pytest.approx(expected.item(), rel=1e-3 if fast else 5e-6)
    for ours, theirs in zip(torch.autograd.grad(3.0 * found, parameters), gradients, strict=True):
        assert (ours - theirs).norm() <= (2e-2 if fast else 1e-5) * theirs.norm()
