"""throughtime demo: the main jobs on real data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.errors import UserError
from throughtime.report.console import new_app
from throughtime.tasks import TASKS, part

app = new_app("The main jobs on real data.")


@app.command()
def demo(
    job: Annotated[str, Argument(help=f"{', '.join(TASKS)}.")] = "text",
    minutes: Annotated[float | None, Option(help="How long to train; under two minutes if not given.")] = None,
    out: Annotated[
        Path | None, Option(help="The folder for the model and its report; runs/demo or runs/demo-JOB.")
    ] = None,
    seed: Annotated[int, Option(help="Of everything random.")] = 0,
    threads: Annotated[int | None, Option(help="Threads to use; all cores where not given.")] = None,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Learn real data that an installation carries, under two minutes, show what it learned and score it.

    text: the Python language reference. forecast: the sun on Greensboro, hour by hour, from pvlib's year of weather.
    classify, tag: what people say to a home assistant, in Chinese and in English, from home-assistant-intents.
    """
    if job not in TASKS:
        raise UserError(f"demo: expected {' or '.join(TASKS)}, got {job!r}")
    part(job, "commands").demo(minutes, out, seed, threads, json)
