"""Work memory of the engine is filled with NaN in every test: what is read before it is written shows."""

from __future__ import annotations

import os

os.environ.setdefault("THROUGHTIME_POISON", "1")  # before throughtime is imported; subprocesses inherit it
