"""A run of training in a model's folder: begun, gone on with, summed up. What every task shares."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from throughtime.errors import UserError
from throughtime.storage.folder import (
    CHECKPOINT,
    CONFIG,
    HISTORY,
    WEIGHTS,
    read_config,
    remove_temporaries,
    write_json,
)
from throughtime.training.settings import Settings

if TYPE_CHECKING:
    from throughtime.training.best import Best
    from throughtime.training.job import Job
    from throughtime.training.loop import Outcome
    from throughtime.training.progress import Progress

Budget = tuple[float, str]


def need_torch() -> None:
    """UserError where PyTorch is missing; asked before anything in a folder changes."""
    try:
        import torch  # noqa: F401
    except ImportError:
        raise UserError("training needs PyTorch: pip install 'throughtime[train]'") from None


def budget(minutes: float | None, epochs: int | None, steps: int | None) -> Budget | None:
    """The one budget that is given, as (amount, unit), or None; UserError for more than one."""
    given = [(v, unit) for v, unit in ((minutes, "minutes"), (epochs, "epochs"), (steps, "steps")) if v is not None]
    if len(given) > 1:
        raise UserError(f"training: give one budget, got {' and '.join(unit for _, unit in given)}")
    if given and (isinstance(given[0][0], bool) or not math.isfinite(given[0][0])):
        raise UserError(f"training: {given[0][1]} must be a number, got {given[0][0]!r}")
    return given[0] if given else None


def settings_of(given: Budget, changes: Mapping[str, Any]) -> Settings:
    """The settings of a new run: a budget, and fields of Settings by name. UserError for an unknown field."""
    try:
        return Settings(budget=given[0], unit=given[1], **changes)
    except TypeError as error:
        raise UserError(f"training: {error}".replace("Settings.__init__() ", "")) from None


def refuse_existing(folder: Path | None, force: bool) -> None:
    """UserError where there is a model that nobody said to replace."""
    if folder is not None and (folder / CONFIG).exists() and not force:
        raise UserError(f"{folder}: there is a model already; go on with --resume or overwrite it with --force")


@contextmanager
def begun(
    folder: Path | None, force: bool, config: dict[str, Any], files: Mapping[str, Any], threads: int
) -> Iterator[None]:
    """Inside, the folder is this process's, and that of a new run.

    config: becomes config.json, the environment is added to it. files: name -> content of further JSON files. None as
    a folder keeps all in memory. config.json goes first and comes last, so that no two runs mix.
    """
    from throughtime.storage.environment import environment
    from throughtime.training.lock import locked

    with locked(folder):
        refuse_existing(folder, force)  # nobody else may have been quicker
        config["environment"] = environment(threads)
        if folder is not None:
            remove_temporaries(folder)
            old: tuple[str | Path, ...] = (CONFIG, CHECKPOINT, WEIGHTS, HISTORY, *files)
            for each in old:
                (folder / each).unlink(missing_ok=True)
            for name, content in files.items():
                write_json(folder / name, content)
            write_json(folder / CONFIG, config)
        yield


@dataclass(frozen=True)
class Stored:
    """What a folder's config.json says of its training: settings, and what the task keeps beside them."""

    folder: Path
    config: dict[str, Any]
    settings: Settings
    own: dict[str, Any]
    data: dict[str, Any]

    @contextmanager
    def gone_on(self, given: Budget | None, changes: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Settings]]:
        """Inside, the folder is this process's; yields its configuration and settings, with the changes in them."""
        from throughtime.training.lock import locked

        config, settings = self.config, self.settings
        if given is not None:
            changes = {**changes, "budget": given[0], "unit": given[1]}
        if changes:
            settings = Settings.from_json({**settings.to_json(), **changes})
            config = {**config, "training": {**config["training"], **settings.to_json()}}
        with locked(self.folder):
            remove_temporaries(self.folder)
            if changes:
                write_json(self.folder / CONFIG, config)
            yield config, settings


def stored(folder: Path | None) -> Stored:
    """The run in a folder; UserError where there is none, or none that can be gone on with."""
    if folder is None:
        raise UserError("training: resume needs the folder of the run to go on with, out")
    if not (folder / CONFIG).is_file():
        raise UserError(f"{folder}: there is no run to go on with; start one without --resume")
    config = read_config(folder)
    run, data = config.get("training"), config.get("data")
    for name, section in (("training", run), ("data", data)):
        if not isinstance(section, dict):
            raise UserError(f"{folder / CONFIG}: expected the settings of a training, {name!r} is missing")
    assert isinstance(run, dict)
    assert isinstance(data, dict)
    names = {field.name for field in fields(Settings)}
    shared = {name: value for name, value in run.items() if name in names}
    own = {name: value for name, value in run.items() if name not in names}
    if not (folder / CHECKPOINT).is_file():
        raise UserError(f"{folder}: there is no checkpoint to go on from; start again with --force")
    return Stored(folder, config, Settings.from_json(shared), own, data)


def learn(
    job: Job, settings: Settings, folder: Path | None, resume: bool, progress: Progress, threads: int, best: Best
) -> Outcome:
    """Train on so many threads; the best parameters are with `best` afterwards."""
    import torch

    from throughtime.training.loop import train

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        outcome = train(job, settings, folder, resume, progress)
    finally:
        torch.set_num_threads(before)
        best.close()
    if outcome.ended == "interrupted":
        kept = f"; the best model is in {folder}, go on with --resume" if folder else ""
        progress.note(f"stopped at step {outcome.steps}{kept}")
    return outcome


def summary(folder: Path, outcome: Outcome, config: Mapping[str, Any], unit: str) -> dict[str, Any]:
    """What a command prints of a run; unit: what the job counts, "tokens"."""
    found: dict[str, Any] = {
        "directory": str(folder),
        "ended": outcome.ended,
        "steps": outcome.steps,
        "epochs": outcome.epochs,
        "seconds": round(outcome.seconds, 3),
        f"{unit}_per_second": round(outcome.tokens / max(1e-9, outcome.seconds), 1),
        "parameters": config["parameters"],
        "validation_loss": outcome.best,
        "clipped": outcome.clipped,
        "checkpointing": round(outcome.checkpointing, 3),
        "warnings": outcome.warnings,
    }
    if outcome.signal is not None:
        found["signal"] = outcome.signal
    return found


def add_evaluation(folder: Path, outcome: Outcome, evaluation: Mapping[str, Any]) -> None:
    """The scores of the run's model, as the last line of its history."""
    from throughtime.training.history import History

    history = History(folder / HISTORY, keep=len(outcome.history))
    history.add(step=outcome.steps, evaluation=evaluation)
    history.close()
