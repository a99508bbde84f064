"""Training a classifier, as the loop sees it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from throughtime.linear.ensemble import log_softmax
from throughtime.linear.several import log_loss
from throughtime.models.ops_torch import TorchModel
from throughtime.models.reader import Tokens
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.classify.weights import class_weights
from throughtime.tasks.reading.job import Judged, Member, Output, ReadingJob
from throughtime.training.job import Keep


class ClassifierJob(ReadingJob):
    """truth, held: (N,) class numbers of what is learned from, and of what is held back. classes: their names."""

    def __init__(
        self,
        members: Sequence[Member],
        truth: np.ndarray,
        held: np.ndarray,
        classes: Sequence[str],
        options: ClassifierOptions,
        keep: Keep,
    ) -> None:
        super().__init__(members, options, keep)
        self._truth, self._held, self._classes = torch.from_numpy(truth), held, len(classes)
        weights = class_weights(options, classes, truth)
        self._weights = None if weights is None else torch.from_numpy(weights)

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


class LabelSetJob(ClassifierJob):
    """Of any number of labels a text. truth, held: (N, C) bool."""

    def losses(self, model: TorchModel, output: Output, tokens: Tokens, rows: np.ndarray) -> torch.Tensor:
        """The mean over labels of -log p of what is true of each text (B,), smoothed and weighed."""
        there, smoothing = self._truth[torch.from_numpy(rows)], self.options.label_smoothing
        truth = there.to(output.dtype) * (1 - smoothing) + smoothing / 2
        weights = None if self._weights is None else torch.where(there, self._weights[1], self._weights[0])
        return binary_cross_entropy_with_logits(output, truth, weights, reduction="none").mean(1)

    def judge(self, outputs: Judged) -> float:
        """The same of what is held back, by the mean of all members' log odds, neither smoothed nor weighed."""
        total = np.zeros(self._held.shape)
        for member in outputs:
            for rows, logits in member:
                total[rows] += logits.numpy().astype(np.float64)
        return float(log_loss(total / len(outputs), self._held).mean())


def job_of(
    members: Sequence[Member],
    truth: np.ndarray,
    held: np.ndarray,
    classes: Sequence[str],
    options: ClassifierOptions,
    keep: Keep,
) -> ClassifierJob:
    """The training for truths that are class numbers (N,), or labels (N, C)."""
    return (LabelSetJob if truth.ndim == 2 else ClassifierJob)(members, truth, held, classes, options, keep)
