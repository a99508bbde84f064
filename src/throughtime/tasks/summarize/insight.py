"""Looking into a summarizer: throughtime.tasks.sequence.insight."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from throughtime.insight.explanation import Explanation
from throughtime.insight.patients import refreshed
from throughtime.options import Json
from throughtime.tasks.sequence import insight
from throughtime.tasks.sequence.insight import METRIC, UNIT, SequencePatient, diagnose, explain, of_model
from throughtime.tasks.summarize.stream import SCHEMA, load

__all__ = ["METRIC", "UNIT", "amount", "diagnose", "explain", "explained", "of_model", "patient"]


def patient(directory: str | Path, data: str | None = None, fresh: bool = False) -> SequencePatient:
    """The model in a folder with the pairs it learned, or others. fresh: with newly drawn parameters."""
    found = insight.patient(SCHEMA, load, directory, data)
    return refreshed(found) if fresh else found


def explained(directory: Path, data: str, options: Mapping[str, Json]) -> Explanation:
    """What `throughtime explain` does for a model's folder. data: the text, - for standard input."""
    return insight.explained(load(directory), data, options)


def amount(data: Path | list[Path], share: float, seed: int, options: Mapping[str, Json]) -> tuple[float, float]:
    """Learn from a share of the pairs, and score those kept apart: pairs, 1 - chrF."""
    from throughtime.tasks.summarize.estimator import Summarizer

    return insight.amount(Summarizer, data, share, seed, options)
