"""How good a translator is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from throughtime.data.pairs import Pairs
from throughtime.tasks.sequence.score import MEASURES as EVERY
from throughtime.tasks.sequence.score import evaluate_folder as evaluate_any
from throughtime.tasks.sequence.score import score as score_any
from throughtime.tasks.sequence.stream import SequenceModel
from throughtime.tasks.translate.stream import SCHEMA, load

MEASURES = {name: EVERY[name] for name in ("bleu", "chrf")}
"""What is shown of answers, and what it is called."""


def score(model: SequenceModel, given: Pairs, learned: Pairs | None) -> dict[str, Any]:
    """Everything an evaluation says of pairs. learned: what baselines know, None for nothing."""
    return score_any(model, given, learned, {"copied source": given.sources}, "sentences")


def evaluate_folder(directory: str | Path, data: str, encoding: str | None = None) -> dict[str, Any]:
    """Score the model in a folder on pairs; what `throughtime evaluate` does. Needs no torch."""
    return evaluate_any(SCHEMA, load, score, directory, data, encoding)
