"""statsforecast's baselines in processes of their own: what takes too long is ended, and nothing is left over."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import accumulate, repeat
from pathlib import Path

import numpy as np
import pytest

from tests.baselines.made import series
from throughtime.baselines import statistical
from throughtime.baselines.statistical import Statistical, TooSlow, fit_all


def test_a_baseline_that_takes_too_long_says_so() -> None:
    """Fits of a second each, by a clock of our own: 30 of them into 60 seconds, but not into 20."""
    ends = series(30, 8)

    def fitted(seconds: float) -> tuple[int, str]:
        count, said = 0, ""

        def fit(values: np.ndarray) -> np.ndarray:
            nonlocal count
            count += 1
            return values[-2:]

        clock = accumulate(repeat(1.0))  # a second goes by between two looks at it
        try:
            forecasts = fit_all(ends, 2, seconds, fit, lambda: next(clock))
            np.testing.assert_array_equal(forecasts, np.stack([one[-2:] for one in ends]))
        except TooSlow as reason:
            said = str(reason)
        return count, said

    assert fitted(60.0) == (30, "")
    assert fitted(20.0) == (3, "would take 30 s, 20 s are allowed")  # told after three fits, more than a tenth of it
    assert fitted(1e-6) == (1, "would take 30 s, 1e-06 s are allowed")


def sleeping(place: Path) -> list[str]:
    """A process that is ready and then does not end by itself."""
    return [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"]


def test_a_fit_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def started(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        processes.append(popen(*arguments, **options))  # type: ignore[call-overload]
        return processes[-1]

    monkeypatch.setattr(statistical, "command", sleeping)
    monkeypatch.setattr(statistical, "_GRACE", 0.0)
    monkeypatch.setattr(subprocess, "Popen", started)
    long = Statistical("AutoARIMA", 0.1)
    long.season, long.horizon = 12, 4
    with pytest.raises(TooSlow, match=r"a fit took longer than the 0.1 s that are allowed"):
        long.predict(series(3, 60))
    assert processes
    assert all(process.poll() is not None for process in processes)


def test_a_process_says_why_it_gives_up(one_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("statsforecast")
    monkeypatch.setattr(statistical, "_GRACE", 600.0)  # however slow this machine is at the moment
    slow = Statistical("AutoARIMA", 1e-6)
    slow.fit([], 1, 4)
    with pytest.raises(TooSlow, match=r"would take .* s, 1e-06 s are allowed"):
        slow.predict(series(3, 24))


PARENT = """
import sys, time
import numpy as np
from throughtime.baselines import statistical

def wait(self, process, until):
    print("fitting", flush=True)
    time.sleep(600)

statistical.Statistical._wait = wait
statistical._MOST_PROCESSES = 1
long = statistical.Statistical("AutoARIMA", 500.0)
long.season = long.horizon = 24
long.predict([np.random.default_rng(0).standard_normal(1000).cumsum()] * 40)  # takes many minutes
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes by /proc")
def test_no_process_is_left_where_the_asking_one_is_killed() -> None:
    pytest.importorskip("statsforecast")
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"fitting\n"
    children, deadline = children_of(parent.pid), time.monotonic() + 60
    assert len(children) == 1
    parent.kill()
    parent.communicate()
    while any(alive(pid) for pid in children):
        assert time.monotonic() < deadline, f"{children} go on"
        time.sleep(0.05)


def children_of(parent: int) -> set[int]:
    found = set()
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.add(int(place.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_exponential_smoothing_without_its_season_says_so(one_process: None) -> None:
    pytest.importorskip("statsforecast")
    found = Statistical("AutoETS", 30.0)
    found.fit([], 48, 4)
    assert found.name == "AutoETS without a season"
    assert found.predict(series(2, 100)).shape == (2, 4)
