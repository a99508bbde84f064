"""What a task hands to the loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch


class Batches(Protocol):
    """The batches of one epoch, by position."""

    def __len__(self) -> int: ...

    def __getitem__(self, position: int) -> Any: ...


class Job(Protocol):
    """A model, its data and how to judge it. The loop owns the parameters' values, the job all the rest."""

    steps_per_epoch: int

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

    def sample(self, step: int) -> str | None:
        """Something made by the model as it is now, to show; None for nothing."""

    def flow(self) -> tuple[list[dict[str, Any]], list[str]] | None:
        """How the gradient flows through time in the model as it is now, for the history, and what ails it, in words;
        None where that cannot be looked at. Changes nothing: no parameter's gradient, no random generator."""

    def keep(self, note: Mapping[str, Any]) -> None:
        """Keep the parameters as they are now: they are the best so far."""
