"""Options that the commands of several tasks have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Context, Option

from throughtime.errors import needed
from throughtime.report.console import print_json, say

Directory = Annotated[Path, Argument(metavar="DIR", help="The model's folder.")]
Out = Annotated[Path, Option(help="The folder for the model, its history and report.")]
Cell = Annotated[str, Option(help="A cell of the catalogue, or file.py:ClassName; several, with commas, stack.")]
Hidden = Annotated[int, Option(help="H, the size of the hidden state of each direction.")]
Layers = Annotated[int, Option(help="How many layers of the cell.")]
Members = Annotated[int, Option(help="Models side by side whose mean is the answer.")]
Forward = Annotated[bool, Option("--forward", help="Read from the start only, so that texts can be followed.")]
Memory = Annotated[float | None, Option(help="The longest memory, in tokens, that units of gated cells start with.")]
Batch = Annotated[int, Option(help="B, texts a step.")]
Minutes = Annotated[float | None, Option(help="How long to train.")]
Epochs = Annotated[int | None, Option(help="How often to go over all texts, instead of minutes.")]
Steps = Annotated[int | None, Option(help="How many steps to train, instead of minutes.")]
LearningRate = Annotated[float | None, Option(help="The highest learning rate.")]
Average = Annotated[float | None, Option(help="Decay of the moving average of the weights; 0 for none.")]
Clip = Annotated[float | None, Option(help="The largest gradient norm; 0 for no limit.")]
Patience = Annotated[int | None, Option(help="Stop after so many validations without a better one.")]
Seed = Annotated[int, Option(help="Of everything random.")]
Threads = Annotated[int | None, Option(help="Threads to use; all cores where not given.")]
Encoding = Annotated[str, Option(help="Of the files.")]
Resume = Annotated[
    bool, Option("--resume", help="Go on with the run in --out; a budget, rate, clip or patience may change.")
]
Force = Annotated[bool, Option("--force", help="Replace the model in --out.")]
Json = Annotated[bool, Option("--json", help="Print the result as one JSON object.")]

CHANGEABLE = ("minutes", "epochs", "steps", "learning_rate", "clip", "patience")
"""What may be given to a run that goes on."""


def given(**values: Any) -> dict[str, Any]:
    """Budget and settings that were given; a clip of 0 is none."""
    found = {name: value for name, value in values.items() if value is not None}
    if found.get("clip") == 0:
        found["clip"] = None
    return found


def refuse_fixed(context: Context, known: tuple[str, ...]) -> None:
    """A run that goes on has its model and data already: what is given besides and cannot change is an error."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE" and name not in (*CHANGEABLE, *known):
            option = f"--{name.replace('_', '-')}"
            raise ValueError(f"{option}: a run that goes on keeps its own; leave it out, or start anew with --force")


def cells(text: str) -> str | list[str]:
    """A cell, or several with commas."""
    return text.split(",") if "," in text else text


def names(text: str) -> list[str]:
    """Names with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def share_or_file(text: str) -> float | str:
    """A number, or the name of a file."""
    try:
        return float(text)
    except ValueError:
        return text


def print_path(path: Path, json: bool) -> None:
    """Where a report is."""
    if json:
        print_json({"report": str(path)})
    else:
        print(path)


def add_report(summary: dict[str, Any], write: Callable[[Path], Path]) -> None:
    """Write the report of a training, and its path into the summary; where it cannot be drawn, say so."""
    try:
        summary["report"] = str(write(Path(summary["directory"])))
    except ImportError as error:
        say(f"throughtime: no report, {error.name} is missing: {needed('train')}")


def show(
    summary: dict[str, Any], json: bool, write: Callable[[Path], Path], scores: Callable[[dict[str, Any] | None], None]
) -> None:
    """Write the report of a training and print what came of it. write: the report, scores: prints an evaluation."""
    add_report(summary, write)
    if json:
        print_json(summary)
        return
    scores(summary.get("evaluation"))
    print(f"model   {summary['directory']}")
    if "report" in summary:
        print(f"report  {summary['report']}")
