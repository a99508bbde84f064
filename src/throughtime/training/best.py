"""The best parameters of a run, in memory and in the model's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.storage.folder import read_weights, write_weights


class Best:
    """Keeps what it is given last, and writes it to `path` (None: memory only).

    Where the disk does not take it, that is told through `note` and tried again at the next occasion, `close` being
    the last: a full disk does not end a run.
    """

    def __init__(self, path: Path | None, note: Callable[[str], None]) -> None:
        self._path, self._note = path, note
        self._kept: dict[str, np.ndarray] = {}
        self._metadata: dict[str, str] = {}
        self._pending = False

    def keep(self, parameters: Mapping[str, np.ndarray], note: Mapping[str, Any]) -> None:
        """Take over parameters by name; note says of which step they are."""
        self._kept, self._metadata = dict(parameters), {name: str(value) for name, value in note.items()}
        self._pending = self._path is not None
        try:
            self.close()
        except UserError as error:
            self._note(f"{error}; the model is kept in memory, training goes on and will try again")

    def close(self) -> None:
        """Write what is not yet written; UserError where that fails."""
        if self._pending and self._path is not None:
            write_weights(self._path, self._kept, self._metadata)
            self._pending = False

    def parameters(self) -> dict[str, np.ndarray]:
        """What was kept last, if not in this run then in the one it goes on from."""
        if not self._kept and self._path is not None:
            return read_weights(self._path)
        return self._kept
