"""What the verbs do for a forecaster."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from throughtime.errors import UserError, needed
from throughtime.options import Json
from throughtime.report.console import print_json, say, table
from throughtime.tasks import shell

if TYPE_CHECKING:
    from throughtime.tasks.forecast.answers import Forecasts

DATA = "CSV, TSV, Excel or Parquet, long or wide; - reads CSV from standard input."
TRAIN = "Learn the series of a table, backtest on their last tenth beside the baselines, write a report."

_WORTH = 3
"""Covariates whose importance is printed; the report and --json have all."""

_SHOWN, _FEW = 12, 40
"""Rows of forecasts that are printed, where there are more than so many."""


def run(
    directory: shell.Directory,
    data: Annotated[str | None, Argument(help="A table; forecasts go on from its end. None: the training's.")] = None,
    steps: Annotated[int | None, Option(help="Steps ahead; beyond its horizon a model goes on from itself.")] = None,
    until: Annotated[str | None, Option(help="The time of the last forecast, in place of --steps.")] = None,
    csv: Annotated[Path | None, Option(help="Where the forecasts go; DIR/forecast.csv if not given.")] = None,
    plot: Annotated[
        Path | None, Option(help="Where the picture goes, PNG or SVG; DIR/forecast.png if not given.")
    ] = None,
    raw: shell.Raw = False,
    json: shell.Json = False,
) -> None:
    """Forecast what comes after the end of every series, with intervals: a table and a picture."""
    from throughtime.storage.folder import write_atomically
    from throughtime.tasks.forecast.tables import TableForecaster

    for name, to in (("csv", csv), ("plot", plot)):
        if to is not None and not to.parent.is_dir():
            raise UserError(f"{to}: there is no folder {to.parent}; make it, or choose another --{name}")
    forecasts = TableForecaster.load(directory).forecast(data, steps, until=until)
    for note in forecasts.notes:
        say(f"throughtime: {note}")
    if not json:
        rows = [[name, stamp, *(_short(float(value)) for value in row)] for name, stamp, row in forecasts.rows()]
        rows = [[" ".join(value.split()) for value in row] for row in rows]
        shown = rows[: _SHOWN if len(rows) > _FEW else len(rows)]
        print(table([["unique_id", "ds", *forecasts.columns], *shown]))
        if len(rows) > len(shown):
            print(f"... {len(rows) - len(shown):,} more rows")
        sys.stdout.flush()  # what comes is there, whatever becomes of the files
        if not forecasts.has_point:
            say("no column is the forecast: the median is none of the quantiles; train with 0.5 among them")
    where = _written(csv, directory / "forecast.csv", lambda to: write_atomically(to, forecasts.csv(raw).encode()))
    picture = _written(plot, directory / "forecast.png", lambda to: _drawn(to, forecasts))
    if json:
        files = {"csv": str(where) if where else None, "plot": str(picture) if picture else None}
        values = {"directory": str(directory), "levels": forecasts.levels, "forecasts": forecasts.to_json()}
        print_json({**values, "notes": list(forecasts.notes), **files})
        return
    if where:
        print(f"table   {where}")
    if picture:
        print(f"plot    {picture}")


def _drawn(to: Path, forecasts: Forecasts) -> None:
    from throughtime.tasks.forecast.plots import forecast_file

    if missing := forecast_file(to, forecasts):
        say(f"throughtime: {to}: no font here draws {missing[:20]}; install one, or take --plot FILE.svg")


def _written(asked: Path | None, usual: Path, write: Callable[[Path], None]) -> Path | None:
    """Where a file was written; None, which is said, where it was not asked for and cannot be."""
    try:
        write(asked or usual)
    except ImportError as error:
        say(f"throughtime: no picture, {error.name} is missing: {needed('train')}")
        return None
    except UserError as error:
        if asked is not None:
            raise
        say(f"throughtime: {error}; --csv and --plot name other places")
        return None
    return asked or usual


def evaluate(
    directory: shell.Directory,
    data: Annotated[str, Argument(help="A table; what the model did not learn of it is forecast.")],
    stride: Annotated[int | None, Option(help="Steps between two origins.")] = None,
    seconds: Annotated[float, Option(help="How long each of the slow baselines may take; 0 leaves them out.")] = 60.0,
    metric: Annotated[str | None, Option(help="What the verdict is about: mae, or mase for many series.")] = None,
    refits: Annotated[
        int | None, Option(help="Train so many models anew, from earlier origins: for short series.")
    ] = None,
    json: shell.Json = False,
) -> None:
    """Backtest a model from rolling origins, beside the baselines; a sentence says whether it is better."""
    from throughtime.tasks.forecast.score import evaluate_folder

    rest = stride, seconds, metric, _quiet if json else say
    if refits is not None:
        from throughtime.tasks.forecast.refits import evaluate_refitted

        result = evaluate_refitted(directory, data, refits, *rest)
    else:
        result = evaluate_folder(directory, data, *rest)
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
        if "evaluation" in summary and not summary["evaluation"]["verdict"]["skill"]:
            print(f"why     {task.WHY}")
        print(f"more    throughtime run {out}")


def show(evaluation: Mapping[str, Json]) -> None:
    """Print an evaluation: the verdicts, and a table of the model and the baselines."""
    for name in ("verdict", "intervals"):
        if name in evaluation:
            print(evaluation[name]["sentence"])
    names = [n for n in ("mae", "rmse", "smape", "mase", "owa") if evaluation.get(n) is not None]
    rows = [["", *(n.upper().replace("SMAPE", "sMAPE %") for n in names)]]
    for name, entry in [*evaluation["baselines"].items(), ("this model", evaluation)]:
        if "skipped" in entry:
            say(f"{name}: skipped, {entry['skipped']}")
            continue
        if "note" in entry:
            say(f"{name}: {entry['note']}")
        rows.append([name, *(_figure(entry.get(n)) for n in names)])
    print(table(rows))
    intervals = ", ".join(f"{v:.1f} % in the {k} % interval" for k, v in (evaluation.get("coverage") or {}).items())
    if intervals:
        many = "" if evaluation["windows"] == 1 else "s"
        print(f"{evaluation['windows']:,} window{many}; {intervals}")
    if "shuffled" in evaluation:
        print(evaluation["shuffled"]["sentence"])
    for entry in (evaluation.get("importance") or [])[:_WORTH]:
        print(entry["sentence"])
    sys.stdout.flush()


def _short(value: float) -> str:
    """A number for reading: six digits, no power of ten; the file has all of them."""
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:.6g}" if abs(value) < 1e-4 else f"{value:.{max(0, 6 - whole)}f}"


def _figure(value: Json) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "-"


def _quiet(line: str) -> None:
    """Say nothing."""
