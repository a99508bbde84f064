"""How long a training step takes here, measured before a budget of time is divided."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from throughtime.training.job import Job

_LEAST, _MOST = 3, 12
"""Turns that are timed."""

_TURN = 3
"""Steps of a turn of models side by side, who do not wait for each other within one."""

_SHARE = 0.02
"""Of the budget, at most, goes into one measurement."""


def seconds_a_step(job: Job, minutes: float, threads: int) -> float:
    """Seconds of a training step of a job, the optimizer's included: the median of a few. What of it learns by itself
    takes its steps as it will, side by side on so many threads. minutes: the budget."""
    import torch

    from throughtime.training.settings import Settings
    from throughtime.training.team import Order, Team

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    team = Team(job, Settings(average=0.0), threads)
    try:
        batches, times, began = job.epoch(0), list[float](), time.perf_counter()
        turn = _TURN if team.parallel else 1
        job.begin()
        for number in range(_MOST):
            steps = range(turn * number, turn * (number + 1))
            start = time.perf_counter()
            team.run(
                [Order(step, batches[step % len(batches)], 0.0) for step in steps]
            )  # what was built is thrown away
            times.append((time.perf_counter() - start) / turn)
            if number >= _LEAST and time.perf_counter() - began > _SHARE * 60 * minutes:
                break
    finally:
        team.close()
        torch.set_num_threads(before)
    return statistics.median(times[1:])
