"""Training an encoder-decoder, as the loop sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from throughtime.models.encoder_decoder import Decoded, Pieces
from throughtime.models.ops_torch import TorchModel
from throughtime.tasks.sequence.data import Coded
from throughtime.tasks.sequence.options import SequenceOptions
from throughtime.training.job import EnsembleJob, Keep
from throughtime.training.softmax import Copied, smoothed_cross_entropy

_NEAR = 0.1
"""By so much of their length texts may move in the order by length, so that batches differ from epoch to epoch."""

_JUDGED = 4
"""Times as many pieces in a batch where nothing is learned."""


def batches_of(coded: Coded, most: int, rng: np.random.Generator | None = None) -> list[np.ndarray]:
    """Rows (N,) in batches of about equal lengths, of at most so many pieces on the longer side, what lies behind ends
    included; a longer pair alone. rng: batches differ, and come in a random order."""
    lengths = np.stack([coded.targets.lengths + 1, coded.sources.lengths]).astype(np.float64)
    key = lengths if rng is None else lengths * rng.uniform(1 - _NEAR, 1 + _NEAR, lengths.shape)
    order = np.lexsort((key[1], np.round(key[0]))) if rng is None else np.lexsort((key[1], np.floor(key[0])))
    found, first, longest = [], 0, 0.0
    for place, row in enumerate(order):
        longest = max(longest, float(lengths[:, row].max()))
        if place > first and longest * (place + 1 - first) > most:
            found.append(order[first:place])
            first, longest = place, float(lengths[:, row].max())
    if first < len(order):
        found.append(order[first:])
    if rng is not None:
        rng.shuffle(found)  # type: ignore[arg-type]
    return found


class SequenceJob(EnsembleJob):
    """Pairs in batches of about equal lengths; the loss is that of a piece.

    learned, held: pairs to learn from and to choose by. sample: something to show, None for nothing.
    """

    def __init__(
        self,
        model: TorchModel,
        learned: Coded,
        held: Coded,
        options: SequenceOptions,
        keep: Keep,
        sample: Callable[[], str | None] = lambda: None,
    ) -> None:
        super().__init__({"": model}, keep)
        self.model, self.learned, self.held = model, learned, held
        self.batch, self.seed, self.smoothing = options.batch, options.seed, options.label_smoothing
        self._sample = sample
        self.steps_per_epoch = len(self.epoch(0))

    def epoch(self, number: int) -> list[np.ndarray]:
        """Rows of the pairs of each batch."""
        return batches_of(self.learned, self.batch, np.random.default_rng([self.seed, number]))

    def loss(self, batch: np.ndarray) -> tuple[torch.Tensor, int]:
        """The mean loss of the pieces of a batch, and how many they are."""
        return loss_of(self.model, self.learned, batch, self.smoothing)

    def validate(self) -> float | None:
        """Nats of a piece of the pairs to choose by."""
        if not len(self.held):
            return None
        total = count = 0.0
        with self.judged():
            for rows in batches_of(self.held, _JUDGED * self.batch):
                loss, pieces = loss_of(self.model, self.held, rows)
                total, count = total + float(loss) * pieces, count + pieces
        return total / max(1.0, count)

    def sample(self, step: int) -> str | None:
        """What the model makes of a source that it never saw."""
        return self._sample()


def loss_of(model: TorchModel, coded: Coded, rows: np.ndarray, smoothing: float = 0.0) -> tuple[torch.Tensor, int]:
    """The mean loss of the pieces of some pairs, and how many they are, the edge included."""
    sources, targets, wanted = tensors(coded, rows, model.config.edge)
    said: Decoded = model(sources, targets)
    inside = (torch.arange(len(wanted))[:, None] < targets.lengths).flatten().nonzero()[:, 0]
    flat = wanted.flatten().index_select(0, inside)
    readout = said.readout.flatten(0, 1).index_select(0, inside)
    copied = None
    if said.gate is not None:
        mass = (said.shares * (wanted[..., None] == sources.tokens.T)).sum(-1)
        copied = Copied(*(one.flatten().index_select(0, inside) for one in (said.gate, mass)))
    weights = model.flat["embedding"], model.flat["output.b_y"]
    return smoothed_cross_entropy(readout, *weights, flat, smoothing, copied), len(flat)


def tensors(coded: Coded, rows: np.ndarray, edge: int) -> tuple[Pieces, Pieces, torch.Tensor]:
    """Some pairs as a model takes them: sources, targets behind the edge, and what comes after each piece, (U, B)."""
    sources = Pieces(*_both(coded.sources.padded(rows), coded.sources.lengths[rows]))
    targets = Pieces(*_both(coded.targets.padded(rows, before=edge), coded.targets.lengths[rows] + 1))
    return sources, targets, torch.from_numpy(coded.targets.padded(rows, behind=edge))


def _both(tokens: np.ndarray, lengths: np.ndarray) -> tuple[Any, Any]:
    return torch.from_numpy(tokens), torch.from_numpy(lengths)
