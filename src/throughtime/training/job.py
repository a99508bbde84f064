"""What a task hands to the loop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch

from throughtime.models.ops_torch import TorchModel


class Batches(Protocol):
    """The batches of one epoch, by position."""

    def __len__(self) -> int: ...

    def __getitem__(self, position: int) -> Any: ...


class Job(Protocol):
    """A model, its data and how to judge it. The loop owns the parameters' values, the job all the rest."""

    steps_per_epoch: int
    near: float
    """How much worse than the best, as a share of it, a validation may be after which all is learned."""
    whole_again: bool
    """Whether another attempt is on all that there is, what is held for validation too, see Attempts.whole."""

    def parameters(self) -> Mapping[str, torch.Tensor]:
        """What is learned, by name; leaves that require a gradient."""

    def epoch(self, number: int) -> Batches:
        """The batches of an epoch, the same for the same number."""

    def begin(self) -> None:
        """An epoch begins: forget carried state."""

    def loss(self, batch: Any) -> tuple[torch.Tensor, int]:
        """The mean loss of a batch, to be differentiated, and the number of tokens in it."""

    def state(self) -> dict[str, torch.Tensor]:
        """What besides the parameters the next batch depends on: carried state, random generators."""

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take over what `state` returned."""

    def validate(self) -> float | None:
        """The loss on data not learned from, nats per token; None where there is none."""

    def again(self, attempt: int) -> str | None:
        """Another attempt, from new parameters and with more regularization than the one before: what is different, in
        words; None where there is none. Asked only where settings.attempts allow it."""

    def learn_validation(self) -> None:
        """From the next epoch on what was kept for validation is learned too, and `validate` returns None. Asked only
        where settings.learn_validation says so."""

    def sample(self, step: int) -> str | None:
        """Something made by the model as it is now, to show; None for nothing."""

    def flow(self) -> tuple[list[dict[str, Any]], list[str]] | None:
        """How the gradient flows through time in the model as it is now, for the history, and what ails it, in words;
        None where that cannot be looked at. Changes nothing: no parameter's gradient, no random generator."""

    def keep(self, note: Mapping[str, object]) -> None:
        """Keep the parameters as they are now: they are the best so far."""


Keep = Callable[[dict[str, np.ndarray], Mapping[str, Any]], None]
"""Takes over parameters as arrays by name, with a note of which step they are."""


@dataclass(frozen=True)
class Learner:
    """What learns by itself. parameters: by name, as the job has them. loss: of a batch of the job, see Job.loss; it is
    asked in another thread or process where there are other learners. part: what of a batch it reads. generator: what
    its loss draws from, where it draws."""

    parameters: Mapping[str, torch.Tensor]
    loss: Callable[[Any], tuple[torch.Tensor, int]]
    part: Callable[[Any], Any] = field(default=lambda batch: batch)
    generator: torch.Generator | None = None


def learners_of(job: Job) -> list[Learner]:
    """What of a job learns by itself: of most jobs there is one, which is all of it."""
    return job.learners() if isinstance(job, SideBySideJob) else [Learner(job.parameters(), job.loss)]


class EnsembleJob:
    """Models that learn side by side from examples that carry no state: what such jobs share.

    models: prefix -> model; their parameters stand under the prefix, "" for a single one. keep: see Job.keep. A job of
    this kind has `steps_per_epoch`, and says what its batches are, their loss, and how to validate, if it does.
    """

    steps_per_epoch: int
    near, whole_again = 0.0, False

    def __init__(self, models: Mapping[str, TorchModel], keep: Keep) -> None:
        self.models, self._keep = dict(models), keep

    def parameters(self) -> dict[str, torch.Tensor]:
        """What is learned, by name."""
        return {prefix + name: p for prefix, model in self.models.items() for name, p in model.named_parameters()}

    def begin(self) -> None:
        """Examples carry no state."""

    def state(self) -> dict[str, torch.Tensor]:
        """The random generators."""
        return {f"{prefix}generator": model.generator.get_state() for prefix, model in self.models.items()}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take over what `state` returned."""
        for prefix, model in self.models.items():
            model.generator.set_state(state[f"{prefix}generator"])

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Inside, nothing is dropped and nothing is learned."""
        for model in self.models.values():
            model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            for model in self.models.values():
                model.train()

    def validate(self) -> float | None:
        """Nothing is chosen by, unless a job says otherwise."""
        return None

    def again(self, attempt: int) -> str | None:
        """One attempt is all."""
        return None

    def learn_validation(self) -> None:
        """What chooses is never learned."""

    def sample(self, step: int) -> str | None:
        """Nothing to show."""
        return None

    def flow(self) -> tuple[list[dict[str, Any]], list[str]] | None:
        """Nothing to look at, unless a job says otherwise."""
        return None

    def keep(self, note: Mapping[str, object]) -> None:
        """Keep the parameters as they are now."""
        arrays = {p + n: value.copy() for p, model in self.models.items() for n, value in model.arrays().items()}
        self._keep(arrays, note)


class SideBySideJob(EnsembleJob):
    """Models of which each learns by itself, from its own part of a batch: its gradient, its clipping and its steps are
    those of a model that learns alone, so that several can learn at the same time."""

    @abstractmethod
    def member_loss(self, number: int, batch: Any) -> tuple[torch.Tensor, int]:
        """The mean loss of one model, by its place, on its part of a batch, and the examples in that. What it changes
        belongs to that model alone: others may be asked at the same time."""

    def loss(self, batch: Sequence[Any]) -> tuple[torch.Tensor, int]:
        """The mean loss of a batch, a part for each model, and the examples of one."""
        each = [self.member_loss(number, part) for number, part in enumerate(batch)]
        return torch.stack([loss for loss, _ in each]).mean(), each[0][1]

    def learners(self) -> list[Learner]:
        """Each model by itself."""
        return [
            Learner(
                {prefix + name: p for name, p in model.named_parameters()},
                partial(self._member, number),
                partial(_part, number),
                model.generator,
            )
            for number, (prefix, model) in enumerate(self.models.items())
        ]

    def news(self) -> Any:
        """What `epoch` has changed of what losses read, for copies of the job in other processes; None for nothing."""
        return None

    def take(self, news: Any) -> None:
        """Take over the news of the job that this one is a copy of."""

    def _member(self, number: int, batch: Sequence[Any] | Mapping[int, Any]) -> tuple[torch.Tensor, int]:
        return self.member_loss(number, batch[number])


def _part(number: int, batch: Sequence[Any]) -> dict[int, Any]:
    return {number: batch[number]}


class Shuffled:
    """Batches of the numbers of examples, in the random order of an epoch; the last one may be smaller."""

    def __init__(self, count: int, batch: int, seed: int, epoch: int) -> None:
        self._order, self._batch = np.random.default_rng([seed, epoch]).permutation(count), batch

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch)

    def __getitem__(self, position: int) -> np.ndarray:
        return self._order[position * self._batch : (position + 1) * self._batch]
