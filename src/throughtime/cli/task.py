"""The verbs that work on every task: which task is meant, and its command."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, get_args, get_type_hints

from throughtime.errors import UserError
from throughtime.report.console import new_app
from throughtime.tasks import TASKS, part

VERBS = {"run": "Use a trained model.", "evaluate": "Score a trained model, beside the simple baselines."}
"""Verbs whose arguments depend on the model's task, and what they do."""


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


def verb_help(verb: str) -> str:
    """What `throughtime run --help` prints, and evaluate: how it is called for a model of each task."""
    lines = []
    for task in TASKS:
        call = _function(task, verb)
        lines += [f"  {task:<9} throughtime {verb} {_usage(call)}", f"  {'':<9} {(call.__doc__ or '').splitlines()[0]}"]
    listed = "\n".join(lines)
    return (
        f"{VERBS[verb]}\n\nUsage: throughtime {verb} DIR ...; by what the model in DIR was trained for:\n\n{listed}\n\n"
        f"throughtime {verb} DIR --help tells the options for the model in DIR; with --json any prints one JSON object."
    )


def _usage(call: Any) -> str:
    """What stands behind a command, as its parameters are declared."""
    from typer.models import ArgumentInfo

    words, parameters = [], signature(call).parameters
    for name, hint in get_type_hints(call, include_extras=True).items():
        about = getattr(hint, "__metadata__", (None,))[0]
        if isinstance(about, ArgumentInfo):
            word = str(about.metavar or name).upper()
            words.append(word if parameters[name].default is Parameter.empty else f"[{word}]")
    return " ".join([*words, "[OPTIONS]"])


def plainly(verb: str, arguments: Sequence[str]) -> Callable[[], None] | None:
    """A model's command where arguments alone are given to it, no options: called without a parser, whose imports take
    longer than an answer. None where Typer has to look."""
    if verb != "run" or not all(arguments) or any(each.startswith("-") and each != "-" for each in arguments):
        return None
    task = None if not arguments or _is_imported(arguments[0]) else _task_of(arguments[0])
    if task is None:
        return None
    call = _function(task, verb)
    kinds = _positional(call)
    if len(arguments) > len(kinds):
        return None
    given = {name: kind(each) for (name, kind), each in zip(kinds.items(), arguments, strict=False)}
    try:
        bound = signature(call).bind(**given)
    except TypeError:  # one is missing
        return None
    bound.apply_defaults()
    return lambda: call(*bound.args, **bound.kwargs)


def _positional(call: Any) -> dict[str, type[Any]]:
    """A command's arguments by name, and whether they are texts or paths."""
    from typer.models import ArgumentInfo

    found: dict[str, type[Any]] = {}
    for name, hint in get_type_hints(call, include_extras=True).items():
        if isinstance(getattr(hint, "__metadata__", (None,))[0], ArgumentInfo):
            found[name] = Path if Path in (get_args(hint.__origin__) or (hint.__origin__,)) else str
    return found


def known(verb: str, arguments: Sequence[str]) -> tuple[Any, str, list[str]]:
    """The command of a verb for the task of the first argument that is a model's folder; a text model's otherwise.

    Raises UserError where the folder meant is no model's, before anything is said of options: what a verb takes depends
    on the model.
    """
    from throughtime.tasks.load import task_of

    if verb == "run" and any(map(_is_imported, arguments)):
        from throughtime.interop.commands import run

        app = new_app(verb)
        app.command()(run)
        return app, verb, list(arguments)
    task = next((found for each in arguments if (found := _task_of(each))), None)
    if task is None and verb in VERBS:
        if set(arguments) & {"--help", "-h"}:
            return None, verb, []
        folder = _meant(verb, arguments)
        task = None if folder is None else task_of(folder)
    return command(task or "text", verb), verb, list(arguments)


def command(task: str, verb: str) -> Any:
    """A task's command for a verb, as a Typer application."""
    app = new_app(verb)
    app.command()(_function(task, verb))
    return app


def _meant(verb: str, arguments: Sequence[str]) -> Path | None:
    """The folder that a command line is about: as the first task reads it that knows all its options, or else the first
    argument that is a folder; None where there is neither."""
    from typer.main import get_command

    for task in TASKS:
        try:
            context = get_command(command(task, verb)).make_context(verb, list(arguments))
        except Exception as error:
            if not hasattr(error, "format_message"):  # an option that this task has not
                raise
            continue
        return Path(context.params["directory"])
    return next((Path(each) for each in arguments if not each.startswith("-") and os.path.isdir(each)), None)


def _function(task: str, verb: str) -> Any:
    from throughtime.tasks import shell

    if verb == "train":
        return shell.train_command(task)
    return shell.report_command(task) if verb == "report" else getattr(part(task, "commands"), verb)


def _is_imported(argument: str) -> bool:
    """Whether an argument is the folder of a model of another framework."""
    from throughtime.storage.folder import CONFIG
    from throughtime.tasks.load import imported

    try:
        return not argument.startswith("-") and (Path(argument) / CONFIG).is_file() and imported(Path(argument))
    except (OSError, ValueError):  # what is no model's folder is told by what reads it
        return False


def _task_of(argument: str) -> str | None:
    """The task of a model's folder; None for what is no such folder. UserError where its config.json says nothing."""
    from throughtime.storage.folder import CONFIG
    from throughtime.tasks.load import task_of

    try:
        known = not argument.startswith("-") and (Path(argument) / CONFIG).is_file()
    except (OSError, ValueError):
        return None
    return task_of(argument) if known else None
