"""What the reports of models that read texts have in common: their folder, classes, learning, data and model.

What a history says is checked before it is shown: a part that is missing or damaged is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.report.diagnosis import of_folder
from throughtime.report.page import Figure, Item, Page, Prose, Section, Table, render
from throughtime.storage.folder import HISTORY, read_config, write_atomically
from throughtime.tasks.text.report import REPORT, duration, failures, is_line, is_number, layers_of, settings_of
from throughtime.training.history import read

CONFUSIONS = 12
"""The most frequent confusions that are listed."""

COUNTS = 200
"""Classes whose counts are listed."""


@dataclass(frozen=True)
class Run:
    """A model's folder as a report sees it. path: of the report. evaluation: the last one, empty if there is none."""

    folder: Path
    path: Path
    config: dict[str, Any]
    history: list[dict[str, Any]]
    evaluation: dict[str, Any]

    @classmethod
    def of(cls, directory: str | PathLike[str]) -> Run:
        """UserError where the folder is no model's, or has no history."""
        folder = Path(directory)
        config = read_config(folder)
        if not (folder / HISTORY).is_file():
            raise UserError(f"{folder / HISTORY}: no such file; a report needs the history that training writes")
        path = folder / REPORT
        if path.is_dir():
            raise UserError(f"{path}: cannot be written, it is a folder; rename it")
        history = [line for line in read(folder / HISTORY) if is_line(line)]
        evaluations = [line["evaluation"] for line in history if isinstance(line.get("evaluation"), dict)]
        return cls(folder, path, config, history, evaluations[-1] if evaluations else {})

    def curve(self, name: str) -> tuple[list[float], list[float]]:
        """Steps and values of what the history's lines say of one thing."""
        found = [(line["step"], line[name]) for line in self.history if is_number(line.get(name))]
        return [step for step, _ in found], [value for _, value in found]

    def write(
        self,
        measures: Mapping[str, str],
        sections: Sequence[Section | None],
        learning: Sequence[Item],
        model: list[Item],
    ) -> Path:
        """Write the page and return its path.

        measures: names of an evaluation's shares and what they are, for the top. sections: of the task, before what all
        have. learning, model: what stands in those sections.
        """
        every = [
            *sections,
            Section("Learning", learning),
            Section("Data", found) if (found := self._data()) else None,
            *of_folder(self.folder, self.history),
            Section("Model", model),
            Section("Settings and environment", settings_of(self._settings())),
        ]
        content = render(
            Page(
                title=self.folder.resolve().name,
                verdict=self._verdict(),
                sections=[section for section in every if section and section.items],
                merits=self._merits(measures),
                warnings=failures(self.history),
                footer="Written by throughtime. Everything on this page is in this file.",
            )
        )
        write_atomically(self.path, content.encode("utf-8", "replace"))
        return self.path

    def _verdict(self) -> str:
        if self.evaluation:
            return sentence(self.evaluation, "verdict") or "Scored, but not beside a baseline."
        steps, values = self.curve("validation_loss")
        if values:
            best = min(range(len(values)), key=values.__getitem__)
            return (
                f"The best validation loss was {values[best]:.4g} at step {steps[best]:,}. The model has not been "
                "scored on texts it never saw yet."
            )
        steps = self.curve("loss")[0]
        return f"Trained for {steps[-1]:,} steps, not scored yet." if steps else "Nothing has been learned yet."

    def _merits(self, measures: Mapping[str, str]) -> list[tuple[str, str]]:
        own = {name: what for name, what in measures.items() if is_number(self.evaluation.get(name))}
        merits = [(percent(self.evaluation[name], "{:.1f} %"), what) for name, what in own.items()]
        if is_number(count := self.config.get("parameters")):
            merits.append((f"{count:,}", "parameters"))
        if times := self.curve("elapsed")[1]:
            merits.append((duration(times[-1]), "of training"))
        return merits

    def _data(self) -> list[Item]:
        data = mapping(self.config.get("data"))
        items: list[Item] = []
        if notes := as_list(data.get("notes")):
            items.append(Prose("; ".join(map(str, notes)) + "."))
        counts = {str(k): v for k, v in mapping(data.get("classes")).items() if is_number(v)}
        if counts:
            rest = f", the first {COUNTS} of {len(counts):,} classes" if len(counts) > COUNTS else ""
            items.append(Prose(f"How many texts of each class the model learned from{rest}:"))
            whole = sum(counts.values()) or 1
            rows = [[name, f"{n:,}", percent(n / whole, "{:.1f}")] for name, n in list(counts.items())[:COUNTS]]
            items.append(Table(["class", "texts", "%"], rows, numeric=(1, 2)))
        return items

    def _settings(self) -> dict[str, Any]:
        """The configuration without what is shown elsewhere on the page."""
        shown = ("classes", "notes", "fusion", "tags", "intents")
        return {
            name: {k: v for k, v in value.items() if k not in shown} if isinstance(value, dict) else value
            for name, value in self.config.items()
        }


