"""The command `throughtime VERB ...`: one file per verb, imported when the verb is called.

Exit status: 0 done, 2 something the user can put right (one line on standard error says what), 1 a fault of ours,
130 stopped with Ctrl-C, 128 and its number with another signal.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from throughtime.errors import needed
from throughtime.tasks import TASKS
from throughtime.training.progress import say

VERBS = {
    "train": "learn from data:  throughtime train TASK DATA --out DIR, TASK being {tasks}",
    "run": "use a trained model:  throughtime run DIR [INPUT]",
    "evaluate": "metrics beside the simple baselines:  throughtime evaluate DIR DATA",
    "report": "one HTML file about a model:  throughtime report DIR",
    "diagnose": "do gradients vanish or explode, and what to do:  throughtime diagnose DIR [DATA] [--try]",
    "explain": "what a model looked at, what its gates did:  throughtime explain DIR INPUT",
    "learning-curve": "quality against the amount of data:  throughtime learning-curve TASK DATA --out DIR",
    "import": "bring a model of Keras or PyTorch here, with its proof:  throughtime import OLD --out DIR",
    "export": "a model for ONNX, PyTorch or Keras, with its proof:  throughtime export DIR --to onnx",
    "verify": "hold a model against the file it came from:  throughtime verify DIR FILE",
    "cells": "the catalogue of recurrences:  throughtime cells [NAME]",
    "demo": "the main jobs on real data, two minutes each:  throughtime demo [TASK]",
    "doctor": "what is installed, whether it computes right, and how fast:  throughtime doctor",
}
"""Every verb and what it does; the verb's code is in the module of its name, or with each task."""

BY_TASK = ("train", "run", "evaluate", "report")

_LONGEST = 1000
"""Characters of an error's line at most: what is quoted in it may come from any file."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit status."""
    sys.exit(invoke(sys.argv[1:] if arguments is None else list(arguments)))


def invoke(arguments: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    _open_streams()
    status = 0
    try:
        status = _answer(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave(sys.stdout)
    except OSError as error:
        _leave(sys.stdout)
        status = _complain(f"standard output: cannot be written ({error.strerror or error})", status or 2)
    try:
        sys.stderr.flush()
    except OSError:
        _leave(sys.stderr)
    return status


def _open_streams() -> None:
    """Streams that the caller closed lead nowhere: a file that is opened must not get their number, and with it what is
    printed. A letter that one does not have is a question mark."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _leave(stream: Any) -> None:
    """What is still to be printed there is not asked for, or has no place: it goes nowhere, Python's last words too."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _answer(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        print(help_text())
        return 0
    verb, *rest = arguments
    if verb == "--version":
        from throughtime import __version__

        print(f"throughtime {__version__}")
        return 0
    if verb not in VERBS:
        return _complain(f"unknown verb {verb!r}: choose from {', '.join(VERBS)}", 2)
    return _call(verb, rest)


def help_text() -> str:
    """What `throughtime --help` prints."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {what}" for verb, what in VERBS.items())
    verbs = verbs.replace("{tasks}", f"{', '.join([*TASKS][:-1])} or {[*TASKS][-1]}")
    return (
        "throughtime: recurrent models, from the equation to the stream.\n\n"
        f"Usage: throughtime VERB ...\n\n{verbs}\n\n"
        "Every verb has --help, and --json for one JSON object on standard output. throughtime --version\n"
    ).rstrip()


def _call(verb: str, arguments: list[str]) -> int:
    from typer import Abort

    from throughtime.report.console import harmless_terminal
    from throughtime.training.interrupt import Terminated, terminable

    try:
        # What overflows is told in one line where it matters; NumPy's own warnings would be lines beside it.
        with warnings.catch_warnings(), terminable(), harmless_terminal():
            warnings.simplefilter("ignore", RuntimeWarning)
            logging.getLogger("matplotlib").setLevel(logging.ERROR)  # that it found no place for its cache
            if verb in BY_TASK:
                from throughtime.cli import task

                plain = task.plainly(verb, arguments)
                if plain is not None:
                    plain()
                    return 0
                app, name, arguments = task.train(arguments) if verb == "train" else task.known(verb, arguments)
                if app is None:
                    print(task.train_help() if verb == "train" else task.verb_help(verb))
                    return 0
            else:
                app, name = import_module(f"throughtime.cli.{verb.replace('-', '_')}").app, verb
            return _run(app, name, arguments)
    except (Abort, KeyboardInterrupt) as stop:
        return _stopped(stop, 130)
    except Terminated as stop:
        return _stopped(stop, 128 + stop.number)
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        sys.stdout.flush()  # where that is what failed, it fails again
        return _complain(str(error), 2)
    except MemoryError as error:
        return _complain(f"not enough memory{f' ({error})' if str(error) else ''}; use smaller sizes or less data", 2)
    except ModuleNotFoundError as error:
        if (error.name or "throughtime").partition(".")[0] == "throughtime":
            return _fault(error)
        return _complain(f"{verb} needs {error.name}: {needed('train')}", 2)
    except Exception as error:
        if hasattr(error, "format_message"):
            return _complain(f"{error.format_message().rstrip('.')}; see throughtime {verb} --help", 2)
        return _fault(error)


def _run(app: Any, verb: str, arguments: list[str]) -> int:
    from typer.main import get_command

    streams = sys.stdout, sys.stderr
    try:
        status: Any = get_command(app).main(arguments, prog_name=f"throughtime {verb}", standalone_mode=False)
    except SystemExit:  # what Typer makes of a pipe whose reader has left
        sys.stdout, sys.stderr = streams
        raise BrokenPipeError from None
    if status == 130:
        return _complain("stopped", 130)
    return status if isinstance(status, int) else 0


def _stopped(stop: BaseException, status: int) -> int:
    """Say that a signal came, and what there is of what was begun."""
    return _complain("; ".join(["stopped", *getattr(stop, "__notes__", ())]), status)


def _complain(message: str, status: int) -> int:
    line = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(message.split()))
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
    say(f"throughtime: {line}")
    return status


def _fault(error: Exception) -> int:
    if os.environ.get("THROUGHTIME_DEBUG"):
        import traceback

        traceback.print_exc()
    what = f"{type(error).__name__}: {error}"
    return _complain(f"{what} (a fault of ours; THROUGHTIME_DEBUG=1 shows where, please report it)", 1)
