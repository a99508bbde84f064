"""Texts with a label each from files, frames and lists, with a line for whatever is wrong in them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.label_columns import RawTexts, of_columns, of_lines, of_table, tabbed
from throughtime.data.label_notes import counted, imbalance, repeated, text_key
from throughtime.data.splits import grouped_split
from throughtime.data.table import JSON, PARQUET
from throughtime.data.text import read_text
from throughtime.errors import UserError

FORMATS = ("auto", "table", "lines")

LONG = 10_000
"""Characters from which a text is said to be long."""

_WHOLE = re.compile(r"-?\d+\.0+")
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Texts:
    """Texts, and a label each, or no labels at all. where: for errors. rows: how an editor counts each, from 0 where
    there is no file. notes: what was found on reading them."""

    texts: list[str]
    labels: list[str]
    where: str = "data"
    rows: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def classes(self) -> list[str]:
        """The different labels, sorted."""
        return sorted(set(self.labels))

    def take(self, indices: Iterable[int] | np.ndarray) -> Texts:
        """Some of the texts in the order given, without the notes, which are about all of them."""
        chosen = [int(i) for i in indices]
        rows = self.rows or list(range(len(self)))
        labels = [self.labels[i] for i in chosen] if self.labels else []
        return Texts([self.texts[i] for i in chosen], labels, self.where, [rows[i] for i in chosen])

    def split(self, share: float, seed: int) -> tuple[Texts, Texts]:
        """All but a share of the texts, and that share: of each label as much, texts that are the same on one side."""
        if not share:
            return self, self.take([])
        rows, kept = grouped_split([text_key(text) for text in self.texts], self.labels, share, seed)
        return self.take(rows), self.take(kept)

    def joined(self, other: Texts) -> Texts:
        """These texts and others behind them."""
        return Texts(self.texts + other.texts, self.labels + other.labels, self.where)

    @property
    def sha256(self) -> str:
        """Of texts and labels, wherever they were read from."""
        return hashlib.sha256(json.dumps([self.texts, self.labels]).encode()).hexdigest()


def read_texts(
    source: Any,
    text: str | None = None,
    label: str | None = None,
    encoding: str = "utf-8",
    labelled: bool = True,
    format: str = "auto",
    keep_empty: bool | None = None,
    several: bool = True,
) -> Texts:
    """Texts and their labels from a table, from lines or from lists.

    source: a CSV, TSV, JSON lines or Parquet file, "-" for CSV on standard input, a frame of pandas, polars or pyarrow,
    a mapping of columns, a pair (texts, labels), or texts alone where not labelled. text, label: columns, found by
    usual names; of a file without a header line their places from 0, "0" and "1", of which a file of two columns needs
    none. labelled: whether each text must have a label; where not, labels are read only if `label` names them.
    format: "lines" has the label first, then white space, then the text (fastText's __label__x too), or the text alone
    where not labelled; "table" is CSV or TSV whatever the file's name; "auto" goes by suffix and content. keep_empty:
    keep texts of white space; None: where not labelled. several: refuse texts that all have one label.

    Labels that are numbers become text, "1" for 1.0. Raises UserError with the row for what cannot be.
    """
    if format not in FORMATS:
        raise UserError(f"format {format!r}: choose from {', '.join(FORMATS)}")
    wanted = labelled or label is not None
    if isinstance(source, str | Path):
        suffix = Path(source).suffix.lower()
        if format == "auto" and suffix in (*JSON, *PARQUET):
            found = of_columns(source, text, label, encoding, wanted)
        else:
            content, where = read_text(source, encoding), "standard input" if str(source) == "-" else str(source)
            table = suffix in (".csv", ".tsv", ".tab") or str(source) == "-" or tabbed(content)
            if format == "lines" or (format == "auto" and not table):
                found = of_lines(content, where, wanted, format == "auto")
            else:
                found = of_table(content, where, suffix, text, label, wanted)
    elif isinstance(source, list | tuple) or (isinstance(source, np.ndarray) and source.ndim == 1):
        found = _lists(source, wanted)
    else:
        found = of_columns(source, text, label, encoding, wanted)
    return _finished(found, not wanted if keep_empty is None else keep_empty, labelled and several)


def _lists(source: Any, wanted: bool) -> RawTexts:
    pair = len(source) == 2 and all(hasattr(part, "__len__") and not isinstance(part, str | dict) for part in source)
    texts, labels = (list(source[0]), list(source[1])) if pair else (list(source), None)
    if labels is None and wanted:
        raise UserError("data: expected texts and their labels as a pair (texts, labels), got texts alone")
    if labels is not None and len(labels) != len(texts):
        raise UserError(f"data: {len(texts):,} texts and {len(labels):,} labels; each text needs one")
    return RawTexts(texts, labels if wanted else None, list(range(len(texts))), "data", [])


def _finished(found: RawTexts, keep_empty: bool, labelled: bool) -> Texts:
    where, notes = found.where, list(found.notes)
    texts = [_text(value, f"{where}: row {row}") for value, row in zip(found.texts, found.rows, strict=True)]
    kept = list(range(len(texts)))
    empty = [i for i in kept if not texts[i]]
    if empty:
        what = "kept" if keep_empty else "left out"
        notes.append(f"{counted(len(empty), 'text')} without a word, the first in row {found.rows[empty[0]]}: {what}")
        kept = kept if keep_empty else [i for i in kept if texts[i]]
    if not kept:
        raise UserError(f"{where}: there are no texts")
    texts, rows = [texts[i] for i in kept], [found.rows[i] for i in kept]
    labels: list[str] = []
    if found.labels is not None:
        labels = [_label(found.labels[i], f"{where}: row {found.rows[i]}") for i in kept]
    if labels and labelled and len(set(labels)) == 1:
        raise UserError(f"{where}: every text has the label {labels[0]!r}; there is nothing to tell apart")
    notes += imbalance(labels)
    notes += repeated(texts, labels, rows)
    lengths = [len(text) for text in texts]
    long = sum(length > LONG for length in lengths)
    if long:
        row = rows[lengths.index(max(lengths))]
        notes.append(
            f"{counted(long, 'text')} of over {LONG:,} characters, the longest, of {max(lengths):,}, in row {row}"
        )
    return Texts(texts, labels, where, rows, notes)


def _written(value: Any) -> str | None:
    """A text or a number as text without white space around it, "" where missing; None for anything else."""
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return str(int(value)) if float(value).is_integer() else str(float(value))
    return None


def check_text(text: str, where: str) -> None:
    """UserError for what is no text in any encoding, said where."""
    if "\0" in text:
        raise UserError(f"{where}: the text holds a NUL, it is no text; take it out")
    if _HALF.search(text):
        raise UserError(f"{where}: the text holds half of a surrogate pair, no character; take it out")


def _text(value: Any, where: str) -> str:
    found = None if isinstance(value, list | dict | np.ndarray) else _written(value)
    if found is None:
        raise UserError(f"{where}: expected a text, got {type(value).__name__}")
    check_text(found, where)
    return found


def _label(value: Any, where: str) -> str:
    found = None if isinstance(value, list | dict | np.ndarray) else _written(value)
    if found is None:
        raise UserError(f"{where}: expected one label, a text or a number, got {type(value).__name__}")
    if not found:
        raise UserError(f"{where}: the label is missing; give one or leave the row out")
    check_text(found, where)
    return found[: found.index(".")] if _WHOLE.fullmatch(found) else found
