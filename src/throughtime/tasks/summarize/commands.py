"""What the verbs do for a summarizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from throughtime.options import Json
from throughtime.tasks import shell
from throughtime.tasks.sequence import commands
from throughtime.tasks.sequence.commands import run as run

DATA = "TSV, CSV, JSONL with a long and a short text, or two files of one line each; --source and --target name them."
TRAIN = "Learn to summarize from pairs of texts, score those it never saw beside the baselines, write a report."


def demo(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn to shorten notes that are made up."""
    from throughtime.tasks.summarize import demo as task
    from throughtime.tasks.summarize.report import write_report

    summary = task.run(out or Path("runs/demo-summarize"), minutes, seed, threads, quiet=json)
    shell.show(summary, json, write_report, show)
    if not json:
        print(f"more    throughtime run {summary['directory']} {task.EXAMPLE!r} --show-attention")


def show(evaluation: Mapping[str, Json]) -> None:
    """Print an evaluation."""
    from throughtime.tasks.summarize.score import MEASURES

    commands.show(evaluation, MEASURES)


evaluate = commands.evaluating("summarize", show)
