"""How good replies are, and how often the right one is known among ten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.pairs import Pairs
from throughtime.tasks.chat.data import read
from throughtime.tasks.chat.options import ChatOptions
from throughtime.tasks.chat.stream import SCHEMA, TextChat, load
from throughtime.tasks.sequence.losses import losses
from throughtime.tasks.sequence.score import MEASURES as EVERY
from throughtime.tasks.sequence.score import evaluate_folder as evaluate_any
from throughtime.tasks.sequence.score import score as score_any

MEASURES = {"among_ten": "right one among ten, %", **{name: EVERY[name] for name in ("chrf", "bleu")}}
"""What is shown of replies, and what it is called."""

TEN, _ASKED = 10, 200
"""Replies to choose among, and how often that is asked."""


def score(model: TextChat, given: Pairs, learned: Pairs | None) -> dict[str, Any]:
    """Everything an evaluation says of pairs. learned: what baselines know, None for nothing."""
    found = score_any(model, given, learned, {}, "replies")
    right = among_ten(model, given)
    return found if right is None else {**found, "among_ten": 100 * right}


def among_ten(model: TextChat, given: Pairs, seed: int = 0) -> float | None:
    """How often the model finds the reply that was given likelier, piece by piece, than nine of other conversations;
    None where there are too few."""
    rng, groups = np.random.default_rng(seed), np.array(given.groups or range(len(given)))
    coded = [model.pieces.encode(text) for text in given.targets]
    asked = []
    for i in rng.permutation(len(given))[:_ASKED]:
        others = np.flatnonzero(groups != groups[i])
        if len(others) >= TEN - 1 and model.cut(given.sources[i]).parts:
            asked.append([int(i), *(int(one) for one in rng.choice(others, TEN - 1, replace=False))])
    if not asked:
        return None
    sources = [model.cut(given.sources[row[0]]).parts[0][1] for row in asked for _ in row]
    nats = losses(model, sources, [coded[one] for row in asked for one in row])
    means = (nats[:, 0] / nats[:, 1]).reshape(len(asked), TEN)
    return float((means[:, 1:] > means[:, :1]).all(1).mean())


def evaluate_folder(directory: str | Path, data: str, encoding: str | None = None) -> dict[str, Any]:
    """Score the model in a folder on conversations; what `throughtime evaluate` does. Needs no torch."""
    return evaluate_any(SCHEMA, load, score, directory, data, encoding, _read)


def _read(place: Any, options: ChatOptions, encoding: str) -> Pairs:
    return read(place, options.source, options.target, encoding, options.turns)
