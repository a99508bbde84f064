"""How long a training step takes here, measured before a budget of time is divided."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from throughtime.training.job import Job

_LEAST, _MOST = 3, 12
"""Steps that are timed."""

_SHARE = 0.02
"""Of the budget, at most, goes into one measurement."""


def seconds_a_step(job: Job, minutes: float, threads: int) -> float:
    """Seconds of a training step of a job, the optimizer's included: the median of a few. minutes: the budget."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        parameters = dict(job.parameters())
        optimizer = torch.optim.AdamW(parameters.values(), lr=0.0)  # what is built here is thrown away
        batches, times, began = job.epoch(0), list[float](), time.perf_counter()
        job.begin()
        for number in range(_MOST):
            start = time.perf_counter()
            loss, _ = job.loss(batches[number % len(batches)])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            times.append(time.perf_counter() - start)
            if number >= _LEAST and time.perf_counter() - began > _SHARE * 60 * minutes:
                break
    finally:
        torch.set_num_threads(before)
    return statistics.median(times[1:])
