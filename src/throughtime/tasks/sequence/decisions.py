"""What the validation part decides once a model has learned: penalties of the search, and what confidence is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from throughtime.data.pairs import Pairs
from throughtime.runtime.beam import Answer, Penalties
from throughtime.tasks.estimator import Say
from throughtime.tasks.sequence.confidence import features, fit
from throughtime.tasks.sequence.data import SequenceDecided
from throughtime.tasks.sequence.quality import overlap
from throughtime.tasks.sequence.stream import SequenceModel

MOST = 400
"""Pairs that are looked at."""

LENGTHS, COVERAGES = (0.0, 0.3, 0.6, 0.8, 1.0, 1.2), (0.0, 0.05, 0.1)


_BETTER = 1e-4
"""By so much a penalty must be better than those before it, which are smaller."""


def decided(model: SequenceModel, held: Pairs, say: Say) -> SequenceDecided:
    """Penalties by which the best of what a search found is most like the targets, and weights of the confidence."""
    rows = [i for i in range(len(held)) if len(model.pieces.encode(held.sources[i]))][:MOST]
    sources, targets = [held.sources[i] for i in rows], [held.targets[i] for i in rows]
    every = model.search([model.asked(text) for text in sources], model.beam, model.beam)
    said = [[model.pieces.decode(one.ids) for one in some] for some in every]
    both = list(zip(said, targets, strict=True))
    even = [[overlap(text, target, 1.0) for text in some] for some, target in both]
    quality, chosen = -1.0, Penalties()
    for penalties in (Penalties(alpha, beta) for beta in COVERAGES for alpha in LENGTHS):
        picked = [own[_best(some, penalties)] for some, own in zip(every, even, strict=True)]
        if picked and float(np.mean(picked)) > quality + _BETTER:
            quality, chosen = float(np.mean(picked)), penalties
    best = [_best(some, chosen) for some in every]
    known = [features(some[i], source) for some, i, source in zip(every, best, sources, strict=True)]
    reached = [overlap(some[i], target) for (some, target), i in zip(both, best, strict=True)]
    weights = fit(np.array(known), np.array(reached)) if known else ()
    of = f"{len(rows):,} targets to choose by are met to {float(np.mean(reached or [0.0])):.1%} (chrF)"
    say(f"length penalty {chosen.length:g}, coverage penalty {chosen.coverage:g}: {of}")
    return SequenceDecided(chosen.length, chosen.coverage, weights)


def _best(answers: Sequence[Answer], penalties: Penalties) -> int:
    """Which of the answers is best under other penalties than those they were found with."""
    scores = [penalties.score(one.logarithm, len(one.ids) + 1, one.covered) for one in answers]
    return int(np.argmax(scores))
