"""How a demonstration of one text into another is learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from throughtime.tasks.train import refuse_other, train


def learn(
    task: str, out: Path, file: str, made: Callable[[], str], epochs: float, minutes: float | None, **options: Any
) -> dict[str, Any]:
    """Learn what is made up into a folder and score what was never seen; the summary of throughtime.tasks.train.train.

    file: its name; made: its content. epochs: where neither minutes nor another budget is given. out may hold an
    earlier demonstration, which is replaced; UserError where it holds another model.
    """
    budget: dict[str, Any] = {"minutes": minutes} if minutes is not None else {}
    if not budget and not {"steps", "epochs"} & options.keys():
        budget = {"epochs": epochs}
    return train(task, str(refuse_other(out, file, made)), out, force=True, **options, **budget)
