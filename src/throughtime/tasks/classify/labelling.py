"""Many texts from files and standard input, labelled as they come."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from throughtime.data.labelled import read_texts
from throughtime.data.spreadsheet import cell
from throughtime.data.table import JSON, PARQUET
from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.report.console import print_json
from throughtime.storage.folder import replacing
from throughtime.tasks.reading.lines import answered, lines, standard_input

_TABLES = (".csv", ".tsv", ".tab", *JSON, *PARQUET)


@dataclass(frozen=True)
class Shown:
    """What is said of each text. sure: "out of scope" where the model is not. top: so many classes. probabilities: of
    every class. json: as JSON lines, else as CSV. raw: with texts as they are, also those a spreadsheet would run.
    live: each text at once, as it comes."""

    sure: bool = False
    top: int | None = None
    probabilities: bool = False
    json: bool = False
    raw: bool = False
    live: bool = False


@dataclass(frozen=True)
class Source:
    """Where many texts come from. column: of the texts, None for the one that training read."""

    model: Any
    column: str | None = None
    format: str = "auto"
    encoding: str = "utf-8"

    def standard_input(self) -> Iterator[str]:
        """A text a line, as it comes; of JSON lines their texts."""
        if self.format == "table":
            return iter(self._read("-"))
        rows = standard_input(self.encoding)
        first = list(islice(rows, 1))
        names = [self.column, self.model.data.column, "text"]
        name = next((one for one in names if first and one is not None and one in _object(first[0])), None)
        rows = chain(first, rows)
        if self.format == "lines" or (self.format == "auto" and name is None):
            if self.column is not None:
                raise UserError("standard input: --column is of a table or of JSON lines; these are lines")
            return rows
        if name is None:
            there = ", ".join(_object(first[0])) if first else ""
            raise UserError(f"standard input: row 1: which key holds the text? there are {there or 'none'}; --column")
        return (_value(row, number, name) for number, row in enumerate(rows, 1))

    def file(self, path: Path) -> Iterator[str]:
        """The texts of a file; of plain lines as they are read, of a table all at once."""
        if path.suffix.lower() in _TABLES or self.format in ("table", "json") or path.is_dir():
            yield from self._read(path)
            return
        if self.column is not None:
            raise UserError(f"{path}: --column is of a table, CSV, TSV, JSON or Parquet; these are lines")
        if not path.is_file():
            raise UserError(f"{path}: expected a file of texts, no such file")
        try:
            with open(path, encoding=self.encoding, newline="\n") as stream:
                yield from lines(stream, str(path), self.encoding)
        except LookupError:
            raise UserError(f"{path}: unknown encoding {self.encoding!r}") from None

    def _read(self, path: Path | str) -> list[str]:
        known = self.model.data.known
        options = {"format": self.format, "labelled": False, "keep_empty": True, "known": known}
        return read_texts(path, self.column, None, self.encoding, **options).texts


def _object(line: str) -> dict[str, Any]:
    """The JSON object of a line; of other lines an empty one."""
    if not line.lstrip().startswith("{"):
        return {}
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _value(line: str, row: int, name: str) -> str:
    found = _object(line).get(name)
    if not isinstance(found, str):
        got = line.strip()[:40]
        raise UserError(f"standard input: row {row}: expected a JSON object with a text under {name!r}, got {got!r}")
    return found


def shares_of(model: Any, shares: np.ndarray) -> dict[str, float]:
    """Probabilities by class."""
    return dict(zip(model.classes, map(float, shares), strict=True))


def likeliest(model: Any, shares: np.ndarray, count: int) -> list[tuple[str, float]]:
    """The likeliest classes with their probabilities."""
    return sorted(shares_of(model, shares).items(), key=lambda item: -item[1])[:count]


def label_all(model: Any, texts: Iterable[str], shown: Shown, out: Path | None) -> None:
    """A line for each text, as they come."""
    if out is None:
        _write(sys.stdout, "\n", model, texts, shown)
        sys.stdout.flush()
        return
    if not out.parent.is_dir():
        raise UserError(f"{out}: there is no folder {out.parent}; make it, or choose another --out")
    with replacing(out) as file:
        lines = io.TextIOWrapper(file, "utf-8", newline="")
        count = _write(lines, "\r\n", model, texts, shown)
        lines.detach()
    print(f"labels  {out} ({count:,})")


def _write(file: TextIO, end: str, model: Any, texts: Iterable[str], shown: Shown) -> int:
    answers = model.label(texts, shown.sure)
    if shown.live:
        answers = answered(texts, lambda some: model.label(some, shown.sure))
    first = list(islice(answers, 1))  # where the texts cannot be read, nothing is printed
    writer = csv.writer(file, lineterminator=end)
    if not shown.json:
        writer.writerow(_head(model, shown))
    count = 0
    for label, shares in chain(first, answers):
        if shown.json:
            values = dict(likeliest(model, shares, shown.top)) if shown.top else shares_of(model, shares)
            said = {"labels": label} if model.several else {"label": label, "probability": float(shares.max())}
            _print(file, {**said, "probabilities": values})
        else:
            writer.writerow(_row(model, label, shares, shown))
        count += 1
        if file is sys.stdout:
            file.flush()  # whoever waits at the other end has the answer at once
    return count


def in_a_cell(model: Any, labels: Sequence[str], shown: Shown) -> str:
    """Several labels in one cell, with the sign of training between them, | where there was none."""
    return cell((model.data.separator or "|").join(labels), shown.raw)


def _print(file: TextIO, values: dict[str, Json]) -> None:
    if file is sys.stdout:
        print_json(values)
    else:
        file.write(json.dumps(values, ensure_ascii=False) + "\n")


def _head(model: Any, shown: Shown) -> Sequence[str]:
    first = ["labels"] if model.several else ["label", "probability"]
    if shown.probabilities:
        return [*first, *(cell(name, shown.raw) for name in model.classes)]
    if model.several:
        numbers = range(1, min(shown.top or 0, len(model.classes)) + 1)
        return first + [f"{name}_{n}" for n in numbers for name in ("label", "probability")]
    more = min(shown.top or 1, len(model.classes))
    return first + [f"{name}_{n}" for n in range(2, more + 1) for name in first]


def _row(model: Any, label: str, shares: np.ndarray, shown: Shown) -> Sequence[str]:
    first = [cell(label, shown.raw), f"{shares.max():.4f}"] if not model.several else [in_a_cell(model, label, shown)]
    if shown.probabilities:
        return [*first, *(f"{share:.6f}" for share in shares)]
    rest = likeliest(model, shares, shown.top or 0) if model.several else likeliest(model, shares, shown.top or 1)[1:]
    return first + [part for name, share in rest for part in (cell(name, shown.raw), f"{share:.4f}")]
