"""The committed models of other frameworks, and what their writers computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "fixtures"
NAMES = sorted(file.stem for file in FOLDER.glob("*.npz"))


def model_file(name: str) -> Path:
    """The file or folder of a model."""
    return next(p for p in (FOLDER / f"{name}.h5", FOLDER / f"{name}.keras", FOLDER / name) if p.exists())


def calls(name: str) -> list[tuple[list[Any], Any]]:
    """Inputs and output of each call."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        found = []
        for n in range(9):
            if f"y{n}" in arrays:
                found.append(([arrays[k] for k in sorted(arrays.files) if k.startswith(f"x{n}_")], arrays[f"y{n}"]))
    return found
