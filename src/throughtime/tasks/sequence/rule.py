"""The rule of tasks that make one sequence of another: from the pairs and the budget to settings, where nobody chose.

What it rests on is in docs/translating.md, "What the rule rests on".
"""

from __future__ import annotations

from dataclasses import dataclass

from throughtime.storage.record import Choice
from throughtime.tasks.sequence.options import SequenceOptions

WARM_UP, WARM_SHARE = 200, 10
"""Steps until the highest rate, and of how many in all it is one."""

SPENT = 0.9
"""Of the minutes; the rest is for all that is no training step."""

BATCH = 1600
"""Pieces of a step on the longer side, at most; of sources much longer than their targets up to twice as many."""

PASSES, LEAST_STEPS, MOST_EPOCHS = 20, 1500, 60
"""Epochs of many pairs; of few so many steps, but no more epochs."""


@dataclass(frozen=True)
class Facts:
    """What is chosen by. pairs: to learn from. words: mean of the targets, in words or, without spaces, characters.
    threads: how many there are. read: mean of the sources, likewise, of what is read of them.
    operations: multiplications of one core in a second, None where nobody measured."""

    pairs: int
    words: float
    threads: int
    operations: float | None = None
    read: float = 0.0

    @property
    def longer(self) -> float:
        """By how much sources are longer than targets, in times, where that is more than twice; else 1."""
        return max(1.0, self.read / max(1.0, self.words) / 2)


@dataclass(frozen=True)
class _Size:
    """What so many pairs carry. pairs: from how many on. hidden, embedding: of the model. vocabulary: pieces. dropout:
    the share."""

    pairs: int
    hidden: int
    embedding: int
    vocabulary: int
    dropout: float


SIZES = (
    _Size(200_000, 320, 256, 8000, 0.2),
    _Size(15_000, 256, 256, 5000, 0.3),
    _Size(3_000, 192, 192, 3000, 0.35),
    _Size(500, 128, 128, 1500, 0.4),
    _Size(0, 64, 64, 600, 0.3),
)


def choices(facts: Facts, options: SequenceOptions) -> list[Choice]:
    """Every option that the data decide."""
    size = next(one for one in SIZES if facts.pairs >= one.pairs)
    why = f"{facts.pairs:,} pairs"
    found = [Choice(name, getattr(size, name), why) for name in ("hidden", "embedding", "vocabulary", "dropout")]
    most = int(BATCH * min(2.0, facts.longer)) // 32 * 32
    batch = max(64, min(most, int(facts.pairs * facts.words * facts.longer / 24) // 32 * 32))
    few = "few pairs: more steps of fewer" if batch < most else "enough pairs"
    found.append(Choice("batch", batch, few))
    words = facts.words if facts.longer == 1 else facts.read
    steps_an_epoch = max(1, round(1.35 * facts.pairs * (words + 1) / (options.batch or batch)))
    passes = max(PASSES, min(MOST_EPOCHS, -(-LEAST_STEPS // steps_an_epoch)))
    found.append(Choice("epochs", passes, f"{passes} times over {facts.pairs:,} pairs"))
    total = _steps(facts, options, passes, steps_an_epoch)
    warm = min(WARM_UP, total // WARM_SHARE)
    found.append(Choice("warm_up", warm, f"of {total:,} steps"))
    found.append(Choice("learning_rate", 2e-3 if (options.hidden or size.hidden) >= 192 else 3e-3, "the width"))
    found.append(Choice("average", 0.998 if total >= 2000 else 0.99 if total >= 300 else 0.9, f"{total:,} steps"))
    return found


def _steps(facts: Facts, options: SequenceOptions, passes: int, steps_an_epoch: int) -> int:
    """About how many steps there will be."""
    if options.steps is not None:
        return options.steps
    if options.minutes is not None:
        seconds = 60 * SPENT * options.minutes * facts.threads
        return max(1, int(seconds * (facts.operations or 4.0)))
    return (options.epochs or passes) * steps_an_epoch
