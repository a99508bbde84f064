"""Training a tagger, as the loop sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from throughtime.data.tagged import Tagged
from throughtime.linear.ensemble import log_softmax
from throughtime.models import crf
from throughtime.models.examples import Examples
from throughtime.models.ops_torch import TorchModel, TorchOps
from throughtime.models.reader import Tokens
from throughtime.runtime.readers import Reader, Readers
from throughtime.tasks.reading.job import Judged, Member, Output, ReadingJob
from throughtime.tasks.tag import model as tagger
from throughtime.tasks.tag.metrics import scheme_of, slot_f1, token_accuracy
from throughtime.tasks.tag.model import WHO, TaggerEnsemble
from throughtime.tasks.tag.options import TaggerOptions
from throughtime.tasks.tag.stream import TokenTagger
from throughtime.tasks.tag.swap import Swapper
from throughtime.training.job import Keep


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

    def numbers(self, rows: np.ndarray, steps: int) -> torch.Tensor:
        """The numbers of the tags of some texts, (T, B); what stands behind a text's end says nothing."""
        places = np.minimum(self._starts[rows] + np.arange(steps)[:, None], len(self._flat) - 1)
        return torch.from_numpy(self._flat[places])

    def loss(self, model: TorchModel, output: Output, tokens: Tokens, rows: np.ndarray) -> torch.Tensor:
        """Of each row (B,): -log p(tags), and that of the intent."""
        scores, logits = output
        lengths = tokens.lengths
        truth = self.numbers(rows, len(scores))
        mask = self._ops.mask(lengths, len(scores), scores)[..., 0]
        if not model.config.crf:
            nats = cross_entropy(scores.flatten(0, 1), truth.flatten(), reduction="none").view_as(mask)
            losses = (nats * mask).sum(0)
        else:
            pairs, first, last = (model.flat[f"crf.{name}"] for name in ("transitions", "first", "last"))
            emitted = scores.gather(2, truth[..., None])[..., 0] * mask
            moved = pairs[truth[:-1], truth[1:]] * mask[1:]
            end = truth[lengths - 1, torch.arange(len(lengths))]
            score = emitted.sum(0) + moved.sum(0) + first[truth[0]] + last[end]
            losses = crf.log_partition(self._ops, scores, pairs, first, last, lengths) - score
        if logits is not None:
            whole = torch.from_numpy(self._whole[rows])
            losses = losses + cross_entropy(logits, whole, reduction="none", label_smoothing=self._smoothing)
        return losses


class TaggerJob(ReadingJob):
    """names: of tags and intents. reader: of all members. learned, held: the sentences."""

    cuts = False  # every token has its tag; see Tagged.in_parts

    def __init__(
        self,
        members: Sequence[Member],
        names: TaggerEnsemble,
        reader: Reader,
        learned: Tagged,
        held: Tagged,
        options: TaggerOptions,
        keep: Keep,
    ) -> None:
        super().__init__(members, options, keep)
        self.targets = Targets(names.tags, names.intents, options.label_smoothing)
        self.targets.take(learned)
        self._names, self._reader, self._held = names, reader, held
        self._swapper = Swapper(learned, options.swap) if options.swap else None

    def renewed(self, number: int) -> list[Examples] | None:
        """With some spans swapped, anew in each epoch."""
        if self._swapper is None:
            return None
        swapped = self._swapper.swapped(np.random.default_rng([self.options.seed, number]))
        self.targets.take(swapped)
        return [self._reader.of_tokens(swapped.tokens)] * len(self.members)

    def news(self) -> Any:
        """The texts as they were swapped, and their truth."""
        return None if self._swapper is None else (self._learned, self.targets)

    def take(self, news: Any) -> None:
        """Take over texts and truth."""
        self._learned, self.targets = news

    def losses(self, model: TorchModel, output: Output, tokens: Tokens, rows: np.ndarray) -> torch.Tensor:
        """See Targets."""
        return self.targets.loss(model, output, tokens, rows)

    def judge(self, outputs: Judged) -> float:
        """1 - slot F1, or of tags that mark no spans the share of wrong ones, and 1 - the share of intents that are
        right, added; of all members together."""
        held = self._held
        parameters = {one.prefix + name: value for one in self.members for name, value in one.model.arrays().items()}
        readers = Readers(WHO, tagger, [self._reader], len(self.members), parameters)
        model = TokenTagger(readers, self._names.tags, self._names.intents)
        tags: list[list[str]] = [[] for _ in range(len(held))]
        right = 0
        for batch in zip(*outputs, strict=True):
            rows = batch[0][0]
            lengths = np.array([len(held.tokens[row]) for row in rows])
            best = model.decode(np.mean([own[0].numpy() for _, own in batch], 0), lengths)
            for b, row in enumerate(rows):
                tags[row] = [model.tags[k] for k in best[: lengths[b], b]]
            if model.intents:
                total = np.sum([log_softmax(own[1].numpy().astype(np.float64)) for _, own in batch], 0)
                best = total.argmax(1)
                right += sum(model.intents[k] == held.intents[row] for k, row in zip(best, rows, strict=True))
        if scheme_of([*held.tags, model.tags]) is None:
            figure = 1.0 - slot_f1(held.tags, tags)
        else:
            figure = 1.0 - token_accuracy(held.tags, tags)
        return figure + (1.0 - right / max(1, len(held)) if model.intents else 0.0)


class LossJudgedJob(TaggerJob):
    """The same, but judged by the mean loss of what is held back: what short runs are compared by, where the share of
    right spans jumps."""

    def judge(self, outputs: Judged) -> float:
        """The mean over texts and members."""
        held = Targets(self._names.tags, self._names.intents, 0.0)
        held.take(self._held)
        lengths = np.array([len(tokens) for tokens in self._held.tokens])
        losses = []
        for one, batches in zip(self.members, outputs, strict=True):
            for rows, output in batches:
                tokens = Tokens(None, torch.from_numpy(lengths[rows]))
                losses.append(held.loss(one.model, output, tokens, rows))
        return float(torch.cat(losses).mean())
