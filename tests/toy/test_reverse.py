"""Another task costs its folder and a row in the registry: the toy keeps what every task promises."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.check_task import Case, CheckTask, Followed
from throughtime import tasks

LINES = [f"{a}{b} {c}" for a in "abc" for b in "de" for c in ("fg", "h")] * 3
MOST = 250
"""Lines of the toy at most, blank ones left out."""


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    """Inside, the toy is a task like the others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "__path__", [*tasks.__path__, str(Path(__file__).parent)])
        patch.setitem(tasks.TASKS, "reverse", tasks.Task("Reverser", "reverse lines"))
        yield
    for name in [name for name in sys.modules if name.startswith("throughtime.tasks.reverse")]:
        del sys.modules[name]
    vars(tasks).pop("reverse", None)


def write(lines: Any, place: Path) -> Path:
    (place / "lines.txt").write_text("\n".join(lines), "utf-8")
    return place / "lines.txt"


def test_it_is_short() -> None:
    files = (Path(__file__).parent / "reverse").glob("*.py")
    assert sum(bool(line.strip()) for file in files for line in file.read_text("utf-8").splitlines()) <= MOST


def test_nothing_else_in_the_house_names_a_task() -> None:
    """Beside the registry, and the package's names for type checkers, which a new task does not need."""
    src = Path(tasks.__file__).parents[1]
    for file in src.rglob("*.py"):
        inside = file.relative_to(src).parts
        if (inside[0] == "tasks" and len(inside) > 2) or inside in (("tasks", "__init__.py"), ("__init__.py",)):
            continue
        text = file.read_text("utf-8")
        for task in ("text", "forecast", "classify", "tag"):
            assert f"throughtime.tasks.{task}." not in text, f"{file} names the task {task}"


class TestContract(CheckTask):
    case = Case(
        "reverse",
        {"hidden": 6, "embedding": 4, "batch": 8, "steps": 12, "threads": 1},
        LINES,
        LINES[1:],
        write,
        lambda model: model.predict(["ab c", "d"]),
        ["abe"],
        followed=lambda model: Followed(LINES[:5], model.predict(LINES[:5])),
        zero=frozenset({"average", "clip", "dropout", "seed", "weight_decay", "holdout"}),
        unlimited=frozenset({"clip", "seed", "patience", "batch", "minutes", "epochs", "steps", "learning_rate"})
        | {"weight_decay", "layers", "hidden", "embedding"},
    )
