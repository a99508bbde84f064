"""What the verbs do for a forecaster: train forecast, run, evaluate, report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Context, Exit, Option

from throughtime.errors import needed
from throughtime.report.console import print_json, say, table
from throughtime.tasks import options as shared


def train(
    context: Context,
    data: Annotated[str, Argument(help="CSV, TSV or Parquet, long or wide; - reads CSV from standard input.")],
    out: Annotated[Path, Option(help="The folder for the model, its history and report.")],
    target: Annotated[str | None, Option(help="The column to forecast; several, with commas, of a wide table.")] = None,
    horizon: Annotated[int, Option(help="K, how many steps ahead.")] = 24,
    time: Annotated[str | None, Option(help="The column of times; ds, date and the like are known.")] = None,
    id: Annotated[str | None, Option(help="The column of the series' names; unique_id is known.")] = None,
    past: Annotated[str, Option(help="Columns known up to now, with commas.")] = "",
    future: Annotated[str, Option(help="Columns known beforehand, with commas.")] = "",
    static: Annotated[str, Option(help="Columns that are one value a series, with commas.")] = "",
    frequency: Annotated[str | None, Option(help="h, 15min, D, B, W, MS ...; steps takes rows as they come.")] = None,
    dayfirst: Annotated[bool | None, Option(help="Of dates such as 01/02/2016.")] = None,
    timezone: Annotated[str | None, Option(help="Of the clock, such as Europe/Berlin.")] = None,
    season: Annotated[
        int | None, Option(help="Steps after which series repeat; from the frequency if not given.")
    ] = None,
    calendar: Annotated[bool, Option(help="Let the model see the time of day, of the week and of the year.")] = True,
    profile: Annotated[int, Option(help="Steps of a season whose mean course the model sees; 0 for none.")] = 0,
    every: Annotated[bool, Option("--every", help="An output at every step, the state carried, for streams.")] = False,
    lookback: Annotated[int | None, Option(help="Steps of the past looked at; 14 seasons if not given.")] = None,
    segment: Annotated[int | None, Option(help="Steps taken in at once; a season if not given.")] = None,
    cell: Annotated[str, Option(help="A cell of the catalogue, or file.py:ClassName; several, with commas, stack.")] = (
        "gru_reset_after"
    ),
    hidden: Annotated[int, Option(help="H, the size of the hidden state.")] = 128,
    layers: Annotated[int, Option(help="How many layers of the cell.")] = 1,
    embedding: Annotated[int, Option(help="Values a segment becomes.")] = 64,
    members: Annotated[int, Option(help="Models side by side whose mean is the forecast.")] = 1,
    scaling: Annotated[str | None, Option(help="window, level, last or series.")] = None,
    distribution: Annotated[str, Option(help="none, student_t, or negative_binomial for counts.")] = "none",
    quantiles: Annotated[str | None, Option(help="Levels with commas; 'none' forecasts points.")] = None,
    loss: Annotated[str, Option(help="Of point forecasts: mae, mse or mase_smape.")] = "mae",
    dropout: Annotated[float, Option(help="Share dropped before the output.")] = 0.0,
    memory: Annotated[
        float | None, Option(help="The longest memory, in segments, that units of gated cells start with.")
    ] = None,
    nonnegative: Annotated[bool, Option("--nonnegative", help="Forecasts below zero become zero.")] = False,
    batch: Annotated[int, Option(help="B, windows a step.")] = 256,
    minutes: Annotated[float | None, Option(help="How long to train; 3 where nothing is said.")] = None,
    epochs: Annotated[int | None, Option(help="How often to go over all windows, instead of minutes.")] = None,
    steps: Annotated[int | None, Option(help="How many steps to train, instead of minutes.")] = None,
    learning_rate: Annotated[float | None, Option(help="The highest learning rate.")] = None,
    average: Annotated[float | None, Option(help="Decay of the moving average of the weights; 0 for none.")] = None,
    clip: Annotated[float | None, Option(help="The largest gradient norm; 0 for no limit.")] = None,
    patience: Annotated[int | None, Option(help="Stop after so many validations without a better one.")] = None,
    validation: Annotated[float, Option(help="Share of the learning part kept for validation.")] = 0.1,
    holdout: Annotated[float, Option(help="Share of each series, at its end, kept for the final score.")] = 0.1,
    seconds: Annotated[float, Option(help="How long each of the slow baselines may take; 0 leaves them out.")] = 30.0,
    seed: Annotated[int, Option(help="Of everything random.")] = 0,
    threads: Annotated[int | None, Option(help="Threads to use; all cores where not given.")] = None,
    resume: Annotated[
        bool, Option("--resume", help="Go on with the run in --out; a budget, rate, clip or patience may change.")
    ] = False,
    force: Annotated[bool, Option("--force", help="Replace the model in --out.")] = False,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Learn the series of a table, backtest on their last tenth beside the baselines, write a report."""
    from throughtime.tasks.forecast import train as task

    targets = _names(target or "")
    given: dict[str, Any] = {"minutes": minutes, "epochs": epochs, "steps": steps, "threads": threads}
    given |= {"learning_rate": learning_rate, "average": average, "clip": clip, "patience": patience}
    given = {name: value for name, value in given.items() if value is not None}
    if clip == 0:
        given["clip"] = None
    if resume:
        shared.refuse_fixed(context, ("data", "out", "resume", "json", "seconds"))
        given.pop("threads", None)
        summary = task.train(data, out, resume=True, seconds=seconds, **given)
    else:
        summary = task.train(
            data,
            out,
            target=targets[0] if len(targets) == 1 else targets or None,
            time=time,
            id=id,
            past=_names(past),
            future=_names(future),
            static=_names(static),
            frequency=frequency,
            dayfirst=dayfirst,
            timezone=timezone,
            horizon=horizon,
            season=season,
            calendar=calendar,
            profile=profile,
            every=every,
            lookback=lookback,
            segment=segment,
            cell=cell.split(",") if "," in cell else cell,
            hidden=hidden,
            layers=layers,
            embedding=embedding,
            members=members,
            scaling=scaling,
            distribution=distribution,
            quantiles=_levels(quantiles),
            loss=loss,
            dropout=dropout,
            memory=memory,
            nonnegative=nonnegative,
            batch=batch,
            validation=validation if validation else False,
            holdout=holdout,
            seconds=seconds,
            seed=seed,
            force=force,
            **given,
        )
    show(summary, json)
    if summary["ended"] == "interrupted":
        raise Exit(128 + summary["signal"])


