"""A trained model that another training starts from: what is taken over of it, what may not be another.

    throughtime train TASK NEW --from DIR --out DIR2          fit(new, out=DIR2, start=DIR)

The weights, the tokenizer, the statistics and the options are those of DIR, which is only read. A training that starts
so has less to learn: where nobody says otherwise its highest rate is RATE times the usual one, and it lasts TIME of the
usual time. docs/going_on.md says what these rest on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from throughtime.errors import UserError
from throughtime.models.resolve import Carried
from throughtime.models.stack import Stack
from throughtime.storage.folder import CONFIG, WEIGHTS, read_file
from throughtime.storage.record import Choice, ModelRecord, Start
from throughtime.tasks import part
from throughtime.tasks.load import task_of
from throughtime.tasks.options import TaskOptions

RATE, TIME = 0.3, 1 / 3
"""Of the highest learning rate, and of the time, of a training anew."""

Chosen = TypeVar("Chosen", bound=TaskOptions)


class Memory(NamedTuple):
    """How well a model does on what an earlier one kept apart. measure: "accuracy" and the like; of: on what."""

    measure: str
    of: str
    value: float


@dataclass(frozen=True)
class Earlier:
    """A trained model. folder: where it is. record: what its folder says. model: as it runs. sha256: of all that."""

    folder: Path
    record: ModelRecord[Any, Any, Any, Any]
    model: Any
    sha256: str

    @classmethod
    def of(cls, schema: Any, place: str, others: Sequence[str]) -> Earlier | None:
        """The model in a folder; None for one of other tasks that a training may start from. UserError for the rest."""
        folder = Path(place)
        task = task_of(folder)
        if task in others and task != schema.task:
            return None
        if task != schema.task:
            names = " or ".join(dict.fromkeys((schema.task, *others)))
            raise UserError(f"{place}: expected a model of the task {names} to start from, its task is {task}")
        record = schema.read(folder)
        return cls(folder, record, part(task, "stream").load(folder, None), fingerprint(folder))

    def taken_over(self, given: Chosen, said: Collection[str]) -> Chosen:
        """Options: what that model was trained with, but for what is of one training, and for what somebody said.

        Raises UserError where that is another shape of the model."""
        kept: dict[str, Any] = {}
        for one in given.declared():
            before, now = getattr(self.record.options, one.name), getattr(given, one.name)
            if one.rule.once:
                continue
            if one.name in said and now is not None:
                if not one.rule.shapes:
                    continue
                if one.plain(now) != one.plain(before):
                    flag = one.rule.flag or f"--{one.name.replace('_', '-')}"
                    raise UserError(
                        f"{given.who}: the model in {self.folder} has {one.name} {one.plain(before)}, and what starts "
                        f"from it too; leave {flag} out, or train anew"
                    )
            kept[one.name] = before
        kept["cell"] = _carried(kept["cell"], self.record.model)
        return given.replaced(**kept)


def _carried(cell: Any, model: Any) -> Any:
    """The names of a model's cells; where they are files, which are never run, with the recurrences that it carries."""
    layers = getattr(model, "layers", ())
    layers = layers.layers if isinstance(layers, Stack) else layers
    traces = [(one[0] if isinstance(one, tuple) else one).trace for one in layers]
    named = list(cell) if isinstance(cell, list | tuple) else [cell]
    found = [
        Carried(name, trace) if isinstance(name, str) and ".py:" in name else name
        for name, trace in zip_longest(named, traces[: len(named)])
    ]
    return found if isinstance(cell, list | tuple) else found[0]


def fingerprint(folder: Path) -> str:
    """Of a model: its record and its weights."""
    sha = hashlib.sha256()
    for name in (CONFIG, WEIGHTS):
        try:
            sha.update(read_file(folder / name))
        except OSError as error:
            raise UserError(f"{folder / name}: cannot be read ({error.strerror or error})") from None
    return sha.hexdigest()


def check_apart(start: str, out: Path | None) -> None:
    """UserError where a training would write into the folder that it starts from."""
    if out is None:
        return
    old, new = Path(start).resolve(), out.resolve()
    if old == new or old in new.parents or new in old.parents:
        raise UserError(f"{out}: what is started from is never written, and {start} is there; give another --out")


def check_same(start: Start, earlier: Earlier | None) -> None:
    """UserError where the model that a run started from is not what it was."""
    if earlier is None or earlier.sha256 != start.sha256:
        raise UserError(f"{start.folder}: another model than the one this run started from; put it back to go on")


def eased(
    options: Chosen, choices: Sequence[Choice], said: Collection[str], budgeted: bool
) -> tuple[Chosen, list[Choice]]:
    """Options as a training has them that starts from a model, and what was chosen for that. budgeted: whether somebody
    said how long."""
    changes: dict[str, Any] = {}
    if "learning_rate" not in said:
        changes["learning_rate"] = float(f"{RATE * options.learning_rate:.2g}")
    chosen = {choice.name for choice in choices}
    if not budgeted:
        amount = TIME * options.budget
        changes[options.unit] = round(amount, 3) if options.unit == "minutes" else max(1, round(amount))
        if "warm_up" not in said:
            changes["warm_up"] = round(TIME * options.warm_up)
        if "average" in chosen and options.average:
            changes["average"] = round(max(0.9, 1 - (1 - options.average) / TIME), 4)
    why = "it starts from a trained model"
    kept = [choice for choice in choices if choice.name not in changes]
    return options.replaced(**changes), [*kept, *(Choice(name, value, why) for name, value in changes.items())]
