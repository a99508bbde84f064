"""Lines as numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.options import Checked


@dataclass(frozen=True)
class LineData(Checked):
    """What the record keeps of lines."""

    sha256: str = ""
    alphabet: str = ""

    def ids(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokens (T, B) int64, 0 behind a line's end and for unknown characters, and lengths (B,)."""
        tokens = np.zeros((max(map(len, lines), default=1), len(lines)), np.int64)
        for b, line in enumerate(lines):
            tokens[: len(line), b] = [self.alphabet.find(sign) + 1 for sign in line]
        return tokens, np.array([len(line) for line in lines])


class Lines:
    """learned: to learn from. test: kept for the score. data: see LineData."""

    def __init__(self, source: Any, holdout: float) -> None:
        lines = Path(source).read_text("utf-8").splitlines() if isinstance(source, str | Path) else list(source)
        if len(lines) < 2 or not all(isinstance(line, str) and line for line in lines):
            raise UserError(f"reverser: expected at least two lines of text, none empty, got {len(lines)}")
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        kept = len(lines) - round(holdout * len(lines))
        self.data = LineData(digest, "".join(sorted(set("".join(lines)))))
        self.learned, self.test = lines[:kept], lines[kept:]
