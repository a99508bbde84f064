"""Training a classifier, as the loop sees it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from throughtime.linear.ensemble import log_softmax
from throughtime.models.ops_torch import TorchModel
from throughtime.models.reader import Tokens
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.reading.job import Judged, Member, Output, ReadingJob
from throughtime.training.job import Keep


class ClassifierJob(ReadingJob):
    """truth, held: (N,) class numbers of what is learned from, and of what is held back. classes: their number."""

    def __init__(
        self,
        members: Sequence[Member],
        truth: np.ndarray,
        held: np.ndarray,
        classes: int,
        options: ClassifierOptions,
        keep: Keep,
    ) -> None:
        super().__init__(members, options, keep)
        self._truth, self._held, self._classes = torch.from_numpy(truth), held, classes
        self._weights: torch.Tensor | None = None
        if options.balanced:
            counts = np.maximum(1, np.bincount(truth, minlength=classes))
            self._weights = torch.from_numpy((len(truth) / (classes * counts)).astype(np.float32))

    def losses(self, model: TorchModel, output: Output, tokens: Tokens, rows: np.ndarray) -> torch.Tensor:
        """-log p of each row's class (B,), smoothed and weighed as the options say."""
        truth, smoothing = self._truth[torch.from_numpy(rows)], self.options.label_smoothing
        return cross_entropy(output, truth, self._weights, reduction="none", label_smoothing=smoothing)

    def judge(self, outputs: Judged) -> float:
        """The mean of -log p of the classes, p the mean of all members' log probabilities made to sum to 1."""
        total = np.zeros((len(self._held), self._classes))
        for member in outputs:
            for rows, logits in member:
                total[rows] += log_softmax(logits.numpy().astype(np.float64))
        found = log_softmax(total / len(outputs))[np.arange(len(self._held)), self._held]
        return float(-found.mean())
