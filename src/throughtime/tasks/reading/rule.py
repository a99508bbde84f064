"""What the rules of tasks that read texts have in common: facts to choose by, and what follows from them for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from throughtime.storage.record import Choice
from throughtime.tasks.reading.options import ReaderOptions

LEAST_STEPS, MOST_EPOCHS = 300, 60
"""Of few texts an epoch is over in no time: so many steps are taken, but no more epochs."""

EPOCH = 16
"""Steps an epoch has at least, unless batches would become too small."""

SMALLEST = 8
"""Texts in a batch."""

WARM_UP, WARM_SHARE = 100, 10
"""Steps until the highest rate, and of how many in all it is one."""

MEMBERS, MOST_MEMBERS = 3, 5
"""Of an ensemble, and where there is time for more."""

SPENT = 0.8
"""Of the minutes; the rest is for all that is no training step."""

PASSES = 4
"""Times the usual number of epochs, from which a run stops where validation brings nothing any more."""

LINEAR, LEAST_LINEAR = 0.25, 5.0
"""Of the minutes that are given, so much again at most for linear models, once the recurrence has learned; but so many
seconds, in which all of some thousand short texts are fitted."""


@dataclass(frozen=True)
class Facts:
    """What is chosen by.

    texts: how many are learned from. length: their mean length in tokens. words: whether tokens are words, not
    characters. classes: of texts, 0 for none. apart: whether what is chosen by was handed over, not cut from the texts.
    threads: how many there are. seconds: one core takes for a text, None where nobody measured.
    """

    texts: int
    length: float
    words: bool
    classes: int
    apart: bool
    threads: int
    seconds: float | None = None


def as_wide_as_vectors(choices: Sequence[Choice], options: ReaderOptions) -> list[Choice]:
    """Choices, of the embedding what pretrained vectors have, where the options name some."""
    if options.vectors is None:
        return list(choices)
    from throughtime.data.vectors import vectors_width

    width = vectors_width(options.vectors)
    own = Choice("embedding", width, f"as wide as the vectors of {options.vectors}")
    return [own if choice.name == "embedding" else choice for choice in choices]


def linear_seconds(options: ReaderOptions) -> float | None:
    """After how many seconds no further linear model is begun; None where there is no budget of minutes."""
    return None if options.minutes is None else max(LEAST_LINEAR, 60 * LINEAR * options.minutes)


def training(facts: Facts, options: ReaderOptions, batch: int, epochs: int) -> list[Choice]:
    """Batch, epochs, warm-up and members. batch, epochs: what thousands of texts want."""
    choices = [_batch(facts, batch)]
    size = options.batch or choices[0].value
    steps = -(-facts.texts // size)
    passes = max(epochs, min(MOST_EPOCHS, -(-LEAST_STEPS // steps)))
    why = f"{passes} times over {facts.texts:,} texts"
    choices.append(
        Choice("epochs", passes, why if passes == epochs else f"{why}, few as they are: {passes * steps} steps")
    )
    if not options.budgeted or options.unit == "epochs":
        passes = options.epochs or passes
    total = passes * steps if options.steps is None else options.steps
    if options.minutes is not None and facts.seconds is not None:
        total = max(1, int(60 * SPENT * options.minutes * facts.threads / (facts.seconds * size)))
    warm = min(WARM_UP, total // WARM_SHARE)
    why = "a tenth of the steps" if warm < WARM_UP else "enough for the moments of the gradient"
    choices.append(Choice("warm_up", warm, f"{warm} of {total:,} steps: {why}"))
    return [*choices, *_members(facts, options, passes)]


def _batch(facts: Facts, usual: int) -> Choice:
    fitting = usual
    while fitting > SMALLEST and facts.texts < EPOCH * fitting:
        fitting //= 2
    fitting = max(SMALLEST, fitting)
    few = fitting < usual
    return Choice("batch", fitting, f"{facts.texts:,} texts are few: more steps of fewer" if few else "texts enough")


def _members(facts: Facts, options: ReaderOptions, passes: int) -> list[Choice]:
    """How many members there are, and when they stop. passes: the epochs that are enough."""
    if options.minutes is None or facts.seconds is None:
        together = min(MEMBERS, facts.threads)
        return [Choice("ensemble_size", MEMBERS, f"the mean of {MEMBERS} errs less; {together} learn at the same time")]
    one = passes * facts.texts * facts.seconds
    there = 60 * SPENT * options.minutes * facts.threads
    size = max(1, min(MOST_MEMBERS, int(there / max(one, 1e-9))))
    why = f"one needs about {one:,.0f} s of one core, there are {there:,.0f}"
    choices = [Choice("ensemble_size", size, why)]
    if there > PASSES * one * size:
        many = int(passes * there / (one * size))
        choices.append(Choice("patience", 4, f"there is time for {many:,} epochs; it stops where nothing is gained"))
    return choices
