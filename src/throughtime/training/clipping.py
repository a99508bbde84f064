"""Clipping a gradient by its global norm (Pascanu et al. 2013, arXiv:1211.5063, algorithm 1)."""

from __future__ import annotations

import torch
from torch.nn.utils import get_total_norm


def clip(gradients: list[torch.Tensor], limit: float | None) -> tuple[float, bool]:
    """Scale the gradients in place so that their common 2-norm is at most `limit` (None: no limit).

    Returns the norm before, and whether the clipping struck. A norm that is not finite scales nothing.
    """
    norm = float(get_total_norm(gradients))
    struck = limit is not None and limit < norm < float("inf")
    if struck:
        assert limit is not None
        # torch.nn.utils.clip_grads_with_norm_ divides by norm + 1e-6, which leaves a little less than the limit
        torch._foreach_mul_(gradients, limit / norm)
    return norm, struck
