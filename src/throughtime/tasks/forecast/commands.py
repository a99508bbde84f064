"""What the verbs do for a forecaster."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from throughtime.errors import needed
from throughtime.options import Json
from throughtime.report.console import print_json, say, table
from throughtime.tasks import shell

DATA = "CSV, TSV, Excel or Parquet, long or wide; - reads CSV from standard input."
TRAIN = "Learn the series of a table, backtest on their last tenth beside the baselines, write a report."

_SHOWN, _FEW = 12, 40
"""Rows of forecasts that are printed, where there are more than so many."""


def run(
    directory: shell.Directory,
    data: Annotated[str | None, Argument(help="A table; forecasts go on from its end. None: the training's.")] = None,
    steps: Annotated[int | None, Option(help="Steps ahead; beyond its horizon a model goes on from itself.")] = None,
    csv: Annotated[Path | None, Option(help="Where the forecasts go; DIR/forecast.csv if not given.")] = None,
    plot: Annotated[
        Path | None, Option(help="Where the picture goes, PNG or SVG; DIR/forecast.png if not given.")
    ] = None,
    json: shell.Json = False,
) -> None:
    """Forecast what comes after the end of every series, with intervals: a table and a picture."""
    from throughtime.storage.folder import write_atomically
    from throughtime.tasks.forecast.plots import forecast_file
    from throughtime.tasks.forecast.tables import TableForecaster

    forecasts = TableForecaster.load(directory).forecast(data, steps)
    where = csv or directory / "forecast.csv"
    write_atomically(where, forecasts.csv().encode())
    picture: Path | None = plot or directory / "forecast.png"
    try:
        assert picture is not None
        forecast_file(picture, forecasts)
    except ImportError as error:
        say(f"throughtime: no picture, {error.name} is missing: {needed('train')}")
        picture = None
    if json:
        files = {"csv": str(where), "plot": str(picture) if picture else None}
        values = {"directory": str(directory), "levels": forecasts.levels, "forecasts": forecasts.to_json()}
        print_json({**values, **files})
        return
    lines = forecasts.csv().splitlines()
    rows = [line.split(",") for line in lines[: 1 + (_SHOWN if len(lines) > _FEW else len(lines))]]
    print(table(rows))
    if len(lines) > len(rows):
        print(f"... {len(lines) - len(rows):,} more rows")
    print(f"table   {where}")
    if picture:
        print(f"plot    {picture}")


def evaluate(
    directory: shell.Directory,
    data: Annotated[str, Argument(help="A table; what the model did not learn of it is forecast.")],
    stride: Annotated[int | None, Option(help="Steps between two origins.")] = None,
    seconds: Annotated[float, Option(help="How long each of the slow baselines may take; 0 leaves them out.")] = 60.0,
    metric: Annotated[str | None, Option(help="What the verdict is about: mae, or mase for many series.")] = None,
    json: shell.Json = False,
) -> None:
    """Backtest a model from rolling origins, beside the baselines; a sentence says whether it is better."""
    from throughtime.tasks.forecast.score import evaluate_folder

    result = evaluate_folder(directory, data, stride, seconds, metric, _quiet if json else say)
    if json:
        print_json(result)
    else:
        show(result)


def demo(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn a year of hourly weather, forecast the sun of its last tenth, a day ahead, and go on from its end."""
    from throughtime.tasks.forecast import demo as task
    from throughtime.tasks.forecast.options import ForecastOptions
    from throughtime.tasks.forecast.report import write_report

    minutes, out = 1.2 if minutes is None else minutes, out or Path("runs/demo-forecast")
    ForecastOptions(seed=seed, threads=threads, minutes=minutes)  # refuses wrong numbers before anything is written
    lines = task.table().count("\n") - 1
    say(f"the sun on {task.STATION}, {lines:,} hours of pvlib's weather in W/m2; the last tenth is kept for the score")
    summary = task.run(out, minutes=minutes, seed=seed, threads=threads, quiet=json)
    shell.show(summary, json, write_report, show)
    if not json:
        print(f"more    throughtime run {out}")


def show(evaluation: Mapping[str, Json]) -> None:
    """Print an evaluation: a table of the model and the baselines, and the verdict."""
    names = [n for n in ("mae", "rmse", "smape", "mase", "owa") if evaluation.get(n) is not None]
    rows = [["", *(n.upper().replace("SMAPE", "sMAPE %") for n in names)]]
    for name, entry in [*evaluation["baselines"].items(), ("this model", evaluation)]:
        if "skipped" in entry:
            say(f"{name}: skipped, {entry['skipped']}")
            continue
        rows.append([name, *(_figure(entry.get(n)) for n in names)])
    print(table(rows))
    intervals = ", ".join(f"{v:.1f} % in the {k} % interval" for k, v in (evaluation.get("coverage") or {}).items())
    if intervals:
        print(f"{evaluation['windows']:,} windows; {intervals}")
    for name in ("verdict", "shuffled"):
        if name in evaluation:
            print(evaluation[name]["sentence"])
    sys.stdout.flush()


def _figure(value: Json) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "-"


def _quiet(line: str) -> None:
    """Say nothing."""
