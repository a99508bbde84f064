"""From a model folder to a model that runs."""

from __future__ import annotations

import reprlib
from os import PathLike
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.storage.folder import CONFIG
from throughtime.storage.record import read_task
from throughtime.tasks import TASKS, part

IMPORTED = "imported"
"""What stands for a task in the folder of a model of another framework."""


def imported(path: Path) -> bool:
    """Whether a folder is of a model of another framework."""
    return read_task(path)[0] == IMPORTED


def load(directory: str | PathLike[str], weights: str | None = None) -> Any:
    """The trained model in a folder; the task is known from the folder. torch is not needed.

    weights: "bfloat16" or "int8" keeps the recurrences' matrices smaller, so that a step reads less memory; "float32",
    None: as they were trained.

    Raises UserError where the folder is missing, incomplete, damaged or of an unknown task.

    Example (not run):
        model = throughtime.load("runs/shakespeare")
        for piece in model.write("ROMEO:", length=500):
            print(piece, end="", flush=True)
    """
    path = Path(directory)
    if imported(path):
        from throughtime.interop import folder

        return folder.load(path)
    return part(task_of(path), "stream").load(path, weights)


def task_of(directory: str | PathLike[str]) -> str:
    """The task of a model's folder; UserError where it is none that this version knows."""
    path = Path(directory)
    task, _ = read_task(path)
    if task == IMPORTED:
        raise UserError(f"{path}: an imported model has no task; use throughtime run or export, or throughtime.load")
    if task not in TASKS:
        raise UserError(f"{path / CONFIG}: unknown task {reprlib.repr(task)}, this version knows {', '.join(TASKS)}")
    return task
