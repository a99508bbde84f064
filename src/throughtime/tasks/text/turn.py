"""What is written, piece by piece, and who goes on from a model's state."""

from __future__ import annotations

import numpy as np


class Piece(str):
    """Text as it is written; `sample` says which of several samples it belongs to."""

    __slots__ = ("sample",)
    sample: int


class Turn:
    """Who goes on from the model's state: a thread that reads, or a text that is written, with logits of its own."""

    __slots__ = ("logits", "thread", "writes")

    def __init__(self, thread: int | None, writes: bool, logits: np.ndarray) -> None:
        self.thread, self.writes, self.logits = thread, writes, logits
