"""throughtime diagnose DIR [DATA]: is the gradient vanishing or exploding, how long is the memory, what to do."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from throughtime.errors import UserError, needed
from throughtime.report.console import new_app, print_json, say
from throughtime.tasks import TASKS, part
from throughtime.tasks.load import task_of

app = new_app("Diagnose a model's gradients through time, its memory and its gates.")


@app.command()
def diagnose(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    data: Annotated[str | None, Argument(help="What to look at; a text model's own text if not given.")] = None,
    attempt: Annotated[bool, Option("--try", help="Try remedies in short runs, and show before and after.")] = False,
    try_steps: Annotated[int, Option(help="Steps of each short run.")] = 300,
    fresh: Annotated[
        bool, Option("--fresh", help="Look at newly drawn parameters instead of the trained ones.")
    ] = False,
    steps: Annotated[int | None, Option(help="T, steps that are looked at.")] = None,
    batch: Annotated[int | None, Option(help="B, sequences that are looked at; 32 if not given.")] = None,
    threads: Annotated[int | None, Option(help="Threads to use; all cores where not given.")] = None,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Say whether a model's gradient vanishes or explodes, how far it reaches, what gates do, and what helps."""
    for name, value, least in (
        ("steps", steps, 2),
        ("batch", batch, 1),
        ("threads", threads, 1),
        ("try-steps", try_steps, 1),
    ):
        if value is not None and not least <= value <= _MOST:
            raise UserError(f"diagnose: --{name} must be from {least} to {_MOST:,}, got {value}")
    task = task_of(directory)
    from throughtime.report.diagnosis import DIAGNOSIS
    from throughtime.storage.folder import write_json
    from throughtime.training.run import need_torch

    need_torch()
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    module = insight("diagnose", task, "patient")
    patient = module.patient(directory, data, fresh)
    found = module.diagnose(patient, steps, batch, try_steps if attempt else 0, say)
    values = found.to_json()
    write_json(directory / DIAGNOSIS, values)
    values["report"] = _report(task, directory)
    if json:
        print_json(values)
        return
    print(found)
    if values["report"]:
        print(f"\nreport  {values['report']}")


_MOST = 100_000


def insight(verb: str, task: str, needed: str) -> Any:
    """The module that looks inside the models of a task; UserError where it has not what a verb needs."""
    if not _has(task, needed):
        able = [name for name in TASKS if _has(name, needed)]
        raise UserError(f"{verb}: expected one of {', '.join(able)}, got {task}; its models cannot be looked at so")
    return part(task, "insight")


def _has(task: str, needed: str) -> bool:
    name = f"throughtime.tasks.{task}.insight"
    return find_spec(name) is not None and hasattr(part(task, "insight"), needed)


def _report(task: str, directory: Path) -> str | None:
    """The model's report, with the diagnosis in it; None where it cannot be drawn, which is said."""
    try:
        return str(part(task, "report").write_report(directory))
    except ImportError as error:
        say(f"throughtime: no report, {error.name} is missing: {needed('train')}")
    except UserError as error:  # a folder without a history
        say(f"throughtime: no report: {error}")
    return None
