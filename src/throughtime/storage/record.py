"""config.json: a typed record of a model's folder, checked when it is read, never changed in place."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from throughtime.errors import UserError, located
from throughtime.options import Checked, Json
from throughtime.storage.folder import CONFIG, read_json, write_json

FORMAT_VERSION = 2
"""What is written. Format 1 is read too: each task that had it says how it becomes this one, in its format_1.py."""


@dataclass(frozen=True)
class Nothing(Checked):
    """A section of which there is nothing to keep."""


@dataclass(frozen=True)
class Choice(Checked):
    """An option that nobody gave a value, and what was taken. why: in a few words, what of the data, the budget or the
    machine it follows from."""

    who = "choice"

    name: str
    value: Any
    why: str = ""

    def __str__(self) -> str:
        return f"{self.name} {_short(self.value)}"


def _short(value: Json) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_short(one) for one in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Start(Checked):
    """The model that a training started from, and how much of what it knew was forgotten.

    folder, sha256: of that model, where it was and what it was. measure: of what, as text ("accuracy", "nats per
    character"), of: on what, both "" where nothing could be measured; note: why not, and what else is to be said of
    the start. before, after: of that model and of this one.
    """

    who = "start"

    folder: str
    sha256: str
    measure: str = ""
    of: str = ""
    before: float | None = None
    after: float | None = None
    note: str = ""

    @property
    def sentence(self) -> str:
        """What was forgotten, in words."""
        if self.before is None:
            return f"started from {self.folder}; what is forgotten cannot be measured: {self.note}"
        after = "" if self.after is None else f" before, {self._figure(self.after)} after"
        told = f"started from {self.folder}; on {self.of}: {self.measure} {self._figure(self.before)}{after}"
        return f"{told}; {self.note}" if self.note else told

    def _figure(self, value: float) -> str:
        share = self.measure in SHARES
        return f"{value:.2%}" if share else f"{value:.4g}"


SHARES = ("accuracy", "span F1", "token accuracy")
"""Measures that are shares of 1, and the higher the better; of others less is better."""


class Section(Protocol):
    """A part of the record."""

    def to_json(self) -> Json:
        """Plain values."""

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Rebuild from `to_json`; UserError says what is wrong."""


Model = TypeVar("Model", bound=Section)
Chosen = TypeVar("Chosen", bound=Section)
Data = TypeVar("Data", bound=Section)
Decided = TypeVar("Decided", bound=Section)


@dataclass(frozen=True)
class ModelRecord(Generic[Model, Chosen, Data, Decided]):
    """What a folder's config.json says.

    task: its name. model: sizes and traced recurrences. options: what it was trained with. data: what it learned from,
    as far as that is kept. decided: what was found on the validation part once it had learned. parameters: their
    number. environment: versions and machine of the training. choices: which options were chosen by the data and the
    budget, and why. start: the model that the training started from, None for none.
    """

    task: str
    model: Model
    options: Chosen
    data: Data
    decided: Decided
    parameters: int
    environment: Mapping[str, Json] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    start: Start | None = None

    def to_json(self) -> Json:
        """What config.json holds."""
        return {
            "format_version": FORMAT_VERSION,
            "task": self.task,
            "model": self.model.to_json(),
            "options": self.options.to_json(),
            "data": self.data.to_json(),
            "decided": self.decided.to_json(),
            "parameters": self.parameters,
            "environment": dict(self.environment),
            "choices": [choice.to_json() for choice in self.choices],
            **({} if self.start is None else {"start": self.start.to_json()}),
        }

    def write(self, folder: Path) -> None:
        """Into a folder's config.json, atomically."""
        write_json(folder / CONFIG, self.to_json())


@dataclass(frozen=True)
class Schema(Generic[Model, Chosen, Data, Decided]):
    """Of what types a task's record is made. upgrade: turns config.json of format 1 into that of format 2."""

    task: str
    model: type[Model]
    options: type[Chosen]
    data: type[Data]
    decided: type[Decided]
    upgrade: Callable[[dict[str, Json], Path], dict[str, Json]] | None = None

    def read(self, folder: str | os.PathLike[str]) -> ModelRecord[Model, Chosen, Data, Decided]:
        """The record of a model's folder; UserError where it is none of this task, or damaged."""
        place = Path(folder)
        task, raw = read_task(place)
        if task != self.task:
            raise UserError(f"{place}: expected a model of the task {self.task}, its task is {task}")
        return self.of_json(raw, place)

    def of_json(self, raw: dict[str, Json], place: Path) -> ModelRecord[Model, Chosen, Data, Decided]:
        """The record of what stands in a config.json. place: the folder, for errors."""
        try:
            if raw["format_version"] == 1:
                if self.upgrade is None:
                    raise UserError(f"there is no format 1 of the task {self.task}; the file is damaged")
                raw = self.upgrade(raw, place)
            count, environment = raw.get("parameters", 0), raw.get("environment", {})
            if type(count) is not int or not isinstance(environment, dict):
                raise UserError("parameters must be a number and environment an object; the file is damaged")
            if missing := [name for name in ("model", "options", "data", "decided") if name not in raw]:
                raise UserError(f"{', '.join(missing)} missing; the file is damaged")
            choices = raw.get("choices", [])
            if not isinstance(choices, list):
                raise UserError("choices must be a list; the file is damaged")
            return ModelRecord(
                self.task,
                self.model.from_json(raw["model"]),
                self.options.from_json(raw["options"]),
                self.data.from_json(raw["data"]),
                self.decided.from_json(raw["decided"]),
                count,
                environment,
                tuple(Choice.from_json(choice) for choice in choices),
                None if raw.get("start") is None else Start.from_json(raw["start"]),
            )
        except UserError as error:
            raise UserError(located(str(error), place, place / CONFIG)) from None


def read_task(folder: str | os.PathLike[str]) -> tuple[str, dict[str, Json]]:
    """The task of a model's folder, and its config.json as it stands; UserError where it is no such folder."""
    place = Path(folder)
    if not (place / CONFIG).is_file():
        raise UserError(f"{place}: expected a model folder, there is no {CONFIG} in it; train one with --out")
    raw = read_json(place / CONFIG)
    if not isinstance(raw, dict) or type(raw.get("format_version")) is not int:
        raise UserError(f"{place / CONFIG}: not written by throughtime, no format_version; name another folder")
    version = raw["format_version"]
    if not 1 <= version <= FORMAT_VERSION:
        remedy = "update throughtime" if version > FORMAT_VERSION else "the file is damaged"
        got = str(version)[:20]
        raise UserError(f"{place / CONFIG}: expected format_version {FORMAT_VERSION}, got {got}; {remedy}")
    task = raw.get("task")
    if not isinstance(task, str):
        raise UserError(f"{place / CONFIG}: expected the name of a task, got {reprlib.repr(task)}")
    return task, raw


def training_of_format_1(raw: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json], dict[str, Json]]:
    """Of a config.json of format 1: the options that every task had, and its sections training and data."""
    run, data = raw.get("training", {}), raw.get("data", {})
    if not isinstance(run, dict) or not isinstance(data, dict):
        raise UserError("expected the settings of a training, training and data; the file is damaged")
    same: tuple[str, ...] = (
        "learning_rate",
        "final_fraction",
        "warm_up",
        "clip",
        "beta_1",
        "beta_2",
        "weight_decay",
        "average",
    )
    same += ("validations", "patience", "log_every", "checkpoint_seconds", "batch", "seed", "threads")
    options = {name: run[name] for name in same if name in run}
    if run.get("unit") in ("minutes", "epochs", "steps") and "budget" in run:
        whole = run["unit"] != "minutes" and isinstance(run["budget"], float) and run["budget"].is_integer()
        options[run["unit"]] = int(run["budget"]) if whole else run["budget"]
    if run.get("memory") is not None:
        options["chrono"] = run["memory"]
    return options, run, data
