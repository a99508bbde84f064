"""Training models that read texts, several members at once, as the loop sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from throughtime.models.examples import Examples, forgotten
from throughtime.models.ops_torch import TorchModel
from throughtime.runtime.ragged import batches

Output = Any
Loss = Callable[[TorchModel, Output, Any, np.ndarray], torch.Tensor]
"""(model, what it put out, what it took, rows) -> the loss of each row, (B,)."""

Judge = Callable[[list[list[tuple[np.ndarray, Output]]], list[TorchModel]], float]
"""(for each member the batches of what is held back, rows and what it put out; the members) -> the figure to go by,
less is better."""

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


class ReadingJob:
    """Members that learn side by side, each in an order of its own.

    drop: the share of tokens forgotten; rare: of those that stand once. keep: called with the parameters as arrays.
    renew: what each member learns from in an epoch, where that changes.
    """

    def __init__(
        self,
        members: Sequence[Member],
        loss: Loss,
        judge: Judge,
        batch: int,
        seed: int,
        keep: Callable[[dict[str, np.ndarray], Mapping[str, Any]], None],
        drop: float = 0.0,
        rare: float = 0.0,
        renew: Callable[[int], Sequence[Examples]] | None = None,
    ) -> None:
        self.members, self._loss, self._judge, self._batch, self._seed = list(members), loss, judge, batch, seed
        self._keep, self._drop, self._rare, self._renew = keep, drop, rare, renew
        self._learned = [one.learned for one in self.members]
        self.steps_per_epoch = -(-len(self.members[0].learned) // batch)

    def parameters(self) -> dict[str, torch.Tensor]:
        return {one.prefix + name: value for one in self.members for name, value in one.model.named_parameters()}

    def epoch(self, number: int) -> Epoch:
        if self._renew is not None:
            self._learned = list(self._renew(number))
        return Epoch([learned.lengths for learned in self._learned], self._batch, self._seed, number)

    def begin(self) -> None:
        """Texts carry no state."""

    def loss(self, batch: Sequence[tuple[np.ndarray, np.random.Generator]]) -> tuple[torch.Tensor, int]:
        """The mean loss of a batch for each member, and the texts of one."""
        losses = []
        for one, learned, (rows, rng) in zip(self.members, self._learned, batch, strict=True):
            tokens, sentences = learned.inputs(rows)
            tokens = forgotten(tokens, rng, self._drop, self._rare, one.counts)
            inputs = tensors(tokens), tensors(sentences)
            given = inputs if sentences is not None else inputs[:1]
            losses.append(self._loss(one.model, one.model(*given), inputs[0], rows).mean())
        return torch.stack(losses).mean(), len(batch[0][0])

    def state(self) -> dict[str, torch.Tensor]:
        return {f"{one.prefix}generator": one.model.generator.get_state() for one in self.members}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        for one in self.members:
            one.model.generator.set_state(state[f"{one.prefix}generator"])

    @torch.no_grad()
    def validate(self) -> float | None:
        """The figure of the texts held back, of all members together; None where there are none."""
        if self.members[0].held is None:
            return None
        outputs = []
        for one in self.members:
            assert one.held is not None
            one.model.eval()
            own = []
            for rows in batches(one.held.lengths, rows=ROWS):
                tokens, sentences = one.held.inputs(rows)
                given = (tensors(tokens), tensors(sentences)) if sentences is not None else (tensors(tokens),)
                own.append((rows, one.model(*given)))
            outputs.append(own)
            one.model.train()
        return self._judge(outputs, [one.model for one in self.members])

    def sample(self, step: int) -> str | None:
        return None

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
            found = model.arithmetic.forward(ops, model.config, dict(model.named_parameters()), tokens)
            return self._loss(model, found, tokens, rows)

        return glance(losses)[0], []

    def keep(self, note: Mapping[str, Any]) -> None:
        arrays = {one.prefix + name: value.copy() for one in self.members for name, value in one.model.arrays().items()}
        self._keep(arrays, note)


class Epoch:
    """The batches of an epoch: for each member rows, and what is random about them; texts of about one length."""

    def __init__(self, lengths: Sequence[np.ndarray], batch: int, seed: int, number: int) -> None:
        self._orders: list[list[np.ndarray]] = []
        self._seed = (seed, number)
        for m, own in enumerate(lengths):
            rng = np.random.default_rng([seed, number, m])
            order, found = rng.permutation(len(own)), []
            for first in range(0, len(order), batch * _SPAN):
                part = order[first : first + batch * _SPAN]
                part = part[np.argsort(own[part], kind="stable")]
                found += [part[i : i + batch] for i in range(0, len(part), batch)]
            self._orders.append([found[i] for i in rng.permutation(len(found))])

    def __len__(self) -> int:
        return len(self._orders[0])

    def __getitem__(self, position: int) -> list[tuple[np.ndarray, np.random.Generator]]:
        if not 0 <= position < len(self):
            raise IndexError(position)
        return [
            (own[position], np.random.default_rng([*self._seed, m, position])) for m, own in enumerate(self._orders)
        ]


def tensors(arrays: Any) -> Any:
    """A named tuple of arrays as one of tensors; None stays."""
    if arrays is None:
        return None
    return type(arrays)(*[None if one is None else torch.from_numpy(one) for one in arrays])
