"""What the reports of models that read texts have in common: classes, learning, data and model.

What a history says is checked before it is shown: a part that is missing or damaged is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from throughtime.models.reader import ReaderConfig
from throughtime.models.stack import Stack
from throughtime.options import Json
from throughtime.report.page import Figure, Item, Prose, Table
from throughtime.report.run import Run, equations_of, is_number
from throughtime.tasks.reading.data import TextsData
from throughtime.tasks.reading.model import Ensemble

CONFUSIONS = 12
"""The most frequent confusions that are listed."""

COUNTS = 200
"""Classes whose counts are listed."""

SHOWN = ("notes", "classes", "weights")
"""Parts of the record that stand in sections of their own."""


def verdict_of(run: Run) -> str:
    """The sentences of the evaluation, on each part of the answer; of a run that was not scored, what it reached."""
    if run.evaluation:
        told = sentence(run.evaluation, "verdict") or "Scored, but not beside a baseline."
        intents = sentence(run.evaluation, "intent_verdict")
        return f"Slots: {told} Intents: {intents}" if intents else told
    return run.unscored("")


def merits_of(evaluation: Mapping[str, Json], measures: Mapping[str, str]) -> list[tuple[str, str]]:
    """Figures for the top of the page. measures: names of an evaluation's shares, and what they are."""
    known = {name: what for name, what in measures.items() if is_number(evaluation.get(name))}
    return [(percent(evaluation[name], "{:.1f} %"), what) for name, what in known.items()]


def data_of(data: TextsData, classes: Mapping[str, int], several: bool = False) -> list[Item]:
    """What is odd in the texts, and how many of each class were learned from. several: whether a text has several."""
    items: list[Item] = [Prose("; ".join(data.notes) + ".")] if data.notes else []
    if classes:
        one, all_of = ("label", "labels") if several else ("class", "classes")
        rest = f", the first {COUNTS} of {len(classes):,} {all_of}" if len(classes) > COUNTS else ""
        items.append(Prose(f"How many texts of each {one} the model learned from{rest}:"))
        if several:  # shares of what, nobody would know
            few = list(classes.items())[:COUNTS]
            return [*items, Table([one, "texts"], [[name, f"{n:,}"] for name, n in few], numeric=(1,))]
        whole = sum(classes.values()) or 1
        rows = [[name, f"{n:,}", percent(n / whole, "{:.1f}")] for name, n in list(classes.items())[:COUNTS]]
        items.append(Table(["class", "texts", "%"], rows, numeric=(1, 2)))
    return items


def mapping(value: Any) -> dict[str, Any]:
    """A dict, empty for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """A list, empty for anything else."""
    return value if isinstance(value, list) else []


def is_share(value: Any) -> bool:
    """Whether a value is a number from 0 to 1."""
    return is_number(value) and 0 <= value <= 1


def sentence(entry: Mapping[str, Json], *names: str) -> str:
    """The sentence of a part of an evaluation, "" where there is none."""
    for name in names:
        entry = mapping(entry.get(name))
    found = entry.get("sentence")
    return found if isinstance(found, str) else ""


def percent(value: Any, form: str = "{:.2f}") -> str:
    """A share as a number of hundredths; - for what is no number."""
    return form.format(100 * value) if is_number(value) else "-"


def compared(
    evaluation: Mapping[str, Json], measures: Mapping[str, str], drawn: Sequence[str], added: Mapping[str, Json]
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


def classes_of(evaluation: Mapping[str, Json], names: str) -> list[Item]:
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
    return [*items, *run.measures("texts")]


def model_of(run: Run, after: Sequence[Sequence[str]], above: Sequence[Stack] = ()) -> list[Item]:
    """A table of a model's parts, the weights of the ensemble, and its equations. after: the last rows. above: of each
    reader its stack over sentences, if any."""
    model: Ensemble[Any] = run.record.model
    rows: list[list[str]] = []
    stacks: list[Stack] = []
    for number, sizes in enumerate(model.readers):
        prefix = f"reader {number}: " if len(model.readers) > 1 else ""
        upper = [above[number]] if above and above[number].layers else []
        rows += _reader(sizes, prefix, upper)
        stacks += [sizes.reader.recurrences, *upper]
    rows += [list(row) for row in after]
    if model.ensemble_size > 1:
        rows.append(["members", "each learns by itself, their mean is the answer", f"{model.ensemble_size:,}"])
    rows.append(["parameters in all", "", f"{run.record.parameters:,}"])
    items: list[Item] = [Table(["part", "what", "sizes"], rows)]
    if weights := run.record.decided.weights:
        what = "log odds" if getattr(model, "several", False) else "log probabilities"
        items.append(Prose(f"Weights: the answer's {what} are the weighted sum of these models'."))
        items.append(Table(["", "weight"], [[name, f"{weight:.3f}"] for name, weight in weights.items()], numeric=(1,)))
    return [*items, *equations_of([layer for stack in stacks for _, layer in stack.named])]


def _reader(sizes: Any, prefix: str, upper: Sequence[Stack]) -> list[list[str]]:
    """The rows of one reader. sizes: a ClassifierConfig, a TaggerConfig."""
    reader: ReaderConfig = sizes.reader
    rows = [[f"{prefix}{name}", "look-up", f"{count:,} x {width}"] for name, count, width in reader.columns]
    if reader.pieces != (0, 0):
        count, width = reader.pieces
        rows.append([f"{prefix}pieces", "look-up, the mean of a token's n-grams", f"{count:,} x {width}"])
    if len(rows) > 1:
        rows.append([f"{prefix}embedding", "added" if reader.added else "side by side", ""])
    if reader.values:
        what = "what naive Bayes says of the n-grams that end at a token"
        rows.append([f"{prefix}naive-Bayes features", what, f"{reader.values}"])
    for stack, what in ((reader.recurrences, "layer"), *((one, "layer over sentences") for one in upper)):
        for i, directions in enumerate(stack.layers):
            cells = " + ".join(dict.fromkeys(layer.name for layer in directions))
            ways = "in both directions" if len(directions) == 2 else "from the start"
            each = ", ".join(f"{symbol} = {value}" for symbol, value in directions[0].sizes.items())
            rows.append([f"{prefix}{what} {i}", f"{cells}, {ways}", each[:300]])
    rows.append([f"{prefix}pooling", ", ".join(sizes.pooling), ""])
    return rows
