"""What a run shows while it goes: a bar on a terminal, plain lines elsewhere; on standard error."""

from __future__ import annotations

import re
import sys
import time
from contextlib import suppress
from typing import Any, Protocol

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but for the tab and the line's end, and the marks that turn the direction of writing."""


def escaped(text: str) -> str:
    """A text with its number, \\x1b, in place of each character that steers a terminal."""
    return _STEERING.sub(_number, text)


def _number(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def say(text: str = "") -> None:
    """A line for people that is no result: standard error."""
    with suppress(OSError, ValueError):  # of a terminal that was closed; what goes on does not depend on it
        print(escaped(text) if sys.stderr.isatty() else text, file=sys.stderr, flush=True)


class Progress(Protocol):
    """Where the loop tells how it goes."""

    def step(self, step: int, total: int | None, done: float, loss: float, speed: float, left: float) -> None:
        """One step: its number, the total (None: not known yet), the share done, units/s, seconds left."""

    def note(self, text: str) -> None:
        """A line, or several, that stay."""

    def close(self) -> None:
        """The run is over."""


class Silent:
    """Shows nothing."""

    def step(self, step: int, total: int | None, done: float, loss: float, speed: float, left: float) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass


class Lines:
    """A line every `every` seconds."""

    def __init__(self, every: float = 5.0, unit: str = "tokens") -> None:
        self.every, self._unit = every, unit
        self._last = float("-inf")

    def step(self, step: int, total: int | None, done: float, loss: float, speed: float, left: float) -> None:
        now = time.monotonic()
        if now - self._last >= self.every:
            self._last = now
            of = f"/{total}" if total else ""
            pace = f"{speed:,.0f} {self._unit}/s"
            self.note(f"step {step}{of}  {done:4.0%}  loss {loss:.3f}  {pace}  {_clock(left)} left")

    def note(self, text: str) -> None:
        say(text)

    def close(self) -> None:
        pass


class Bar:
    """A bar that stays at the bottom of the terminal."""

    def __init__(self, unit: str = "tokens") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._console = Console(stderr=True, highlight=False)
        columns: list[Any] = [
            TextColumn("step {task.fields[at]}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %  loss {task.fields[loss]}  {task.fields[speed]} " + unit + "/s"),
            TextColumn("{task.fields[left]} left"),
        ]
        self._bar = Progress(*columns, console=self._console, auto_refresh=False, transient=True)
        self._task = self._bar.add_task("", total=1.0, at="0", loss="-", speed="-", left="-")
        self._bar.start()
        self._last = 0.0

    def step(self, step: int, total: int | None, done: float, loss: float, speed: float, left: float) -> None:
        now = time.monotonic()
        if now - self._last >= 0.2:
            self._last = now
            fields: dict[str, Any] = {
                "at": str(step),
                "loss": f"{loss:.3f}",
                "speed": f"{speed:,.0f}",
                "left": _clock(left),
            }
            self._bar.update(self._task, completed=done, refresh=True, **fields)

    def note(self, text: str) -> None:
        self._console.print(escaped(text), markup=False)

    def close(self) -> None:
        self._bar.stop()


def choose(quiet: bool = False, unit: str = "tokens") -> Progress:
    """The bar where standard error is a terminal and rich is installed, else lines; nothing where quiet. unit: of what
    the speed counts."""
    if quiet:
        return Silent()
    if not sys.stderr.isatty():
        return Lines(unit=unit)
    try:
        return Bar(unit)
    except ImportError:
        return Lines(unit=unit)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
