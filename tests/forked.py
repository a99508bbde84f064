"""Commands in a process of their own, forked: what takes seconds to import is there already."""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from throughtime import cli

needed = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


class Forked:
    """A command at work; `pid` is that of its process. prepare: is called there before."""

    def __init__(self, place: Path, arguments: list[str], prepare: Callable[[], object] = lambda: None) -> None:
        self._texts = [place / f"{name}-{time.monotonic_ns()}.txt" for name in ("out", "err")]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking where threads are: they are idle
            self.pid = os.fork()
        if not self.pid:
            status = 99
            try:
                with self._texts[0].open("w") as sys.stdout, self._texts[1].open("w") as sys.stderr:
                    prepare()
                    status = cli.invoke(arguments)
            finally:
                os._exit(status)
        self._status: int | None = None

    def until(self, happened: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait for something that it does."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert self.running, self.texts
            assert time.monotonic() < deadline, self.texts
            time.sleep(0.01)

    def stop(self, number: signal.Signals, seconds: float = 60.0) -> int:
        """Send a signal; the exit status that it then has."""
        os.kill(self.pid, number)
        deadline = time.monotonic() + seconds
        while self.running:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                pytest.fail(f"it goes on after {number.name}: {self.texts}")
            time.sleep(0.01)
        assert self._status is not None
        return os.waitstatus_to_exitcode(self._status)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status is None

    @property
    def texts(self) -> tuple[str, str]:
        """What it has printed and said."""
        out, err = (path.read_text("utf-8") if path.exists() else "" for path in self._texts)
        return out, err