def run(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    data: Annotated[str | None, Argument(help="A table; forecasts go on from its end. None: the training's.")] = None,
    steps: Annotated[int | None, Option(help="Steps ahead; beyond its horizon a model goes on from itself.")] = None,
    csv: Annotated[Path | None, Option(help="Where the forecasts go; DIR/forecast.csv if not given.")] = None,
    plot: Annotated[
        Path | None, Option(help="Where the picture goes, PNG or SVG; DIR/forecast.png if not given.")
    ] = None,
    json: Annotated[bool, Option("--json", help="Print the forecasts as one JSON object.")] = False,
) -> None:
    """Forecast what comes after the end of every series, with intervals: a table and a picture."""
    from throughtime.storage.folder import write_atomically
    from throughtime.tasks.forecast.plots import forecast_file
    from throughtime.tasks.forecast.tables import Forecasting

    found = Forecasting.load(directory).forecast(data, steps)
    where = csv or directory / "forecast.csv"
    write_atomically(where, found.csv().encode())
    picture: Path | None = plot or directory / "forecast.png"
    try:
        assert picture is not None
        forecast_file(picture, found)
    except ImportError as error:
        say(f"throughtime: no picture, {error.name} is missing: {needed('train')}")
        picture = None
    if json:
        files = {"csv": str(where), "plot": str(picture) if picture else None}
        print_json({"directory": str(directory), "levels": found.levels, "forecasts": found.to_json(), **files})
        return
    lines = found.csv().splitlines()
    rows = [line.split(",") for line in lines[: 1 + (12 if len(lines) > 40 else len(lines))]]
    print(table(rows))
    if len(lines) > len(rows):
        print(f"... {len(lines) - len(rows):,} more rows")
    print(f"table   {where}")
    if picture:
        print(f"plot    {picture}")


