"""Ctrl-C and SIGTERM: in training a wish to stop after the step at work, elsewhere the end of what goes on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_WATCHED = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Inside `with`, the first SIGINT or SIGTERM sets `pressed`; a second one raises KeyboardInterrupt.

    number: of the signal that came first, None before. In a thread other than the main one nothing changes, and a
    signal that the process was started to ignore stays ignored.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    @property
    def pressed(self) -> bool:
        return self.number is not None

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for watched in _WATCHED:
                before = signal.getsignal(watched)
                if before is not None and before is not signal.SIG_IGN:
                    self._before[watched] = signal.signal(watched, self._press)
        return self

    def __exit__(self, *_: object) -> None:
        for watched, before in self._before.items():
            signal.signal(watched, before)

    def _press(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.number = number


class Terminated(BaseException):
    """SIGTERM asked to stop; like KeyboardInterrupt no error that code would catch and go on."""


@contextmanager
def terminable() -> Iterator[None]:
    """Inside, SIGTERM raises Terminated, so that what was begun is cleaned up as after Ctrl-C.

    In a thread other than the main one, and where somebody else cares for the signal, nothing changes.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
