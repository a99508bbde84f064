"""An n-gram model beside a trained recurrence, weighed on the validation part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from throughtime.baselines.ngram import MOST
from throughtime.models import ngram
from throughtime.tasks.text.data import Judged, TextDecided
from throughtime.tasks.text.model import LanguageConfig
from throughtime.tasks.text.score import log_probabilities

_WEIGHED = 100_000
"""The most validation tokens that an n-gram model is weighed on."""

_FEWEST = 2_000
"""Validation tokens of the region that an n-gram model counts, at least."""

_GAIN = 5e-4
"""Nats per token that it must bring there."""


@dataclass(frozen=True)
class Recurrence:
    """What has learned. judged: what the validation part said of it before it was learned itself, if it was."""

    config: LanguageConfig
    parameters: Mapping[str, np.ndarray]
    judged: Judged
    threads: int

    def log_p(self, held: np.ndarray) -> np.ndarray:
        """ln p of the first tokens of held[1:], of a model that has not learned them."""
        if self.judged.log_p is not None:
            return self.judged.log_p
        return log_probabilities(self.config, self.parameters, held[: _WEIGHED + 1], self.threads)


def joined(
    recurrence: Recurrence, learned: np.ndarray, held: np.ndarray, say: Callable[[str], None], spread: bool = False
) -> tuple[ngram.NGram | None, TextDecided]:
    """An n-gram model to join in, weighed on the validation part; None where it brings nothing there.

    learned: (N,) tokens of the training part. held: (M,) of the validation part, behind the one before it. spread:
    whether that lies in blocks all over the training part.
    """
    if len(held) <= ngram.LEAST:
        return None, TextDecided()
    log_p = recurrence.log_p(held)
    near = len(log_p)
    if spread and len(held) == near + 1:
        near = _counted(near, len(learned))
    held = held[: len(log_p) + 1]
    before, after = ngram.learn(learned, recurrence.config.vocabulary, held)
    weights, means = ngram.weigh(before, log_p[-near:], held[-near - 1 :])
    line = ", ".join(f"{name} {nats:.4f}" for name, nats in means.items())
    if not means["recurrence"] - means["both"] > _GAIN:
        say(f"an n-gram model brings nothing on the validation part: {line}")
        return None, TextDecided(validation=means)
    say(f"a {after.order}-gram model of {after.size:,} n-grams joins in; on the validation part: {line}")
    after.weights = weights
    return after, TextDecided(True, after.order, after.smoothing, after.size, means)


def _counted(held: int, learned: int) -> int:
    """Of so many validation tokens, spread over a training part of so many, those of the region that is counted: of a
    long text its end, where an n-gram model knows most, as it does of what follows."""
    return held if learned <= MOST else min(held, max(_FEWEST, held * MOST // learned))
