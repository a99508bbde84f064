"""throughtime cells [NAME]: the catalogue of recurrences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from throughtime.errors import UserError
from throughtime.report.console import new_app, print_json

if TYPE_CHECKING:
    from throughtime.recurrence import Cell

app = new_app("The catalogue of recurrences.")


@app.command()
def cells(
    name: Annotated[str, Argument(help="A cell of the catalogue, rnn:relu, or file.py:ClassName.")] = "",
    input: Annotated[int, Option("--input", help="I, the size of the input.")] = 64,
    hidden: Annotated[int, Option(help="H, the size of the hidden state.")] = 256,
    latex: Annotated[bool, Option("--latex", help="The equations in LaTeX too.")] = False,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """List the cells, or show one: equations, a picture, gates, parameters, what it equals elsewhere, its code."""
    from throughtime.cells import describe
    from throughtime.models.stack import LARGEST

    sizes = {"I": input, "H": hidden}
    for symbol, value in sizes.items():
        if value > LARGEST:
            raise UserError(f"cells: size {symbol} must be at most {LARGEST:,}, got {value}")
    if name:
        cell = _cell(name)
        if json:
            print_json(describe.facts(cell, sizes))
        else:
            print(describe.describe(cell, sizes, latex=latex))
    elif json:
        from throughtime.cells import CATALOGUE, make

        print_json({"cells": [describe.facts(make(each), sizes) for each in CATALOGUE]})
    else:
        print("\n".join(describe.catalogue_lines()))
        print("\nthroughtime cells NAME shows one.")


def _cell(name: str) -> Cell:
    """The cell a name stands for; UserError where there is none."""
    from throughtime.cells import make
    from throughtime.models.resolve import OPTION, _from_file, trace_of

    trace_of(name)
    if ".py:" in name:
        path, _, cls = name.rpartition(":")
        return _from_file(Path(path), cls)()
    base, _, option = name.partition(":")
    return make(base, **({OPTION[base]: option} if option else {}))
