"""Labels as people have them: texts, integers, true and false; what is missing, and what is none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from throughtime.errors import UserError

MISSING = frozenset(
    {
        "",
        "#N/A",
        "#NA",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "NaT",
        "None",
        "Null",
        "n/a",
        "nan",
        "null",
        "-nan",
        "-NaN",
        "\\N",
    }
)
"""What stands for a label that is missing, as pandas reads it too, and as databases write it."""

TEXT, INTEGER, BOOLEAN = "text", "integer", "boolean"
"""What labels were before they became text."""

_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})(?:\.0+)?")
_WHOLE = re.compile(r"-?\d+\.0+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_COMMAS = re.compile(r"[+-]?\d+(?:, ?\d+)*")
_TRUTHS = {"true": "True", "false": "False"}
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")

_SHOWN = 3


def missing(value: Any) -> bool:
    """Whether a label is none."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return isinstance(value, str) and value.strip() in MISSING


def in_words(rows: Sequence[int], where: str) -> str:
    """Which rows have no label, in a few words."""
    shown = ", ".join(str(row) for row in rows[:_SHOWN]) + (", ..." if len(rows) > _SHOWN else "")
    what = f"{len(rows):,} labels are" if len(rows) > 1 else "the label is"
    return f"{where}: row{'s' if len(rows) > 1 else ''} {shown}: {what} missing"


def as_texts(values: Sequence[Any], rows: Sequence[int], where: str, typed: bool) -> tuple[list[str], str]:
    """Labels as text, and what they were.

    typed: whether the values have a type, as those of JSON, frames and lists; of a file of text integers and truths are
    known by how they are written, all of them. Raises UserError with the row for what is no label.
    """
    kinds = {_kind(value, f"{where}: row {row}") for value, row in zip(values, rows, strict=True)}
    texts = [_written(value) for value in values]
    if len(kinds) > 1:
        texts = [text[: text.index(".")] if _WHOLE.fullmatch(text) else text for text in texts]
    _check_truths(texts, rows, where)
    if ("real" in kinds and TEXT not in kinds) or (not typed and kinds == {TEXT} and _real(texts)):
        place = next(i for i, value in enumerate(values) if _is_real(value, typed))
        raise UserError(
            f"{where}: row {rows[place]}: the label {texts[place]} is a real number; classes are told apart here, no "
            "continuous quantity is learned: make classes of it, such as low and high, or write it as a text"
        )
    if kinds == {TEXT} and not typed:
        _check_commas(texts, rows, where)
        if all(_INTEGER.fullmatch(text) for text in texts):
            return [str(int(float(text))) if "." in text else str(int(text)) for text in texts], INTEGER
        if all(text.lower() in _TRUTHS for text in texts):
            return [_TRUTHS[text.lower()] for text in texts], BOOLEAN
    return texts, kinds.pop() if len(kinds) == 1 else TEXT


def _kind(value: Any, place: str) -> str:
    if isinstance(value, bool | np.bool_):
        return BOOLEAN
    if isinstance(value, int | np.integer):
        return INTEGER
    if isinstance(value, float | np.floating):
        return INTEGER if float(value).is_integer() else "real"
    if isinstance(value, str):
        return TEXT
    raise UserError(f"{place}: expected one label, a text or a number, got {type(value).__name__}")


def _written(value: Any) -> str:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating) and not float(value).is_integer():
        return str(float(value))
    return str(int(value))


def plain(label: str) -> str:
    """A label as Unicode composes it, without white space and what nobody sees at its ends."""
    composed = unicodedata.normalize("NFC", label).strip()
    begin, end = _UNSEEN.match(composed), len(composed)
    while end and _UNSEEN.fullmatch(composed[end - 1]):
        end -= 1
    return composed[begin.end() if begin and begin.end() < end else 0 : end].strip()


def _check_truths(texts: Sequence[str], rows: Sequence[int], where: str) -> None:
    """UserError for labels that are true and false in some rows, and 0 and 1 in others."""
    kinds = {text.lower() for text in set(texts)}
    if kinds <= {*_TRUTHS, "0", "1"} and kinds & {*_TRUTHS} and kinds & {"0", "1"}:
        words = [text.lower() in _TRUTHS for text in texts]
        place = words.index(not words[0])
        raise UserError(
            f"{where}: row {rows[place]}: the label {texts[place]}, and {texts[0]} in row {rows[0]}; write all of them "
            "as true and false, or all as 1 and 0"
        )


def _real(texts: Sequence[str]) -> bool:
    """Whether labels in a file of text are numbers, and not all of them whole."""
    numbers = all(_NUMBER.fullmatch(text) for text in texts)
    return numbers and any("." in text and not _INTEGER.fullmatch(text) for text in texts)


def _check_commas(texts: Sequence[str], rows: Sequence[int], where: str) -> None:
    """UserError for labels that are all numbers, some of them with a comma: a quantity, or several labels."""
    if any("," in text for text in texts) and all(_COMMAS.fullmatch(text) for text in texts):
        place = next(i for i, text in enumerate(texts) if "," in text)
        raise UserError(
            f"{where}: row {rows[place]}: the label {texts[place]} is a number with a comma, or several; --multi-label "
            "splits several, and no continuous quantity is learned: make classes of it, such as low and high"
        )


def _is_real(value: Any, typed: bool) -> bool:
    if isinstance(value, float | np.floating):
        return not float(value).is_integer()
    return not typed and isinstance(value, str) and not _INTEGER.fullmatch(value.strip())


def matched(labels: Sequence[str], names: Sequence[str]) -> list[str]:
    """Labels as a model's classes are called, where one file writes True or 1 and another true or 1.0."""
    known = {_canonical(name): name for name in names}
    there = set(names)
    return [label if label in there else known.get(_canonical(label), label) for label in labels]


def _canonical(label: str) -> str:
    label = plain(label)
    if _INTEGER.fullmatch(label):
        return str(int(float(label))) if "." in label else str(int(label))
    return _TRUTHS.get(label.lower(), label)


def restored(names: Sequence[str], kind: str) -> list[Any]:
    """Labels as they were, from their names and what they were."""
    if kind == INTEGER:
        return [int(name) if _INTEGER.fullmatch(name) else name for name in names]
    if kind == BOOLEAN:
        return [{"True": True, "False": False}.get(name, name) for name in names]
    return list(names)
