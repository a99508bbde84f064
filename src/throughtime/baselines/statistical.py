"""Exponential smoothing, Theta and ARIMA that choose themselves, by statsforecast, within a budget of time.

A single fit of theirs may take minutes and cannot be interrupted, so they run in processes of their own, one a core,
which are ended when the time is over.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.baselines.simple import SeasonalNaive, filled

_LONGEST = 1000
"""Values at the end of a history that are fitted to: more change little and cost much."""

_LONGEST_SEASON = 24
"""Of AutoETS: with longer ones its seasonal models are not tried."""


class TooSlow(Exception):
    """A baseline that would take longer than it may; the message says how long."""


class Statistical:
    """A model of statsforecast, fitted anew at every origin. kind: a name of KINDS. seconds: how long all may take."""

    def __init__(self, kind: str, seconds: float) -> None:
        self.name, self._kind, self._seconds = kind, kind, seconds
        self.season, self.horizon, self.failed = 1, 1, 0

    def fit(self, histories: Sequence[np.ndarray], season: int, horizon: int) -> None:
        """Nothing is learned beforehand. ImportError where statsforecast is missing."""
        if find_spec("statsforecast") is None:
            raise ImportError("statsforecast is missing", name="statsforecast")
        self.season, self.horizon = season, horizon
        if self._kind == "AutoETS" and season > _LONGEST_SEASON:
            self.name = "AutoETS without a season"

    def predict(self, histories: Sequence[np.ndarray]) -> np.ndarray:
        """(N, H) after the ends of histories; seasonal naive where a fit fails (`failed` counts them).

        Raises TooSlow as soon as it is clear that the budget does not hold, and when it is spent.
        """
        naive = SeasonalNaive()
        naive.fit(histories, self.season, self.horizon)
        ends = [filled(history)[-_LONGEST:] for history in histories]
        found = self._fitted(ends)
        for n in np.flatnonzero(~np.isfinite(found).all(1)):
            found[n], self.failed = naive.one(ends[n]), self.failed + 1
        return found

    def _fitted(self, ends: Sequence[np.ndarray]) -> np.ndarray:
        """(N, H), NaN where a fit fails; of n processes each takes every nth history."""
        count = min(os.cpu_count() or 1, len(ends), _MOST_PROCESSES)
        task = {"kind": self._kind, "season": self.season, "horizon": self.horizon, "seconds": self._seconds}
        with tempfile.TemporaryDirectory() as folder:
            processes: list[Any] = []
            for i in range(count):
                place = Path(folder, str(i))
                place.mkdir()
                own = ends[i::count]
                np.savez(place / "ends.npz", values=np.concatenate(own), lengths=[len(one) for one in own])
                (place / "task.json").write_text(json.dumps(task), encoding="utf-8")
                command = [sys.executable, "-m", "throughtime.baselines.statistical", str(place)]
                pipes: dict[str, Any] = {
                    "stdin": subprocess.DEVNULL,
                    "stdout": subprocess.PIPE,
                    "stderr": subprocess.PIPE,
                }
                processes.append(subprocess.Popen(command, **pipes))
            try:
                for process in processes:
                    process.stdout.readline()  # it is ready: what it imports does not count
                until = time.monotonic() + self._seconds + _GRACE
                for process in processes:
                    self._wait(process, until)
                parts = [np.load(Path(folder, str(i), "found.npy")) for i in range(count)]
            finally:
                for process in processes:
                    process.kill()
                    process.communicate()
        found = np.empty((len(ends), self.horizon))
        for i, part in enumerate(parts):
            found[i::count] = part
        return found

    def _wait(self, process: Any, until: float) -> None:
        """Until a process ends; until: no longer than that. TooSlow unless it ended well."""
        try:
            _, said = process.communicate(timeout=max(1.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TooSlow(f"a fit took longer than the {self._seconds:g} s that are allowed") from None
        last = said.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        if process.returncode == _TOO_SLOW:
            raise TooSlow(last)
        if process.returncode:
            raise TooSlow(f"failed: {last}")


_MOST_PROCESSES = 8
_GRACE = 2.0
"""Seconds after the budget in which a process may say itself that it does not hold."""
_TOO_SLOW = 3
"""The exit status of a process that sees that the budget does not hold."""


def _ets(season: int) -> Any:
    from statsforecast.models import AutoETS

    return AutoETS(season_length=season if season <= _LONGEST_SEASON else 1)


def _theta(season: int) -> Any:
    from statsforecast.models import AutoTheta

    return AutoTheta(season_length=season)


def _arima(season: int) -> Any:
    from statsforecast.models import AutoARIMA

    return AutoARIMA(season_length=season)


KINDS = {"AutoETS": _ets, "AutoTheta": _theta, "AutoARIMA": _arima}
"""Name -> the model for a season's length."""


def _one(kind: str, season: int, horizon: int, values: np.ndarray) -> np.ndarray:
    """(H,) after the end of values, NaN where the fit fails."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found: np.ndarray = np.asarray(KINDS[kind](season).forecast(values, horizon)["mean"], np.float64)
    except Exception:  # its numerical failures come as exceptions of any kind
        return np.full(horizon, np.nan)
    return found


def _main(place: Path) -> None:
    """A process: fit to every history in a folder, and leave the forecasts there."""
    task = json.loads((place / "task.json").read_text(encoding="utf-8"))
    kind, season, horizon = task["kind"], task["season"], task["horizon"]
    with np.load(place / "ends.npz") as arrays:
        ends = np.split(arrays["values"], arrays["lengths"].cumsum()[:-1])
    _one(kind, 1, 1, np.sin(np.arange(40.0)))
    print("ready", flush=True)
    found = np.empty((len(ends), horizon))
    began = time.perf_counter()
    for n, values in enumerate(ends):
        found[n] = _one(kind, season, horizon, values)
        spent = time.perf_counter() - began
        needed = spent / (n + 1) * len(ends)
        if needed > task["seconds"] and (spent > 0.1 * task["seconds"] or n >= 10):
            print(f"would take {needed:,.0f} s, {task['seconds']:g} s are allowed", file=sys.stderr)
            sys.exit(_TOO_SLOW)
    np.save(place / "found.npy", found)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
