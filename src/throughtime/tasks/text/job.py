"""Training a language model, as the loop sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from throughtime.models.ops_torch import TorchModel
from throughtime.tasks.text.model import State
from throughtime.training.streams import Epoch, Streams

_LOOKED = 8
"""Streams in which the flow of the gradient is looked at."""

_VALIDATION_STREAMS, _VALIDATION_WINDOW, _VALIDATION_TOKENS = 32, 256, 100_000


class TextJob:
    """A TorchModel and the tokens it learns from.

    streams: of the training part. validation: (N,) tokens, N < 2 for none; of very many only the first 100,000
    serve. keep, sample: called with the parameters as arrays; see the loop's Job.
    """

    def __init__(
        self,
        model: TorchModel,
        streams: Streams,
        validation: np.ndarray,
        keep: Callable[[dict[str, np.ndarray], Mapping[str, Any]], None],
        sample: Callable[[dict[str, np.ndarray], int], str | None],
    ) -> None:
        self.model, self.streams = model, streams
        self.steps_per_epoch = len(streams)
        self._keep, self._sample = keep, sample
        self._state: State | None = None
        self._validation = _columns(validation[: _VALIDATION_TOKENS + 1])

    def parameters(self) -> dict[str, torch.Tensor]:
        return dict(self.model.named_parameters())

    def epoch(self, number: int) -> Epoch:
        return self.streams.epoch(number)

    def begin(self) -> None:
        self._state = None

    def loss(self, batch: np.ndarray) -> tuple[torch.Tensor, int]:
        """batch: (T + 1, B) tokens, each to be predicted from those before it."""
        tokens = torch.from_numpy(batch)
        logits, state = self.model(tokens[:-1], self._state)
        self._state = tuple(tuple(value.detach() for value in layer) for layer in state)
        return cross_entropy(logits.flatten(0, 1), tokens[1:].flatten()), tokens[1:].numel()

    def state(self) -> dict[str, torch.Tensor]:
        found = {"generator": self.model.generator.get_state()}
        for i, layer in enumerate(self._state or ()):
            found.update({f"carried.{i}.{j}": value.clone() for j, value in enumerate(layer)})
        return found

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        self.model.generator.set_state(state["generator"])
        layers = self.model.config.layers
        carried = [
            tuple(state[f"carried.{i}.{j}"] for j in range(len(layer.state_sizes)))
            for i, layer in enumerate(layers)
            if f"carried.{i}.0" in state
        ]
        self._state = tuple(carried) if carried else None

    @torch.no_grad()
    def validate(self) -> float | None:
        """Nats per token of the validation part, read in parallel streams that each start without context."""
        ids = self._validation
        if ids is None:
            return None
        self.model.eval()
        state: State | None = None
        total = 0.0
        for first in range(0, len(ids) - 1, _VALIDATION_WINDOW):
            tokens = ids[first : first + _VALIDATION_WINDOW + 1]
            logits, state = self.model(tokens[:-1], state)
            total += float(cross_entropy(logits.flatten(0, 1), tokens[1:].flatten(), reduction="sum"))
        self.model.train()
        return total / ids[1:].numel()

    def sample(self, step: int) -> str | None:
        return self._sample(self.model.arrays(), step)

    def flow(self) -> tuple[list[dict[str, Any]], list[str]] | None:
        """On a window of some streams of the validation part."""
        from throughtime.insight.gradient_monitor import glance
        from throughtime.tasks.text import model as language

        if self._validation is None or len(self._validation) < 4:
            return None
        tokens = self._validation[: self.streams.window + 1, :_LOOKED]

        def losses(ops: Any) -> torch.Tensor:
            logits, _ = language.forward(ops, self.model.config, dict(self.model.named_parameters()), tokens[:-1])
            nats = cross_entropy(logits.flatten(0, 1), tokens[1:].flatten(), reduction="none")
            return nats.reshape(len(tokens) - 1, -1)

        return glance(losses)

    def keep(self, note: Mapping[str, Any]) -> None:
        self._keep({name: value.copy() for name, value in self.model.arrays().items()}, note)


def _columns(ids: np.ndarray) -> torch.Tensor | None:
    """(N,) tokens as (T + 1, B): streams of consecutive tokens, the last of one being the first of the next."""
    if len(ids) < 2:
        return None
    batch = max(1, min(_VALIDATION_STREAMS, (len(ids) - 1) // _VALIDATION_WINDOW))
    length = (len(ids) - 1) // batch
    return torch.from_numpy(ids[length * np.arange(batch) + np.arange(length + 1)[:, None]].astype(np.int64))
