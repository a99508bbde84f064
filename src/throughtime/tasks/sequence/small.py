"""A model's folder made small: its matrices in eight bits, and nothing that only a training that goes on would need."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.storage.folder import CONFIG, WEIGHTS, make_folder, read_file, read_weights, write_atomically
from throughtime.storage.folder import write_weights as write_arrays
from throughtime.storage.int8 import packed
from throughtime.storage.record import read_task
from throughtime.tasks.load import load

TASKS = ("translate", "summarize", "chat")
"""Whose models can be written so."""

_ENDS = (".json", ".jsonl", ".safetensors")
"""Of what is copied."""


def write(directory: Path, out: Path) -> dict[str, Any]:
    """Write the folder of a model into a new one, and load it from there. UserError where the task's models are not
    written so, or where there is something already; what to tell of it."""
    task, _ = read_task(directory)
    if task not in TASKS:
        raise UserError(f"export: --to int8 is for models of {', '.join(TASKS)}, this one is of {task}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: there is something already; name another folder with --out")
    load(directory)  # what is damaged is told before anything is written
    make_folder(out)
    weights = read_weights(directory / WEIGHTS)
    small = packed(weights)
    for file in sorted(directory.iterdir()):
        if file.suffix in _ENDS and file.is_file() and file.name not in (CONFIG, WEIGHTS):
            write_atomically(out / file.name, read_file(file))
    write_arrays(out / WEIGHTS, small)
    write_atomically(out / CONFIG, read_file(directory / CONFIG))  # the last one: it makes a model's folder of it
    load(out)
    again = read_weights(out / WEIGHTS)
    apart = max(float(np.abs(again[name] - value).max(initial=0.0)) for name, value in weights.items())
    largest = max(float(np.abs(value).max(initial=0.0)) for value in weights.values())
    return {
        "matrices": sum(value.dtype == np.int8 for value in small.values()),
        "megabytes": round(sum(os.stat(file).st_size for file in out.iterdir()) / 1e6, 2),
        "weights apart": f"{apart:.2g} at most, the largest weight is {largest:.2g}",
    }
