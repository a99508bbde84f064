"""The series of the forecasting benchmarks, with the splits their publications use."""

from __future__ import annotations

import csv
import gzip
from datetime import datetime
from pathlib import Path

import numpy as np

from benchmarks.text import DATA


def file(*parts: str) -> Path:
    """A file of the benchmark data; ends with one line where it is missing."""
    path = DATA.joinpath(*parts)
    if not path.is_file():
        raise SystemExit(f"benchmarks: there is no {path}; set THROUGHTIME_DATA")
    return path


def rows(path: Path) -> list[list[str]]:
    """All rows of a CSV file."""
    with open(path, newline="", encoding="utf-8-sig") as lines:
        return list(csv.reader(lines))


def number(text: str) -> float:
    """A number, NaN for a missing one."""
    return float("nan") if text in ("", "NA") else float(text)


def m4_hourly() -> tuple[list[np.ndarray], np.ndarray]:
    """414 series to learn, and the 48 hours after each, (414, 48)."""
    found = [
        [np.array([number(value) for value in row[1:] if value not in ("", "NA")]) for row in rows(file(*name))[1:]]
        for name in (("m4-hourly", "Hourly-train.csv"), ("m4-hourly", "Hourly-test.csv"))
    ]
    return found[0], np.stack(found[1])


def standardised(values: np.ndarray, train: int) -> np.ndarray:
    """(T, N) less the mean of the first `train` rows, divided by their standard deviation."""
    return (values - values[:train].mean(0)) / values[:train].std(0)


def etth1() -> tuple[np.ndarray, int, int, int]:
    """Hours (T, 7), standardised on 12 months, and where training, validation and test end: 12, 4, 4 months."""
    values = np.array([[float(v) for v in row[1:]] for row in rows(file("etth", "ETTh1.csv"))[1:]])
    month = 30 * 24
    return standardised(values, 12 * month), 12 * month, 16 * month, 20 * month


def exchange_rate() -> tuple[np.ndarray, int, int, int]:
    """(7588, 8) days, standardised on the first 70 %, and where training, validation and test end: 70, 10, 20 %."""
    with gzip.open(file("exchange_rate", "exchange_rate.txt.gz"), "rt") as lines:
        values = np.loadtxt(lines, delimiter=",")
    total = len(values)
    test = int(0.2 * total)
    train = int(0.7 * total)
    return standardised(values, train), train, total - test, total


def pems() -> tuple[np.ndarray, np.ndarray, int]:
    """Vehicles per 5 minutes (T,), the minute of the week of each, and how many are for training: rows as they stand in
    train.csv and then test.csv."""
    flow, minutes, lengths = [], [], []
    for name in ("train.csv", "test.csv"):
        table = rows(file("pems-lane-flow", name))[1:]
        lengths.append(len(table))
        for row in table:
            at = datetime.strptime(row[0], "%d/%m/%Y %H:%M")
            flow.append(float(row[1]))
            minutes.append(at.weekday() * 1440 + at.hour * 60 + at.minute)
    return np.array(flow), np.array(minutes), lengths[0]


def los_loop() -> tuple[np.ndarray, int]:
    """Speeds (2016, 207) every 5 minutes, and where training ends: 80 %."""
    values = np.array([[float(v) for v in row] for row in rows(file("los-loop", "los_speed.csv"))[1:]])
    return values, int(0.8 * len(values))


def beijing_air() -> tuple[np.ndarray, np.ndarray, int]:
    """PM2.5 (43824,) by the hour, NaN where missing; weather (43824, 10) likewise; where the last year begins."""
    table = rows(file("beijing-air", "pollution.csv"))[1:]
    winds = sorted({row[9] for row in table})
    pm = np.array([number(row[5]) for row in table])
    weather = np.array(
        [[*(float(row[i]) for i in (6, 7, 8, 10, 11, 12)), *(float(row[9] == w) for w in winds)] for row in table]
    )
    return pm, weather, next(i for i, row in enumerate(table) if row[1] == "2014")


def stocks50() -> tuple[np.ndarray, int, list[str]]:
    """Prices (2518, 50), oldest first, where the last year begins, and names."""
    folder = DATA / "stocks50" / "price_long_50"
    names = sorted(path.stem for path in folder.glob("*.csv"))
    if not names:
        raise SystemExit(f"benchmarks: there is no {folder}; set THROUGHTIME_DATA")
    columns, days = [], []
    for name in names:
        table = rows(folder / f"{name}.csv")
        body = sorted(
            (
                datetime.strptime(row[0], "%m/%d/%Y" if "/" in row[0] else "%Y-%m-%d"),
                float(row[table[0].index("Adj Close")]),
            )
            for row in table[1:]
        )
        days = [day for day, _ in body]
        columns.append([price for _, price in body])
    return np.array(columns).T, next(i for i, day in enumerate(days) if day.year == 2016), names
