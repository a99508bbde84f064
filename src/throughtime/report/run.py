"""The page about a model's folder, as far as it is the same for every task.

What a history says is checked before it is shown: a part that is missing or damaged is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.recurrence import Recurrence, Trace
from throughtime.report.diagnosis import of_folder
from throughtime.report.page import Code, Figure, Item, Page, Prose, Section, Table, render
from throughtime.storage.folder import HISTORY, write_atomically
from throughtime.storage.record import ModelRecord, Schema
from throughtime.training.history import read

REPORT = "report.html"

_EQUATION, _HUGE = 20_000, 1e30


@dataclass(frozen=True)
class Run:
    """A model's folder as a report sees it. path: of the report. evaluation: the last one, empty if there is none."""

    folder: Path
    path: Path
    record: ModelRecord[Any, Any, Any, Any]
    history: list[dict[str, Json]]
    evaluation: dict[str, Json]

    @classmethod
    def of(cls, directory: str | PathLike[str], schema: Schema[Any, Any, Any, Any]) -> Run:
        """UserError where the folder is no model's of this task, or has no history."""
        folder = Path(directory)
        record = schema.read(folder)
        if not (folder / HISTORY).is_file():
            raise UserError(f"{folder / HISTORY}: no such file; a report needs the history that training writes")
        path = folder / REPORT
        if path.is_dir():
            raise UserError(f"{path}: cannot be written, it is a folder; rename it")
        history = [line for line in read(folder / HISTORY) if is_line(line)]
        evaluations = [line["evaluation"] for line in history if isinstance(line.get("evaluation"), dict)]
        return cls(folder, path, record, history, evaluations[-1] if evaluations else {})

    def lines(self, name: str) -> list[dict[str, Json]]:
        """The lines of the history that have a number of this name."""
        return [line for line in self.history if is_number(line.get(name))]

    def curve(self, name: str) -> tuple[list[float], list[float]]:
        """Steps and values of what the history's lines say of one thing."""
        lines = self.lines(name)
        return [line["step"] for line in lines], [line[name] for line in lines]

    @property
    def clip(self) -> float | None:
        """The limit of the gradient's norm in this training."""
        limit: float | None = self.record.options.clip
        return limit

    def write(
        self,
        verdict: str,
        merits: Sequence[tuple[str, str]],
        sections: Sequence[Section | None],
        model: Sequence[Item],
        warnings: Sequence[str] = (),
        shown: Collection[str] = (),
    ) -> Path:
        """Write the page and return its path.

        verdict: one sentence. merits: figures for the top. sections: of the task, before what all have. model: what its
        section says. warnings: beside those of a run that failed. shown: parts of the record that stand elsewhere on
        the page.
        """
        every: list[Section | None] = [
            *sections,
            *of_folder(self.folder, self.history),
            Section("Model", model),
            Section("Settings and environment", settings_of(self.record, shown)),
        ]
        if self.record.start is not None:
            told = self.record.start.sentence
            every.insert(1, Section("What it started from", [Prose(told[:1].upper() + told[1:] + ".")]))
        version = self.record.environment.get("throughtime", "")
        page = Page(
            title=self.folder.resolve().name,
            verdict=verdict,
            sections=[section for section in every if section and section.items],
            merits=[*merits, *self._sizes()],
            warnings=[*failures(self.history), *warnings],
            footer=f"Written by throughtime {version}".strip() + ". Everything on this page is in this file.",
        )
        write_atomically(self.path, render(page).encode("utf-8", "replace"))
        return self.path

    def _sizes(self) -> list[tuple[str, str]]:
        merits = [(f"{self.record.parameters:,}", "parameters")]
        if times := self.curve("elapsed")[1]:
            merits.append((duration(times[-1]), "of training"))
        return merits

    def unscored(self, unit: str) -> str:
        """A verdict where there is no evaluation. unit: of the validation loss."""
        steps, values = self.curve("validation_loss")
        if values:
            best = min(range(len(values)), key=values.__getitem__)
            figure = f"{values[best]:.4g}{unit} at step {steps[best]:,}"
            return f"The best validation loss was {figure}. The model has not been scored on what it never saw yet."
        steps = self.curve("loss")[0]
        return f"Trained for {steps[-1]:,} steps, not scored yet." if steps else "Nothing has been learned yet."

    def measures(self, unit: str) -> list[Item]:
        """The picture of gradient norm, speed and learning rate. unit: what the speed counts."""
        from throughtime.report import curves

        norm, speed, rate = (self.curve(name) for name in ("gradient_norm", "tokens_per_second", "learning_rate"))
        if not (norm[0] or speed[0] or rate[0]):
            return []
        shares = [float(value) for value in self.curve("clipped")[1]]
        said = f" Clipping struck at {sum(shares) / len(shares):.1%} of the steps." if shares else ""
        picture = curves.measures(norm, self.clip, speed, rate, unit)
        return [Figure(picture, "Gradient norm before clipping, speed and learning rate over steps." + said)]


