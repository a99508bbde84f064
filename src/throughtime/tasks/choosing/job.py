"""What one step of the encoders' training sees: contexts, their replies, and the other replies of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from throughtime.data.pairs import Pairs
from throughtime.models.ops_torch import TorchModel
from throughtime.tasks.choosing.data import Vocabulary, batch
from throughtime.training.job import EnsembleJob, Keep, Shuffled

_AT_ONCE = 128
_FAR = -1e4

Coded = Sequence[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class CodedPairs:
    """Contexts and replies in numbers, and one number for replies of the same text."""

    contexts: Coded
    replies: Coded
    same: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs, vocabulary: Vocabulary) -> CodedPairs:
        """Pairs in the words of a vocabulary."""
        same = np.unique(np.array(pairs.targets, object).astype(str), return_inverse=True)[1]
        contexts = vocabulary.contexts([pairs.context(i) for i in range(len(pairs))])
        return cls(contexts, vocabulary.replies(pairs.targets), same)


class ChooserJob(EnsembleJob):
    """Pairs in a random order; each reply of a batch is a wrong one for the other contexts, unless it is the same text.

    held: what is chosen by; candidates (N, C): numbers of its replies for each of its contexts, the right one first.
    """

    def __init__(
        self, model: TorchModel, learned: CodedPairs, held: CodedPairs, candidates: np.ndarray, size: int, seed: int,
        keep: Keep,
    ) -> None:  # fmt: skip
        super().__init__({"": model}, keep)
        self.learned, self.held, self.candidates, self.batch, self.seed = learned, held, candidates, size, seed
        self.steps_per_epoch = len(self.epoch(0))

    def epoch(self, number: int) -> Shuffled:
        """Numbers of pairs."""
        return Shuffled(len(self.learned.contexts), self.batch, self.seed, number)

    def loss(self, batch: np.ndarray) -> tuple[torch.Tensor, int]:
        """The mean of -log p(reply | context) and -log p(context | reply) among those of the batch."""
        said = self._vectors("context", [self.learned.contexts[i] for i in batch])
        replied = self._vectors("reply", [self.learned.replies[i] for i in batch])
        fits = self.models[""].flat["scale"].exp() * (said @ replied.T)
        same = self.learned.same[batch]
        again = torch.from_numpy((same[:, None] == same) & ~np.eye(len(same), dtype=bool))
        fits, right = fits.masked_fill(again, _FAR), torch.arange(len(batch))
        return (cross_entropy(fits, right) + cross_entropy(fits.T, right)) / 2, len(batch)

    def validate(self) -> float | None:
        """-log p(reply | context) among the candidates."""
        if not len(self.candidates):
            return None
        with self.judged():
            said = self._all("context", self.held.contexts)
            replied = self._all("reply", self.held.replies)
            fits = self.models[""].flat["scale"].exp() * (said[:, None] * replied[self.candidates]).sum(-1)
            return float(cross_entropy(fits, torch.zeros(len(fits), dtype=torch.int64)))

    def _all(self, side: str, texts: Coded) -> torch.Tensor:
        parts = [self._vectors(side, texts[i : i + _AT_ONCE]) for i in range(0, len(texts), _AT_ONCE)]
        return torch.cat(parts)

    def _vectors(self, side: str, texts: Coded) -> torch.Tensor:
        ids, turns, lengths = (torch.from_numpy(one) for one in batch(texts))
        vectors: torch.Tensor = self.models[""](side, ids, turns, lengths)
        return vectors
