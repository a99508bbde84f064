"""The report of a model that chats, from what its folder holds."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from throughtime.report.run import Run
from throughtime.tasks.chat.score import MEASURES
from throughtime.tasks.chat.stream import SCHEMA
from throughtime.tasks.sequence.report import write


def write_report(directory: str | PathLike[str]) -> Path:
    """Write DIR/report.html and return its path. UserError where the folder is no model's, or has no history."""
    return write(Run.of(directory, SCHEMA), MEASURES)
