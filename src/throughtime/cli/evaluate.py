"""throughtime evaluate DIR FILE: metrics beside the simple baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.cli.output import new_app, print_json, scores

app = new_app("Score a trained model.")


@app.command()
def evaluate(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    file: Annotated[str, Argument(help="The text to predict; - reads standard input.")],
    part: Annotated[
        str | None, Option(help="Of the text the model learned from: test (if not given), validation, train or all.")
    ] = None,
    encoding: Annotated[str, Option(help="Of the file.")] = "utf-8",
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Score a model on a text: the part it never saw of its own text, or all of another one."""
    from throughtime.tasks.text import evaluate

    result = evaluate(directory, file, part, encoding)
    if json:
        print_json(result)
        return
    print(scores(result))
    size, perplexity = f"{result['characters']:,} characters", f"{result['perplexity']:.3f}"
    print(f"{result['part']} part of {file}: {size}, perplexity {perplexity}")
