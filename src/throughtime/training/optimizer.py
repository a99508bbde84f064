"""What turns gradients into steps."""

from __future__ import annotations

import torch

from throughtime.training.settings import Settings


def optimizer(parameters: dict[str, torch.Tensor], settings: Settings) -> torch.optim.AdamW:
    """AdamW over the parameters; matrices decay, vectors do not."""
    groups = [
        {"params": [p for p in parameters.values() if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters.values() if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    betas = (settings.beta_1, settings.beta_2)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=betas, fused=True)
