"""Files that say before their data what stands in them: .tsf of Monash's archive, .ts of UCR's and UEA's, .arff."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.frequency import Frequency
from throughtime.data.table import each_line, table_text
from throughtime.data.written import Text, small
from throughtime.errors import UserError
from throughtime.storage.memory import check_memory

DECLARED = (".tsf", ".ts", ".arff")
"""Suffixes of such files."""

_UNITS = {
    **{"second": "s", "secondly": "s", "minute": "min", "minutely": "min", "hour": "h", "hourly": "h", "day": "D"},
    **{"daily": "D", "week": "W", "weekly": "W", "month": "M", "monthly": "M", "quarter": "Q", "quarterly": "Q"},
    **{"year": "Y", "yearly": "Y"},
}
_TAKEN = 64
"""Bytes of memory that a value of such a file takes while it is read."""


@dataclass
class Declared:
    """columns: by name, unique_id, ds and y of a file of series. rows: (N,) how an editor counts each. frequency: of
    the steps, where the file says it and where they begin. notes: what else it says."""

    columns: dict[str, Text | np.ndarray]
    rows: np.ndarray
    frequency: str | None = None
    notes: list[str] = field(default_factory=list)


def read_declared(source: str | Path, where: str) -> Declared:
    """The columns of a file of one of DECLARED. where: for errors. Raises UserError with the row of what is no such."""
    text, size = table_text(source, where)
    check_memory(where, _TAKEN * (text.count(",") + text.count("\n")), size)
    lines = ((n, line.strip()) for n, line in enumerate(each_line(text.replace("\r", "\n")), 1))
    kept = ((n, line) for n, line in lines if line and line[0] not in "#%")
    head = []
    for number, line in kept:
        if line.lower() == "@data":
            break
        if line[0] != "@":
            raise UserError(f"{where}: row {number}: expected @data before the first row, got {line[:40]!r}")
        head.append(line[1:])
    reader = {".tsf": _tsf, ".ts": _ts, ".arff": _arff}[Path(source).suffix.lower()]
    found = reader(head, kept, where)
    if not len(found.rows):
        raise UserError(f"{where}: there are no rows below @data")
    return found


def _said(head: Sequence[str]) -> dict[str, str]:
    """What a header says, by its keywords in lower case."""
    pairs = (line.partition(" ") for line in head)
    return {word.lower(): rest.strip() for word, _, rest in pairs}


def _attributes(head: Sequence[str]) -> list[tuple[str, str]]:
    """The names and kinds of a header's attributes."""
    found = (re.match(r"(?i)attribute\s+('[^']*'|\"[^\"]*\"|\S+)\s+(.*)", line) for line in head)
    return [(one[1].strip("'\""), one[2].strip().lower()) for one in found if one]


def series_frequency(words: str, where: str) -> str:
    """A frequency as Monash's archive says it (half_hourly, 10_minutes, yearly), as Frequency.of reads it."""
    match = re.fullmatch(r"(?:(\d+)_|(half)_)?([a-z]+?)s?", words.lower())
    unit = _UNITS.get(match[3]) if match else None
    if match is None or unit is None or (match[2] and unit != "h"):
        raise UserError(f"{where}: nothing is known of the frequency {words!r}; it would be hourly, 10_minutes, ...")
    return "30min" if match[2] else f"{match[1] or ''}{unit}"


def _tsf(head: Sequence[str], lines: Iterator[tuple[int, str]], where: str) -> Declared:
    attributes, said = _attributes(head), _said(head)
    names = [name for name, _ in attributes]
    words = said.get("frequency", "")
    frequency = series_frequency(words, where) if words else None
    when = next((n for n, (_, kind) in enumerate(attributes) if kind == "date"), None)
    step = None if frequency is None or when is None else Frequency.of(frequency)
    made: list[list[str]] = []
    values, times, rows = list[np.ndarray](), list[np.ndarray](), list[int]()
    for number, line in lines:
        parts = line.split(":")
        if len(parts) != len(names) + 1:
            raise UserError(
                f"{where}: row {number}: expected {', '.join(names)} and the values with : between, got {line[:40]!r}"
            )
        values.append(numbers_of(parts.pop().split(","), where, number))
        made.append([part.strip() for part in parts])
        rows.append(number)
        if step is not None and when is not None:
            times.append(step.times(_start(parts[when], where, number), len(values[-1])))
    labels = [str(n) for n in range(len(rows))]
    named = next((n for n, (_, kind) in enumerate(attributes) if kind == "string"), None)
    if named is not None and len({one[named] for one in made}) == len(made):
        labels = [one[named] for one in made]
    beside = {name: [one[n] for one in made] for n, name in enumerate(names) if n not in (named, when) and name != "y"}
    notes = [f"{words or 'no'} steps, as the file says"] if step is not None else []
    if "horizon" in said:
        notes.append(f"the file means a horizon of {said['horizon']}")
    return long_series(labels, times or None, values, rows, beside, frequency if step is not None else None, notes)


