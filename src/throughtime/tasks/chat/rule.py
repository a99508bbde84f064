"""The rule of chat: where replies come from, and how a chooser is learned, where nobody said.

The sizes of a chooser are those of docs/pairs.md, "Choosing among answers"; smaller ones for few answers were not
compared.
"""

from __future__ import annotations

from throughtime.data.pairs import Pairs
from throughtime.storage.record import Choice
from throughtime.tasks.chat.options import BOTH, CHOOSE, GENERATE, ChatOptions

MANY = 500
"""Pairs from which encoders are as large as measured."""

PASSES, LEAST_STEPS, MOST_PASSES = 8, 150, 30
"""Epochs of many pairs; of few so many steps, but no more epochs."""

WIDTH, DROPOUT, BATCH, RATE, WARM_UP = 96, 0.4, 96, 3e-3, 100


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
    size = WIDTH if count >= MANY else WIDTH // 2
    batch = options.batch or max(2, min(BATCH, count // 4))
    steps_an_epoch = -(-count // batch)
    passes = max(PASSES, min(MOST_PASSES, -(-LEAST_STEPS // steps_an_epoch)))
    steps = options.steps or (options.epochs or passes) * steps_an_epoch
    values = {"hidden": size, "embedding": size, "dropout": DROPOUT, "batch": batch, "epochs": passes}
    values |= {"learning_rate": RATE, "warm_up": min(WARM_UP, steps // 4), "average": 0.0}
    return [Choice(name, value, why) for name, value in values.items()]
