"""Training a language model, as the loop sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from throughtime.models.ops_torch import TorchModel
from throughtime.models.stack import Dropout
from throughtime.tasks.text import rule
from throughtime.tasks.text.data import Judged
from throughtime.tasks.text.model import State, output_layer
from throughtime.training.softmax import Sampler
from throughtime.training.softmax import cross_entropy as large_cross_entropy
from throughtime.training.streams import Epoch, Streams

_LOOKED = 8
"""Streams in which the flow of the gradient is looked at."""

_VALIDATION_STREAMS, _VALIDATION_WINDOW, _VALIDATION_TOKENS = 32, 256, 100_000
_VALIDATION_LOGITS, _LOGITS = 100_000_000, 8_000_000
"""Logits of a validation, and of a part of it at once, at most."""

LARGE = 1024
"""Over more classes than this a step looks at some of them alone; see throughtime.training.softmax."""

DRAWN = 512
"""Classes of a large vocabulary drawn for a step, beside the targets."""


@dataclass(frozen=True)
class Course:
    """What a language model learns from, and what else its training may turn to.

    streams: of the training part. validation: (N,) tokens, N < 2 for none; of very many only the first 100,000 serve.
    whole: streams of training and validation part together, in their order; None where validation is never learned.
    anew: draws new parameters, by the number of the attempt. judged: is told what the validation part said last before
    it was learned.
    """

    streams: Streams
    validation: np.ndarray
    whole: Streams | None = None
    anew: Callable[[int], Mapping[str, np.ndarray]] | None = None
    judged: Judged = field(default_factory=Judged)


class TextJob:
    """A TorchModel and the tokens it learns from. keep, sample: called with the parameters as arrays; see the loop's
    Job."""

    near = 0.0

    def __init__(
        self,
        model: TorchModel,
        course: Course,
        keep: Callable[[dict[str, np.ndarray], Mapping[str, Any]], None],
        sample: Callable[[dict[str, np.ndarray], int], str | None],
    ) -> None:
        self.model, self.course, self.streams = model, course, course.streams
        self.steps_per_epoch = len(self.streams)
        self._keep, self._sample = keep, sample
        self._state: State | None = None
        self._drop: Dropout = model.config.dropout
        vocabulary = model.config.vocabulary
        limit = min(_VALIDATION_TOKENS, max(10_000, _VALIDATION_LOGITS // vocabulary))
        self._validation = _columns(course.validation[: limit + 1])
        self._nats: list[torch.Tensor] = []  # (T, B) of the last validation
        self._sampler = None
        if vocabulary > LARGE:
            self._sampler = Sampler(self.streams.counts(vocabulary), DRAWN)

    def parameters(self) -> dict[str, torch.Tensor]:
        return dict(self.model.named_parameters())

    def epoch(self, number: int) -> Epoch:
        return self.streams.epoch(number)

    def begin(self) -> None:
        self._state = None

    def loss(self, batch: np.ndarray) -> tuple[torch.Tensor, int]:
        """batch: (T + 1, B) tokens, each to be predicted from those before it."""
        tokens = torch.from_numpy(batch)
        targets = tokens[1:].flatten()
        if self._sampler is None:
            logits, state = self.model(tokens[:-1], self._state)
            loss = cross_entropy(logits.flatten(0, 1), targets)
        else:
            x, state = self.model.apart("features", tokens[:-1], self._state)
            some = self._sampler.draw(targets, self.model.generator)
            loss = large_cross_entropy(x.flatten(0, 1), *self._output_layer(), targets, some)
        self._state = tuple(tuple(value.detach() for value in layer) for layer in state)
        return loss, targets.numel()

    def _output_layer(self) -> tuple[torch.Tensor, torch.Tensor]:
        layer: tuple[torch.Tensor, torch.Tensor] = output_layer(self.model.config, dict(self.model.named_parameters()))
        return layer

    def again(self, attempt: int) -> str | None:
        """New parameters, and dropout a level higher for every attempt."""
        drop = rule.harder(self._drop, attempt)
        if self.course.anew is None or drop == rule.harder(self._drop, attempt - 1):
            return None
        self.model.begin_anew(replace(self.model.config, dropout=drop), self.course.anew(attempt))
        self._state = None
        return f"dropout {drop.output:g}, of the recurrent weights {drop.weight:g}"

    def learn_validation(self) -> None:
        """From the next epoch on all of the learning part is learned."""
        if self.course.whole is not None:
            self.streams, self._validation = self.course.whole, None
            if self._nats:
                self.course.judged.log_p = -torch.cat(self._nats).T.flatten().numpy()

    def state(self) -> dict[str, torch.Tensor]:
        found = {"generator": self.model.generator.get_state()}
        if self.course.judged.log_p is not None:
            found["judged"] = torch.from_numpy(self.course.judged.log_p)
        for i, layer in enumerate(self._state or ()):
            found.update({f"carried.{i}.{j}": value.clone() for j, value in enumerate(layer)})
        return found

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        self.model.generator.set_state(state["generator"])
        if "judged" in state:
            self.course.judged.log_p = state["judged"].numpy()
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
        self._nats = []
        window = max(8, min(_VALIDATION_WINDOW, _LOGITS // (ids.shape[1] * self.model.config.vocabulary)))
        for first in range(0, len(ids) - 1, window):
            tokens = ids[first : first + window + 1]
            logits, state = self.model(tokens[:-1], state)
            nats = cross_entropy(logits.flatten(0, 1), tokens[1:].flatten(), reduction="none")
            self._nats.append(nats.reshape(len(tokens) - 1, -1))
        self.model.train()
        return sum(float(nats.sum()) for nats in self._nats) / ids[1:].numel()

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

    def keep(self, note: Mapping[str, object]) -> None:
        self._keep({name: value.copy() for name, value in self.model.arrays().items()}, note)


def _columns(ids: np.ndarray) -> torch.Tensor | None:
    """(N,) tokens as (T + 1, B): streams of consecutive tokens, the last of one being the first of the next."""
    if len(ids) < 2:
        return None
    batch = max(1, min(_VALIDATION_STREAMS, (len(ids) - 1) // _VALIDATION_WINDOW))
    length = (len(ids) - 1) // batch
    return torch.from_numpy(ids[length * np.arange(batch) + np.arange(length + 1)[:, None]].astype(np.int64))
