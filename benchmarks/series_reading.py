"""Reading a long table of many series: seconds of one processor and peak memory of the whole process.

    python -m benchmarks.series_reading                    1,000,000 rows of 2,000 series: CSV and Parquet
    python -m benchmarks.series_reading --rows 200000      fewer of them
    python -m benchmarks.series_reading --rounds 5         the median of so many readings, each in a process of its own

Rows are in the order of time: a name, a day, a value with three decimals. What was read is checked against what was
written. The bar: 10 s for CSV, 3 s for Parquet, 1 GiB, libraries included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import timing
from benchmarks.file_memory import SERIES, series_rows
from benchmarks.memory import resident

BLOCK = 20_000
"""Rows that series_rows makes at once."""


def write(kind: str, path: Path, rows: int) -> float:
    """Write so many rows; the sum of their values."""
    blocks, total = islice(series_rows(np.random.default_rng(0)), rows // BLOCK), 0.0
    if kind == "csv":
        with path.open("w", encoding="utf-8") as file:
            file.write("id,ds,y\n")
            for names, days, values in blocks:
                cells = (names.tolist(), days.astype(str).tolist(), values.tolist())
                file.write("".join(f"{name},{day},{value}\n" for name, day, value in zip(*cells, strict=True)))
                total += float(values.sum())
        return total
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema({"id": pyarrow.string(), "ds": pyarrow.date32(), "y": pyarrow.float64()})
    with parquet.ParquetWriter(path, schema) as file:
        for names, days, values in blocks:
            columns = [pyarrow.array(names), pyarrow.array(days), pyarrow.array(values)]
            file.write_table(pyarrow.table(columns, schema=schema))
            total += float(values.sum())
    return total


def measure(path: Path) -> None:
    """In a process of its own: read it, and tell what that took."""
    from throughtime.data.series import read_series

    began, cpu = time.perf_counter(), time.process_time()
    panel = read_series(path)
    told = {
        "CPU s": time.process_time() - cpu,
        "s": time.perf_counter() - began,
        "peak MiB": resident("VmHWM") / 1.048576,
    }
    print(json.dumps({**told, "series": len(panel.ids), "sum": float(sum(one.sum() for one in panel.values))}))


def main() -> None:
    parser = argparse.ArgumentParser(description="Reading a long table of many series.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        measure(given.child)
        return
    found = []
    for kind in ("csv", "parquet"):
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / f"series.{kind}"
            total = write(kind, path, given.rows)
            call = [sys.executable, "-m", "benchmarks.series_reading", "--child", str(path)]
            done = [subprocess.run(call, check=True, capture_output=True, text=True) for _ in range(given.rounds)]
            size = path.stat().st_size / 1e6
        told = [json.loads(one.stdout.splitlines()[-1]) for one in done]
        assert all(one["series"] == SERIES and np.isclose(one["sum"], total) for one in told), "read wrong"
        figures = {name: median(one[name] for one in told) for name in ("CPU s", "s", "peak MiB")}
        found.append({"kind": kind, "rows": given.rows // BLOCK * BLOCK, "file MB": size, **figures})
    timing.report("series_reading", found)


if __name__ == "__main__":
    main()
