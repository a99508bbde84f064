"""throughtime export DIR --to FORMAT: a model for another runtime, proven."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.errors import UserError
from throughtime.report.console import new_app, print_json

app = new_app("Write a model for another runtime, with the proof that it is the same.")

SUFFIXES = {"onnx": ".onnx", "pytorch": ".pt", "keras": ".keras", "c": ".c"}
"""Format -> how its file's name ends."""

SMALL = "int8"
"""The format that is a folder of a model, smaller."""

WRITERS = {to: f"throughtime.interop.{to}.check" for to in SUFFIXES}
"""Format -> the module whose `write` makes the file."""


@app.command()
def export(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    to: Annotated[str, Option(help="onnx, pytorch, keras or c; int8: a small folder of the same model.")],
    out: Annotated[
        Path | None,
        Option(metavar="FILE", help="The file (c: its .h beside it; int8: a folder); beside DIR where not given."),
    ] = None,
    int8: Annotated[bool, Option(help="c: matrices of eight bits, with a scale for each row.")] = False,
    json: Annotated[bool, Option("--json", help="Print what was written as one JSON object.")] = False,
) -> None:
    """Write a model for another runtime; nothing is written unless it gives the same numbers."""
    from throughtime.interop.trained import graph_of
    from throughtime.tasks.load import load

    if to not in (*SUFFIXES, SMALL):
        raise UserError(f"export: expected --to as one of {', '.join([*SUFFIXES, SMALL])}, got {to!r}")
    if int8 and to != "c":
        raise UserError(f"export: --int8 is for --to c, got --to {to}; leave it out")
    home = directory if directory.name not in ("", "..") else directory.resolve()
    file = out or home.with_name(home.name + SUFFIXES.get(to, f"-{SMALL}"))
    if to == SMALL:
        found = import_module("throughtime.tasks.sequence.small").write(directory, file)
    elif to == "c":
        found = import_module(WRITERS[to]).write(load(directory), file, str(directory), int8)
    else:
        found = import_module(WRITERS[to]).write(graph_of(load(directory), str(directory)), file)
    if json:
        print_json({"file": str(file), **found})
        return
    width = max(len(name) for name in found) + 2
    print("\n".join(f"{name:<{width}}{value}" for name, value in [*found.items(), ("file", file)]))
