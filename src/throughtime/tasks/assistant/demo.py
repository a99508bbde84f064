"""What the demonstrations that learn from a home assistant's sentences have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.storage.folder import CONFIG, write_atomically


def run(
    learner: Callable[..., Any],
    train: Callable[..., dict[str, Any]],
    tables: Callable[[int], Mapping[str, str]],
    epochs: int,
    out: Path,
    minutes: float | None,
    seed: int,
    threads: int | None,
    quiet: bool,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the sentences into a folder, learn them there, score phrasings never seen; the summary of `train`.

    learner: the class, which refuses wrong numbers. tables: of a seed the files' names and texts: to learn from, to
    choose by, to score. epochs: where no minutes are given. out may hold an earlier demonstration, which is replaced;
    UserError where it holds another model.
    """
    from throughtime.training.settings import Settings

    learner(seed=seed, threads=threads)  # these two refuse wrong numbers before anything is written
    budget: dict[str, Any] = {"epochs": epochs} if minutes is None else {"minutes": minutes}
    Settings(budget=epochs if minutes is None else minutes, unit=next(iter(budget)))
    texts = tables(seed)
    table, validation, test = (out / name for name in texts)
    if (out / CONFIG).exists() and not table.exists():
        raise UserError(f"{out}: holds a model that is no demonstration; choose another folder with --out")
    for name, text in texts.items():
        write_atomically(out / name, text.encode())
    given = {} if {"steps", "epochs"} & options.keys() else budget
    own = {**given, "seed": seed, "threads": threads, **options}
    return train(table, out, test=test, validation=str(validation), force=True, quiet=quiet, **own)
