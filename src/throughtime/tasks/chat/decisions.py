"""What the validation part decides of a model that replies: from which confidence a written reply is said, and, where
nobody said so, whether replies are chosen, written, or both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from throughtime.data.pairs import Pairs
from throughtime.tasks.chat.data import ChatDecided, SequenceDecided
from throughtime.tasks.chat.options import BOTH, CHOOSE, GENERATE
from throughtime.tasks.chat.stream import Generator, TextChat
from throughtime.tasks.choosing.learn import LOST
from throughtime.tasks.estimator import Say
from throughtime.tasks.sequence.quality import overlap
from throughtime.tasks.sequence.score import sureness

GOOD, FEWEST = 0.5, 20
"""How much of its target a good written reply has, and how many of them tell where to draw the line."""

MOST = 300
"""Pairs that are looked at."""

_BETTER = 0.005
"""By so much both must be better than one, and a written reply than a chosen one, which costs less."""


def threshold(generator: Generator, held: Pairs, say: Say) -> float:
    """The confidence that all but a few of the good written replies to the pairs held back have; 0 where there are too
    few of them to tell."""
    if not generator.decided.sure:
        return 0.0
    sure, reached = sureness(generator, held.take(range(min(MOST, len(held)))))
    good = sure[reached >= GOOD]
    if len(good) < FEWEST:
        say(f"{len(good):,} good replies to choose by: too few to tell from which confidence on one is said")
        return 0.0
    found = float(np.clip(np.quantile(good, LOST), 0, 1))
    say(f"a written reply is said from a confidence of {found:.2f} on: {LOST:.0%} of the good ones are lost")
    return found


def best_mode(model: TextChat, held: Pairs, say: Say) -> str:
    """Where replies come from that are most like those to the pairs held back, by chrF."""
    if not len(held):
        return BOTH
    some = held.take(range(min(MOST, len(held))))
    reached: dict[str, float] = {}
    for mode in (CHOOSE, GENERATE, BOTH):
        decided = replace(model.decided, mode=mode)
        one = TextChat(
            model.config, model.parameters, model.generator, model.chooser, decided, None, model.turns, model.written
        )
        texts = [found.outputs[0].text if found.outputs else "" for found in one.answer(some.sources)]
        reached[mode] = float(np.mean([overlap(*pair) for pair in zip(texts, some.targets, strict=True)]))
    best = CHOOSE
    for mode in (GENERATE, BOTH):
        if reached[mode] > reached[best] + _BETTER:
            best = mode
    each = ", ".join(f"{mode} {value:.1%}" for mode, value in reached.items())
    say(f"replies are like those to {len(some):,} pairs to choose by, in chrF: {each}; mode {best}")
    return best


def of_chat(found: SequenceDecided | None, **more: object) -> ChatDecided:
    """What was decided of the generator, and more."""
    known = (found or SequenceDecided()).to_json()
    return ChatDecided(**{**{name: known[name] for name in ("length", "coverage", "sure")}, **more})
