"""Forecasts of files as people have them, with nothing said but the file and the horizon, beside all said by hand.

    python -m benchmarks.forecast_files [NAME ...] [--minutes M] [--seconds S]

Each file is written as its users have it and learned by `throughtime train forecast FILE --horizon h --minutes m` in a
process of its own, then once more with the column of times, the series, the frequency and the season given by hand.
Printed are the column of times that was found, the series, the frequency, the verdict, the mean absolute error, its
ratio to the one by hand, and in which options of the model the two trainings differ; where several series differ in
scale, the errors are MASE as a share of that of the last value: by itself it depends on the season. --validation does
the same on what lies before the last tenth of each series, of which the season alone is given by hand: what the rule
chooses is judged by that.

    air_passengers     months and Passengers, read from the package's own text            statsforecast
    co2                a week's date as an index without a name                           statsmodels
    sunspots           a year and its count                                               statsmodels
    elnino             a row a year, a column a month                                     statsmodels
    macrodata          a year, a quarter, twelve columns                                  statsmodels
    seattle_weather    days, four columns of numbers and one of words                     vega_datasets
    us_employment      months, 23 columns                                                 vega_datasets
    stocks             symbol, month and price                                            vega_datasets
    keras_weather      Date Time, p (mbar), T (degC), ... every ten minutes, made up      the layout of Keras' example
    m4                 a row a series, V1, V2, ... padded at the end                      THROUGHTIME_DATA, else made up
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.text import DATA


@dataclass(frozen=True)
class File:
    """write: makes the text. horizon: steps ahead. time, targets, frequency: what is right to find, where targets are
    names of series. by_hand: options that say all of it."""

    write: Callable[[], str]
    horizon: int
    time: str | None
    targets: tuple[str, ...]
    frequency: str
    by_hand: tuple[str, ...]


def air_passengers() -> str:
    from statsforecast.utils import AirPassengersDF

    frame = AirPassengersDF[["ds", "y"]].copy()
    frame["ds"] = frame["ds"].dt.strftime("%Y-%m")
    return str(frame.rename(columns={"ds": "Month", "y": "#Passengers"}).to_csv(index=False))


def of_statsmodels(name: str) -> Callable[[], str]:
    """The frame of a set of statsmodels, with its index where that says something."""

    def write() -> str:
        import importlib

        frame = importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data
        return str(frame.to_csv(index=frame.index.dtype.kind == "M"))

    return write


def of_vega(name: str) -> Callable[[], str]:
    """A file that vega_datasets carries, as it stands there."""
    return lambda: resources.files("vega_datasets").joinpath("_data", name).read_text()


def keras_weather() -> str:
    """Sixty days of made-up weather in the layout of Keras' example on time series."""
    rng, count = np.random.default_rng(0), 60 * 144
    when = np.datetime64("2009-01-01T00:10") + 10 * np.arange(count)
    day = np.sin(2 * np.pi * np.arange(count) / 144 - 2)
    warm = 3 + 5 * day + np.cumsum(rng.normal(0, 0.05, count))
    pressure = 990 + np.cumsum(rng.normal(0, 0.03, count))
    humid = np.clip(75 - 2 * (warm - 3) + rng.normal(0, 1, count), 5, 100)
    wind = np.abs(rng.normal(2, 1, count))
    lines = ['"Date Time","p (mbar)","T (degC)","rh (%)","wv (m/s)"']
    for stamp, *row in zip(when.tolist(), pressure, warm, humid, wind, strict=True):
        lines.append(f"{stamp:%d.%m.%Y %H:%M:%S}," + ",".join(f"{value:.2f}" for value in row))
    return "\n".join(lines) + "\n"


