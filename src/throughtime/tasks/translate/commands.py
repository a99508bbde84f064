"""What the verbs do for a translator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from throughtime.options import Json
from throughtime.tasks import shell
from throughtime.tasks.sequence import commands
from throughtime.tasks.sequence.commands import run as run

DATA = "Two files of one line each (DIR or a beginning of their names, with --source and --target), TSV, CSV, JSONL."
TRAIN = "Learn to translate from pairs of texts, score those it never saw beside the baselines, write a report."


def demo(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn to make entries of a calendar of sentences, from pairs that are made up."""
    from throughtime.tasks.translate import demo as task
    from throughtime.tasks.translate.report import write_report

    summary = task.run(out or Path("runs/demo-translate"), minutes, seed, threads, quiet=json)
    shell.show(summary, json, write_report, show)
    if not json:
        print(f"more    throughtime run {summary['directory']} {task.EXAMPLE!r} --show-attention")


def show(evaluation: Mapping[str, Json]) -> None:
    """Print an evaluation."""
    from throughtime.tasks.translate.score import MEASURES

    commands.show(evaluation, MEASURES)


evaluate = commands.evaluating("translate", show)
