"""What looking inside costs.

    python -m benchmarks.insight_speed

A whole diagnosis of two LSTM layers of 256 units over a batch of 200 steps and 32 rows, gradient flow, Jacobians, gates
and verdict, in seconds; and the share of a training's time that measuring the gradient's flow took.
"""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import torch

from benchmarks.timing import RESULTS, machine, median
from throughtime.insight.diagnosis import diagnose
from throughtime.models.resolve import trace_of
from throughtime.tasks.text import model as language
from throughtime.tasks.text.model import LanguageConfig
from throughtime.training.gradient_monitor import GradientMonitor


def diagnosis(repeats: int = 7) -> list[float]:
    config = LanguageConfig.stack(65, 64, [trace_of("lstm")] * 2, 256)
    drawn = language.initial_parameters(config, np.random.default_rng(0))
    values = {name: torch.tensor(value).requires_grad_() for name, value in drawn.items()}
    tokens = torch.from_numpy(np.random.default_rng(1).integers(0, 65, (201, 32)))

    def losses(ops: Any) -> torch.Tensor:
        logits, _ = language.forward(ops, config, values, tokens[:-1])
        flat = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[1:].flatten(), reduction="none")
        return flat.reshape(200, -1)

    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        diagnose(losses)
        seconds.append(time.perf_counter() - began)
    return seconds


def share() -> float:
    """Of a minute of training on Python's documentation topics."""
    from pydoc_data.topics import topics

    from throughtime import LanguageModel

    kept: list[GradientMonitor] = []
    original = GradientMonitor.__init__

    def watch(self: GradientMonitor) -> None:
        original(self)
        kept.append(self)

    GradientMonitor.__init__ = watch  # type: ignore[method-assign]
    try:
        text = "\n".join(topics[name] for name in sorted(topics))
        model = LanguageModel(hidden=256, layers=2).fit(text, minutes=1, quiet=True)
    finally:
        GradientMonitor.__init__ = original  # type: ignore[method-assign]
    assert model.outcome is not None
    print(f"{kept[0].count} measurements in {model.outcome.seconds:.0f} s")
    return kept[0].spent / model.outcome.seconds


def main() -> None:
    torch.set_num_threads(2)
    seconds = diagnosis()
    print(f"diagnosis of 2 x 256 LSTM, T 200, B 32: {median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})")
    part = share()
    print(f"measuring the gradient's flow: {part:.1%} of the training's time")
    result = {"machine": machine(), "diagnosis_seconds": seconds, "share_of_training": part}
    (RESULTS / "insight_speed.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
