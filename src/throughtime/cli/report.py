"""throughtime report DIR: one HTML file about a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.cli.output import new_app, print_json

app = new_app("Write a report.")


@app.command()
def report(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Write DIR/report.html: curves beside the baselines, samples, gradients, speed, environment; print its path."""
    from throughtime.report.text import write_report

    path = write_report(directory)
    if json:
        print_json({"report": str(path)})
    else:
        print(path)
