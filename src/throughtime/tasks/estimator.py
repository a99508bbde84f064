"""What every class that learns has in common: options, the order of a training, the folder."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import numpy as np

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.storage.folder import WEIGHTS, File, write_files
from throughtime.storage.record import Choice, ModelRecord, Schema, Start
from throughtime.tasks import part
from throughtime.tasks.earlier import Earlier, Memory, check_apart, check_same, eased
from throughtime.tasks.habits import Asked, folder_of, not_fitted
from throughtime.tasks.options import TaskOptions
from throughtime.training import run as runs

if TYPE_CHECKING:
    from throughtime.insight.diagnosis import Diagnosis
    from throughtime.training.best import Best
    from throughtime.training.job import Job
    from throughtime.training.loop import Outcome

Chosen = TypeVar("Chosen", bound=TaskOptions)
Examples = TypeVar("Examples")
Built = TypeVar("Built", bound="Plan")
Running = TypeVar("Running")

Say = Callable[[str], None]
"""Tells a person a line."""


@dataclass(frozen=True)
class Plan:
    """A model about to be trained.

    model: its configuration, as the record keeps it. data: what the record keeps of what is learned. parameters: the
    start, name -> array. files: what stands beside config.json before training begins.
    """

    model: Any
    data: Any
    parameters: Mapping[str, np.ndarray]
    files: Mapping[str, File] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished(Generic[Running]):
    """A model that has learned. decided: what the record keeps of what the validation part said. files: what stands
    beside config.json because of it."""

    model: Running
    decided: Any = None
    files: Mapping[str, File] = field(default_factory=dict)


class Estimator(Asked, ABC, Generic[Chosen, Examples, Built, Running]):
    """A model that learns, in scikit-learn's habits: options, fit, predict, save.

    schema: how its folder's record is read, with its class of options. unit: what its training counts. beside: names of
    the files that may stand in its folder beside those of every task. decides_when_stopped: whether what is decided is
    kept of an interrupted training too. starts: other tasks whose models a training may start from, how is its own
    affair. habits: what it is to scikit-learn. A task writes the hooks read, build, rebuild, job and finish, and grow,
    recall and memory for trainings that start from a model of the task; `fit` gives its arguments to
    `_fit`, which has the order of every training.
    """

    schema: ClassVar[Schema[Any, Any, Any, Any]]
    unit: ClassVar[str]
    beside: ClassVar[tuple[str, ...]] = ()
    decides_when_stopped: ClassVar[bool] = False
    starts: ClassVar[tuple[str, ...]] = ()
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "schema" in cls.__dict__:
            cls.__signature__ = _signature(cls.schema.options)

    def __init__(self, *values: Any, **options: Any) -> None:
        try:
            given = self.__signature__.bind(*values, **options).arguments
        except TypeError:
            for name in options:
                self.schema.options.option(name)  # names the nearest ones
            raise
        self.options: Chosen = self.schema.options(**given)
        self.record: ModelRecord[Any, Chosen, Any, Any] | None = None
        self.model: Running | None = None
        self.outcome: Outcome | None = None
        self.examples: Examples | None = None
        self.folder: Path | None = None
        self.chosen: list[Choice] = []
        """What the rule of the task chose where nobody did, of the last new training."""
        self._known: Sequence[Choice] = ()  # what was chosen before the training began
        self._said = frozenset(given)  # options that somebody gave a value
        self._earlier: Earlier | None = None  # the model that the training starts from
        self._recalled: Examples | None = None  # what that one learned from, where it is to be had
        self._files: dict[str, File] = {}
        self._parameters: Mapping[str, np.ndarray] = {}

    @classmethod
    def of(cls, options: TaskOptions, said: Collection[str] = ()) -> Self:
        """One with these options. said: those that somebody gave a value."""
        made = cls()
        made.options, made._said = options, frozenset(said)  # type: ignore[assignment]
        return made

    def __repr__(self) -> str:
        usual = type(self)().options.to_json()
        said = [f"{name}={value!r}" for name, value in self.options.to_json().items() if value != usual[name]]
        state = "not fitted" if self.model is None else self._described()
        return f"<{type(self).__name__}({', '.join(said)}): {state}>"

    def _described(self) -> str:
        """What a fitted one is, in a few words."""
        assert self.record is not None
        best = self.outcome.best if self.outcome is not None else None
        return f"{self.record.parameters:,} parameters" + ("" if best is None else f", validation loss {best:.4g}")

    # What a task writes.

    @abstractmethod
    def _build(self, examples: Examples, options: Chosen) -> Built:
        """A new model for what is to be learned."""

    def _rebuild(self, examples: Examples, record: ModelRecord[Any, Any, Any, Any], folder: Path) -> Built:
        """The model of a folder, to go on with its training; its parameters may be zeros, a checkpoint has them.
        UserError where it learned something else. Here: of a model that its record alone makes."""
        self._check_same(examples, record, folder)
        plan: Any = Plan(record.model, record.data, zeros(record.model))
        return plan  # type: ignore[no-any-return]

    def _check_same(self, examples: Any, record: ModelRecord[Any, Any, Any, Any], folder: Path) -> None:
        """UserError unless the examples are those of the run in a folder."""
        if examples.data.sha256 != record.data.sha256:
            who = self.schema.options.who
            raise UserError(f"{who}: the run in {folder} learns something else; give that, or a new --out")

    def _grow(self, examples: Examples, options: Chosen, earlier: Earlier) -> Built:
        """A model for what is to be learned that starts as an earlier one is. Here: of a model that the examples alone
        make; UserError where they would make another."""
        plan: Any = self._build(examples, options)
        if plan.model != earlier.record.model:
            raise UserError(
                f"{options.who}: the model in {earlier.folder} does not fit what is to be learned; train anew"
            )
        return replace(plan, parameters=earlier.model.parameters)  # type: ignore[no-any-return]

    def _recall(self, earlier: Earlier, examples: Examples) -> Examples | None:
        """What an earlier model learned from, in the parts it had then; None where it is not to be had."""
        return None

    def _rehearse(self, examples: Examples, recalled: Examples | None) -> Examples:
        """What is to be learned, with what of the earlier examples is learned again."""
        return examples

    def _memory(self, model: Running, recalled: Examples, examples: Examples) -> Memory | str:
        """How well a model does on what the earlier one kept apart; why that cannot be measured."""
        return "the task has no measure"

    @abstractmethod
    def _job(self, examples: Examples, plan: Built, options: Chosen, best: Best) -> tuple[Job, str]:
        """What the loop trains, and a line that says what it is."""

    @abstractmethod
    def _finish(
        self, examples: Examples, plan: Built, options: Chosen, parameters: Mapping[str, np.ndarray], say: Say | None
    ) -> Finished[Running]:
        """The trained model without torch. say: None where training was interrupted, and nothing more is decided."""

    def fit_file(
        self, data: str, out: Path, resume: bool, force: bool, quiet: bool, changes: Mapping[str, object]
    ) -> Self:
        """Learn from what a command is given: a file's name, - for standard input."""
        fit: Any = self.fit  # type: ignore[attr-defined]
        fitted: Self = fit(data, out=out, resume=resume, force=force, quiet=quiet, **changes)
        return fitted

    @abstractmethod
    def score_held_out(self, say: Say) -> dict[str, Json] | None:
        """The scores, beside the baselines, of what nothing was chosen by; None where nothing was kept apart."""

    def notes(self) -> list[str]:
        """What is to be said of the data it learned."""
        return []

    def _settle(self, examples: Examples, options: Chosen) -> tuple[Chosen, Sequence[Choice]]:
        """Options for what is to be learned where nobody chose, by the data, the budget and the machine, and what was
        chosen and why."""
        return options, ()

    # The order of every training.

    def _begin(self, options: Chosen, folder: Path | None, said: Collection[str]) -> Chosen:
        """Options of a new training, with those of the model that it starts from, if any."""
        options.check()
        self._earlier = None
        if options.start is None:
            return options
        check_apart(options.start, folder)
        self._earlier = Earlier.of(self.schema, self._start_of(options, options.start), self.starts)
        return options if self._earlier is None else self._earlier.taken_over(options, said)

    def _start_of(self, options: Chosen, start: str) -> str:
        """The folder of the model that a training starts from. start: the one that was given."""
        return start

    def _go_on(self, record: ModelRecord[Any, Any, Any, Any]) -> None:
        """Before a run goes on: the model that it started from."""
        self._earlier = None
        if record.start is not None:
            self._earlier = Earlier.of(self.schema, record.start.folder, ())
            check_same(record.start, self._earlier)

    def _examples(self, read: Callable[[Chosen], Examples], options: Chosen) -> Examples:
        """What is to be learned, with what is learned again of what the earlier model learned."""
        examples, self._recalled = read(options), None
        if self._earlier is not None:
            self._recalled = self._recall(self._earlier, examples)
            examples = self._rehearse(examples, self._recalled)
        return examples

    def _new(self, examples: Examples, options: Chosen, said: Collection[str]) -> tuple[Chosen, Built]:
        """Options without a None, and the model that is to be trained."""
        budgeted = options.budgeted
        options, choices = self._settle(examples, options)
        if self._earlier is not None:
            options, choices = eased(options, choices, said, budgeted)
        self.chosen = [*self._known, *choices]
        if self._earlier is not None:
            return options, self._grow(examples, options, self._earlier)
        return options, self._build(examples, options)

    def _remembered(self, model: Running | None, examples: Examples, start: Start | None) -> Start | None:
        """What is kept of the model that the training started from; and, of a model, what that one has forgotten."""
        earlier, recalled = self._earlier, self._recalled
        if earlier is None or (start is not None and start.before is None):
            return start
        found: Memory | str = "what it learned from is no longer there as it was"
        if recalled is not None:
            found = self._memory(earlier.model if model is None else model, recalled, examples)
        if start is None:
            place = str(earlier.folder)
            if isinstance(found, str):
                return Start(place, earlier.sha256, note=found)
            return Start(place, earlier.sha256, found.measure, found.of, found.value)
        return start if isinstance(found, str) else replace(start, after=found.value)

    def _fit(
        self,
        read: Callable[[Chosen], Examples],
        out: str | Path | None,
        resume: bool,
        force: bool,
        quiet: bool,
        changes: Mapping[str, object],
    ) -> Self:
        """Read, settle, build, begin or go on, learn, decide, save. read: makes the examples, by the options."""
        from throughtime.training.progress import choose

        runs.need_torch()  # without it nothing in the folder may change
        folder = folder_of(self.schema.options.who, out)
        if resume:
            record = runs.stored(self.schema, folder)
            assert folder is not None
            options: Chosen = record.options.changed(changes)
            self._go_on(record)
            examples = self._examples(read, options)
            plan = self._rebuild(examples, record, folder)
            record = replace(record, options=options)
        else:
            runs.refuse_existing(folder, force)
            said = self._said | changes.keys()
            options = self._begin(self.options.replaced(**changes), folder, said)
            examples = self._examples(read, options)
            options, plan = self._new(examples, options, said)
            count = sum(value.size for value in plan.parameters.values())
            decided, start = self.schema.decided.from_json({}), self._remembered(None, examples, None)
            choices = tuple(self.chosen)
            record = ModelRecord(
                self.schema.task, plan.model, options, plan.data, decided, count, choices=choices, start=start
            )
        threads = options.threads or runs.torch_threads()
        with runs.at_work(folder, record, plan.files, self.beside, threads, resume, force) as record:
            progress = choose(quiet, self.unit)
            best = runs.best(folder, progress.note)
            job, hello = self._job(examples, plan, options, best)
            size = f"{record.parameters:,} parameters; {options.budget:g} {options.unit} on {threads} threads"
            progress.note(f"{hello}; {size}")
            if record.choices and not resume:
                progress.note(f"chosen by data, budget and machine: {', '.join(map(str, record.choices))}")
            if record.start is not None:
                progress.note(record.start.sentence)
            self.outcome = runs.learn(job, options, folder, resume, progress, threads, best)
            interrupted = self.outcome.ended == "interrupted"
            self._parameters = best.parameters()
            found = self._finish(examples, plan, options, self._parameters, None if interrupted else progress.note)
            decided = not interrupted or self.decides_when_stopped
            if decided:
                record = replace(record, decided=found.decided or self.schema.decided.from_json({}))
            if record.start is not None and not interrupted:
                start = self._remembered(found.model, examples, record.start) or record.start
                record = replace(record, start=start)
                progress.note(start.sentence)
            self.model, self.record, self.examples, self.folder = found.model, record, examples, folder
            self._files = {**plan.files, **found.files}
            if folder is not None and decided:
                write_files(folder, found.files)
                record.write(folder)
        return self

    def fitted(self) -> Running:
        """The trained model, which runs without torch; UserError before there is one."""
        if self.model is None:
            who = self.schema.options.who
            raise not_fitted(f"{who}: expected a fitted model; call fit first, or throughtime.load a saved one")
        return self.model

    def save(self, directory: str | Path) -> Self:
        """Write the model's folder; throughtime.load reads it, without torch. Returns itself."""
        self.fitted()
        assert self.record is not None
        folder = Path(directory)
        runs.forget(folder, self.beside)  # a save that is cut off leaves no folder that loads as something else
        write_files(folder, {**self._files, WEIGHTS: dict(self._parameters)})
        self.record.write(folder)
        return self

    def diagnose(
        self, data: Any = None, steps: int | None = None, rows: int | None = None, attempt: int = 0, quiet: bool = True
    ) -> Diagnosis:
        """Whether the gradient vanishes or explodes, how long the memory is, what gates do, and what helps.

        data: what to look at, as `fit` takes it, None for what was kept for validation of what it was fitted on. steps,
        rows: T and B of the batch, where not given what suits the task. attempt: steps of the short runs in which
        remedies are tried, 0 for none. Returns a Diagnosis: prints as text, `.to_json()`. Needs torch.
        """
        from throughtime.training.progress import choose

        self.fitted()
        insight = part(self.schema.task, "insight")
        found: Diagnosis = insight.diagnose(insight.of_model(self, data), steps, rows, attempt, choose(quiet).note)
        return found


def zeros(config: Any) -> dict[str, np.ndarray]:
    """Parameters of the shapes of a configuration, for a checkpoint to fill."""
    return {name: np.zeros(shape, np.float32) for name, shape in config.shapes.items()}


def _signature(options: type[TaskOptions]) -> inspect.Signature:
    """How a class with these options is called."""
    import dataclasses

    named = {one.name: one for one in dataclasses.fields(options)}
    kinds = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(one.name, kinds[not named[one.name].kw_only], default=one.default)
        for one in options.declared()
    ]
    return inspect.Signature(sorted(parameters, key=lambda one: one.kind))


__all__ = ["Estimator", "Finished", "Json", "Plan", "Say"]