def m4() -> str:
    """Ten of the competition's hourly series, or made-up ones where these are not there, in its own layout."""
    path = DATA / "m4-hourly" / "Hourly-train.csv"
    if path.is_file():
        with open(path, encoding="utf-8") as lines:
            return "".join(line for _, line in zip(range(11), lines, strict=False))
    rng, rows = np.random.default_rng(0), []
    for n in range(10):
        size = 700 + 20 * n
        values = 100 + 30 * np.sin(2 * np.pi * np.arange(size) / 24 + n) + rng.normal(0, 3, size)
        rows.append([f"H{n + 1}", *(f"{value:.1f}" for value in values), *[""] * (880 - size)])
    head = ",".join(f'"V{n}"' for n in range(1, 882))
    return head + "\n" + "\n".join(",".join(row) for row in rows) + "\n"


STOCKS = ("MSFT", "AMZN", "IBM", "GOOG", "AAPL")
QUARTERLY = (
    *("realgdp", "realcons", "realinv", "realgovt", "realdpi", "cpi", "m1", "tbilrate", "unemp", "pop", "infl"),
    "realint",
)
WEATHER = ("precipitation", "temp_max", "temp_min", "wind")
KERAS = ("p (mbar)", "T (degC)", "rh (%)", "wv (m/s)")
EMPLOYMENT = tuple(of_vega("us-employment.csv")().splitlines()[0].split(",")[1:])


def _hand(time_: str, targets: tuple[str, ...], frequency: str, season: int, *more: str) -> tuple[str, ...]:
    named = ("--target", ",".join(targets)) if targets else ()
    return "--time", time_, *named, "--frequency", frequency, "--season", str(season), *more


FILES = {
    "air_passengers": File(
        air_passengers, 12, "Month", ("#Passengers",), "1MS", _hand("Month", ("#Passengers",), "MS", 12)
    ),
    "co2": File(of_statsmodels("co2"), 13, "column 1", ("co2",), "1W", _hand("column 1", ("co2",), "W", 52)),
    "sunspots": File(
        of_statsmodels("sunspots"), 10, "YEAR", ("SUNACTIVITY",), "12MS", _hand("YEAR", ("SUNACTIVITY",), "YS", 11)
    ),
    "elnino": File(of_statsmodels("elnino"), 12, None, ("value",), "1MS", ("--season", "12")),
    "macrodata": File(
        of_statsmodels("macrodata"), 4, "year, quarter", QUARTERLY, "3MS", _hand("year,quarter", QUARTERLY, "QS", 4)
    ),
    "seattle_weather": File(of_vega("seattle-weather.csv"), 7, "date", WEATHER, "1D", _hand("date", WEATHER, "D", 365)),
    "us_employment": File(
        of_vega("us-employment.csv"), 6, "month", EMPLOYMENT, "1MS", _hand("month", EMPLOYMENT, "MS", 12)
    ),
    "stocks": File(
        of_vega("stocks.csv"), 3, "date", STOCKS, "1MS", _hand("date", ("price",), "MS", 12, "--id", "symbol")
    ),
    "keras_weather": File(keras_weather, 72, "Date Time", KERAS, "10min", _hand("Date Time", KERAS, "10min", 144)),
    "m4": File(m4, 48, None, tuple(f"H{n}" for n in range(1, 11)), "steps", ("--season", "24")),
}


def found(text: str) -> tuple[str | None, list[str], str, list[str]]:
    """What is read in a file where nothing is said: column of times, series, frequency, notes."""
    from throughtime import read_series

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_text(text, encoding="utf-8")
        panel = read_series(path)
    return panel.axis.column, panel.ids, panel.axis.frequency, panel.notes


READING = {"target", "time", "id", "past", "frequency", "dayfirst", "date_format", "header", "seconds", "minutes"}
"""Options that say how a table is read or how long it takes, and change nothing of the model by themselves."""


def before_the_last_tenth(text: str, horizon: int) -> str:
    """The series of a file without the part that is scored, as a long table."""
    from throughtime.data.series import read_series

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_text(text, encoding="utf-8")
        panel = read_series(path)
    lines = ["unique_id,ds,y"]
    for n, values in enumerate(panel.values):
        kept = values[: len(values) - max(horizon, round(0.1 * len(values)))]
        stamps = [str(time).replace("T", " ") for time in panel.times(n, 0, len(kept)).tolist()]
        if panel.dated:
            stamps = [str(time) for time in panel.times(n, 0, len(kept)).astype("datetime64[s]")]
        name = panel.ids[n].replace('"', "'")
        lines += [f'"{name}",{stamp},{_cell(v)}' for stamp, v in zip(stamps, kept.tolist(), strict=True)]
    return "\n".join(lines) + "\n"


