"""The report of a classifier, from what its folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from throughtime.options import Json
from throughtime.report.page import Figure, Item, Prose, Sample, Section
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

_MEASURES = {"accuracy": "accuracy", "macro_f1": "macro F1", "accuracy_unseen": "accuracy on unseen texts"}


def write_report(directory: str | PathLike[str]) -> Path:
    """Write DIR/report.html and return its path. UserError where the folder is no model's, or has no history."""
    run = Run.of(directory, SCHEMA)
    data, model, evaluation = run.record.data, run.record.model, run.evaluation
    last = [["output", "linear, softmax", f"{len(model.classes):,} classes"]]
    sections = [
        Section("Result", _result(evaluation)),
        Section("Classes", classes_of(evaluation, "classes")),
        Section("Probabilities", _probabilities(evaluation)),
        Section("Mistakes to read", _mistakes(evaluation)),
        Section("Learning", learning(run, "nats per text")),
        Section("Data", data_of(data, data.classes)),
    ]
    parts = model_of(run, last, [one.upper for one in model.readers])
    return run.write(verdict_of(run), merits_of(evaluation, MERITS), sections, parts, shown=SHOWN)


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
    told = (sentence(evaluation, "recurrence", "adds"), sentence(evaluation, "shuffled"))
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
    for one in map(mapping, as_list(evaluation.get("mistakes"))):
        if isinstance(one.get("text"), str):
            row = f" (row {one['row']:,})" if type(one.get("row")) is int else ""
            told = f"said {one.get('answer')} with {percent(one.get('probability'), '{:.1f} %')}"
            items.append(Sample(f"{told}, the label is {one.get('label')}{row}", one["text"]))
    return [Prose("The wrong answers that the model was surest of, the surest first."), *items] if items else []
