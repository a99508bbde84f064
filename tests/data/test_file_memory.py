"""Reading a file takes at most four times its size and 8 MB, of Parquet what it holds unpacked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import file_memory

SIZE, TIMES, BESIDES = 5_000_000, 4.0, 8_000_000
KINDS = ("series csv", "one series csv", "texts jsonl", "texts parquet")
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
