"""history.jsonl: one JSON object a line, written as training goes."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any, BinaryIO

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.storage.folder import read_file, write_atomically


class History:
    """Appends lines to a file, or only keeps them in `lines` where path is None.

    keep: when a run goes on, how many lines of the file still hold, the others are dropped; None starts a new history.
    A line that cannot be written (a full disk) is kept, and the whole file is written again as soon as that works.
    Raises UserError where the file cannot be written at the start, or still not when it is closed.
    """

    def __init__(self, path: Path | None, keep: int | None = None) -> None:
        self.lines: list[dict[str, Json]] = []
        self._path = path
        self._file: BinaryIO | None = None
        if path is None:
            return
        if keep is not None and path.is_file():
            self.lines = read(path)[:keep]
        self._rewrite()

    def add(self, **line: Any) -> None:
        """One more line; numbers that are not finite become null, which JSON can say."""
        self.lines.append(line)
        if self._path is None:
            return
        try:
            if self._file is None:
                self._rewrite()
            else:
                self._file.write(_encode(line))
        except (OSError, UserError):
            self._drop()

    def close(self) -> None:
        """Write what is still missing, and close the file."""
        try:
            if self._path is not None and self._file is None:
                self._rewrite()
        finally:
            self._drop()

    def _rewrite(self) -> None:
        assert self._path is not None
        write_atomically(self._path, b"".join(_encode(line) for line in self.lines))
        number = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._file = open(number, "ab", buffering=0)  # noqa: SIM115 - stays open for the run

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def read(path: Path) -> list[dict[str, Json]]:
    """The lines of a history; a last line cut off by a crash is left out."""
    lines = []
    for row in read_file(path).splitlines():
        try:
            line = json.loads(row)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict):
            lines.append(line)
    return lines


def _encode(line: dict[str, Json]) -> bytes:
    return (json.dumps(_finite(line), ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(entry) for name, entry in value.items()}
    return [_finite(entry) for entry in value] if isinstance(value, list | tuple) else value
