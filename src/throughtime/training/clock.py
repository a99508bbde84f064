"""The time of a training: seconds in which it could run.

While a process is stopped (SIGSTOP, a debugger, a machine that sleeps) nothing is spent.
"""

from __future__ import annotations

import threading
import time

_EVERY = 0.2
"""Seconds between two looks."""

_GAP = 2.0
"""Seconds without a look from which on the process may have been stopped."""

_BUSY = 0.1
"""Share of such a gap: with so much of a processor's time in it the process was not stopped."""


class Clock:
    """Inside `with`, `seconds` goes on from 0. A thread looks at it again and again, so that a gap shows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._spent, self._wall, self._processor = 0.0, time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        """Seconds spent."""
        with self._lock:
            wall, processor = time.perf_counter(), time.process_time()
            gap, busy = wall - self._wall, processor - self._processor
            self._spent += gap if gap < _GAP or busy >= _BUSY * gap or self._thread is None else busy
            self._wall, self._processor = wall, processor
            return self._spent

    def __enter__(self) -> Clock:
        self._spent, self._wall, self._processor = 0.0, time.perf_counter(), time.process_time()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread is not None
        self._done.set()
        self._thread.join()
        self._thread = None

    def _look(self) -> None:
        while not self._done.wait(_EVERY):
            _ = self.seconds
