"""kill -9 at any moment: what a training leaves is always something to go on from, bit for bit."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from throughtime.errors import UserError
from throughtime.training import checkpoint

ROOT = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")
"""A folder in memory, where a system has one: whoever is killed leaves there what it would leave on a disk."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    place = {"TMPDIR": str(MEMORY)} if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else {}
    call, environment = [sys.executable, "-m", *arguments], {**os.environ, **place}
    return subprocess.run(call, capture_output=True, text=True, cwd=ROOT, env=environment, check=False, timeout=300)


@pytest.mark.skipif(sys.platform != "linux", reason="traces system calls as Linux does")
def test_a_kill_at_any_system_call_of_a_checkpoint_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    done = run("tests.training.at_every_syscall", str(tmp_path / "m"))
    if done.returncode == 77:
        pytest.skip("this system forbids tracing a child")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["found"]
    assert set(found) == {"old", "new"}
    assert found[0] == "old"
    assert found[-1] == "new"
    assert found == sorted(found, reverse=True)  # once it is new it stays new
    assert len(found) > 20


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_runs_killed_at_random_moments_go_on_bit_for_bit() -> None:
    done = run("benchmarks.resume", "5", "--steps", "50", "--threads", "1", "--minutes", "0", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["equal"] == 5
    assert any(trial["step"] for trial in found["trials"])


def content(value: float) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"w": torch.full((300,), value)}, {"value": value}


@pytest.mark.parametrize("room", [0, 1, 8, 100, 700, 1299])
def test_a_disk_that_fills_up_at_any_byte_leaves_the_last_good_one(tmp_path: Path, room: int) -> None:
    path = tmp_path / "last.safetensors"
    checkpoint.save(path, *content(1.0))
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    assert path.stat().st_size > room
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        with pytest.raises(UserError, match="cannot be written"):
            checkpoint.save(path, *content(2.0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert checkpoint.load(path)[1]["value"] == 1.0
    assert os.listdir(tmp_path) == [path.name]
