"""When a checkpoint is due, and what becomes of a run whose checkpoint cannot be written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from throughtime.errors import UserError
from throughtime.training import checkpoint

_SHARE = 1 / 200
"""Of the training time, the most that regular checkpoints may take."""

Content = Callable[[], tuple[Mapping[str, torch.Tensor], Mapping[str, Any]]]


class Saver:
    """Writes checkpoints to `path`, at least `seconds` apart and never for more than half a percent of the time.

    seconds 0 writes one after every step, whatever it costs. path None writes nothing. A checkpoint that cannot be
    written is told through `note` and tried again later: a full disk does not end a run, only the last write does.
    step: of the last checkpoint written, None before. spent: seconds all of them took.
    """

    def __init__(self, path: Path | None, seconds: float, note: Callable[[str], None]) -> None:
        self.path, self.seconds, self._note = path, seconds, note
        self.step: int | None = None
        self.spent = 0.0
        self._last = time.perf_counter()
        self._cost = 0.0

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        if self.path is None:
            return False
        return not self.seconds or time.perf_counter() - self._last >= max(self.seconds, self._cost / _SHARE)

    def save(self, step: int, content: Content, last: bool = False) -> None:
        """Write the checkpoint of a step. UserError where it is the last one and cannot be written."""
        if self.path is None:
            return
        began = time.perf_counter()
        try:
            checkpoint.save(self.path, *content())
            self.step = step
        except UserError as error:
            if last:
                raise
            there = (
                f"the checkpoint of step {self.step} is still there" if self.step is not None else "there is none yet"
            )
            self._note(f"{error}; {there}, training goes on and will try again")
        self._last = time.perf_counter()
        self._cost = self._last - began
        self.spent += self._cost
