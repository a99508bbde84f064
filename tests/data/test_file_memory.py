"""Reading a file takes at most four times its size and 8 MB, of Parquet what it holds unpacked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from benchmarks import file_memory

from throughtime.data.beside_numbers import stand_in
from throughtime.data.series_table import SeriesTable

SIZE, TIMES, BESIDES = 5_000_000, 4.0, 8_000_000
KINDS = ("series csv", "one series csv", "series parquet", "texts jsonl", "texts parquet")
"""The others: python -m benchmarks.file_memory."""


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says how much memory was taken")
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_read_in_four_times_its_size(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"data.{kind.split()[-1]}"
    held = file_memory.write(kind, path, SIZE)
    call = [sys.executable, "-m", "benchmarks.file_memory", "--only", kind, "--child", str(path)]
    done = subprocess.run(call, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert json.loads(done.stdout.splitlines()[-1])["MB"] * 1e6 <= TIMES * held + BESIDES


@pytest.mark.parametrize("kind", ["times", "numbers"])
def test_texts_of_a_column_take_two_arrays_and_codes(kind: str) -> None:
    numbers = np.random.default_rng(0).integers(0, 300, 200_000)
    cells = np.datetime64("1990-01-01", "us") + numbers.astype("timedelta64[D]") if kind == "times" else numbers / 4
    cells[::1000] = "NaT" if kind == "times" else np.nan
    table = SeriesTable({"a": cells}, "data", np.arange(len(cells)))
    tracemalloc.start()
    try:
        text = table.text("a")
        assert tracemalloc.get_traced_memory()[1] < 22 * len(cells)
    finally:
        tracemalloc.stop()
    kinds, codes = np.unique(cells, return_inverse=True)
    assert (text.codes == codes).all()
    assert text.codes.dtype == np.uint16
    assert len(text.kinds) == len(kinds) == 301
    assert text.kinds[:2] == (["1990-01-01 00:00:00", "1990-01-02 00:00:00"] if kind == "times" else ["0", "0.25"])


def test_a_number_that_stands_for_missing_ones_is_found_without_copies() -> None:
    values = np.random.default_rng(0).standard_normal(200_000)
    values[::1000] = -9999
    tracemalloc.start()
    try:
        assert stand_in(values) == (-9999.0, True)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(values)
    finally:
        tracemalloc.stop()
