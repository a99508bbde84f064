"""Exponential smoothing, Theta and ARIMA that choose themselves, and methods of intermittent demand, by statsforecast,
within a budget of time.

A single fit of theirs may take minutes and cannot be interrupted, so they run in processes of their own, one a core,
which are ended when the time is over. They end themselves where the process that asked is gone, however it went.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.baselines.simple import SeasonalNaive, filled, sparse
from throughtime.storage.folder import passing_folder

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

    def applies(self, histories: Sequence[np.ndarray]) -> bool:
        """Whether any history is intermittent demand, of a method for that; of the others, always."""
        return self._kind not in INTERMITTENT or any(sparse(one) for one in histories)

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
        forecasts = self._fitted(ends)
        for n in np.flatnonzero(~np.isfinite(forecasts).all(1)):
            forecasts[n], self.failed = naive.one(ends[n]), self.failed + 1
        return forecasts

    def _fitted(self, ends: Sequence[np.ndarray]) -> np.ndarray:
        """(N, H), NaN where a fit fails; of n processes each takes every nth history."""
        count = min(os.cpu_count() or 1, len(ends), _MOST_PROCESSES)
        with passing_folder() as folder:
            places = [folder / str(i) for i in range(count)]
            for i, place in enumerate(places):
                self._give(place, ends[i::count])
            processes: list[subprocess.Popen[bytes]] = []
            end, ours = os.pipe()  # nothing is written: they see that it closes, as it does when this process ends
            try:
                for place in places:
                    pipes = {"stdin": end, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
                    processes.append(subprocess.Popen(command(place), **pipes))  # type: ignore[call-overload]
                for process in processes:
                    assert process.stdout is not None
                    process.stdout.readline()  # it is ready: what it imports does not count
                until = time.monotonic() + self._seconds + _GRACE
                for process in processes:
                    self._wait(process, until)
                parts = [np.load(place / "forecasts.npy") for place in places]
            finally:
                os.close(end)
                os.close(ours)
                for process in processes:
                    process.kill()
                    process.communicate()
        forecasts = np.empty((len(ends), self.horizon))
        for i, part in enumerate(parts):
            forecasts[i::count] = part
        return forecasts

    def _give(self, place: Path, ends: Sequence[np.ndarray]) -> None:
        """What a process is to do, into its folder."""
        place.mkdir()
        np.savez(place / "ends.npz", values=np.concatenate(ends), lengths=[len(one) for one in ends])
        task = {"kind": self._kind, "season": self.season, "horizon": self.horizon, "seconds": self._seconds}
        (place / "task.json").write_text(json.dumps(task), encoding="utf-8")

    def _wait(self, process: subprocess.Popen[bytes], until: float) -> None:
        """Until a process ends; until: no longer than that. TooSlow unless it ended well."""
        try:
            _, errors = process.communicate(timeout=max(1.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TooSlow(f"a fit took longer than the {self._seconds:g} s that are allowed") from None
        last = errors.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        if process.returncode == _TOO_SLOW:
            raise TooSlow(last)
        if process.returncode:
            raise TooSlow(f"failed: {last}")


def command(place: Path) -> list[str]:
    """What runs as a process; place: its folder."""
    return [sys.executable, "-m", "throughtime.baselines.statistical", str(place)]


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


def _croston(season: int) -> Any:
    from statsforecast.models import CrostonClassic

    return CrostonClassic()


def _sba(season: int) -> Any:
    from statsforecast.models import CrostonSBA

    return CrostonSBA()


def _tsb(season: int) -> Any:
    from statsforecast.models import TSB

    return TSB(_SMOOTHING, _SMOOTHING)


_SMOOTHING = 0.1
"""How fast Teunter, Syntetos and Babai's method forgets, of sizes and of chances: what Croston's uses too."""

INTERMITTENT = {"Croston": _croston, "SBA": _sba, "TSB": _tsb}
"""Of counts that are mostly 0."""

KINDS = {"AutoETS": _ets, "AutoTheta": _theta, "AutoARIMA": _arima, **INTERMITTENT}
"""Name -> the model for a season's length."""


def _fit(kind: str, season: int, horizon: int, values: np.ndarray) -> np.ndarray:
    """(H,) after the end of values, NaN where the fit fails."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            mean: np.ndarray = np.asarray(KINDS[kind](season).forecast(values, horizon)["mean"], np.float64)
    except Exception:  # its numerical failures come as exceptions of any kind
        return np.full(horizon, np.nan)
    return mean


def fit_all(
    ends: Sequence[np.ndarray],
    horizon: int,
    seconds: float,
    fit: Callable[[np.ndarray], np.ndarray],
    clock: Callable[[], float] = time.perf_counter,
) -> np.ndarray:
    """(N, H): fit to every history; TooSlow as soon as so many seconds will clearly not do."""
    forecasts = np.empty((len(ends), horizon))
    began = clock()
    for n, values in enumerate(ends):
        forecasts[n] = fit(values)
        spent = clock() - began
        needed = spent / (n + 1) * len(ends)
        if needed > seconds and (spent > 0.1 * seconds or n >= 10):
            raise TooSlow(f"would take {needed:,.0f} s, {seconds:g} s are allowed")
    return forecasts


def _main(place: Path) -> None:
    """A process: fit to every history in a folder, and leave the forecasts there."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    task = json.loads((place / "task.json").read_text(encoding="utf-8"))
    kind, season, horizon = task["kind"], task["season"], task["horizon"]
    with np.load(place / "ends.npz") as arrays:
        ends = np.split(arrays["values"], arrays["lengths"].cumsum()[:-1])
    _fit(kind, 1, 1, np.sin(np.arange(40.0)))
    print("ready", flush=True)
    try:
        forecasts = fit_all(ends, horizon, task["seconds"], partial(_fit, kind, season, horizon))
    except TooSlow as reason:
        print(reason, file=sys.stderr)
        sys.exit(_TOO_SLOW)
    np.save(place / "forecasts.npy", forecasts)


def _end_with_parent() -> None:
    """Leave when the process that asked is gone: the pipe that only it holds open is at its end then."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
