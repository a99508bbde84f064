"""Texts of any lengths in batches of about the same cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
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


def chunks(items: Iterable[Kind], size: int) -> Iterator[Sequence[Kind]]:
    """Items as they come, some at a time."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part
