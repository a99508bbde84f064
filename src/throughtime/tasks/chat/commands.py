"""What the verbs do for a model that chats."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from typer import Argument

from throughtime.options import Json
from throughtime.report.console import print_json
from throughtime.tasks import shell
from throughtime.tasks.chat.stream import said_of
from throughtime.tasks.sequence import commands
from throughtime.tasks.sequence.stream import Wishes

DATA = "Conversations (JSON, a turn a line, __eou__), or questions and answers: TSV, CSV, JSONL, two files."
TRAIN = "Learn to reply, score conversations it never saw beside the baselines, write a report."


def run(
    directory: shell.Directory,
    text: Annotated[str, Argument(help="What is said; - (or nothing): a conversation, one turn a line.")] = "-",
    beam: commands.Beam = None,
    at_least: commands.AtLeast = None,
    encoding: commands.Encoding = "utf-8",
    json: commands.JsonLines = False,
) -> None:
    """Reply: to a text, or in a conversation, line by line."""
    from throughtime.tasks.load import load
    from throughtime.tasks.reading.lines import standard_input

    stream = load(directory).stream(Wishes(beam, at_least=at_least))
    for line in standard_input(encoding) if text == "-" else iter([text]):
        found = stream.feed(line)
        if json:
            print_json(found.to_json())
        else:
            print(said_of(found))
        sys.stdout.flush()


def demo(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn to answer a town's questions with its own answers, which are made up."""
    from throughtime.tasks.chat import demo as task
    from throughtime.tasks.chat.report import write_report

    summary = task.run(out or Path("runs/demo-chat"), minutes, seed, threads, quiet=json)
    shell.show(summary, json, write_report, show)
    if not json:
        print(f"more    throughtime run {summary['directory']} {task.EXAMPLE!r}")


def show(evaluation: Mapping[str, Json]) -> None:
    """Print an evaluation."""
    from throughtime.tasks.chat.score import MEASURES

    commands.show(evaluation, MEASURES)


evaluate = commands.evaluating("chat", show)
