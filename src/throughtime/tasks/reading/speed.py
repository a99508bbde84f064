"""How fast this machine learns to read, measured in a moment."""

from __future__ import annotations

import time

_TRIES = 3

_BESIDE = 2.5
"""A training step is so many times its recurrence: embeddings, the loss, the optimizer."""

_LONGEST = 200
"""Steps that are measured; longer texts cost as many times more as they are longer."""


def seconds_a_text(length: float, batch: int, embedding: int, hidden: int, layers: int) -> float:
    """About how long one core learns from a text of so many tokens, read in both directions."""
    import torch

    from throughtime.nn import LSTM

    steps = max(1, min(_LONGEST, round(length)))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        layer = LSTM(embedding, hidden, layers, bidirectional=True)
        x = torch.randn(steps, batch, embedding, generator=torch.Generator().manual_seed(0))
        least = float("inf")
        for _ in range(_TRIES):
            began = time.perf_counter()
            layer(x)[0].sum().backward()
            least = min(least, time.perf_counter() - began)
    finally:
        torch.set_num_threads(before)
    return _BESIDE * max(least, 1e-9) / batch * max(1.0, length / steps)
