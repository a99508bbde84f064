"""What the verbs do for a summarizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.options import Json
from throughtime.report.console import print_json
from throughtime.tasks import shell
from throughtime.tasks.sequence import commands
from throughtime.tasks.sequence.commands import run as run
from throughtime.tasks.summarize.score import MEASURES

DATA = "TSV, CSV, JSONL with a long and a short text, or two files of one line each; --source and --target name them."
TRAIN = "Learn to summarize from pairs of texts, score those it never saw beside the baselines, write a report."


def evaluate(
    directory: shell.Directory,
    data: Annotated[str, Argument(help="Pairs of texts; of those of training only the ones kept apart are scored.")],
    encoding: Annotated[str | None, Option(help="Of the file; as in training if not given.")] = None,
    json: shell.Json = False,
) -> None:
    """Score a model on pairs of texts beside the baselines; sentences say whether it is better."""
    from throughtime.tasks.summarize.score import evaluate_folder

    result = evaluate_folder(directory, data, encoding)
    if json:
        print_json(result)
    else:
        show(result)


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
    commands.show(evaluation, MEASURES)
