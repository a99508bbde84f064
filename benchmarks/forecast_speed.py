"""Training throughput of a forecaster, windows per second, against the same model on torch.nn.

    python -m benchmarks.forecast_speed

The peer has the same sizes, data, loss and optimizer; its recurrence is torch.nn.GRU. Two threads, in alternation.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from benchmarks import timing
from throughtime.models.ops_torch import TorchModel
from throughtime.models.resolve import trace_of
from throughtime.tasks.forecast import model as forecaster
from throughtime.tasks.forecast.job import ForecastJob
from throughtime.tasks.forecast.loss import LOSSES
from throughtime.tasks.forecast.model import ForecastConfig, initial_parameters
from throughtime.tasks.forecast.windows import Histories, Windows

ROUNDS, STEPS = 9, 10


class Plain(torch.nn.Module):
    """The forecaster of one layer, written with torch.nn."""

    def __init__(self, config: ForecastConfig) -> None:
        super().__init__()
        hidden = config.layers[0].output_size
        self.config, self.generator = config, torch.Generator()
        self.first = torch.nn.Linear(config.inputs, config.embedding)
        self.position = torch.nn.Parameter(0.1 * torch.randn(config.ahead, config.embedding))
        self.gru = torch.nn.GRU(config.embedding, hidden)
        self.last = torch.nn.Linear(hidden, config.segment)
        self.mixture = torch.nn.Parameter(torch.zeros(len(config.lags), config.horizon))

    def forward(self, past: torch.Tensor, references: torch.Tensor, ahead: Any = None) -> torch.Tensor:
        config, rows = self.config, past.shape[1]
        _, h = self.gru(torch.relu(self.first(past)))
        each = torch.relu(self.position).repeat_interleave(rows, 0)[None]
        each, _ = self.gru(each, h.repeat(1, config.ahead, 1))
        found = self.last(each).reshape(config.ahead, rows, config.segment).transpose(0, 1).reshape(rows, -1)
        base = (torch.softmax(self.mixture, 0)[:, None] * references).sum(0)
        return (base + found[:, : config.horizon])[..., None]


def main() -> None:
    torch.set_num_threads(2)
    rng = np.random.default_rng(0)
    rows = []
    for name, segment, segments, horizon, hidden in (
        ("daily segments, two weeks (M4 hourly)", 24, 14, 48, 128),
        ("hourly steps, a week", 1, 168, 24, 128),
        ("12 values, one step (traffic)", 1, 12, 1, 64),
    ):
        series = [rng.standard_normal(1000).cumsum() for _ in range(20)]
        config = ForecastConfig.stack(
            segment, segments, horizon, (1,), [trace_of("gru_reset_after")], hidden=hidden, embedding=64
        )
        windows = Windows(Histories(config, series))
        ours = TorchModel(forecaster, config, initial_parameters(config, rng))
        models: dict[str, Any] = {"ours": ours, "torch.nn": Plain(config)}
        runs = {}
        for key, model in models.items():
            job = ForecastJob([model], windows, None, np.ones(20), LOSSES["mae"], 256, 0, lambda *_: None)
            runs[key] = (job, torch.optim.AdamW(model.parameters(), lr=1e-3), job.epoch(0))
        times: dict[str, list[float]] = {key: [] for key in runs}
        for number in range(ROUNDS + 2):
            for key, (job, optimizer, epoch) in runs.items():
                time.sleep(0.1)  # threads of the other one spin for a while
                for uncounted in (True, False):
                    began = time.perf_counter()
                    for step in range(2 if uncounted else STEPS):
                        loss, _ = job.loss(epoch[step % len(epoch)])
                        optimizer.zero_grad()
                        loss.backward()
                        optimizer.step()
                if number >= 2:
                    times[key].append((time.perf_counter() - began) / STEPS)
        median = {key: float(np.median(values)) for key, values in times.items()}
        ratios = sorted(b / a for a, b in zip(times["ours"], times["torch.nn"], strict=True))
        entry = {"what": name, **{f"{key}, windows/s": 256 / value for key, value in median.items()}}
        rows.append({**entry, "ratio": ratios[len(ratios) // 2], "least": ratios[0], "most": ratios[-1]})
    timing.report("forecast_speed", rows)


if __name__ == "__main__":
    main()
