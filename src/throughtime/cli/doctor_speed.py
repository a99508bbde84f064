"""How fast a training step of an LSTM is here, beside torch.nn.LSTM where torch is installed."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from throughtime.errors import needed

STEPS, ROWS, HIDDEN = 64, 32, 256
"""T, B, and I = H of the step that is timed."""

FLOPS = 6 * STEPS * ROWS * 4 * HIDDEN * (HIDDEN + HIDDEN)
"""Multiplications and additions of its products: once forward, twice backward."""

SECONDS = 1.0
"""About how long is measured."""


def torch_state() -> tuple[str, int | None]:
    """What to say of torch, and how many threads it takes; None where it cannot be used."""
    from throughtime.storage.environment import installed

    version = installed("torch")
    if version is None:
        return f"not installed (needed for training: {needed('train')})", None
    try:
        import torch
    except Exception as error:  # a broken installation may raise anything, and is what a doctor is for
        return f"{version}, but it cannot be imported: {' '.join(str(error).split())}", None
    return version, torch.get_num_threads()


def measure(threads: int, beside_torch: bool) -> dict[str, Any]:
    """Medians of calls in alternation. times_faster: the median of the ratios of neighbouring calls.

    load: the system's load average before the measurement, where it is told.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    found: dict[str, Any] = {
        "what": f"LSTM training step, T {STEPS}, B {ROWS}, I = H {HIDDEN}, threads {threads}",
        "threads": threads,
        "load": load,
    }
    times = _alternate(_layers() if beside_torch else [_engine_step(threads)])
    found["rounds"] = len(times)
    ours = statistics.median(t[0] for t in times)
    found |= {"milliseconds": ours * 1e3, "gflops": FLOPS / ours / 1e9}
    if beside_torch:
        theirs = statistics.median(t[1] for t in times)
        found |= {"torch_milliseconds": theirs * 1e3, "torch_gflops": FLOPS / theirs / 1e9}
        found["times_faster"] = statistics.median(t[1] / t[0] for t in times)
    return found


def _alternate(calls: list[Callable[[], Any]]) -> list[list[float]]:
    """Seconds of each call, round by round; at least two rounds after one that is not counted."""
    rounds: list[list[float]] = []
    end = time.perf_counter() + SECONDS
    while len(rounds) < 3 or time.perf_counter() < end:
        seconds = []
        for call in calls:
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        rounds.append(seconds)
    return rounds[1:]


def _layers() -> list[Callable[[], Any]]:
    import torch

    import throughtime.nn

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(STEPS, ROWS, HIDDEN, generator=generator)
    g = torch.randn(STEPS, ROWS, HIDDEN, generator=generator)

    def step(layer: torch.nn.Module) -> Callable[[], Any]:
        def run() -> None:
            data = x.clone().requires_grad_()
            layer.zero_grad()
            layer(data)[0].backward(g)

        return run

    return [step(module(HIDDEN, HIDDEN)) for module in (throughtime.nn.LSTM, torch.nn.LSTM)]


def _engine_step(threads: int) -> Callable[[], Any]:
    import numpy as np

    from throughtime import engine
    from throughtime.cells import make
    from throughtime.recurrence import Recurrence

    program = engine.compile(Recurrence(make("lstm").trace(), {"I": HIDDEN, "H": HIDDEN}))
    rng = np.random.default_rng(0)
    arrays = [(rng.standard_normal(shape) * 0.1).astype("float32") for shape in program.array_shapes]
    x, g = (rng.standard_normal((STEPS, ROWS, HIDDEN)).astype("float32") for _ in range(2))

    def run() -> None:
        _, _, tape = program.forward(x, None, arrays, training=True, threads=threads)
        program.backward(tape, x, arrays, g, None, threads=threads)

    return run