def _start(text: str, where: str, number: int) -> np.datetime64:
    for form in ("%Y-%m-%d %H-%M-%S", "%Y-%m-%d"):
        try:
            return np.datetime64(datetime.strptime(text.strip(), form), "us")
        except ValueError:
            continue
    raise UserError(f"{where}: row {number}: expected a time such as 2002-01-01 00-00-00, got {text[:40]!r}")


def numbers_of(cells: Sequence[Any], where: str, number: int) -> np.ndarray:
    """(T,) float64 of cells, ? and nothing as NaN; UserError for what is no number."""
    try:
        return np.array([np.nan if one in ("?", "", None) else float(one) for one in cells], np.float64)
    except (TypeError, ValueError):
        got = next(one for one in cells if not _number(one))
        raise UserError(f"{where}: row {number}: expected a number, got {str(got)[:40]!r}") from None


def _number(cell: Any) -> bool:
    try:
        return cell in ("?", "", None) or float(cell) is not None
    except (TypeError, ValueError):
        return False


def long_series(
    labels: Sequence[str],
    times: Sequence[np.ndarray] | None,
    values: Sequence[np.ndarray],
    rows: Sequence[int],
    beside: dict[str, list[str]],
    frequency: str | None,
    notes: list[str],
) -> Declared:
    """Series one below the other. labels: their names. rows: the number of each. beside: one text a series, by name."""
    lengths = np.array([len(one) for one in values], np.int64)
    series = small(np.repeat(np.arange(len(values)), lengths))
    columns: dict[str, Text | np.ndarray] = {"unique_id": Text(list(labels), series)}
    if times is not None:
        columns["ds"] = np.concatenate(times)
    columns["y"] = np.concatenate(values) if values else np.zeros(0)
    for name, texts in beside.items():
        columns[name] = Text.of(texts).some(series)
    return Declared(columns, np.array(rows, np.int64)[series], frequency, notes)


def _ts(head: Sequence[str], lines: Iterator[tuple[int, str]], where: str) -> Declared:
    said = _said(head)
    timed = said.get("timestamps", "false").lower() == "true"
    labelled = any(said.get(word, "false").lower().startswith("true") for word in ("classlabel", "targetlabel"))
    names, values, rows, label = list[str](), list[np.ndarray](), list[int](), list[str]()
    times = list[str]()
    for case, (number, line) in enumerate(lines):
        rest, _, last = line.rpartition(":") if labelled else (line, "", "")
        parts = re.split(r"(?<=\)):(?=\()", rest) if timed else rest.split(":")
        for n, part in enumerate(parts):
            names.append(f"{case}/{n}" if len(parts) > 1 else str(case))
            cells = part.split(",")
            if timed:
                pairs = [one.rpartition(",") for one in re.findall(r"\(([^()]*)\)", part)]
                cells = [value for _, _, value in pairs]
                times += [time.strip().strip('"') for time, _, _ in pairs]
            values.append(numbers_of([cell.strip() for cell in cells], where, number))
            rows.append(number)
            label.append(last.strip())
    found = long_series(names, None, values, rows, {"label": label} if labelled else {}, None, [])
    if timed:
        found.columns["ds"] = Text.of(times)
    return found


def _arff(head: Sequence[str], lines: Iterator[tuple[int, str]], where: str) -> Declared:
    names = [name for name, _ in _attributes(head)]
    rows, cells = list[int](), list[list[str]]()
    for number, line in lines:
        row = next(csv.reader([line], quotechar="'", skipinitialspace=True))
        if line[0] == "{" or len(row) != len(names):
            raise UserError(f"{where}: row {number}: expected {len(names)} values with commas, got {line[:40]!r}")
        rows.append(number)
        cells.append(row)
    columns: dict[str, Text | np.ndarray] = {
        name: Text.of([row[n].strip('"') for row in cells]) for n, name in enumerate(names)
    }
    return Declared(columns, np.array(rows, np.int64))
