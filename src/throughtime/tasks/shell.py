"""The command `throughtime train TASK`, made of the task's options; and what commands of several tasks share."""

from __future__ import annotations

import inspect
import signal
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Context, Exit, Option

from throughtime.errors import UserError, needed
from throughtime.options import Declared, Options, names, numbers
from throughtime.report.console import print_json, say
from throughtime.tasks import part

Directory = Annotated[Path, Argument(metavar="DIR", help="The model's folder.")]
Raw = Annotated[bool, Option("--raw", help="CSV with texts as they are, also those a spreadsheet would run.")]
Json = Annotated[bool, Option("--json", help="Print the result as one JSON object.")]


def train_command(task: str) -> Any:
    """What `throughtime train TASK` runs: a function whose parameters are the task's options.

    The task's commands.py says what its data are, in DATA, whether they may be several files, in SEVERAL, and what it
    does, in TRAIN; `show` there prints what came.
    """
    commands = part(task, "commands")
    options: type[Options] = part(task, "options").OPTIONS
    own = options.__annotations__  # those of the task come before those of every task
    shown = sorted((one for one in options.declared() if one.rule.shell), key=lambda one: one.name not in own)

    def command(context: Context, **values: Any) -> None:
        from throughtime.tasks.train import train
        from throughtime.training.interrupt import Terminated

        said = {name for name in values if _typed(context, name)}
        chosen = {one.name: _value(one, values[one.name]) for one in shown if one.name in said}
        data, out = values["data"], values["out"]
        if isinstance(data, list):
            data = one_or_several(data)
        flags = {name: values[name] for name in ("resume", "force")}
        try:
            summary = train(task, data, out, **flags, **chosen)
        except KeyboardInterrupt as stop:  # of which typer would leave nothing but a status
            raise Terminated(signal.SIGINT, *getattr(stop, "__notes__", ())) from None
        show(summary, values["json"], part(task, "report").write_report, commands.show)
        if "signal" in summary:
            raise Exit(128 + summary["signal"])

    kind = list[str] if getattr(commands, "SEVERAL", False) else str
    data = Annotated[kind, Argument(metavar="DATA", help=commands.DATA)]  # type: ignore[valid-type]
    out = Annotated[Path, Option(help="The folder for the model, its history and report.")]
    resume = Annotated[
        bool,
        Option("--resume", help="Go on with the run in --out, or begin it; a budget, rates or patience may change."),
    ]
    force = Annotated[bool, Option("--force", help="Replace the model in --out.")]
    kinds: dict[str, tuple[Any, Any]] = {"context": (Context, MISSING), "data": (data, MISSING), "out": (out, MISSING)}
    kinds |= {one.name: _parameter(one) for one in shown}
    kinds |= {"resume": (resume, False), "force": (force, False), "json": (Json, False)}
    return with_parameters(command, kinds, commands.TRAIN)


def report_command(task: str) -> Callable[..., None]:
    """What `throughtime report DIR` runs."""

    def command(directory: Directory, json: Json = False) -> None:
        """Write DIR/report.html: verdict, learning, gradients, model, environment; print its path."""
        path = part(task, "report").write_report(directory)
        if json:
            print_json({"report": str(path)})
        else:
            print(path)

    command.__annotations__ = {"directory": Directory, "json": Json}
    return command


def with_options(
    options: type[Options], arguments: Mapping[str, tuple[Any, Any]], run: Callable[..., None], doc: str
) -> Any:
    """A command that calls run with options of a class and, by name, its arguments: name -> (annotation, default or
    MISSING)."""

    def command(**values: Any) -> None:
        own = {one.name: _value(one, values.pop(one.name)) for one in options.declared()}
        run(options(**own), **values)

    kinds = {**arguments, **{one.name: _parameter(one) for one in options.declared()}, "json": (Json, False)}
    return with_parameters(command, kinds, doc)


def with_parameters(function: Any, kinds: dict[str, tuple[Any, Any]], doc: str) -> Any:
    """A function as Typer takes it, with these parameters: name -> (annotation, default or MISSING)."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    function.__signature__ = inspect.Signature(
        [
            inspect.Parameter(name, keyword, annotation=kind, default=inspect.Parameter.empty if d is MISSING else d)
            for name, (kind, d) in kinds.items()
        ]
    )
    function.__annotations__ = {name: kind for name, (kind, _) in kinds.items()}
    function.__doc__ = doc
    return function


def one_or_several(names: list[str]) -> str | list[str]:
    """One file, or several; UserError where standard input is among several."""
    if "-" in names and len(names) > 1:
        raise UserError("standard input: expected it alone or several files; leave - out, or the files")
    return names[0] if len(names) == 1 else names


def _typed(context: Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _parameter(one: Declared) -> tuple[Any, Any]:
    """An option's annotation and default for Typer."""
    default, rule = one.command_default, one.rule
    flag = rule.flag or f"--{one.name.replace('_', '-')}"
    if one.kind is bool:
        flags = [flag] if default is False else [f"{flag}/--no-{flag[2:]}"]
        return Annotated[bool, Option(*flags, help=rule.help)], default
    if one.kind in (int, float, str) and rule.parse is None:
        kind = one.kind | None if default is None or one.optional else one.kind
        return Annotated[kind, Option(flag, help=rule.help)], default
    if one.kind in (dict[str, int],):
        return Annotated[list[str] | None, Option(flag, help=rule.help)], None
    said = ",".join(map(str, default)) if isinstance(default, tuple) else default
    return Annotated[str | None, Option(flag, help=rule.help)], None if said is None or said == "" else str(said)


def _value(one: Declared, typed: Any) -> Any:
    """What was typed, as the option takes it."""
    if one.rule.parse is not None and typed is not None:
        return one.rule.parse(typed)
    if one.kind in (tuple[str, ...], tuple[float, ...]) and isinstance(typed, str):
        try:
            return names(typed) if one.kind == tuple[str, ...] else numbers(typed)
        except ValueError:
            raise UserError(f"--{one.name.replace('_', '-')} {typed}: expected numbers with commas between") from None
    return typed


def show(
    summary: dict[str, Any], json: bool, write: Callable[[Path], Path], scores: Callable[[dict[str, Any]], None]
) -> None:
    """Print what came of a training, and write its report. scores: prints an evaluation."""
    if not json:
        for note in summary.get("notes", ()):
            print(f"data    {note}")
        if "start" in summary:
            print(f"start   {summary['start']['sentence']}")
        if summary.get("evaluation"):
            scores(summary["evaluation"])
        print(f"model   {summary['directory']}", flush=True)
    add_report(summary, write)
    if json:
        print_json(summary)
    elif "report" in summary:
        print(f"report  {summary['report']}")


def add_report(summary: dict[str, Any], write: Callable[[Path], Path]) -> None:
    """Write the report of a training, and its path into the summary; where it cannot be drawn, say so."""
    try:
        summary["report"] = str(write(Path(summary["directory"])))
    except ImportError as error:
        say(f"throughtime: no report, {error.name} is missing: {needed('train')}")
    except (UserError, OSError) as error:  # what was learned and its scores are there all the same
        say(f"throughtime: no report: {error}")
