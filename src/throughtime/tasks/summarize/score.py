"""How good a summarizer is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import regex

from throughtime.data.pairs import Pairs
from throughtime.tasks.sequence.quality import ROUGE_L
from throughtime.tasks.sequence.score import MEASURES as EVERY
from throughtime.tasks.sequence.score import evaluate_folder as evaluate_any
from throughtime.tasks.sequence.score import score as score_any
from throughtime.tasks.sequence.stream import SequenceModel
from throughtime.tasks.summarize.stream import SCHEMA, load

_SENTENCE = regex.compile(r".+?(?:[.!?](?=\s|$)|[。！？]|\n|$)", regex.DOTALL)

MEASURES = {name: EVERY[name] for name in ("rougeL", "rouge1", "rouge2", "chrf")}
"""What is shown of answers, and what it is called."""


def score(model: SequenceModel, given: Pairs, learned: Pairs | None) -> dict[str, Any]:
    """Everything an evaluation says of pairs. learned: what baselines know, None for nothing."""
    first = {"first sentence": [lead(text) for text in given.sources]}
    return score_any(model, given, learned, first, "texts", ROUGE_L)


def lead(text: str) -> str:
    """The first sentence of a text, Lead-1: what stands before the first full stop or line break."""
    found = _SENTENCE.match(text.strip())
    return found.group().strip() if found else text


def evaluate_folder(directory: str | Path, data: str, encoding: str | None = None) -> dict[str, Any]:
    """Score the model in a folder on pairs; what `throughtime evaluate` does. Needs no torch."""
    return evaluate_any(SCHEMA, load, score, directory, data, encoding)
