"""throughtime learning-curve TASK DATA: quality against the amount of data, and what twice the data would bring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from throughtime.cli.diagnose import insight
from throughtime.errors import UserError, needed
from throughtime.report.console import new_app, print_json, say
from throughtime.tasks import TASKS

app = new_app("Measure how quality grows with the amount of data.")

FILE = "learning_curve.json"


@app.command()
def learning_curve(
    task: Annotated[str, Argument(help=f"{', '.join(TASKS)}.")],
    data: Annotated[str, Argument(help="A text file, a table of series, or labelled texts.")],
    out: Annotated[Path, Option(help="A folder for the figures and the picture; an interrupted run goes on there.")],
    points: Annotated[int, Option(help="Amounts of data, each half of the next.")] = 5,
    seeds: Annotated[int, Option(help="Trainings for each amount.")] = 2,
    minutes: Annotated[float | None, Option(help="How long each training takes; 0.5 where nothing is said.")] = None,
    steps: Annotated[int | None, Option(help="How many steps each training takes, instead of minutes.")] = None,
    cell: Annotated[str | None, Option(help="A cell of the catalogue, rnn:relu, or file.py:ClassName.")] = None,
    hidden: Annotated[int | None, Option(help="H, the size of the hidden state.")] = None,
    layers: Annotated[int | None, Option(help="How many layers of the cell.")] = None,
    horizon: Annotated[int | None, Option(help="Forecast: steps ahead; 24 if not given.")] = None,
    threads: Annotated[int | None, Option(help="Threads to use; all cores where not given.")] = None,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Train on growing parts of the data, fit a power law, and say what twice the data would bring, and how sure."""
    if task not in TASKS:
        raise UserError(f"learning-curve: expected a task, {' or '.join(TASKS)}, got {task!r}")
    for name, value, least, most in (
        ("points", points, 3, 20),
        ("seeds", seeds, 1, 100),
        ("horizon", horizon, 1, 100_000),
    ):
        if value is not None and not least <= value <= most:
            raise UserError(f"learning-curve: --{name} must be from {least} to {most:,}, got {value}")
    if data == "-" or not Path(data).is_file():
        raise UserError(f"learning-curve: {data}: no such file")
    from throughtime.insight import learning_curve as curves
    from throughtime.storage.folder import read_json, write_json
    from throughtime.training.run import need_torch

    need_torch()
    if minutes is None and steps is None:
        minutes = 0.5
    options: dict[str, Any] = {"minutes": minutes, "steps": steps, "cell": cell, "hidden": hidden, "layers": layers}
    options |= {"horizon": horizon, "threads": threads}
    module = insight("learning-curve", task, "amount")
    asked = {"task": task, "data": str(Path(data).resolve().name), "bytes": Path(data).stat().st_size, **options}
    kept: dict[str, list[float]] = {}
    if (out / FILE).is_file():
        before = read_json(out / FILE)
        if not isinstance(before, dict) or before.get("asked") != asked or not isinstance(before.get("runs"), dict):
            raise UserError(f"{out / FILE}: it holds a learning curve of other data or settings; give another --out")
        kept = before["runs"]

    def save() -> None:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / FILE, {"asked": asked, "runs": kept})

    shares = [2.0 ** (i + 1 - points) for i in range(points)]
    amounts, losses = curves.points(
        lambda share, seed: module.amount(data, share, seed, options), shares, seeds, say, kept, save
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


def _draw(path: Path, found: Any) -> str | None:
    try:
        from throughtime.report.diagnosis import learning_curve as draw
        from throughtime.storage.folder import write_atomically

        write_atomically(path, draw(found).encode())
        return str(path)
    except ImportError as error:
        say(f"throughtime: no picture, {error.name} is missing: {needed('train')}")
        return None
