"""What one training step sees."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from throughtime.models.ops_torch import TorchModel
from throughtime.training.job import EnsembleJob, Keep, Shuffled


class ReverseJob(EnsembleJob):
    """Lines in a random order; nothing is chosen by. lines: each (T,) ids."""

    def __init__(self, model: TorchModel, lines: list[np.ndarray], batch: int, seed: int, keep: Keep) -> None:
        super().__init__({"": model}, keep)
        self.lines, self.batch, self.seed = lines, batch, seed
        self.steps_per_epoch = len(self.epoch(0))

    def epoch(self, number: int) -> Shuffled:
        """Numbers of lines."""
        return Shuffled(len(self.lines), self.batch, self.seed, number)

    def loss(self, batch: np.ndarray) -> tuple[torch.Tensor, int]:
        """The mean loss of every character of some lines."""
        lines = [self.lines[row] for row in batch]
        lengths = np.array([len(line) for line in lines])
        tokens = np.zeros((lengths.max(), len(lines)), np.int64)
        targets = np.full(tokens.shape, -1)
        for b, line in enumerate(lines):
            tokens[: len(line), b], targets[: len(line), b] = line, line[::-1]
        logits = self.models[""](torch.from_numpy(tokens), torch.from_numpy(lengths))
        wanted = torch.from_numpy(targets).flatten()
        return cross_entropy(logits.flatten(0, 1), wanted, ignore_index=-1), len(lines)