def mapping(value: Any) -> dict[str, Any]:
    """A dict, empty for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """A list, empty for anything else."""
    return value if isinstance(value, list) else []


def is_share(value: Any) -> bool:
    """Whether a value is a number from 0 to 1."""
    return is_number(value) and 0 <= value <= 1


def sentence(entry: Mapping[str, Any], *names: str) -> str:
    """The sentence of a part of an evaluation, "" where there is none."""
    for name in names:
        entry = mapping(entry.get(name))
    found = entry.get("sentence")
    return found if isinstance(found, str) else ""


def percent(value: Any, form: str = "{:.2f}") -> str:
    """A share as a number of hundredths; - for what is no number."""
    return form.format(100 * value) if is_number(value) else "-"


def compared(
    evaluation: Mapping[str, Any], measures: Mapping[str, str], drawn: Sequence[str], added: Mapping[str, Any]
) -> list[Item]:
    """The table of baselines and model, and bars.

    measures: name -> heading. drawn: those that have bars. added: further rows, between the baselines and the model.
    """
    from throughtime.report.label_plots import scores

    entries = {str(k): mapping(v) for k, v in mapping(evaluation.get("baselines")).items()}
    entries = {**entries, **added, "this model": dict(evaluation)}
    known = [m for m in measures if any(is_number(entry.get(m)) for entry in entries.values())]
    if not known:
        return []
    rows = [[name, *(percent(entry.get(m)) for m in known)] for name, entry in entries.items()]
    head = ["", *(f"{measures[m]} %" for m in known)]
    items: list[Item] = [Table(head, rows, numeric=tuple(range(1, len(head))), strong=len(rows) - 1)]
    texts = evaluation.get("texts")
    where = f"the same {texts:,} texts" if is_number(texts) else "the same texts"
    for measure in drawn:
        bars = [(name, float(entry[measure])) for name, entry in entries.items() if is_share(entry.get(measure))]
        if len(bars) > 1 and bars[-1][0] == "this model":
            told = f"What the baselines and this model reach on {where}: {measures[measure]}."
            items.append(Figure(scores(bars, measures[measure]), told))
    return items


def classes_of(evaluation: Mapping[str, Any], names: str) -> list[Item]:
    """The confusion of classes: picture, table of classes, the most frequent confusions. names: where they stand."""
    from throughtime.report import label_plots

    classes, matrix = [str(name) for name in as_list(evaluation.get(names))], as_matrix(evaluation.get("confusion"))
    if matrix is None or len(classes) != len(matrix) or not matrix.any():
        return []
    shown = label_plots.shown_classes(matrix)
    numbered = label_plots.numbered(classes[i] for i in shown)
    told = "Rows: the labels. Columns: the answers. The shade is the share of the row's texts."
    if len(shown) < len(classes):
        told += f" The {len(shown)} of {len(classes):,} classes with the most errors."
    if numbered:
        told += " The numbers are those of the table below."
    items: list[Item] = [Figure(label_plots.confusion(matrix, classes), told)]
    rows = []
    for number, i in enumerate(shown, 1):
        right, there, said = int(matrix[i, i]), int(matrix[i].sum()), int(matrix[:, i].sum())
        shares = (right / said if said else None, right / there if there else None, 2 * right / max(1, there + said))
        rows.append([classes[i], *([str(number)] if numbered else []), f"{there:,}", *(percent(v) for v in shares)])
    head = ["class", *(["number"] if numbered else []), "texts", "precision %", "recall %", "F1 %"]
    items.append(Table(head, rows, numeric=tuple(range(1, len(head)))))
    apart = matrix - np.diag(np.diagonal(matrix))
    order = np.argsort(-apart, axis=None, kind="stable")[:CONFUSIONS]
    pairs = [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, apart.shape), strict=True) if apart[i, j]]
    if len(classes) > 2 and pairs:
        items.append(Prose("What is most often taken for something else:"))
        said_of = [
            [classes[i], classes[j], f"{apart[i, j]:,}", percent(apart[i, j] / matrix[i].sum(), "{:.1f}")]
            for i, j in pairs
        ]
        items.append(Table(["label", "answer", "texts", "% of the label's"], said_of, numeric=(2, 3)))
    return items


def as_matrix(value: Any) -> np.ndarray | None:
    """(C, C) int64 counts; None for anything else."""
    if not isinstance(value, list) or not all(isinstance(row, list) and len(row) == len(value) for row in value):
        return None
    if any(type(count) is not int or not 0 <= count < 1 << 40 for row in value for count in row):
        return None
    return np.array(value, np.int64).reshape(len(value), len(value))


def learning(run: Run, unit: str, judged: str | None = None) -> list[Item]:
    """The curves of a training. unit: of the loss. judged: of the validation figure, where it is another."""
    from throughtime.report import curves

    loss, validation = run.curve("loss"), run.curve("validation_loss")
    if not loss[0] and not validation[0]:
        return [Prose("The history holds no steps.")]
    items: list[Item] = []
    if judged is None:
        told = "The loss over steps: the whole run, and magnified from a tenth of it on. In training some of each text "
        told += "is dropped, in validation nothing is."
        items.append(Figure(curves.losses(loss, validation, {}, unit), told))
    else:
        if loss[0]:
            told = "The loss in training over steps: the whole run, and magnified from a tenth of it on."
            items.append(Figure(curves.losses(loss, ([], []), {}, unit), told))
        if validation[0]:
            told = f"What the model is chosen by, on the validation part, less is better: {judged}."
            items.append(Figure(curves.losses(([], []), validation, {}, "validation"), told))
    clip: Any = mapping(run.config.get("training")).get("clip")
    names = ("gradient_norm", "tokens_per_second", "learning_rate")
    norm, speed, rate = (run.curve(name) for name in names)
    if norm[0] or speed[0] or rate[0]:
        picture = curves.measures(norm, float(clip) if is_number(clip) else None, speed, rate, "texts")
        items.append(Figure(picture, "Gradient norm before clipping, speed and learning rate over steps."))
    return items


def model_of(run: Run, after: Sequence[Sequence[str]], fusion: Any) -> list[Item]:
    """A table of a model's parts, the weights of those that have a say, and its equations. after: the last rows."""
    model = mapping(run.config.get("model"))
    readers = [mapping(one) for one in as_list(model.get("readers"))]
    rows: list[list[str]] = []
    layers: list[dict[str, Any]] = []
    for number, reader in enumerate(readers):
        own, found = _reader(reader, f"reader {number}: " if len(readers) > 1 else "")
        rows, layers = rows + own, layers + found
    rows += [list(row) for row in after]
    members: Any = model.get("members")
    if is_number(members) and members > 1:
        rows.append(["members", "each learns by itself, their mean is the answer", f"{members:,}"])
    if is_number(count := run.config.get("parameters")):
        rows.append(["parameters in all", "", f"{count:,}"])
    items: list[Item] = [Table(["part", "what", "sizes"], rows)] if rows else []
    weights = [(str(name), weight) for name, weight in mapping(fusion).items() if is_number(weight)]
    if weights:
        items.append(Prose("How much each has to say: the answer's log probabilities are the weighted sum of theirs."))
        items.append(Table(["", "weight"], [[name, f"{weight:.3f}"] for name, weight in weights], numeric=(1,)))
    items += layers_of({"model": {"layers": layers}}, [], [])[1:]  # the equations
    return items or [Prose("config.json does not describe the model.")]


