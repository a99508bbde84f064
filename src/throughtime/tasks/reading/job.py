"""Training models that read texts, several members at once, as the loop sees it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from throughtime.models.examples import Examples, forgotten
from throughtime.models.ops_torch import TorchModel
from throughtime.models.reader import Tokens
from throughtime.runtime.ragged import batches
from throughtime.tasks.reading.lengths import TOKENS, longest
from throughtime.tasks.reading.options import ReaderOptions
from throughtime.training.job import Keep, SideBySideJob

Output = Any
"""What a model's arithmetic returns."""

Judged = list[list[tuple[np.ndarray, Output]]]
"""For each member the batches of what is held back: rows, and what it put out."""

_SPAN = 20
"""Batches that are sorted by length together, so that a batch has texts of about one length, of everywhere."""

_LOOKED = 8
"""Texts in which the flow of the gradient is looked at."""

ROWS = 256
"""Texts judged at once."""


@dataclass(frozen=True)
class Member:
    """A model, what it learns from, and what it is judged by. counts: how often each id of each column stands in what
    it learns from. prefix: stands before the names of its parameters."""

    model: TorchModel
    learned: Examples
    held: Examples | None
    counts: Sequence[np.ndarray]
    prefix: str


class ReadingJob(SideBySideJob):
    """Members that learn side by side, each in an order of its own. keep: called with the parameters as arrays.

    A task says how far an answer is from the truth, and how good the answers to what is held back are. cuts: whether of
    a text much longer than others the beginning and the end are enough.
    """

    cuts = True

    def __init__(self, members: Sequence[Member], options: ReaderOptions, keep: Keep) -> None:
        super().__init__({one.prefix: one.model for one in members}, keep)
        self.members, self.options = list(members), options
        self._learned = [self._read(one.learned) for one in self.members]
        self.steps_per_epoch = -(-len(self.members[0].learned) // options.batch)

    def _read(self, learned: Examples) -> Examples:
        """What is learned from of the texts: long ones in part, where their answer is one for the whole."""
        return learned.cut(longest(learned.lengths)) if self.cuts else learned

    @abstractmethod
    def losses(self, model: TorchModel, output: Output, tokens: Tokens, rows: np.ndarray) -> torch.Tensor:
        """The loss of each row, (B,). output: of the model; tokens: what it read; rows: of what is learned from."""

    @abstractmethod
    def judge(self, outputs: Judged) -> float:
        """The figure to go by of what is held back, of all members together; less is better."""

    def renewed(self, number: int) -> Sequence[Examples] | None:
        """What each member learns from in an epoch, where that changes; None where it does not."""
        return None

    def epoch(self, number: int) -> Epoch:
        if (renewed := self.renewed(number)) is not None:
            self._learned = list(renewed)
        lengths = [learned.lengths for learned in self._learned]
        return Epoch(lengths, self.options.batch, self.options.seed, number)

    def member_loss(self, number: int, batch: tuple[np.ndarray, np.random.Generator]) -> tuple[torch.Tensor, int]:
        """The mean loss of a member over some of the texts, and how many they are."""
        one, learned, (rows, rng) = self.members[number], self._learned[number], batch
        parts = [self._losses(one, learned, part, rng) for part in _together(learned, rows)]
        losses = torch.cat(parts) if len(parts) > 1 else parts[0]
        return losses.mean(), len(rows)

    def _losses(self, one: Member, learned: Examples, rows: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
        """The loss of each of some texts, (B,)."""
        tokens, sentences = learned.inputs(rows)
        tokens = forgotten(tokens, rng, self.options.word_dropout, self.options.rare_dropout, one.counts)
        read = tensors(tokens)
        output = one.model(read) if sentences is None else one.model(read, tensors(sentences))
        return self.losses(one.model, output, read, rows)

    def validate(self) -> float | None:
        """The figure of the texts held back, of all members together; None where there are none."""
        if self.members[0].held is None:
            return None
        outputs: Judged = []
        with self.judged():
            for one in self.members:
                assert one.held is not None
                outputs.append([])
                for rows in batches(one.held.lengths, rows=ROWS):
                    tokens, sentences = one.held.inputs(rows)
                    inputs = (tensors(tokens),) if sentences is None else (tensors(tokens), tensors(sentences))
                    outputs[-1].append((rows, one.model(*inputs)))
            return self.judge(outputs)

    def flow(self) -> tuple[list[dict[str, Any]], list[str]] | None:
        """Of the first member, on some texts of one length that it learns from.

        No ailments: their thresholds are for a loss at the end or at every step, and here every state has its own way
        to the loss.
        """
        from throughtime.insight.gradient_monitor import glance

        one = self.members[0]
        encoded, lengths = self._learned[0], self._learned[0].lengths
        if encoded.firsts is not None:
            return None
        sizes, counts = np.unique(lengths, return_counts=True)
        if sizes[-1] < 4:
            return None
        # the longest there are several of
        length = sizes[(counts >= min(_LOOKED, counts.max())) & (sizes >= 4)].max(initial=sizes[-1])
        rows = np.flatnonzero(lengths == length)[:_LOOKED]
        tokens = tensors(encoded.inputs(rows)[0])

        def losses(ops: Any) -> torch.Tensor:
            model = one.model
            output = model.arithmetic.forward(ops, model.config, dict(model.named_parameters()), tokens)
            return self.losses(model, output, tokens, rows)

        return glance(losses)[0], []


def _together(learned: Examples, rows: np.ndarray) -> list[np.ndarray]:
    """Texts of a batch that are read at once: all of them, or, where one is much longer than others, those of about
    one length."""
    lengths = learned.lengths[rows]
    if learned.firsts is not None or len(rows) * int(lengths.max(initial=0)) <= TOKENS:
        return [rows]
    return [rows[some] for some in batches(lengths, TOKENS)]


class Epoch:
    """The batches of an epoch: for each member rows, and what is random about them; texts of about one length."""

    def __init__(self, lengths: Sequence[np.ndarray], batch: int, seed: int, number: int) -> None:
        self._orders: list[list[np.ndarray]] = []
        self._seed = (seed, number)
        for m, each in enumerate(lengths):
            rng = np.random.default_rng([seed, number, m])
            order = rng.permutation(len(each))
            groups: list[np.ndarray] = []
            for first in range(0, len(order), batch * _SPAN):
                part = order[first : first + batch * _SPAN]
                part = part[np.argsort(each[part], kind="stable")]
                groups += [part[i : i + batch] for i in range(0, len(part), batch)]
            self._orders.append([groups[i] for i in rng.permutation(len(groups))])

    def __len__(self) -> int:
        return len(self._orders[0])

    def __getitem__(self, position: int) -> list[tuple[np.ndarray, np.random.Generator]]:
        if not 0 <= position < len(self):
            raise IndexError(position)
        return [
            (order[position], np.random.default_rng([*self._seed, m, position])) for m, order in enumerate(self._orders)
        ]


def tensors(arrays: Any) -> Any:
    """A named tuple of arrays as one of tensors; None stays."""
    return type(arrays)(*[None if one is None else torch.from_numpy(one) for one in arrays])
