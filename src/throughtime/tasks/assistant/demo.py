"""What the demonstrations that learn from a home assistant's sentences have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from throughtime.storage.folder import write_atomically
from throughtime.tasks import part
from throughtime.tasks.train import refuse_other, train


def run(
    task: str,
    tables: Callable[[int], Mapping[str, str]],
    out: Path,
    seed: int,
    threads: int | None,
    quiet: bool,
    options: Mapping[str, object],
) -> dict[str, Any]:
    """Write the sentences into a folder, learn them there, score phrasings never seen; the summary of `train`.

    tables: of a seed the files' names and texts: to learn from, to choose by, to score. out may hold an earlier
    demonstration, which is replaced; UserError where it holds another model.
    """
    options = {**options, "seed": seed, "threads": threads}
    part(task, "options").OPTIONS(**options)  # refuses wrong numbers before anything is written
    (table, text), (validation, held), (test, scored) = tables(seed).items()
    refuse_other(out, table, lambda: text)
    write_atomically(out / validation, held.encode())
    write_atomically(out / test, scored.encode())
    every: dict[str, Any] = {**options, "test": str(out / test), "validation": str(out / validation)}
    return train(task, str(out / table), out, force=True, quiet=quiet, **every)


def budget(epochs: int, minutes: float | None, options: Mapping[str, object]) -> dict[str, Any]:
    """Options with a budget: so many epochs where neither minutes nor another one are given."""
    usual: dict[str, Any] = {"epochs": epochs} if minutes is None else {"minutes": minutes}
    return {**({} if {"steps", "epochs"} & options.keys() else usual), **options}
