"""From what a user writes for a cell to its trace."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.recurrence import Cell, Trace

OPTION = {"rnn": "f"}
"""The option meant by the part after the colon, "rnn:relu"; by name of the cell."""


def trace_of(cell: Any) -> Trace:
    """The trace of a cell given as a Trace, a Cell, a class of cells, a name, "rnn:relu" or "file.py:ClassName".

    Raises UserError where there is no such cell; the message lists the names.
    """
    if isinstance(cell, Trace):
        return cell
    if isinstance(cell, Cell):
        return cell.trace()
    if isinstance(cell, type) and issubclass(cell, Cell):
        return cell().trace()
    if not isinstance(cell, str):
        raise UserError(f"cell: expected a name or a Cell, got {type(cell).__name__}")
    from throughtime import cells

    name, _, option = cell.rpartition(":") if ".py:" in cell else cell.partition(":")
    if name.endswith(".py"):
        return trace_of(_from_file(Path(name), option))
    if option and name not in OPTION:
        raise UserError(f"cell {cell!r}: {name} takes no option; those that do: {', '.join(OPTION)}")
    try:
        return cells.make(name, **({OPTION[name]: option} if option else {})).trace()
    except ValueError as error:
        raise UserError(f"{error}, or write file.py:ClassName for a cell of your own") from None


def _from_file(path: Path, name: str) -> type[Cell]:
    if not path.is_file():
        raise UserError(f"cell {path}:{name}: there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"throughtime_cell_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"cell {path}:{name}: running the file failed with {type(error).__name__}: {error}") from error
    own = {k: v for k, v in vars(module).items() if isinstance(v, type) and issubclass(v, Cell) and v is not Cell}
    if name not in own:
        raise UserError(f"cell {path}:{name}: no such class, cells in that file: {', '.join(own) or 'none'}")
    return own[name]
