"""Texts and labels as tools for annotation write them: Label Studio, spaCy, Rasa, LUIS, Snips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from throughtime.data.json_rows import json_values
from throughtime.data.label_names import Columns, RawTexts
from throughtime.data.label_notes import counted
from throughtime.data.span_tools import rewritten
from throughtime.data.spans import Spanned, annotations_of, spanned, text_of
from throughtime.errors import UserError
from throughtime.options import Json

_MARKS = ('"annotations"', '"completions"', '"cats"', '"rasa_nlu_data"', '"utterances"')


def of_tools(content: str, where: str, meant: Columns) -> RawTexts | None:
    """What JSON of such a tool says; None for any other."""
    if not any(mark in content for mark in _MARKS):
        return None
    values, first = json_values(content, where)
    if len(values) == 1 and isinstance(values[0], dict) and ("rasa_nlu_data" in values[0] or rewritten(values)):
        found = spanned(values, first, where)
        return None if found is None else of_examples(found.rows, where, meant)
    if all(isinstance(one, dict) and isinstance(one.get("data"), dict) for one in values):
        return _label_studio(values, first, where, meant)
    pairs = [(one[0], one[1]) if _is_pair(one) else (one.get("text"), one) for one in values if _has_cats(one)]
    return _cats(pairs, first, where, meant) if pairs and len(pairs) == len(values) else None


def of_examples(rows: Sequence[Spanned], where: str, meant: Columns) -> RawTexts:
    """Examples of intents."""
    labels: list[Any] = [one.intent for one in rows]
    notes = ["examples of intents: labels are the intents"]
    texts = [one.text for one in rows]
    return RawTexts(texts, labels if meant.wanted else None, [one.row for one in rows], where, notes)


def _is_pair(one: Any) -> bool:
    return isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and isinstance(one[1], dict)


def _has_cats(one: Any) -> bool:
    inner = one[1] if _is_pair(one) else one
    return isinstance(inner, dict) and isinstance(inner.get("cats"), dict)


def _cats(pairs: Sequence[tuple[Any, dict[str, Json]]], first: int, where: str, meant: Columns) -> RawTexts:
    """spaCy's categories: of each whether it holds."""
    names = list(dict.fromkeys(str(name) for _, one in pairs for name in one["cats"]))
    labels: list[Any] = []
    for row, (_, one) in enumerate(pairs, first):
        for name, value in one["cats"].items():
            if value not in (0, 1):
                raise UserError(f"{where}: row {row}: expected 0 or 1 for the category {name}, got {str(value)[:40]}")
        labels.append([str(name) for name, value in one["cats"].items() if value])
    rows, notes = list(range(first, first + len(pairs))), ["labels are spaCy's categories"]
    texts = [text for text, _ in pairs]
    single = all(len(own) == 1 for own in labels) and not meant.several
    return RawTexts(texts, _wanted(labels, single, meant), rows, where, notes, names=() if single else tuple(names))


def _label_studio(values: Sequence[dict[str, Json]], first: int, where: str, meant: Columns) -> RawTexts | None:
    """The choices that people made; texts that nobody annotated are left out where labels are wanted."""
    texts, labels, rows, left = [], list[Any](), [], 0
    for row, one in enumerate(values, first):
        place = f"{where}: row {row}"
        entry = annotations_of(one, place)
        if entry is None and meant.wanted:
            left += 1
            continue
        parts = [part.get("value", {}) for part in (entry or {}).get("result", [])]
        chosen = [name for part in parts for name in part.get("choices", [])]
        texts.append(text_of(one, place))
        labels.append(chosen)
        rows.append(row)
    if meant.wanted and not any(labels):
        return None
    notes = ["labels are the choices of Label Studio"]
    notes += [f"{counted(left, 'text')} that nobody annotated: left out"] if left else []
    single = all(len(own) == 1 for own in labels) and not meant.several
    return RawTexts(texts, _wanted(labels, single, meant), rows, where, notes)


def _wanted(labels: list[Any], single: bool, meant: Columns) -> list[Any] | None:
    if not meant.wanted:
        return None
    return [own[0] for own in labels] if single else labels
