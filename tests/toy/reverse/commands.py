"""What the verbs do for a reverser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from throughtime.report.console import print_json
from throughtime.tasks import shell
from throughtime.tasks.load import load

DATA = "A file of lines."
TRAIN = "Learn to reverse lines, score the ones kept apart, write a report."


def run(directory: shell.Directory, line: str, json: shell.Json = False) -> None:
    """Reverse a line."""
    answer = load(directory).predict([line])[0]
    print_json({"line": answer}) if json else print(answer)


def evaluate(directory: shell.Directory, file: Path, json: shell.Json = False) -> None:
    """Score a model on a file of lines."""
    from throughtime.tasks.reverse.score import score

    found = score(load(directory), file.read_text("utf-8").splitlines())
    print_json(found) if json else show(found)


def show(evaluation: dict[str, Any]) -> None:
    """Print an evaluation."""
    print(f"lines right  {evaluation['accuracy']:.1%}, echo {evaluation['baselines']['echo']['accuracy']:.1%}")
