"""Training a forecaster, as the loop sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from throughtime.models.ops_torch import TorchModel
from throughtime.tasks.forecast_loss import Loss
from throughtime.tasks.forecast_windows import Batch, Epoch, Windows

_VALIDATION_ROWS = 4096


class ForecastJob:
    """A TorchModel of a forecaster and the windows it learns from.

    validation: windows to judge by, or None. changes: (N,) each series' mean absolute change over a season.
    keep: called with the parameters as arrays; see the loop's Job.
    """

    def __init__(
        self,
        model: TorchModel,
        windows: Windows,
        validation: Windows | None,
        changes: np.ndarray,
        loss: Loss,
        batch: int,
        seed: int,
        keep: Callable[[dict[str, np.ndarray], Mapping[str, Any]], None],
    ) -> None:
        self.model, self._windows, self._validation = model, windows, validation
        self._changes, self._loss, self._batch, self._seed, self._keep = changes, loss, batch, seed, keep
        self.steps_per_epoch = len(self.epoch(0))

    def parameters(self) -> dict[str, torch.Tensor]:
        return dict(self.model.named_parameters())

    def epoch(self, number: int) -> Epoch:
        return Epoch(self._windows, self._batch, [self._seed, number])

    def begin(self) -> None:
        """Windows carry no state."""

    def loss(self, batch: Batch) -> tuple[torch.Tensor, int]:
        """The mean loss of a batch, and its windows."""
        seen = batch.seen
        forecast = self.model(torch.from_numpy(seen.past), torch.from_numpy(seen.references))
        observed = np.isfinite(batch.actual)
        actual = np.where(observed, (batch.actual - seen.level) / seen.scale, 0.0)
        unit = np.concatenate([seen.level, seen.scale, self._changes[batch.series][:, None]], 1)
        arrays = [torch.from_numpy(value.astype(np.float32)) for value in (actual, observed, unit)]
        return self._loss(forecast, *arrays), len(batch.actual)

    def state(self) -> dict[str, torch.Tensor]:
        return {"generator": self.model.generator.get_state()}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        self.model.generator.set_state(state["generator"])

    @torch.no_grad()
    def validate(self) -> float | None:
        """The mean loss of the validation windows."""
        if self._validation is None or not len(self._validation):
            return None
        self.model.eval()
        total = 0.0
        for first in range(0, len(self._validation), _VALIDATION_ROWS):
            rows = np.arange(first, min(first + _VALIDATION_ROWS, len(self._validation)))
            loss, count = self.loss(self._validation.batch(rows))
            total += float(loss) * count
        self.model.train()
        return total / len(self._validation)

    def sample(self, step: int) -> str | None:
        return None

    def keep(self, note: Mapping[str, Any]) -> None:
        self._keep({name: value.copy() for name, value in self.model.arrays().items()}, note)
