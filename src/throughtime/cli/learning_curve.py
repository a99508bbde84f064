"""throughtime learning-curve TASK DATA: quality against the amount of data, and what twice the data would bring."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from throughtime.cli.diagnose import insight
from throughtime.errors import UserError, needed
from throughtime.options import Options, option
from throughtime.report.console import new_app, print_json, say
from throughtime.tasks import TASKS, part
from throughtime.tasks.shell import with_options

app = new_app("Measure how quality grows with the amount of data.")

FILE = "learning_curve.json"


@dataclass(frozen=True)
class CurveOptions(Options):
    """How much is trained for a learning curve, and what."""

    who = "learning-curve"

    points: int = option(5, at_least=3, at_most=20, help="Amounts of data, each half of the next.")
    seeds: int = option(2, at_least=1, at_most=100, help="Trainings for each amount.")
    minutes: float | None = option(None, help="How long each training takes; 0.5 where nothing is said.")
    steps: int | None = option(None, help="How many steps each training takes, instead of minutes.")
    cell: str | None = option(None, help="A cell of the catalogue, rnn:relu, or file.py:ClassName.")
    hidden: int | None = option(None, help="H, the size of the hidden state.")
    layers: int | None = option(None, help="How many layers of the cell.")
    horizon: int | None = option(None, at_least=1, at_most=100_000, help="Forecast: steps ahead; 24 if not given.")
    threads: int | None = option(None, help="Threads to use; all cores where not given.")


def _learning_curve(chosen: CurveOptions, task: str, data: list[str], out: Path, json: bool) -> None:
    if task not in TASKS:
        raise UserError(f"learning-curve: expected a task, {' or '.join(TASKS)}, got {task!r}")
    source, size = _source(task, data)
    from throughtime.insight import learning_curve as curves
    from throughtime.storage.folder import read_json, write_json
    from throughtime.training.run import need_torch

    need_torch()
    if chosen.minutes is None and chosen.steps is None:
        chosen = chosen.replaced(minutes=0.5)
    options = {name: value for name, value in chosen.to_json().items() if name not in ("points", "seeds")}
    module = insight("learning-curve", task, "amount")
    names = ", ".join(Path(one).resolve().name for one in data)
    asked = {"task": task, "data": names, "bytes": size, **options}
    kept: dict[str, list[float]] = {}
    if (out / FILE).is_file():
        before = read_json(out / FILE)
        if not isinstance(before, dict) or before.get("asked") != asked or not isinstance(before.get("runs"), dict):
            raise UserError(f"{out / FILE}: it holds a learning curve of other data or settings; give another --out")
        kept = before["runs"]

    def save() -> None:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / FILE, {"asked": asked, "runs": kept})

    shares = [2.0 ** (i + 1 - chosen.points) for i in range(chosen.points)]
    amounts, losses = curves.points(
        lambda share, seed: module.amount(source, share, seed, options), shares, chosen.seeds, say, kept, save
    )
    found = curves.fit(amounts, losses, module.UNIT, module.METRIC)
    picture = _draw(out / "learning_curve.svg", found)
    values = {**found.to_json(), "directory": str(out), "plot": picture}
    write_json(out / FILE, {"asked": asked, "runs": kept, "curve": found.to_json()})
    if json:
        print_json(values)
        return
    print(found)
    if picture:
        print(f"\nplot  {picture}")


def _source(task: str, data: list[str]) -> tuple[Path | list[Path], int]:
    """What the task reads, and how many bytes; UserError for what is not there, and for several files where a task
    takes one."""
    places = [Path(one) for one in data]
    several = getattr(part(task, "commands"), "SEVERAL", False)
    for one in places:
        if not (one.exists() if several else one.is_file()):
            raise UserError(f"learning-curve: {one}: no such file")
    if len(places) > 1 and not several:
        raise UserError(f"learning-curve: {task} takes one file, got {len(places)}; put them together")
    files = [file for one in places for file in (sorted(one.rglob("*")) if one.is_dir() else [one]) if file.is_file()]
    return (places[0] if len(places) == 1 else places), sum(file.stat().st_size for file in files)


def _draw(path: Path, found: Any) -> str | None:
    try:
        from throughtime.report.diagnosis import learning_curve as draw
        from throughtime.storage.folder import write_atomically

        write_atomically(path, draw(found).encode())
        return str(path)
    except ImportError as error:
        say(f"throughtime: no picture, {error.name} is missing: {needed('train')}")
        return None


_TASK = Annotated[str, Argument(help=f"{', '.join(TASKS)}.")]
_DATA = Annotated[
    list[str], Argument(help="A text, a table of series, or labelled texts; of texts several files or a folder.")
]
_OUT = Annotated[Path, Option(help="A folder for the figures and the picture; an interrupted run goes on there.")]

app.command()(
    with_options(
        CurveOptions,
        {"task": (_TASK, MISSING), "data": (_DATA, MISSING), "out": (_OUT, MISSING)},
        _learning_curve,
        "Train on growing parts of the data, fit a power law, and say what twice the data would bring, and how sure.",
    )
)