def _reader(reader: Mapping[str, Any], prefix: str) -> tuple[list[list[str]], list[dict[str, Any]]]:
    """Its rows, and its recurrences."""
    rows = []
    for column in map(as_list, as_list(reader.get("columns"))):
        if len(column) == 3:
            rows.append([f"{prefix}{column[0]}", "look-up", f"{column[1]} x {column[2]}"])
    pieces = as_list(reader.get("pieces"))
    if len(pieces) == 2 and pieces != [0, 0]:
        rows.append([f"{prefix}pieces", "look-up, the mean of a token's n-grams", f"{pieces[0]} x {pieces[1]}"])
    if len(rows) > 1:
        rows.append([f"{prefix}embedding", "added" if reader.get("added") else "side by side", ""])
    if is_number(values := reader.get("values")) and values:
        rows.append([f"{prefix}evidence", "what linear models say of the n-grams that end at a token", f"{values}"])
    layers: list[dict[str, Any]] = []
    for name, what in (("layers", "layer"), ("above", "layer over sentences")):
        for i, both in enumerate(map(as_list, as_list(reader.get(name)))):
            own = [mapping(layer) for layer in both]
            cells = " + ".join(dict.fromkeys(str(layer.get("cell")) for layer in own))
            ways = "in both directions" if len(own) == 2 else "from the start"
            sizes = mapping(own[0].get("sizes")) if own else {}
            said = ", ".join(f"{k} = {v}" for k, v in sizes.items())
            rows.append([f"{prefix}{what} {i}", f"{cells}, {ways}", said[:300]])
            layers += own
    if pooling := as_list(reader.get("pooling")):
        rows.append([f"{prefix}pooling", ", ".join(map(str, pooling)), ""])
    return rows, layers
