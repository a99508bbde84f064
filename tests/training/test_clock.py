"""The clock of a training: what is spent, and what is not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from throughtime.training import clock
from throughtime.training.clock import Clock

STOPPED = """
import os, signal, subprocess, sys, time
from throughtime.training.clock import Clock
with Clock() as clock:
    time.sleep(0.5)
    waker = [sys.executable, "-c", f"import os, time; time.sleep(4); os.kill({os.getpid()}, 18)"]
    child = subprocess.Popen(waker)
    began = time.perf_counter()
    os.kill(os.getpid(), signal.SIGSTOP)
    wall = time.perf_counter() - began
    child.wait()
    print(clock.seconds, wall)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="numbers of signals")
def test_time_in_which_the_process_is_stopped_is_not_spent() -> None:
    done = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True, timeout=60, check=True)
    spent, wall = map(float, done.stdout.split())
    assert wall > 2.5
    assert spent < wall


def test_a_gap_in_which_a_processor_worked_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock of the interpreter that something holds for long keeps the looking thread away, too."""
    now, worked = [100.0], [7.0]
    monkeypatch.setattr(clock.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(clock.time, "process_time", lambda: worked[0])
    monkeypatch.setattr(clock, "_EVERY", 1000.0)
    with Clock() as watch:
        now[0], worked[0] = 101.0, 7.0
        assert watch.seconds == 1.0  # waiting for a disk
        now[0], worked[0] = 111.0, 16.0
        assert watch.seconds == 11.0
        now[0], worked[0] = 1011.0, 16.5
        assert watch.seconds == 11.5  # stopped
