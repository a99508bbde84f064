"""throughtime export DIR --to FORMAT: a model for another runtime, proven."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.errors import UserError
from throughtime.report.console import new_app, print_json

app = new_app("Write a model for another runtime, with the proof that it is the same.")

SUFFIXES = {"onnx": ".onnx", "pytorch": ".pt", "keras": ".keras"}
"""Format -> how its file's name ends."""

WRITERS = {to: f"throughtime.interop.{to}.check" for to in SUFFIXES}
"""Format -> the module whose `write` makes the file."""


@app.command()
def export(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    to: Annotated[str, Option(help="onnx, pytorch or keras.")],
    out: Annotated[Path | None, Option(metavar="FILE", help="The file; beside DIR where not given.")] = None,
    json: Annotated[bool, Option("--json", help="Print what was written as one JSON object.")] = False,
) -> None:
    """Write a model for another runtime; nothing is written unless it gives the same numbers."""
    from throughtime.tasks.load import load

    if to not in SUFFIXES:
        raise UserError(f"export: expected --to as one of {', '.join(SUFFIXES)}, got {to!r}")
    from throughtime.interop.trained import graph_of

    model = graph_of(load(directory), str(directory))
    file = out or directory.with_name(directory.name + SUFFIXES[to])
    found = import_module(WRITERS[to]).write(model, file)
    if json:
        print_json({"file": str(file), **found})
    else:
        print("\n".join([*(f"{name:<8}  {value}" for name, value in found.items()), f"file      {file}"]))
