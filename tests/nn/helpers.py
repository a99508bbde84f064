"""What the tests of nn share: comparing two computations with all their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tests.tolerances import GRADIENT, OUTPUT


def name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def flat(value: Any) -> list[Tensor]:
    """The tensors in nested tuples, packed sequences included, in order."""
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return [value.data]
    if isinstance(value, Tensor):
        return [value]
    return [tensor for part in value for tensor in flat(part)]


def gradients(outputs: Any, wanted: Sequence[Tensor], seed: int = 1) -> list[Tensor]:
    """Gradients of a random weighting of every output; the graph is kept."""
    generator = torch.Generator().manual_seed(seed)
    values = flat(outputs)
    weights = [torch.randn(v.shape, generator=generator, dtype=torch.float64).to(v.dtype) for v in values]
    return list(
        torch.autograd.grad(values, wanted, weights, retain_graph=True, allow_unused=True, materialize_grads=True)
    )


def assert_outputs(ours: Any, theirs: Any) -> None:
    ours, theirs = flat(ours), flat(theirs)
    assert len(ours) == len(theirs)
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), i
        difference = float((a - b).detach().abs().max()) if a.numel() else 0.0
        assert difference <= OUTPUT[name(a.dtype)], f"output {i} differs by {difference}"


def assert_gradients(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> None:
    assert len(ours) == len(theirs)
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), i
        difference = float((a - b).abs().max()) if a.numel() else 0.0
        scale = max(1.0, float(b.abs().max())) if a.numel() else 1.0
        assert difference <= GRADIENT[name(a.dtype)] * scale, f"gradient {i} differs by {difference} of {scale}"
