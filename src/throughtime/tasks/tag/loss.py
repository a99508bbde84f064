"""What a tagger is to be taught: the true tags and intents, and how far it is from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from throughtime.models import crf
from throughtime.models.ops_torch import TorchModel, TorchOps
from throughtime.models.reader import Tokens
from throughtime.tasks.tag.data import Tagged


class Targets:
    """The truth of the texts that are learned from now, which may change from epoch to epoch.

    tags, intents: names, in the order of the scores. smoothing: the share of belief in an intent spread over all.
    """

    def __init__(self, tags: Sequence[str], intents: Sequence[str], smoothing: float) -> None:
        self._tags = {name: i for i, name in enumerate(tags)}
        self._intents = {name: i for i, name in enumerate(intents)}
        self._smoothing, self._ops = smoothing, TorchOps()
        self._flat = self._starts = self._whole = np.zeros(0, np.int64)

    def take(self, texts: Tagged) -> None:
        """From now on these texts are learned from."""
        self._flat = np.array([self._tags[tag] for tags in texts.tags for tag in tags], np.int64)
        self._starts = np.concatenate([[0], np.cumsum([len(tags) for tags in texts.tags], dtype=np.int64)])
        if self._intents:
            self._whole = np.array([self._intents[name] for name in texts.intents], np.int64)

    def loss(self, model: TorchModel, output: Any, tokens: Tokens, rows: np.ndarray) -> torch.Tensor:
        """Of each row (B,): -log p(tags), and that of the intent."""
        scores, logits = output
        lengths = tokens.lengths
        steps = np.arange(len(scores))[:, None]
        places = np.minimum(self._starts[rows] + steps, len(self._flat) - 1)
        truth = torch.from_numpy(self._flat[places])
        mask = self._ops.mask(lengths, len(scores), scores)[..., 0]
        own = dict(model.named_parameters())
        if not model.config.crf:
            found = (cross_entropy(scores.flatten(0, 1), truth.flatten(), reduction="none").view_as(mask) * mask).sum(0)
        else:
            pairs, first, last = own["crf.transitions"], own["crf.first"], own["crf.last"]
            said = scores.gather(2, truth[..., None])[..., 0] * mask
            moved = pairs[truth[:-1], truth[1:]] * mask[1:]
            end = truth[lengths - 1, torch.arange(len(lengths))]
            score = said.sum(0) + moved.sum(0) + first[truth[0]] + last[end]
            found = crf.log_partition(self._ops, scores, pairs, first, last, lengths) - score
        if logits is not None:
            whole = torch.from_numpy(self._whole[rows])
            found = found + cross_entropy(logits, whole, reduction="none", label_smoothing=self._smoothing)
        return found
