"""Another task costs one row in the registry and a small folder; all that every task promises holds for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST = 250
"""Lines of a toy task, blank ones left out."""


def test_a_toy_task_keeps_what_every_task_promises() -> None:
    call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/toy/check_reverse.py"]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-4000:]


def test_it_is_small() -> None:
    lines = [
        line for file in (ROOT / "tests/toy/reverse").glob("*.py") for line in file.read_text("utf-8").splitlines()
    ]
    assert sum(bool(line.strip()) for line in lines) <= MOST


def test_nothing_else_in_the_house_names_a_task() -> None:
    """Beside the registry and the package's names for type checkers, which a new task does not need."""
    src = ROOT / "src" / "throughtime"
    for file in src.rglob("*.py"):
        inside = file.relative_to(src).parts
        if (inside[0] == "tasks" and len(inside) > 2) or inside in (("tasks", "__init__.py"), ("__init__.py",)):
            continue
        text = file.read_text("utf-8")
        for task in ("text", "forecast", "classify", "tag"):
            assert f"throughtime.tasks.{task}" not in text, f"{file} names the task {task}"
