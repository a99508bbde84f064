"""What every task promises, kept by the toy. tests/tasks/test_toy.py runs this in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tasks.check_task import Case, CheckTask, Followed
from tests.toy import register

register()

LINES = ["abc", "cab", "bca", "aab", "b", "ccab"] * 8


def write(lines: list[str], place: Path) -> Path:
    (place / "lines.txt").write_text("\n".join(lines), "utf-8")
    return place / "lines.txt"


def followed(model: Any) -> Followed:
    return Followed(["ab", "cab"], model.predict(["ab", "cab"]))


class TestContract(CheckTask):
    case = Case(
        "reverse",
        {"hidden": 6, "embedding": 4, "batch": 8, "steps": 12, "threads": 1},
        LINES,
        [*LINES, "abcabc"],
        write,
        lambda model: model.predict(["abc", "cb"]),
        ["abc"],
        followed=followed,
        zero=frozenset({"average", "clip", "dropout", "holdout", "seed", "weight_decay"}),
        unlimited=frozenset({"clip", "seed", "patience", "batch", "minutes", "epochs", "steps", "learning_rate"})
        | {"weight_decay", "chrono"},
    )
