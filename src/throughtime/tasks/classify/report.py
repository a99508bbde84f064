"""The report of a classifier, from what its folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from throughtime.options import Json
from throughtime.report.page import Figure, Item, Prose, Sample, Section, Table
from throughtime.report.run import Run, is_number
from throughtime.tasks.classify.stream import SCHEMA
from throughtime.tasks.reading.report import (
    SHOWN,
    as_list,
    classes_of,
    compared,
    data_of,
    is_share,
    learning,
    mapping,
    merits_of,
    model_of,
    percent,
    sentence,
    verdict_of,
)

MERITS = {"accuracy": "accuracy", "macro_f1": "macro F1", "calibration_error": "calibration error"}

MERITS_OF_SETS = {"micro_f1": "micro F1", "macro_f1": "macro F1", "subset_accuracy": "all labels right"}

_MEASURES_OF_SETS = MERITS_OF_SETS

_MEASURES = {"accuracy": "accuracy", "macro_f1": "macro F1", "accuracy_unseen": "accuracy on unseen texts"}


def write_report(directory: str | PathLike[str]) -> Path:
    """Write DIR/report.html and return its path. UserError where the folder is no model's, or has no history."""
    run = Run.of(directory, SCHEMA)
    data, model, evaluation = run.record.data, run.record.model, run.evaluation
    form = "linear, a sigmoid each" if model.several else "linear, softmax"
    last = [["output", form, f"{len(model.classes):,} {'labels' if model.several else 'classes'}"]]
    sections = [
        Section("Result", _result_of_sets(evaluation) if model.several else _result(evaluation)),
        Section("Labels", _labels(evaluation))
        if model.several
        else Section("Classes", classes_of(evaluation, "classes")),
        Section("Probabilities", _probabilities(evaluation)),
        Section("Mistakes to read", _mistakes(evaluation)),
        Section("Learning", learning(run, "nats per label" if model.several else "nats per text")),
        Section("Data", data_of(data, data.classes, run.record.model.several)),
    ]
    parts = model_of(run, last, [one.upper for one in model.readers])
    merits = merits_of(evaluation, MERITS_OF_SETS if model.several else MERITS)
    return run.write(verdict_of(run), merits, sections, parts, shown=SHOWN)


def _result_of_sets(evaluation: Mapping[str, Json]) -> list[Item]:
    recurrence = mapping(evaluation.get("recurrence"))
    added = {"the recurrence alone": {"micro_f1": recurrence.get("micro_f1")}}
    if is_number(recurrence.get("linear_micro_f1")):
        added["linear models without the recurrence"] = {"micro_f1": recurrence.get("linear_micro_f1")}
    added = {name: entry for name, entry in added.items() if is_number(entry["micro_f1"])}
    items = compared(evaluation, _MEASURES_OF_SETS, ["micro_f1", "macro_f1"], added)
    told = (sentence(evaluation, "recurrence", "adds"), sentence(evaluation, "shuffled"))
    return items + [Prose(one) for one in told if one]


def _labels(evaluation: Mapping[str, Json]) -> list[Item]:
    """A table of labels: how often each is there and said, precision, recall, F1, from which probability it is said."""
    rows = []
    for name, one in mapping(evaluation.get("labels")).items():
        entry = mapping(one)
        there, said, threshold = entry.get("there"), entry.get("said"), entry.get("threshold")
        if not (is_number(there) and is_number(said) and is_share(threshold)):
            continue
        shares = [percent(entry.get(key)) for key in ("precision", "recall", "f1")]
        rows.append([str(name), f"{there:,}", f"{said:,}", *shares, f"{threshold:.2f}"])
    if not rows:
        return []
    head = ["label", "texts", "said", "precision %", "recall %", "F1 %", "said from"]
    return [
        Table(head, rows, numeric=tuple(range(1, len(head)))),
        Prose("The last column: the probability from which a label is said, by its best F1 on the validation part."),
    ]


def _result(evaluation: Mapping[str, Json]) -> list[Item]:
    unseen, recurrence = mapping(evaluation.get("unseen")), mapping(evaluation.get("recurrence"))
    texts: Any = evaluation.get("texts")
    fresh: Any = unseen.get("texts")
    some = is_number(fresh) and is_number(texts) and 0 < fresh < texts
    measures = {name: what for name, what in _MEASURES.items() if some or name != "accuracy_unseen"}
    added = {
        "linear models without the recurrence": {"accuracy": recurrence.get("linear_accuracy")},
        "the recurrence alone": {"accuracy": recurrence.get("accuracy")},
    }
    added = {name: entry for name, entry in added.items() if is_number(entry["accuracy"])}
    items = compared({**evaluation, "accuracy_unseen": unseen.get("accuracy")}, measures, ["accuracy"], added)
    if some:
        items.append(Prose(f"Unseen are the {fresh:,} texts that are not among those learned from."))
    told = [sentence(evaluation, *names) for names in (("recurrence", "adds"), ("missed",), ("shuffled",))]
    return items + [Prose(one) for one in told if one]


def _probabilities(evaluation: Mapping[str, Json]) -> list[Item]:
    from throughtime.report.label_plots import reliability

    items: list[Item] = []
    entry = mapping(evaluation.get("reliability"))
    if _is_reliability(entry):
        told = "How often the answers are right by how probable the model calls them; bars that end at the dashed line "
        told += "are as they should be. The thin lines are 95 % intervals. Below: how many answers there are of each."
        items.append(Figure(reliability(entry), told))
    sure = mapping(evaluation.get("sure"))
    if is_number(sure.get("threshold")) and is_number(sure.get("share")):
        told = f"Answers with a probability of at least {sure['threshold']:.3f} are called sure: {sure['share']:.1%}"
        right = sure.get("accuracy")
        items.append(Prose(f"{told}, and of those {right:.1%} are right." if is_number(right) else f"{told}."))
    return items


def _is_reliability(entry: Mapping[str, Json]) -> bool:
    """Whether it is what classify_metrics.reliability gives."""
    edges, counts, *shares = (as_list(entry.get(name)) for name in ("edges", "counts", "confidence", "accuracy"))
    if not counts or len(edges) != len(counts) + 1 or any(len(part) != len(counts) for part in shares):
        return False
    known = [*edges, *(v for part in shares for v in part if v is not None)]
    return all(map(is_number, counts)) and all(map(is_share, known))


def _mistakes(evaluation: Mapping[str, Json]) -> list[Item]:
    items: list[Item] = []
    several = "micro_f1" in evaluation
    for one in map(mapping, as_list(evaluation.get("mistakes"))):
        if isinstance(one.get("text"), str):
            row = f" (row {one['row']:,})" if type(one.get("row")) is int else ""
            told = f"said {one.get('answer')} with {percent(one.get('probability'), '{:.1f} %')}"
            is_ = "the labels are" if several else "the label is"
            items.append(Sample(f"{told}, {is_} {one.get('label')}{row}", one["text"]))
    return [Prose("The wrong answers that the model was surest of, the surest first."), *items] if items else []
