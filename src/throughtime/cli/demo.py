"""throughtime demo: the main jobs on real data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.errors import UserError
from throughtime.report.console import new_app, print_json, say, scores

app = new_app("The main jobs on real data.")


@app.command()
def demo(
    job: Annotated[str, Argument(help="text, or forecast.")] = "text",
    minutes: Annotated[float | None, Option(help="How long to train; 1.9 for text, 1.2 for forecast.")] = None,
    out: Annotated[
        Path | None, Option(help="The folder for the model and its report; runs/demo or runs/demo-JOB.")
    ] = None,
    seed: Annotated[int, Option(help="Of everything random.")] = 0,
    threads: Annotated[int | None, Option(help="Threads to use; all cores where not given.")] = None,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Learn real data that an installation carries, under two minutes: a text, to write from it, or an hourly series.

    text: the Python language reference. forecast: the sun on Greensboro, hour by hour, from pvlib's year of weather.
    """
    if job not in JOBS:
        raise UserError(f"demo: expected {' or '.join(JOBS)}, got {job!r}")
    JOBS[job](minutes, out, seed, threads, json)


def text(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn the Python language reference that every installation carries, write from it, and score the rest of it."""
    minutes, out = 1.9 if minutes is None else minutes, out or Path("runs/demo")
    from throughtime.runtime.load import load
    from throughtime.tasks import demo as task
    from throughtime.tasks.text import LanguageModel
    from throughtime.tasks.text_commands import report_of
    from throughtime.training.settings import Settings

    LanguageModel(seed=seed, threads=threads)  # these two refuse wrong numbers before anything is said or written
    Settings(budget=minutes, unit="minutes")
    reference = task.text()
    say(
        f"the language reference in pydoc_data.topics: {len(reference):,} characters, the last tenth kept for the score"
    )
    summary = task.run(out, minutes=minutes, seed=seed, threads=threads)
    peer = task.plain_torch(reference)
    if "evaluation" in summary and peer:
        summary["evaluation"]["baselines"]["plain torch LSTM"] = peer
    report_of(summary)
    pieces = load(out).write(task.PROMPT, length=400, temperature=0.7, seed=seed)
    if json:
        print_json({**summary, "prompt": task.PROMPT, "sample": "".join(pieces)})
        return
    print(f"\nwritten by the model, from the prompt {task.PROMPT!r}:\n")
    sys.stdout.write(task.PROMPT)
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
    print("\n")
    if "evaluation" in summary:
        print(scores(summary["evaluation"]))
        if peer:
            print(f"plain torch LSTM: {peer['minutes']:g} minutes, recorded on {peer['machine']}: {peer['command']}")
    print(f"model   {summary['directory']}")
    if "report" in summary:
        print(f"report  {Path(summary['report']).resolve()}")
    print(f"more    throughtime run {out} 'PROMPT'")


def forecast(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn a year of hourly weather, forecast the sun of its last tenth, a day ahead, and go on from its end."""
    from throughtime.tasks import forecast_commands as commands
    from throughtime.tasks import forecast_demo as task
    from throughtime.tasks.forecaster import Forecaster
    from throughtime.training.settings import Settings

    minutes, out = 1.2 if minutes is None else minutes, out or Path("runs/demo-forecast")
    Forecaster(24, seed=seed, threads=threads)  # these two refuse wrong numbers before anything is said or written
    Settings(budget=minutes, unit="minutes")
    lines = task.table().count("\n") - 1
    say(f"the sun on {task.STATION}, {lines:,} hours of pvlib's weather in W/m2; the last tenth is kept for the score")
    summary = task.run(out, minutes=minutes, seed=seed, threads=threads, quiet=json)
    commands.show(summary, json)
    if not json:
        print(f"more    throughtime run {out}")


JOBS = {"text": text, "forecast": forecast}
"""Every demonstration."""
