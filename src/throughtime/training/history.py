"""history.jsonl: one JSON object a line, written as training goes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from throughtime.runtime.folder import write_atomically


class History:
    """Appends lines to a file, or only keeps them in `lines` where path is None.

    until: when a run goes on, lines of later steps than this are dropped first; None starts a new history.
    """

    def __init__(self, path: Path | None, until: int | None = None) -> None:
        self.lines: list[dict[str, Any]] = []
        self._file = None
        if path is None:
            return
        if until is not None and path.is_file():
            self.lines = [line for line in read(path) if line.get("step", 0) <= until]
        write_atomically(path, b"".join(_encode(line) for line in self.lines))
        self._file = open(path, "ab")  # noqa: SIM115 - stays open for the run

    def add(self, **line: Any) -> None:
        """One more line; numbers that are not finite become null, which JSON can say."""
        self.lines.append(line)
        if self._file is not None:
            self._file.write(_encode(line))
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a history; a last line cut off by a crash is left out."""
    lines = []
    for row in path.read_bytes().splitlines():
        try:
            line = json.loads(row)
        except ValueError:
            continue
        if isinstance(line, dict):
            lines.append(line)
    return lines


def _encode(line: dict[str, Any]) -> bytes:
    clean = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in line.items()}
    return (json.dumps(clean, ensure_ascii=False) + "\n").encode()
