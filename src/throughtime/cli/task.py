"""The verbs that work on every task: which task is meant, and its command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.report.console import new_app
from throughtime.tasks import TASKS, part


def train(arguments: Sequence[str]) -> tuple[Any, str, list[str]]:
    """The command of `throughtime train TASK ...`, its name, and what is left of the arguments."""
    if not arguments:
        raise UserError(f"train: expected a task, {' or '.join(TASKS)}, got none; see throughtime train --help")
    if arguments[0] in ("--help", "-h", "help"):
        return None, "train", []
    task, *rest = arguments
    if task not in TASKS:
        raise UserError(f"train: expected a task, {' or '.join(TASKS)}, got {task!r}; see throughtime train --help")
    return command(task, "train"), f"train {task}", rest


def train_help() -> str:
    """What `throughtime train --help` prints."""
    width = max(map(len, TASKS))
    lines = "\n".join(f"  {name:<{width}}  {task.help}" for name, task in TASKS.items())
    return (
        f"Learn from data into a model folder.\n\nUsage: throughtime train TASK ...\n\n{lines}\n\n"
        "throughtime train TASK --help tells the options of each."
    )


def known(verb: str, arguments: Sequence[str]) -> tuple[Any, str, list[str]]:
    """The command of a verb for the task of the first argument that is a model's folder; a text model's otherwise."""
    task = next((found for each in arguments if (found := _task_of(each))), "text")
    return command(task, verb), verb, list(arguments)


def command(task: str, verb: str) -> Any:
    """A task's command for a verb, as a Typer application."""
    app = new_app(verb)
    app.command()(_function(task, verb))
    return app


def _function(task: str, verb: str) -> Any:
    from throughtime.tasks import shell

    if verb == "train":
        return shell.train_command(task)
    return shell.report_command(task) if verb == "report" else getattr(part(task, "commands"), verb)


def _task_of(argument: str) -> str | None:
    """The task of a model's folder; None for what is no such folder. UserError where its config.json says nothing."""
    from throughtime.storage.folder import CONFIG
    from throughtime.tasks.load import task_of

    try:
        known = not argument.startswith("-") and (Path(argument) / CONFIG).is_file()
    except (OSError, ValueError):
        return None
    return task_of(argument) if known else None