def evaluate(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    data: Annotated[str, Argument(help="A table; what the model did not learn of it is forecast.")],
    stride: Annotated[int | None, Option(help="Steps between two origins.")] = None,
    seconds: Annotated[float, Option(help="How long each of the slow baselines may take; 0 leaves them out.")] = 60.0,
    metric: Annotated[str | None, Option(help="What the verdict is about: mae, or mase for many series.")] = None,
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Backtest a model from rolling origins, beside the baselines; a sentence says whether it is better."""
    from throughtime.tasks.forecast import train as task

    result = task.evaluate(directory, data, stride, seconds, metric, quiet=json)
    if json:
        print_json(result)
    else:
        _show(result)


def report(
    directory: Annotated[Path, Argument(metavar="DIR", help="The model's folder.")],
    json: Annotated[bool, Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Write DIR/report.html: the verdict, forecasts with intervals, errors by horizon, learning; print its path."""
    shared.print_path(write_report(directory), json)


def write_report(directory: Path) -> Path:
    """Write DIR/report.html; its path."""
    from throughtime.tasks.forecast.report import write_report

    return write_report(directory)


def demo(minutes: float | None, out: Path | None, seed: int, threads: int | None, json: bool) -> None:
    """Learn a year of hourly weather, forecast the sun of its last tenth, a day ahead, and go on from its end."""
    from throughtime.tasks.forecast import demo as task
    from throughtime.tasks.forecast.estimator import Forecaster
    from throughtime.training.settings import Settings

    minutes, out = 1.2 if minutes is None else minutes, out or Path("runs/demo-forecast")
    Forecaster(24, seed=seed, threads=threads)  # these two refuse wrong numbers before anything is said or written
    Settings(budget=minutes, unit="minutes")
    lines = task.table().count("\n") - 1
    say(f"the sun on {task.STATION}, {lines:,} hours of pvlib's weather in W/m2; the last tenth is kept for the score")
    summary = task.run(out, minutes=minutes, seed=seed, threads=threads, quiet=json)
    show(summary, json)
    if not json:
        print(f"more    throughtime run {out}")


def show(summary: dict[str, Any], json: bool) -> None:
    """Write the report of a training and print what came of it."""
    _report_of(summary)
    if json:
        print_json(summary)
    else:
        for note in summary["notes"]:
            print(f"data    {note}")
        _show(summary.get("evaluation"))
        print(f"model   {summary['directory']}")
        if "report" in summary:
            print(f"report  {summary['report']}")


def _report_of(summary: dict[str, Any]) -> None:
    shared.add_report(summary, write_report)


def _show(evaluation: Mapping[str, Any] | None) -> None:
    """A table of the model and the baselines, and the verdict."""
    if not evaluation:
        return
    names = [n for n in ("mae", "rmse", "smape", "mase", "owa") if evaluation.get(n) is not None]
    rows = [["", *(n.upper().replace("SMAPE", "sMAPE %") for n in names)]]
    entries = [*evaluation["baselines"].items(), ("this model", evaluation)]
    for name, entry in entries:
        if "skipped" in entry:
            say(f"{name}: skipped, {entry['skipped']}")
            continue
        rows.append([name, *(_figure(entry.get(n)) for n in names)])
    print(table(rows))
    intervals = ", ".join(f"{v:.1f} % in the {k} % interval" for k, v in (evaluation.get("coverage") or {}).items())
    if intervals:
        print(f"{evaluation['windows']:,} windows; {intervals}")
    if "verdict" in evaluation:
        print(evaluation["verdict"]["sentence"])
    if "shuffled" in evaluation:
        print(evaluation["shuffled"]["sentence"])
    sys.stdout.flush()


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "-"


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _levels(text: str | None) -> list[float] | None:
    if text is None:
        return None
    if text == "none":
        return []
    try:
        return [float(level) for level in text.split(",")]
    except ValueError:
        raise ValueError(f"--quantiles {text}: expected levels such as 0.1,0.5,0.9, or none") from None
