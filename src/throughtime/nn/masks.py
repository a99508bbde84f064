"""Random masks. Shares are taken in 256ths: a byte per value, eight to a draw, where drawing every value by itself
would cost more than the layer it is for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def in_256ths(share: float) -> int:
    """The nearest number of 256ths, at least 1 and at most 255, to a share above 0 and below 1."""
    return min(255, max(1, round(256 * share)))


def chosen(shape: Sequence[int], share: float, generator: torch.Generator | None = None) -> Tensor:
    """A mask of so many values on the CPU, bool: each is chosen with the share's probability."""
    if torch.compiler.is_compiling():  # which knows no random_
        return torch.rand(torch.Size(shape), dtype=torch.float32) < in_256ths(share) / 256
    count = torch.Size(shape).numel()
    words = torch.empty((count + 7) // 8, dtype=torch.int64).random_(-(2**63), None, generator=generator)
    return words.view(torch.uint8)[:count].view(*shape) < in_256ths(share)


def dropout_mask(shape: Sequence[int], share: float, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """0 for the share of values that is dropped, 1 / (1 - share) for the others; dtype and device as `like`."""
    whole = ~chosen(shape, share, generator)
    return whole.to(device=like.device, dtype=like.dtype).mul_(256 / (256 - in_256ths(share)))
