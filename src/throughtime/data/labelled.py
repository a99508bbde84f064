"""Texts with a label each, or several, from files, frames and lists, with a line for whatever is wrong in them."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.folders import of_folder
from throughtime.data.json_rows import looks_like_json
from throughtime.data.label_columns import of_columns, of_table
from throughtime.data.label_lines import FASTTEXT, check_names, of_lines, unmarked
from throughtime.data.label_names import Columns, RawTexts
from throughtime.data.label_notes import Places, alike, counted, imbalance, long_ones, named_notes, repeated, text_key
from throughtime.data.label_rows import headed, tabbed
from throughtime.data.label_sets import (
    ALONE,
    AS_FOUND,
    LabelRule,
    alone,
    as_one,
    flat,
    missing_set,
    out_of,
    rarest,
    sets_of,
    unsplit,
)
from throughtime.data.label_tools import of_examples, of_tools
from throughtime.data.label_values import INTEGER, TEXT, as_texts, in_words
from throughtime.data.spans import rasa
from throughtime.data.splits import grouped_split
from throughtime.data.table import JSON, PARQUET, json_table
from throughtime.data.text import check_text, read_text
from throughtime.errors import UserError

FORMATS = ("auto", "table", "lines", "json")

_MANY = 20
"""Different whole numbers from which they may be no classes."""


@dataclass(frozen=True)
class Texts:
    """Texts, and a label each, or no labels at all. where: for errors. rows: how an editor counts each, from 0 where
    there is no file. notes: what was found on reading them. kind: what labels were (label_values). columns: the names,
    or places, of those of texts and labels; None where there are none. several: whether each label is a set of labels,
    as label_sets writes it; names: all labels there are,

    in order, where that is known apart from the texts; separator: the sign between labels in a cell."""

    texts: list[str]
    labels: list[str]
    where: str = "data"
    rows: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kind: str = TEXT
    columns: tuple[str | None, str | None] = (None, None)
    several: bool = False
    names: tuple[str, ...] = ()
    separator: str | None = None

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def classes(self) -> list[str]:
        """The different labels, sorted; all there are, in their order, where that is known."""
        return list(self.names) or sorted(set(flat(self.labels) if self.several else self.labels))

    def take(self, indices: Iterable[int] | np.ndarray) -> Texts:
        """Some of the texts in the order given, without the notes, which are about all of them."""
        chosen = [int(i) for i in indices]
        rows = self.rows or list(range(len(self)))
        labels = [self.labels[i] for i in chosen] if self.labels else []
        texts, kept = [self.texts[i] for i in chosen], [rows[i] for i in chosen]
        return replace(self, texts=texts, labels=labels, rows=kept, notes=[])

    def split(self, share: float, seed: int) -> tuple[Texts, Texts]:
        """All but a share of the texts, and that share: of each label as much, texts that are the same on one side."""
        if not share:
            return self, self.take([])
        by = rarest(self.labels) if self.several else self.labels
        rows, kept = grouped_split([text_key(text) for text in self.texts], by, share, seed, self.where)
        return self.take(rows), self.take(kept)

    def joined(self, other: Texts) -> Texts:
        """These texts and others behind them."""
        kind = self.kind if self.kind == other.kind or not other.labels else TEXT
        texts, labels = self.texts + other.texts, self.labels + other.labels
        return replace(self, texts=texts, labels=labels, rows=[], notes=[], kind=kind)

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
    known: tuple[str | None, str | None] = (None, None),
    rule: LabelRule = AS_FOUND,
) -> Texts:
    """Texts and their labels from a table, from lines or from lists.

    source: a CSV, TSV, JSON or Parquet file, "-" for standard input, several files, a folder of such, or one with a
    folder of texts for each label; a frame of pandas, polars or pyarrow, a mapping of columns, a pair (texts, labels),
    or texts alone where not labelled. text, label: columns, found by usual names; of a file without a header line their
    places from 0, "0" and "1", of which a file of two columns needs none. labelled: whether each text must have a
    label; where not, labels are read only if `label` names them. format: one of FORMATS; "lines" has the label first,
    then white space, then the text (fastText's __label__x too), or the text alone where not labelled; "table" is CSV or
    TSV whatever the file's name; "json" objects a line or in an array; "auto" goes by suffix and content. keep_empty:
    keep texts of white space; None: where not labelled. several: refuse texts that all have one label. known: columns
    of texts and labels that training read, which are taken where they are there. rule: of missing labels, and of
    several labels a text.

    Labels become text, "1" for 1.0, and `kind` says what they were. Raises UserError with the row for what cannot be.
    """
    if format not in FORMATS:
        raise UserError(f"format {format!r}: choose from {', '.join(FORMATS)}")
    meant = Columns(text, label, labelled or label is not None, known, rule.several)
    paths = _paths(source)
    if paths is not None:
        found = [_file(path, meant, encoding, format) for path in paths]
        if format == "auto":
            check_names(found)
    elif isinstance(source, str | Path) and Path(source).is_dir():
        found = [_folder(Path(source), encoding, meant)]
    elif isinstance(source, list | tuple) or (isinstance(source, np.ndarray) and source.ndim == 1):
        found = [_lists(source, meant.wanted)]
    elif _is_series(source):
        found = [_lists(list(source), meant.wanted)]
    else:
        found = [of_columns(source, meant, encoding)]
    return _finished(found, not meant.wanted if keep_empty is None else keep_empty, labelled and several, rule)


def _is_series(source: Any) -> bool:
    """Whether it is one column of a frame."""
    return hasattr(source, "to_list") and hasattr(source, "dtype") and not hasattr(source, "columns")


def _paths(source: Any) -> list[Path | str] | None:
    """The files of a source; None for what is no file, or a folder of folders."""
    if isinstance(source, str | Path):
        path = Path(source)
        if str(source) == "-" or not path.is_dir():
            return [source]
        if any(child.is_dir() for child in path.iterdir()):
            return None
        return [*of_folder(path)]
    several = isinstance(source, list | tuple) and bool(source) and all(isinstance(one, Path) for one in source)
    return list(source) if several else None


def _file(source: str | Path, meant: Columns, encoding: str, format: str) -> RawTexts:
    suffix = Path(source).suffix.lower()
    if format == "auto" and suffix in PARQUET:
        return of_columns(source, meant, encoding)
    content, where = read_text(source, encoding), "standard input" if str(source) == "-" else str(source)
    if format == "json" or (format == "auto" and (suffix in JSON or looks_like_json(content))):
        made = of_tools(content, where, meant) if meant.text is None and meant.label is None else None
        return made or of_columns(json_table(content, where), meant, encoding)
    if format == "auto" and suffix in (".yml", ".yaml", ".md") and (rows := rasa(content)):
        return of_examples(rows, where, meant)
    table = suffix in (".csv", ".tsv", ".tab") or str(source) == "-" or tabbed(content) or headed(content)
    table = table and not (content.startswith(FASTTEXT) and suffix not in (".csv", ".tsv", ".tab"))
    if format == "lines" or (format == "auto" and not table):
        return of_lines(content, where, meant, format == "auto")
    return of_table(content, where, suffix, meant)


def _folder(path: Path, encoding: str, meant: Columns) -> RawTexts:
    """A folder that has a folder of texts for each label."""
    texts: list[Any] = []
    labels: list[Any] = []
    for folder in sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith(".")):
        for file in sorted(child for child in folder.iterdir() if not child.name.startswith(".")):
            if file.is_dir():
                raise UserError(f"{path}: expected a folder of text files for each label, {file} is a folder again")
            texts.append(read_text(file, encoding) if file.stat().st_size else "")
            labels.append(folder.name)
    if not texts:
        raise UserError(f"{path}: expected a folder of text files for each label, there are none")
    notes = [f"labels are the names of the folders: {len(set(labels)):,}"]
    return RawTexts(texts, labels if meant.wanted else None, list(range(len(texts))), str(path), notes, False)


def _lists(source: Any, wanted: bool) -> RawTexts:
    pair = len(source) == 2 and all(hasattr(part, "__len__") and not isinstance(part, str | dict) for part in source)
    texts, labels = (list(source[0]), list(source[1])) if pair else (list(source), None)
    if labels is None and wanted:
        raise UserError("data: expected texts and their labels as a pair (texts, labels), got texts alone")
    if labels is not None and len(labels) != len(texts):
        raise UserError(f"data: {len(texts):,} texts and {len(labels):,} labels; each text needs one")
    return RawTexts(texts, labels if wanted else None, list(range(len(texts))), "data", [])


def _finished(found: list[RawTexts], keep_empty: bool, labelled: bool, rule: LabelRule) -> Texts:
    """Texts of one or several sources, checked."""
    texts: list[str] = []
    labels: list[str] = []
    rows: list[int] = []
    counts: list[int] = []
    kinds = set()
    found = [one if (own := unmarked(one.labels or [])) is None else replace(one, labels=own) for one in found]
    found, several, of_sets, separator = _sets(found, rule)
    notes = [f"{len(found):,} files, from {found[0].where} to {found[-1].where}"] if len(found) > 1 else []
    for one in found:
        own = [_text(value, f"{one.where}: row {row}") for value, row in zip(one.texts, one.rows, strict=True)]
        told: list[str] = []
        kept = _not_empty(own, one, keep_empty, told)
        if one.labels is not None:
            kept = _with_labels(kept, one, rule.drop_missing, told)
            written, kind = _written_labels(one, kept, several)
            labels += written
            kinds |= {kind} if written else set()
        texts += [own[i] for i in kept]
        rows += [one.rows[i] for i in kept]
        counts.append(len(kept))
        notes += named_notes(one, [*one.notes, *told], len(found) > 1, notes)
    where = found[0].where if len(found) == 1 else f"{found[0].where} and {len(found) - 1} more"
    if not texts:
        raise UserError(f"{where}: there are no texts")
    if labels and labelled:
        _tell_apart(labels, kinds, where, several)
    notes += [note for note in of_sets if labels] + imbalance(flat(labels) if several else labels)
    notes += alike(flat(labels) if several else labels)
    places = rows if len(found) == 1 else Places(found, rows, counts)
    notes += repeated(texts, labels, places)
    notes += long_ones(texts, places)
    kind = kinds.pop() if len(kinds) == 1 else TEXT
    names = tuple(dict.fromkeys(name for one in found for name in one.names)) if several else ()
    several = several and bool(labels)
    return Texts(texts, labels, where, rows, notes, kind, found[0].columns, several, names, separator)


def _out_of_lists(found: RawTexts) -> RawTexts:
    """With the one label of each list, and a note on that."""
    if found.labels is None:
        return found
    return replace(found, labels=[out_of(label) for label in found.labels], notes=[*found.notes, ALONE])


def _sets(found: list[RawTexts], rule: LabelRule) -> tuple[list[RawTexts], bool, list[str], str | None]:
    """The sources with labels as lists where a text has several, whether it has, notes on that, and the separator."""
    if not rule.several and rule.separator is None and all(one.labels is None or alone(one.labels) for one in found):
        found = [_out_of_lists(one) for one in found]
    with_labels = [one for one in found if one.labels is not None]
    several, told, separator = rule.several is True or rule.separator is not None, [], rule.separator
    for one in with_labels:
        assert one.labels is not None
        made = sets_of(one.labels, one.rows, one.where, rule)
        several = several or made is not None
        separator = separator or (made.separator if made is not None else None)
    if not several:
        told = [note for one in with_labels for note in unsplit(one.labels or [], rule)][:1]
        return found, False, told, None
    every = []
    for one in found:
        made = None
        if one.labels is not None:
            made = sets_of(one.labels, one.rows, one.where, LabelRule(several=True, separator=separator))
            assert made is not None
            told.append(made.note)
        every.append(one if made is None else replace(one, labels=made.labels))
    return every, True, list(dict.fromkeys(told)), separator


def _written_labels(found: RawTexts, kept: Sequence[int], several: bool) -> tuple[list[str], str]:
    """The labels of some texts as text, and what they were."""
    assert found.labels is not None
    values, places = [found.labels[i] for i in kept], [found.rows[i] for i in kept]
    counts = [len(value) for value in values] if several else [1] * len(values)
    if several:
        each = [label for value in values for label in value]
        owners = [row for row, count in zip(places, counts, strict=True) for _ in range(count)]
    else:
        each, owners = values, places
    if not each:
        return [as_one(()) for _ in kept], TEXT
    for label, row in zip(each, owners, strict=True):
        if several and missing_set(label):
            raise UserError(f"{found.where}: row {row}: one of the labels is missing; leave it out of the list")
    written, kind = as_texts(each, owners, found.where, found.typed)
    for label, row in zip(written, owners, strict=True):
        check_text(label, f"{found.where}: row {row}")
    if not several:
        return written, kind
    rest = iter(written)
    return [as_one(next(rest) for _ in range(count)) for count in counts], kind


def _not_empty(texts: list[str], found: RawTexts, keep: bool, notes: list[str]) -> Sequence[int]:
    """Which texts are kept, with a note on those without a word."""
    empty = [i for i, text in enumerate(texts) if not text]
    if empty:
        what = "kept" if keep else "left out"
        row = found.rows[empty[0]]
        notes.append(f"{counted(len(empty), 'text')} without a word, the first in row {row}: {what}")
    return range(len(texts)) if keep or not empty else [i for i, text in enumerate(texts) if text]


def _with_labels(kept: Sequence[int], found: RawTexts, drop: bool, notes: list[str]) -> Sequence[int]:
    """Which of some texts have a label; UserError where one has none, unless those are left out."""
    assert found.labels is not None
    without = [i for i in kept if missing_set(found.labels[i])]
    if not without:
        return kept
    rows = [found.rows[i] for i in without]
    if not drop:
        what = "give one or leave the row out" if len(rows) == 1 else "give them or leave the rows out"
        raise UserError(f"{in_words(rows, found.where)}; {what}, --drop-missing (drop_missing) does")
    notes.append(f"{counted(len(rows), 'text')} without a label, the first in row {rows[0]}: left out")
    gone = set(without)
    return [i for i in kept if i not in gone]


def _tell_apart(labels: list[str], kinds: set[str], where: str, several: bool) -> None:
    """UserError for labels that are no classes."""
    names = set(flat(labels) if several else labels)
    if several:
        if len(names) < 2:
            there = f"{min(names)!r} alone" if names else "none"
            raise UserError(
                f"{where}: expected at least two different labels, there is {there}; one label that is there or not is "
                "two classes, give those, one a text"
            )
        return
    if len(names) == 1:
        raise UserError(f"{where}: every text has the label {labels[0]!r}; there is nothing to tell apart")
    if kinds == {INTEGER} and len(names) > max(_MANY, 0.5 * len(labels)):
        raise UserError(
            f"{where}: the labels are {len(names):,} different numbers in {len(labels):,} texts, a quantity or numbers "
            "of rows; classes are told apart here: name another column, or make classes of it"
        )


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


def _text(value: Any, where: str) -> str:
    found = None if isinstance(value, list | dict | np.ndarray) else _written(value)
    if found is None:
        raise UserError(f"{where}: expected a text, got {type(value).__name__}")
    check_text(found, where)
    return found if found.isascii() else unicodedata.normalize("NFC", found)
