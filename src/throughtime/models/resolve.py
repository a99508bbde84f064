"""From what a user writes for a cell to its trace."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.recurrence import Cell, Trace

OPTION = {"rnn": "f"}
"""The option meant by the part after the colon, "rnn:relu"; by name of the cell."""


class Carried(str):
    """The name of a cell whose recurrence a trained model carries: for people, no code is looked for by it."""

    trace: Trace | None

    def __new__(cls, name: str, trace: Trace | None = None) -> Carried:
        made = super().__new__(cls, name)
        made.trace = trace
        return made


def trace_of(cell: Any) -> Trace:
    """The trace of a cell given as a Trace, a Cell, a class of cells, a name, "rnn:relu" or "file.py:ClassName".

    Raises UserError where there is no such cell; the message lists the names.
    """
    if isinstance(cell, Trace):
        return cell
    if isinstance(cell, Carried) and cell.trace is not None:
        return cell.trace
    if isinstance(cell, Carried) and ".py:" in cell:
        raise UserError(f"cell {cell}: the model carries no recurrence of that name; train anew with the file")
    if isinstance(cell, Cell) or (isinstance(cell, type) and issubclass(cell, Cell)):
        return traced(cell)
    if not isinstance(cell, str):
        raise UserError(f"cell: expected a name or a Cell, got {type(cell).__name__}")
    from throughtime import cells

    name, _, option = cell.rpartition(":") if ".py:" in cell else cell.partition(":")
    if name.endswith(".py"):
        return traced(_from_file(Path(name), option), Path(name))
    if option and name not in OPTION:
        raise UserError(f"cell {cell!r}: {name} takes no option; those that do: {', '.join(OPTION)}")
    try:
        return cells.make(name, **({OPTION[name]: option} if option else {})).trace()
    except ValueError as error:
        raise UserError(f"{error}, or write file.py:ClassName for a cell of your own") from None


def traced(cell: Cell | type[Cell], file: Path | None = None) -> Trace:
    """The trace of a user's cell; UserError with the line of their file where making or tracing it fails."""
    kind = cell if isinstance(cell, type) else type(cell)
    who = f"cell {file}:{kind.__name__}" if file else f"cell {kind.__name__}"
    try:
        return (cell() if isinstance(cell, type) else cell).trace()
    except Exception as error:
        line = _line(error, file or sys.modules[kind.__module__].__dict__.get("__file__"))
        where = f" at line {line}" if line else ""
        what = f"{type(error).__name__}: {error}"
        raise UserError(f"{who}: its step cannot be traced{where}, {what}; correct the cell") from error


def _line(error: BaseException, file: Any) -> int | None:
    """The line of a file at which an error left it."""
    place = os.path.abspath(file) if file else None
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if os.path.abspath(f.filename) == place]
    return lines[-1] if lines else None


def _from_file(path: Path, name: str) -> type[Cell]:
    if not path.is_file():
        raise UserError(f"cell {path}:{name}: there is no file {path}")
    if not name:
        raise UserError(f"cell {path}: say which class of the file, {path}:ClassName")
    spec = importlib.util.spec_from_file_location(f"throughtime_cell_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    usual = sys.dont_write_bytecode
    try:
        sys.dont_write_bytecode = True  # nothing is left beside the user's file
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        line = error.lineno if isinstance(error, SyntaxError) else _line(error, path)
        what = f"{type(error).__name__}: {error}" + (f" at line {line}" if line else "")
        raise UserError(f"cell {path}:{name}: running the file failed with {what}; correct it") from error
    finally:
        sys.dont_write_bytecode = usual
    own = {k: v for k, v in vars(module).items() if isinstance(v, type) and issubclass(v, Cell) and v is not Cell}
    if name not in own:
        raise UserError(f"cell {path}:{name}: no such class, cells in that file: {', '.join(own) or 'none'}")
    return own[name]


def declared(trace: Trace) -> Trace | None:
    """The catalogue's own trace of a recurrence that was read from a folder, with its initial values; None for a cell
    that is not of the catalogue, or no longer what it was."""
    from throughtime import cells

    if trace.inits:
        return trace
    if trace.name not in cells.CATALOGUE:
        return None
    names = [trace.name, *(f"{trace.name}:{option}" for option in ("relu", "sigmoid", "softplus", "identity"))]
    for name in names[: None if trace.name in OPTION else 1]:
        found = trace_of(name)
        if found.graph.to_json() == trace.graph.to_json():
            return found
    return None
