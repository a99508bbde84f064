"""How long a text may be to be learned from whole, so that one among short ones neither fills the memory nor takes most
of the time."""

from __future__ import annotations

import numpy as np

TOKENS = 32_768
"""Tokens that are learned from at once, what lies behind the ends of rows included."""

_LEAST = 512
_TIMES = 4


def longest(lengths: np.ndarray) -> int:
    """Tokens of a text at most: 512, or four times what 95 of 100 texts have at most. lengths: (N,)."""
    return max(_LEAST, _TIMES * int(np.quantile(lengths, 0.95))) if len(lengths) else _LEAST


def cut_in_words(lengths: np.ndarray, how: str) -> str:
    """What happens to longer texts, in a line; "" where there are none."""
    most = longest(lengths)
    count = int((lengths > most).sum())
    if not count:
        return ""
    what = f"{count:,} texts are" if count > 1 else "1 text is"
    return f"{what} of over {most:,} tokens, the longest of {int(lengths.max()):,}: {how.format(half=most // 2)}"
