"""A run of training in a model's folder: begun, gone on with, summed up. What every task shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from throughtime.errors import UserError, needed
from throughtime.options import Json
from throughtime.storage.folder import (
    CHECKPOINT,
    CONFIG,
    HISTORY,
    WEIGHTS,
    File,
    remove,
    remove_temporaries,
    write_files,
)
from throughtime.storage.record import ModelRecord, Schema
from throughtime.training.settings import Settings

if TYPE_CHECKING:
    from throughtime.training.best import Best
    from throughtime.training.job import Job
    from throughtime.training.loop import Outcome
    from throughtime.training.progress import Progress

Record = TypeVar("Record", bound=ModelRecord[Any, Any, Any, Any])


def need_torch() -> None:
    """UserError where PyTorch is missing; asked before anything in a folder changes."""
    try:
        import torch  # noqa: F401
    except ImportError:
        raise UserError(f"training needs PyTorch: {needed('train')}") from None


def torch_threads() -> int:
    """How many threads torch takes by itself."""
    import torch

    return torch.get_num_threads()


def refuse_existing(folder: Path | None, force: bool) -> None:
    """UserError where there is a model that nobody said to replace."""
    if folder is not None and (folder / CONFIG).exists() and not force:
        raise UserError(f"{folder}: there is a model already; go on with --resume or overwrite it with --force")


def forget(folder: Path, beside: Sequence[str]) -> None:
    """Remove what another model may have left in a folder, config.json first. beside: files of the task."""
    files: tuple[str | Path, ...] = (CONFIG, CHECKPOINT, WEIGHTS, HISTORY, *beside)
    for name in files:
        remove(folder / name)


def clear(folder: Path, beside: Sequence[str]) -> None:
    """`forget`, where no other training is at work in the folder; UserError where one is."""
    from throughtime.training.lock import locked

    with locked(folder):
        forget(folder, beside)


@contextmanager
def at_work(
    folder: Path | None,
    record: Record,
    files: Mapping[str, File],
    beside: Sequence[str],
    threads: int,
    resume: bool,
    force: bool,
) -> Iterator[Record]:
    """Inside, the folder is this process's, its record and files are those of this run; yields the record as written.

    None as a folder keeps all in memory. Of a new run config.json goes first and comes last, so that no two runs mix.
    """
    from throughtime.storage.environment import environment
    from throughtime.training.interrupt import telling
    from throughtime.training.lock import locked

    with locked(folder):
        if not resume:
            refuse_existing(folder, force)  # nobody else may have been quicker
            record = replace(record, environment=environment(threads))
        if folder is not None:
            remove_temporaries(folder)
            if not resume:
                forget(folder, beside)
                write_files(folder, files)
            record.write(folder)
        with telling(lambda: _left(folder)):
            yield record


def _left(folder: Path | None) -> str:
    """What there is of a run that was stopped, and how to go on."""
    if folder is None:
        return "what was learned was kept in memory alone"
    if (folder / CHECKPOINT).is_file():
        return f"the run in {folder} goes on with --resume"
    return f"nothing was learned yet; {folder} holds no checkpoint, start again with --force"


def stored(schema: Schema[Any, Any, Any, Any], folder: Path | None) -> ModelRecord[Any, Any, Any, Any]:
    """The record of the run in a folder; UserError where there is none that can be gone on with."""
    from throughtime.training import checkpoint

    if folder is None:
        raise UserError("training: resume needs the folder of the run to go on with, out")
    if not (folder / CONFIG).is_file():
        raise UserError(f"{folder}: there is no run to go on with; start one without --resume")
    record = schema.read(folder)
    if not (folder / CHECKPOINT).exists():
        raise UserError(f"{folder}: there is no checkpoint to go on from; start again with --force")
    checkpoint.load(folder / CHECKPOINT)  # what is damaged is told before anything is written
    return record


def best(folder: Path | None, note: Callable[[str], None]) -> Best:
    """Where the best parameters of a run are kept."""
    from throughtime.training.best import Best

    return Best(folder / WEIGHTS if folder else None, note)


def learn(
    job: Job, options: Settings, folder: Path | None, resume: bool, progress: Progress, threads: int, best: Best
) -> Outcome:
    """Train on so many threads; the best parameters are with `best` afterwards."""
    import torch

    from throughtime.training.loop import train

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        outcome = train(job, options.part(Settings), folder, resume, progress)
    finally:
        torch.set_num_threads(before)
        best.close()
    if outcome.ended == "interrupted":
        there = f"; the best model is in {folder}, go on with --resume" if folder else ""
        progress.note(f"stopped at step {outcome.steps}{there}")
    return outcome


def summary(folder: Path, outcome: Outcome, parameters: int, unit: str) -> dict[str, Json]:
    """What a command prints of a run. unit: what the job counts, "tokens"."""
    values: dict[str, Json] = {
        "directory": str(folder),
        "ended": outcome.ended,
        "steps": outcome.steps,
        "epochs": outcome.epochs,
        "seconds": round(outcome.seconds, 3),
        f"{unit}_per_second": round(outcome.tokens / max(1e-9, outcome.seconds), 1),
        "parameters": parameters,
        "validation_loss": outcome.best,
        "clipped": outcome.clipped,
        "checkpointing": round(outcome.checkpointing, 3),
        "warnings": outcome.warnings,
    }
    if outcome.signal is not None:
        values["signal"] = outcome.signal
    return values


def add_evaluation(folder: Path, outcome: Outcome, evaluation: Mapping[str, Json]) -> None:
    """The scores of the run's model, as the last line of its history."""
    from throughtime.training.history import History

    history = History(folder / HISTORY, keep=len(outcome.history))
    history.add(step=outcome.steps, evaluation=evaluation)
    history.close()