def failures(history: Iterable[Mapping[str, Json]]) -> list[str]:
    """What a run that was stopped by its own loss says about it; see throughtime.training.failure."""
    told = []
    for line in history:
        failure = line.get("failure")
        if isinstance(failure, dict) and is_number(failure.get("step")):
            norms = [f"{norm:.3g}" for norm in failure.get("norms") or [] if is_number(norm)]
            before = f" The gradient's norms before: {', '.join(norms)}." if norms else ""
            told.append(
                f"Training stopped at step {failure['step']:,}: its {failure.get('what')} was no finite number; "
                f"{failure.get('cause')}.{before} What may help: {failure.get('advice')}."
            )
    return told


def layers_of(layers: Sequence[tuple[str, Recurrence]], parameters: int, before: Rows, after: Rows) -> list[Item]:
    """A table of a model's parts, rows before and after its recurrences, and their equations. layers: with names."""
    rows = [*map(list, before)]
    for name, layer in layers:
        sizes = ", ".join(f"{symbol} = {value}" for symbol, value in layer.sizes.items())
        rows.append([name, layer.name, sizes[:300]])
    rows += [*map(list, after), ["parameters in all", "", f"{parameters:,}"]]
    return [Table(["part", "what", "sizes"], rows), *equations_of([layer for _, layer in layers])]


Rows = Sequence[Sequence[str]]
"""Rows of a table."""


def equations_of(layers: Iterable[Recurrence]) -> list[Item]:
    """The equations of the recurrences, each cell once."""
    from throughtime.recurrence.equations import as_text

    items: list[Item] = []
    for name, trace in {layer.name: layer.trace for layer in layers}.items():
        if written(trace) <= _EQUATION:
            items.append(
                Prose(f"Equations of {name} (h' is the state of the step before, * multiplies element by element):")
            )
            items.append(Code("\n".join(as_text(trace))))
    return items


def settings_of(record: ModelRecord[Any, Any, Any, Any], shown: Collection[str] = ()) -> list[Item]:
    """Tables of a run's settings and of where it ran. shown: what is left out, because it stands elsewhere."""
    chosen = [[choice.name.replace("_", " "), str(choice).partition(" ")[2], choice.why] for choice in record.choices]
    tables = [Table(["chosen by data, budget and machine", "", "why"], chosen)] if chosen else []
    sections = {"options": record.options, "data": record.data, "decided": record.decided}
    groups = {title: {k: v for k, v in one.to_json().items() if k not in shown} for title, one in sections.items()}
    if record.environment:  # with the seed a run can be repeated
        groups["environment"] = {**record.environment, "seed": record.options.seed}
    every = {name: [[*row] for row in _flat(values)] for name, values in groups.items()}
    return [*tables, *(Table([name, ""], rows) for name, rows in every.items() if rows)]


def _flat(values: Mapping[str, Json], above: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        name = f"{above} {key}".strip().replace("_", " ")
        if isinstance(value, dict):
            yield from _flat(value, name)
        elif isinstance(value, list) and value:
            yield name, ", ".join(map(str, value))[:300]
        elif value not in (None, "", []):
            counted = type(value) is int and abs(value) >= 10_000 and key != "seed"  # a seed is copied, not read
            yield name, f"{value:,}" if counted else str(value)[:300]


def is_number(value: Any) -> bool:
    """Whether a value of the history can be drawn: a number, and not one that overflows on the way."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _HUGE


def is_line(line: Mapping[str, Json]) -> bool:
    """Whether a line of the history has the number of its step; any other was not written by training."""
    return type(line.get("step")) is int and 0 <= line["step"] < _HUGE


def written(trace: Trace) -> int:
    """About how many symbols the equations have: a value used twice is written twice, which may double and double."""
    lengths: list[int] = []
    named = set(trace.gates.values())
    for number, node in enumerate(trace.graph.nodes):
        lengths.append(1 if number in named else 1 + sum(lengths[a] for a in node.args))
    ends = [*named, *(new for _, new in trace.states.values())]
    return sum(1 + sum(lengths[a] for a in trace.graph[end].args) for end in ends)


def duration(seconds: float) -> str:
    """Seconds in hours, minutes and seconds, as far as they matter."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
