"""Learn into a folder and score what nothing was chosen by: what `throughtime train TASK` does, for every task."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.storage.folder import CHECKPOINT, CONFIG, WEIGHTS, write_atomically
from throughtime.tasks import TASKS, part


def train(
    task: str,
    data: Any,
    out: str | Path,
    *,
    evaluate: bool = True,
    resume: bool = False,
    force: bool = False,
    quiet: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Train on data into a folder, then score the part of it that was kept apart, beside the baselines.

    task: a name of TASKS. data: what the task's class takes as a file. evaluate: whether to score. options: of the
    task, where nothing is said with the defaults that commands have; of a run that goes on only what changes. resume:
    go on, or begin where there is nothing to go on with, so that the same command may be given again and again. Returns
    directory, ended, steps, epochs, seconds, speed, parameters, validation_loss, clipped, checkpointing (seconds of
    this run), warnings, notes on the data, start where it started from a model, signal where one stopped
    the training or the score, and evaluation where there is one.
    """
    from throughtime.training.interrupt import Terminated, telling, terminable
    from throughtime.training.progress import choose
    from throughtime.training.run import add_evaluation, summary

    learner = getattr(part(task, "estimator"), TASKS[task].estimator)
    folder = Path(out)
    if resume and force:
        raise UserError(f"{folder}: go on with --resume, or replace it with --force, not both")
    begun = (folder / CONFIG).exists()
    cut_off = not any((folder / name).exists() for name in (CHECKPOINT, WEIGHTS))
    with telling(lambda: f"nothing was learned yet, {folder} is as it was"):
        if resume and begun and not cut_off:
            model = learner().fit_file(data, folder, True, force, quiet, options)
        else:
            chosen = learner.schema.options.for_command(**options)
            model = learner.of(chosen, options).fit_file(data, folder, False, force or (resume and begun), quiet, {})
    outcome, record = model.outcome, model.record
    folder = model.folder  # of two trainings the first may be the one that was interrupted
    values = {**summary(folder, outcome, record.parameters, model.unit), "notes": model.notes()}
    if record.start is not None:
        values["start"] = record.start.to_json() | {"sentence": record.start.sentence}
    if evaluate and outcome.ended != "interrupted":
        note = choose(quiet, model.unit).note
        try:
            with terminable():
                evaluation = model.score_held_out(note)
        except (KeyboardInterrupt, Terminated) as stop:
            score = f"throughtime evaluate {folder} DATA"
            note(f"stopped before it was scored; the model is in {folder}, {score} scores it")
            number = stop.number if isinstance(stop, Terminated) else signal.SIGINT
            values["signal"], evaluation = int(number), None
        if evaluation is not None:
            values["evaluation"] = evaluation
            try:
                add_evaluation(folder, outcome, evaluation)
            except UserError as error:  # a full disk: the scores are told all the same
                note(f"the scores are not in the history: {error}")
    return values


def refuse_other(out: Path, file: str, write: Callable[[], str]) -> Path:
    """Write a demonstration's data into its folder, which may hold an earlier demonstration; the file's path.

    UserError where the folder holds another model.
    """
    if (out / CONFIG).exists() and not (out / file).exists():
        raise UserError(f"{out}: holds a model that is no demonstration; choose another folder with --out")
    write_atomically(out / file, write().encode())
    return out / file
