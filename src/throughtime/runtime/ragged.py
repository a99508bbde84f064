"""Texts of any lengths in batches of about the same cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import TypeVar

import numpy as np

TOKENS = 16_384
"""Tokens of a batch, what lies behind the ends of its rows included: what bounds the memory."""

ROWS = 512
"""Rows of a batch at most."""

Kind = TypeVar("Kind")


def batches(lengths: np.ndarray, tokens: int = TOKENS, rows: int = ROWS) -> Iterator[np.ndarray]:
    """Rows (N,) by length in batches of at most `tokens` (a longer row alone) and `rows`."""
    order = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(order):
        # rows rise, so the last one is the longest
        ahead = lengths[order[first : first + rows]]
        fit = int((ahead * np.arange(1, len(ahead) + 1) <= tokens).sum())
        yield order[first : first + max(1, fit)]
        first += max(1, fit)


def chunks(items: Iterable[Kind], size: int, most: int = 1_000_000) -> Iterator[Sequence[Kind]]:
    """Items as they come, some at a time: at most `size`, and no more than that have `most` parts in all, or one."""
    part: list[Kind] = []
    total = 0
    for item in items:
        length = len(item) if isinstance(item, Sized) else 1  # what is no text is refused later
        if part and total + length > most:
            yield part
            part, total = [], 0
        part.append(item)
        total += length
        if len(part) >= size:
            yield part
            part, total = [], 0
    if part:
        yield part
