"""Peak memory of reading a file, against its size: what it takes above the program's own, in times the file's size.

    python -m benchmarks.file_memory                    10 and 100 MB of each kind
    python -m benchmarks.file_memory 10 100 400         these sizes, in MB
    python -m benchmarks.file_memory 50 --only text     one kind
    python -m benchmarks.file_memory 50 --start         the whole start of a training of texts, two steps of it, too

Each file is made up, written, and read in a process of its own, which has loaded its libraries before. "times" is the
peak over the file's size; that of Parquet is counted against what the file holds unpacked.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.memory import resident

_ROWS = 20_000
"""Rows that are written at once."""

SERIES = 2000
WORDS = np.array([f"{a}{b}{c}" for a in "bdfgkl" for b in ("a", "ei", "ou", "i") for c in ("n", "st", "", "lder")])


def series_rows(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Names, days and values of many series, a block at a time."""
    row = 0
    while True:
        at = row + np.arange(_ROWS)
        days = np.datetime64("1950-01-01") + at // SERIES
        yield np.char.add("s", (at % SERIES).astype(str)), days, rng.normal(100, 20, _ROWS).round(3)
        row += _ROWS


def one_series(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Minutes and two values of one series, none of them twice, a block at a time."""
    row = 0
    while True:
        minutes = np.datetime64("1950-01-01T00:00:00") + 60 * (row + np.arange(_ROWS))
        yield np.char.replace(minutes.astype(str), "T", " "), rng.normal(0, 1, _ROWS), rng.normal(0, 1, _ROWS).round(2)
        row += _ROWS


def texts(rng: np.random.Generator) -> Iterator[list[tuple[str, str]]]:
    """Texts of about 20 words, and a label each, a block at a time."""
    while True:
        lengths = rng.integers(5, 36, _ROWS)
        words = iter(WORDS[rng.integers(0, len(WORDS), int(lengths.sum()))].tolist())
        yield [(" ".join(next(words) for _ in range(n)), "ab"[n % 2]) for n in lengths.tolist()]


def write(kind: str, path: Path, size: int) -> int:
    """Write a file of about so many bytes; what it holds, in bytes, unpacked."""
    rng = np.random.default_rng(0)
    if kind.endswith("parquet"):
        return _parquet(kind, path, size, rng)
    with path.open("w", encoding="utf-8") as file:
        if kind.endswith("series csv"):
            file.write("id,ds,y\n" if kind == "series csv" else "ds,y,x\n")
            for block in series_rows(rng) if kind == "series csv" else one_series(rng):
                names, times, values = (part.astype(str).tolist() for part in block)
                file.write("".join(",".join(row) + "\n" for row in zip(names, times, values, strict=True)))
                if file.tell() >= size:
                    break
            return path.stat().st_size
        lines: dict[str, Callable[[str, str], str]] = {
            "texts csv": lambda text, label: f"{text},{label}\n",
            "pairs tsv": lambda text, label: f"{text}\t{text[::-1]} {label}\n",
            "texts jsonl": lambda text, label: json.dumps({"text": text, "label": label}) + "\n",
            "text": lambda text, _: f"{text}\n",
        }
        file.write("text,label\n" if kind == "texts csv" else "")
        for block in texts(rng):
            file.write("".join(lines[kind](text, label) for text, label in block))
            if file.tell() >= size:
                break
    return path.stat().st_size


def _parquet(kind: str, path: Path, size: int, rng: np.random.Generator) -> int:
    import pyarrow
    from pyarrow import parquet

    held, writer = 0, None
    while held < size:
        for block in series_rows(rng) if kind == "series parquet" else texts(rng):
            names = ("id", "ds", "y") if kind == "series parquet" else ("text", "label")
            parts: Any = block if kind == "series parquet" else zip(*block, strict=True)
            columns = dict(zip(names, parts, strict=True))
            table = pyarrow.table({name: pyarrow.array(values) for name, values in columns.items()})
            writer = writer or parquet.ParquetWriter(path, table.schema)
            writer.write_table(table)
            held += table.nbytes
            if held >= size:
                break
    assert writer is not None
    writer.close()
    return held


def read(kind: str, path: Path, start: bool) -> Any:
    """Read a file as its task does. start: train two steps too, with what comes before and after them."""
    if kind == "text":
        from throughtime import LanguageModel
        from throughtime.tasks.text.data import Text

        if start:
            return LanguageModel(hidden=8, steps=2, batch=4, window=8, threads=1).fit(path, quiet=True)
        return Text.of(path)
    if kind.startswith("pairs"):
        from throughtime.data.pairs import read_pairs

        return read_pairs(path)
    if kind.startswith("texts"):
        from throughtime.data.labelled import read_texts

        return read_texts(path)
    from throughtime.data.series import read_series

    return read_series(path)


def measure(kind: str, path: Path, start: bool) -> None:
    """In a process of its own: a small file first, so that all is loaded; then the one that counts."""
    with tempfile.TemporaryDirectory() as place:
        small = Path(place) / path.name
        write(kind, small, 1000)
        read(kind, small, start)
    before, began = resident("VmRSS"), time.perf_counter()
    found = read(kind, path, start)
    seconds = time.perf_counter() - began
    print(json.dumps({"MB": resident("VmHWM") - before, "kept": resident("VmRSS") - before, "seconds": seconds}))
    del found


KINDS = (
    *("series csv", "one series csv", "series parquet"),
    *("texts csv", "texts jsonl", "texts parquet", "pairs tsv", "text"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Peak memory of reading files, against their size.")
    parser.add_argument("megabytes", nargs="*", type=int, default=[10, 100])
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--start", action="store_true")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        measure(given.only, given.child, given.start)
        return
    rows = []
    for kind in [given.only] if given.only else KINDS:
        for megabytes in given.megabytes:
            with tempfile.TemporaryDirectory() as place:
                path = Path(place) / ("data." + {"text": "txt"}.get(kind, kind.split()[-1]))
                held = write(kind, path, megabytes * 10**6)
                call = [sys.executable, "-m", "benchmarks.file_memory", "--only", kind, "--child", str(path)]
                call += ["--start"] if given.start and kind == "text" else []
                done = subprocess.run(call, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            on_disk = held / 1e6
            rows.append({"kind": kind, "file MB": on_disk, "times": found["MB"] / on_disk, **found})
    timing.report("file_memory", rows)


if __name__ == "__main__":
    main()
