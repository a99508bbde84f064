"""Training a forecaster, or several at once, as the loop sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from throughtime.models.ops_torch import TorchModel
from throughtime.tasks.forecast.calibration import Later
from throughtime.tasks.forecast.loss import Loss
from throughtime.tasks.forecast.windows import Batch, Epoch, Windows
from throughtime.training.job import Keep, SideBySideJob

_VALIDATION_ROWS = 1024
_LOOKED = 8
"""Windows in which the flow of the gradient is looked at."""


class ForecastJob(SideBySideJob):
    """TorchModels of forecasters and the windows they learn from, each in an order of its own.

    validation: windows to judge by, or None. changes: (N,) each series' mean absolute change over a season.
    keep: called with the parameters as arrays; see the loop's Job. later: what is learned in the end, and told what the
    models said of the validation part before.
    """

    near = 0.02  # the latest values tell more than so small a difference

    def __init__(
        self,
        models: Sequence[TorchModel],
        windows: Windows,
        validation: Windows | None,
        changes: np.ndarray,
        loss: Loss,
        batch: int,
        seed: int,
        keep: Keep,
        later: Later | None = None,
    ) -> None:
        super().__init__({f"{i}." if len(models) > 1 else "": model for i, model in enumerate(models)}, keep)
        self._each = list(self.models.values())
        self._windows, self._validation = windows, validation
        self._changes, self._loss, self._batch, self._seed = changes, loss, batch, seed
        self._later, self._judged = later, list[np.ndarray]()
        self.steps_per_epoch = len(self.epoch(0))

    def epoch(self, number: int) -> Epoch:
        return Epoch(len(self._windows), self._batch, [self._seed, number], len(self.models))

    def member_loss(self, number: int, batch: np.ndarray) -> tuple[torch.Tensor, int]:
        """The mean loss of one model over the windows with these numbers, and how many there are."""
        rows = self._windows.batch(batch, alone=True)
        return self._judge(self._forecast(self._each[number], rows), rows), len(rows.series)

    def _forecast(self, model: TorchModel, batch: Batch) -> torch.Tensor:
        seen = batch.seen
        ahead = None if seen.ahead is None else torch.from_numpy(seen.ahead)
        forecast: torch.Tensor = model(torch.from_numpy(seen.past), torch.from_numpy(seen.references), ahead)
        return forecast

    def _judge(self, forecast: torch.Tensor, batch: Batch) -> torch.Tensor:
        seen = batch.seen
        observed = np.isfinite(batch.actual)
        actual = np.where(observed, (batch.actual - seen.level) / seen.scale, 0.0)
        unit = np.concatenate([seen.level, seen.scale, self._changes[batch.series][:, None]], 1)
        arrays = [torch.from_numpy(value.astype(np.float32)) for value in (actual, observed, unit)]
        return self._loss(forecast, *arrays)

    def validate(self) -> float | None:
        """The mean loss of the validation windows: of the models' mean forecast."""
        if self._validation is None or not len(self._validation):
            return None
        total, self._judged = 0.0, []
        with self.judged():
            for first in range(0, len(self._validation), _VALIDATION_ROWS):
                rows = np.arange(first, min(first + _VALIDATION_ROWS, len(self._validation)))
                batch = self._validation.batch(rows)
                forecast = torch.stack([self._forecast(model, batch) for model in self.models.values()]).mean(0)
                total += float(self._judge(forecast, batch)) * len(rows)
                if self._later is not None:
                    self._judged.append(forecast.numpy())
        return total / len(self._validation)

    def learn_validation(self) -> None:
        """From the next epoch on all windows are learned; what quantiles are shifted by is decided before."""
        if self._later is not None:
            if self._judged:
                self._later.said = self._later.shifts(np.concatenate(self._judged))
            self._windows, self._validation, self._judged = self._later.windows, None, []

    def state(self) -> dict[str, torch.Tensor]:
        """Random generators, and what was decided before the validation part was learned."""
        said = None if self._later is None else self._later.said
        return super().state() | ({} if said is None else {"shifts": torch.tensor(said, dtype=torch.float64)})

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take over what `state` returned."""
        super().restore(state)
        if self._later is not None and "shifts" in state:
            self._later.said = tuple(state["shifts"].tolist())

    def flow(self) -> tuple[list[dict[str, Any]], list[str]] | None:
        """Of the first model, on some windows."""
        from throughtime.insight.gradient_monitor import glance
        from throughtime.tasks.forecast import model as forecaster

        windows = self._validation if self._validation is not None and len(self._validation) else self._windows
        batch = windows.batch(np.arange(min(_LOOKED, len(windows))))
        model, seen = next(iter(self.models.values())), batch.seen
        if model.config.segments < 2:
            return None
        actual = torch.from_numpy(np.nan_to_num((batch.actual - seen.level) / seen.scale).astype(np.float32))
        ahead = None if seen.ahead is None else torch.from_numpy(seen.ahead)
        inputs = (torch.from_numpy(seen.past), torch.from_numpy(seen.references), ahead)

        def losses(ops: Any) -> torch.Tensor:
            forecast = forecaster.forward(ops, model.config, dict(model.named_parameters()), *inputs)
            error: torch.Tensor = (forecast - actual[..., None]).abs().mean((-2, -1))
            return error

        return glance(losses)
