"""Ctrl-C, SIGTERM and SIGHUP (a terminal that was closed): in training a wish to stop after the step at work, elsewhere
the end of what goes on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_ENDING = tuple(signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that end a process that does not care for them."""

_WATCHED = (signal.SIGINT, *_ENDING)


class Interrupt:
    """Inside `with`, the first of these signals sets `pressed`; a second one raises KeyboardInterrupt.

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
    """A signal asked to stop; like KeyboardInterrupt no error that code would catch and go on. number: the signal's.
    notes: what is to be said."""

    def __init__(self, number: int, *notes: str) -> None:
        super().__init__(number)
        self.number = number
        for note in notes:
            self.add_note(note)


@contextmanager
def terminable() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise Terminated, so that what was begun is cleaned up as after Ctrl-C.

    In a thread other than the main one, and where somebody else cares for the signal, nothing changes.
    """
    ours = threading.current_thread() is threading.main_thread()
    taken = [one for one in _ENDING if ours and signal.getsignal(one) is signal.SIG_DFL]
    for one in taken:
        signal.signal(one, _terminate)
    try:
        yield
    finally:
        for one in taken:
            signal.signal(one, signal.SIG_DFL)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)


@contextmanager
def telling(what: Callable[[], str]) -> Iterator[None]:
    """Inside, being stopped is told with what there is then, unless it was told already."""
    try:
        yield
    except (KeyboardInterrupt, Terminated) as stop:
        if not hasattr(stop, "__notes__"):
            stop.add_note(what())
        raise