def _cell(value: float) -> str:
    return f"{value:.17g}" if np.isfinite(value) else ""


def differing(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """The options of two models that differ: name, the first's value, the second's."""
    return [f"{name} {a[name]} / {b.get(name)}" for name in a if name not in READING and a[name] != b.get(name)]


def error(evaluation: dict[str, Any], metric: str) -> float | None:
    """The error of one training that another one's can be told against: MASE, which depends on the season that was
    chosen, in that of the last value."""
    own = evaluation.get(metric)
    last = (evaluation.get("baselines") or {}).get("last value", {}).get(metric)
    return own if metric == "mae" or own is None else own / last if last else None


def learned(text: str, horizon: int, minutes: float, seconds: float, more: tuple[str, ...]) -> dict[str, Any]:
    """What the command tells of a training, in a process of its own, and the options of its model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        path.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "throughtime", "train", "forecast", str(path), "--horizon", str(horizon)]
        command += ["--minutes", f"{minutes:g}", "--seconds", f"{seconds:g}", *more]
        command += ["--out", str(Path(folder) / "model"), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return {"refused": done.stderr.strip().splitlines()[-1] if done.stderr else f"status {done.returncode}"}
        told = json.loads(done.stdout)
        options = json.loads((Path(folder) / "model" / "config.json").read_text(encoding="utf-8"))["options"]
        return {"evaluation": None, **told, "options": options}


def row(name: str, file: File, minutes: float, seconds: float, validating: bool) -> dict[str, Any]:
    """What came of one file."""
    began, text = time.perf_counter(), file.write()
    column, ids, frequency, notes = found(text)
    right = (column, tuple(ids), frequency) == (file.time, file.targets, file.frequency)
    print(f"{name}: time {column}; frequency {frequency}; series {', '.join(ids)[:200]}{'' if right else ' WRONG'}")
    for note in notes:
        print(f"    {note}")
    by_hand, figures, options = file.by_hand, {}, {}
    if validating:
        text, by_hand = before_the_last_tenth(text, file.horizon), by_hand[by_hand.index("--season") :][:2]
    for what, more in (("nothing said", ()), ("by hand", by_hand)):
        told = learned(text, file.horizon, minutes, seconds, more)
        if "refused" in told:
            print(f"    {what}: {told['refused']}", flush=True)
            continue
        evaluation, options[what] = told["evaluation"] or {}, told["options"]
        figures[what] = error(evaluation, "mase" if len(ids) > 1 else "mae")
        sentence = (evaluation.get("verdict") or {}).get("sentence", "no verdict")
        print(f"    {what}: {figures[what]}: {sentence}", flush=True)
    ours, hand = figures.get("nothing said"), figures.get("by hand")
    ratio = ours / hand if ours is not None and hand else None
    differ = differing(*options.values()) if len(options) == 2 else []
    print(f"    nothing said / by hand: {'; '.join(differ) or 'the same options'}", flush=True)
    return {
        **{"file": name, "read right": right, "error": ours, "by hand": hand, "ratio": ratio},
        "seconds": time.perf_counter() - began,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.forecast_files")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--minutes", type=float, default=0.3)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each of the slow baselines")
    parser.add_argument("--validation", action="store_true", help="what lies before the last tenth alone")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in FILES]:
        raise SystemExit(f"benchmarks.forecast_files: no file {unknown[0]}; there are {', '.join(FILES)}")
    names = given.names or list(FILES)
    rows = [row(name, FILES[name], given.minutes, given.seconds, given.validation) for name in names]
    part = "_validation" if given.validation else ""
    timing.report((f"forecast_files_{'_'.join(given.names)}"[:70] if given.names else "forecast_files") + part, rows)


if __name__ == "__main__":
    main()
