"""A task from outside: its folder is put beside the others, its row into the registry."""

from __future__ import annotations

from pathlib import Path

import throughtime.tasks
from throughtime.tasks import TASKS, Task

ROW = Task("Reverser", "give lines back reversed:  throughtime train reverse FILE --out DIR")


def register() -> None:
    """What an edit of src/throughtime/tasks/__init__.py and a folder beside the others would do."""
    throughtime.tasks.__path__.append(str(Path(__file__).parent))
    TASKS["reverse"] = ROW
