"""Training a model that chats: what writes replies and what chooses them learn side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from throughtime.tasks.chat.model import CHOOSER
from throughtime.tasks.choosing.job import ChooserJob
from throughtime.tasks.sequence.job import SequenceJob
from throughtime.training.job import Keep, SideBySideJob

__all__ = ["BothJob", "ChooserJob", "SequenceJob", "under"]


def under(keep: Keep) -> Keep:
    """Keeps the parameters of a chooser under its prefix."""
    return lambda parameters, note: keep({CHOOSER + name: value for name, value in parameters.items()}, note)


class _Both:
    """Batches of both; those of the chooser come again where the generator has more."""

    def __init__(self, one: Any, other: Any) -> None:
        self._one, self._other = one, other

    def __len__(self) -> int:
        return len(self._one)

    def __getitem__(self, position: int) -> tuple[Any, Any]:
        return self._one[position], self._other[position % len(self._other)]


class BothJob(SideBySideJob):
    """A generator and a chooser. Each is kept as it was when its own loss was lowest."""

    def __init__(self, generator: SequenceJob, chooser: ChooserJob, keep: Keep) -> None:
        self._jobs: dict[str, Any] = {"": generator, CHOOSER: chooser}
        super().__init__({"": generator.model, CHOOSER: chooser.models[""]}, keep)
        self.steps_per_epoch = generator.steps_per_epoch
        self._least: dict[str, float] = {}
        self._best: dict[str, dict[str, np.ndarray]] = {}

    def epoch(self, number: int) -> _Both:
        """A batch of each."""
        return _Both(*(job.epoch(number) for job in self._jobs.values()))

    def member_loss(self, number: int, batch: Any) -> tuple[torch.Tensor, int]:
        """The loss of one of them."""
        found: tuple[torch.Tensor, int] = list(self._jobs.values())[number].loss(batch)
        return found

    def validate(self) -> float | None:
        """The sum of their lowest losses so far: it falls where either is better than ever."""
        for prefix, job in self._jobs.items():
            loss = job.validate()
            if loss is not None and loss < self._least.get(prefix, np.inf):
                self._least[prefix] = loss
                self._best[prefix] = {name: value.copy() for name, value in self.models[prefix].arrays().items()}
        return sum(self._least.values()) if self._least else None

    def sample(self, step: int) -> str | None:
        """What the generator makes of a source that it never saw."""
        found: str | None = self._jobs[""].sample(step)
        return found

    def state(self) -> dict[str, torch.Tensor]:
        """The random generators, and the best parameters so far."""
        found = super().state()
        for prefix, arrays in self._best.items():
            found[f"{prefix}least"] = torch.tensor(self._least[prefix], dtype=torch.float64)
            found |= {f"{prefix}best.{name}": torch.from_numpy(value) for name, value in arrays.items()}
        return found

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take over what `state` returned."""
        super().restore(state)
        for prefix, model in self.models.items():
            if f"{prefix}least" in state:
                self._least[prefix] = float(state[f"{prefix}least"])
                self._best[prefix] = {n: state[f"{prefix}best.{n}"].numpy().copy() for n in model.arrays()}

    def keep(self, note: Mapping[str, Any]) -> None:
        """Keep each as it was at its best, or as it is where nothing judged it."""
        found: dict[str, np.ndarray] = {}
        for prefix, model in self.models.items():
            arrays = self._best.get(prefix) or {name: value.copy() for name, value in model.arrays().items()}
            found |= {prefix + name: value for name, value in arrays.items()}
        self._keep(found, note)
