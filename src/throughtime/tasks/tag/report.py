"""The report of a tagger, from what its folder holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from throughtime.data.tagged import is_plain, marked, together
from throughtime.options import Json
from throughtime.report.page import Figure, Item, Prose, Sample, Section, Table
from throughtime.report.run import Run, is_number
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
from throughtime.tasks.tag.model import TaggerEnsemble
from throughtime.tasks.tag.stream import SCHEMA

MERITS = {
    "slot_f1": "slot F1",
    "intent_accuracy": "intents right",
    "sentence_accuracy": "texts all right",
    "token_accuracy": "tokens right",
}

_MEASURES = {
    "slot_f1": "slot F1",
    "slot_precision": "precision",
    "slot_recall": "recall",
    "token_accuracy": "tokens right",
    "intent_accuracy": "intents right",
}


def write_report(directory: str | PathLike[str]) -> Path:
    """Write DIR/report.html and return its path. UserError where the folder is no model's, or has no history."""
    run = Run.of(directory, SCHEMA)
    evaluation, model = run.evaluation, run.record.model
    plain = is_plain(model.tags)
    judged = "the share of wrong tags" if plain else "1 - slot F1"
    judged = f"({judged}) + (1 - the share of intents that are right)" if model.intents else judged
    sections = [
        Section("Result", _result(evaluation)),
        Section("Tags" if plain else "Kinds of spans", _kinds(evaluation, plain)),
        Section("Intents", classes_of(evaluation, "intents")),
        Section("Mistakes to read", _mistakes(evaluation)),
        Section("Learning", learning(run, "nats per text", judged)),
        Section("Data", data_of(run.record.data, {})),
    ]
    merits = merits_of(evaluation, MERITS)
    return run.write(verdict_of(run), merits, sections, model_of(run, _last(model)), shown=SHOWN)


def _result(evaluation: Mapping[str, Json]) -> list[Item]:
    first = "slot_f1" if "slot_f1" in evaluation else "token_accuracy"
    items = compared(evaluation, _MEASURES, [first, "intent_accuracy"], {})
    if is_number(whole := evaluation.get("sentence_accuracy")):
        what = "every tag and the intent are right" if "intents" in evaluation else "every tag is right"
        items.append(Prose(f"In {whole:.1%} of the texts {what}."))
    if is_number(error := evaluation.get("calibration_error")):
        items.append(Prose(f"The probabilities of the intents are {error:.1%} off: their calibration error."))
    cut = mapping(evaluation.get("from_text"))
    given_back: Any = cut.get("given_back")
    other = sentence(evaluation, "from_text") if is_number(given_back) and given_back < 1 else None
    told = (sentence(evaluation, "recurrence", "adds"), sentence(evaluation, "shuffled"), other)
    return items + [Prose(one) for one in told if one]


def _kinds(evaluation: Mapping[str, Json], plain: bool) -> list[Item]:
    from throughtime.report import label_plots

    found = {str(k): mapping(v) for k, v in mapping(evaluation.get("by_kind")).items()}
    kinds = {k: v for k, v in found.items() if is_share(v.get("f1")) and type(v.get("support")) is int}
    if not kinds:
        return []
    shown = label_plots.shown_kinds(kinds)
    numbered = label_plots.numbered(shown)
    what, many = ("tag", "tokens") if plain else ("kind of span", "spans")
    told = f"F1 of each {what}, the most frequent first, and how many {many} there are of it."
    if len(shown) < len(kinds):
        told += f" The {len(shown)} most frequent of {len(kinds):,} kinds."
    if numbered:
        told += " The numbers are those of the table below."
    rows = []
    for number, name in enumerate(shown, 1):
        figures = [percent(kinds[name].get(key)) for key in ("precision", "recall", "f1")]
        rows.append([name, *([str(number)] if numbered else []), f"{kinds[name]['support']:,}", *figures])
    head = ["tag" if plain else "kind", *(["number"] if numbered else []), many, "precision %", "recall %", "F1 %"]
    return [Figure(label_plots.by_kind(kinds), told), Table(head, rows, numeric=tuple(range(1, len(head))))]


def _mistakes(evaluation: Mapping[str, Json]) -> list[Item]:
    items: list[Item] = []
    for one in map(mapping, as_list(evaluation.get("mistakes"))):
        tokens, truth, said = (as_list(one.get(name)) for name in ("tokens", "tags", "answer"))
        sound = all(isinstance(value, str) for value in (*tokens, *truth, *said))
        if not sound or not len(tokens) == len(truth) == len(said):
            continue
        title = f"{percent(one.get('probability'), '{:.1f} %')} sure of its least sure tag"
        intent, answer = one.get("intent"), one.get("intent_answer")
        if isinstance(intent, str) and isinstance(answer, str):
            title += f"; intent {intent}" + (", right" if intent == answer else f", said {answer}")
        items.append(Sample(title, f"truth   {bracketed(tokens, truth)}\nanswer  {bracketed(tokens, said)}"))
    told = "The texts with a wrong tag or intent that the model was surest of, the surest first."
    return [Prose(told), *items] if items else []


def bracketed(tokens: Sequence[str], tags: Sequence[str]) -> str:
    """A text with its spans in brackets, [kind: text]; where tags mark no spans, each token/TAG."""
    if any(tag != "O" and tag[1:2] != "-" for tag in tags):
        return " ".join(f"{token}/{tag}" for token, tag in zip(tokens, tags, strict=True))
    parts, end = [], 0
    for span in marked(tokens, tags):
        parts += [*tokens[end : span["start"]], f"[{span['kind']}: {span['text']}]"]
        end = span["end"]
    spaced = together(tokens) == " ".join(tokens)
    return (" " if spaced else "").join([*parts, *tokens[end:]])


def _last(model: TaggerEnsemble) -> list[list[str]]:
    """The rows of a tagger's table of parts behind its recurrences."""
    (reader,) = model.readers
    rows = [["tags", "linear", f"{len(model.tags):,}"]]
    if model.intents:
        rows.append(["intents", "linear over the pooled states, softmax", f"{len(model.intents):,}"])
    if reader.crf:
        rows.append(["CRF", "a score for each pair of neighbouring tags", ""])
    if reader.stacked:
        rows.append(["stacked", "tags see the intent", ""])
    return rows
