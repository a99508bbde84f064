"""The report of a translator, from what its folder holds."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from throughtime.report.run import Run
from throughtime.tasks.sequence.report import write
from throughtime.tasks.translate.score import MEASURES
from throughtime.tasks.translate.stream import SCHEMA


def write_report(directory: str | PathLike[str]) -> Path:
    """Write DIR/report.html and return its path. UserError where the folder is no model's, or has no history."""
    return write(Run.of(directory, SCHEMA), MEASURES)
