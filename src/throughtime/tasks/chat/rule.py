"""The rule of chat: where replies come from, and how a chooser is learned, where nobody said.

A chooser is learned as ChooserOptions say, by which docs/pairs.md, "Choosing among answers", was measured; smaller ones
for few answers were not compared.
"""

from __future__ import annotations

from collections.abc import Collection

from throughtime.data.pairs import Pairs
from throughtime.storage.record import Choice
from throughtime.tasks.chat.options import BOTH, CHOOSE, GENERATE, ChatOptions
from throughtime.tasks.choosing.options import ChooserOptions
from throughtime.tasks.sequence.options import SequenceOptions

MANY = 500
"""Pairs from which encoders are as large as measured."""

PASSES, LEAST_STEPS, MOST_PASSES = 8, 150, 30
"""Epochs of many pairs; of few so many steps, but no more epochs."""

USUAL = ChooserOptions()
"""How a chooser of many pairs is learned."""

_OPTIMIZER = ("weight_decay", "beta_2")


def mode(pairs: Pairs) -> Choice:
    """Where replies come from."""
    different = len(set(pairs.targets))
    if different < 2:
        return Choice("mode", GENERATE, "there is one answer only")
    if not pairs.groups:
        return Choice("mode", CHOOSE, f"questions with {different:,} different answers")
    return Choice("mode", BOTH, "conversations: validation decides what replies")


def of_chooser(pairs: Pairs, options: ChatOptions) -> list[Choice]:
    """How a chooser is learned that is all there is."""
    count, why = len(pairs), f"{len(pairs):,} pairs to choose from"
    part = 1 if count >= MANY else 2
    batch = options.batch or max(2, min(USUAL.batch, count // 4))
    steps_an_epoch = -(-count // batch)
    passes = max(PASSES, min(MOST_PASSES, -(-LEAST_STEPS // steps_an_epoch)))
    steps = options.steps or (options.epochs or passes) * steps_an_epoch
    values = {"hidden": USUAL.hidden // part, "embedding": USUAL.embedding // part, "batch": batch, "epochs": passes}
    values |= {name: getattr(USUAL, name) for name in ("dropout", "learning_rate", "average", *_OPTIMIZER)}
    values["warm_up"] = min(USUAL.warm_up, steps // 4)
    return [Choice(name, value, why) for name, value in values.items()]


def of_generator() -> list[Choice]:
    """What a chooser has otherwise than all else that writes."""
    usual = SequenceOptions()
    return [Choice(name, getattr(usual, name), "replies are written") for name in _OPTIMIZER]


def cell() -> Choice:
    """The recurrence of a chooser that is all there is."""
    return Choice("cell", USUAL.cell, "replies are chosen")


def beside(options: ChatOptions, free: Collection[str]) -> ChooserOptions:
    """The sizes of a chooser that learns beside a generator: no wider than it was measured, and as usual in what is
    free, because nobody chose it."""
    values = {name: getattr(options, name) for name in ("cell", "dropout", "layers") if name not in free}
    values |= {name: min(getattr(options, name), getattr(USUAL, name)) for name in ("hidden", "embedding")}
    return USUAL.replaced(**values)
