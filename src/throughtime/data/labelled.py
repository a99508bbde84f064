"""Texts with a label each from files, frames and lists, with a line for whatever is wrong in them."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.table import JSON_LINES, PARQUET, delimited, objects, read_table
from throughtime.data.text import read_text
from throughtime.errors import UserError

TEXTS = (
    "text",
    "review",
    "sentence",
    "text_a",
    "utterance",
    "content",
    "comment",
    "message",
    "tweet",
    "question",
    "query",
    "sms",
    "headline",
    "description",
    "body",
    "document",
    "文本",
    "评论",
    "内容",
    "句子",
)
LABELS = (
    "label",
    "labels",
    "class",
    "sentiment",
    "intent",
    "category",
    "target",
    "polarity",
    "topic",
    "rating",
    "stars",
    "emotion",
    "y",
    "标签",
    "类别",
    "情感",
)
"""Names by which the columns of texts and of labels are known, where none is given; the first that is there counts."""

FORMATS = ("auto", "table", "lines")

LONG = 10_000
"""Characters from which a text is said to be long."""

FEW = 5
"""A class with fewer examples is said to have few."""

UNEVEN = 10
"""Times the smallest class from which the largest makes them uneven."""

MANY = 500
"""Classes from which the first words of lines are not taken for labels without being told."""

_FASTTEXT = "__label__"
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

    @property
    def sha256(self) -> str:
        """Of texts and labels, wherever they were read from."""
        return hashlib.sha256(json.dumps([self.texts, self.labels]).encode()).hexdigest()


@dataclass
class _Found:
    texts: list[Any]
    labels: list[Any] | None
    rows: list[int]
    where: str
    notes: list[str]


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
        if format == "auto" and suffix in (*JSON_LINES, *PARQUET):
            found = _columns(source, text, label, encoding, wanted)
        else:
            content, where = read_text(source, encoding), "standard input" if str(source) == "-" else str(source)
            table = suffix in (".csv", ".tsv", ".tab") or str(source) == "-" or _tabbed(content)
            if format == "lines" or (format == "auto" and not table):
                found = _lines(content, where, wanted, format == "auto")
            else:
                found = _table(content, where, suffix, text, label, wanted)
    elif isinstance(source, list | tuple) or (isinstance(source, np.ndarray) and source.ndim == 1):
        found = _lists(source, wanted)
    else:
        found = _columns(source, text, label, encoding, wanted)
    return _finished(found, not wanted if keep_empty is None else keep_empty, labelled and several)


def _lists(source: Any, wanted: bool) -> _Found:
    pair = len(source) == 2 and all(hasattr(part, "__len__") and not isinstance(part, str | dict) for part in source)
    texts, labels = (list(source[0]), list(source[1])) if pair else (list(source), None)
    if labels is None and wanted:
        raise UserError("data: expected texts and their labels as a pair (texts, labels), got texts alone")
    if labels is not None and len(labels) != len(texts):
        raise UserError(f"data: {len(texts):,} texts and {len(labels):,} labels; each text needs one")
    return _Found(texts, labels if wanted else None, list(range(len(texts))), "data", [])


def _columns(source: Any, text: str | None, label: str | None, encoding: str, wanted: bool) -> _Found:
    if isinstance(source, dict):  # arrays of mixed values would turn a missing one into text
        source = {name: objects(list(values)) for name, values in source.items()}
    table = read_table(source, encoding, "labels")
    names = list(table.columns)
    notes: list[str] = []
    t, y = _chosen(names, text, label, table.where, wanted, notes)
    texts = list(table.columns[names[t]])
    labels = None if y is None else list(table.columns[names[y]])
    return _Found(texts, labels, list(range(table.first_row, table.first_row + len(texts))), table.where, notes)


def _chosen(
    names: list[str], text: str | None, label: str | None, where: str, wanted: bool, notes: list[str]
) -> tuple[int, int | None]:
    """The places of the columns of texts and labels among the names of a table."""
    y: int | None
    t = _place(names, text, TEXTS, where, "texts", "text")
    y = _place(names, label, LABELS, where, "labels", "label") if wanted else None
    if t == y:
        raise UserError(f"{where}: column {names[t]!r} cannot be the texts and the labels; name both")
    if text is None or (wanted and label is None):
        notes.append(f"texts: column {names[t]}" + (f"; labels: column {names[y]}" if y is not None else ""))
    return t, y


def _place(names: list[str], given: str | None, known: Sequence[str], where: str, what: str, option: str) -> int:
    there = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    if given is not None:
        if given in names:
            return names.index(given)
        if given.isdecimal() and int(given) < len(names):
            return int(given)
        raise UserError(f"{where}: no column {given!r} for the {what}; there are {there}")
    lower = [name.lower() for name in names]
    for name in known:
        if name in lower:
            return lower.index(name)
    raise UserError(f"{where}: which column holds the {what}? there are {there}; name it with {option}")


def _tabbed(content: str) -> bool:
    """Whether all lines have equally many tabs, at least one."""
    counts = {line.count("\t") for line in content.split("\n") if line}
    return len(counts) == 1 and counts != {0}


def _table(content: str, where: str, suffix: str, text: str | None, label: str | None, wanted: bool) -> _Found:
    first = content.lstrip("\n").split("\n", 1)[0]
    tabs = suffix in (".tsv", ".tab") or _tabbed(content)
    separator = "\t" if tabs else max(",;\t", key=first.count)
    rows = delimited(content, separator, where)
    if not rows:
        raise UserError(f"{where}: the file is empty")
    width = len(rows[0][1])
    for number, cells in rows:
        if len(cells) != width:
            sign = {",": "comma", ";": "semicolon", "\t": "tab"}[separator]
            raise UserError(
                f"{where}: row {number} has {len(cells)} values, the first row {width}; put texts that hold a {sign} "
                "in quotes"
            )
    names = [name.strip() for name in rows[0][1]]
    given = [name for name in (text, label) if name is not None]
    some = [name for name in names if name]
    numbered = some == [str(i) for i in range(len(some))]  # pandas writes such a header; else "1" may be a first label
    named = any(name in names and (numbered or not name.isdecimal()) for name in given)
    known = any(name.lower() in (*TEXTS, *LABELS) for name in names)
    places = bool(given) and all(name.isdecimal() and int(name) < width for name in given)
    notes: list[str] = []
    if named or known or (given and not places) or (not given and width > 2):
        twice = [name for name in names if name and names.count(name) > 1] if width < 5000 else []
        if twice:
            raise UserError(f"{where}: two columns are named {twice[0]!r}")
        t, y = _chosen(names, text, label, where, wanted, notes)
        rows = rows[1:]
        if not rows:
            raise UserError(f"{where}: there are no rows below the header")
    else:
        t, y = _unnamed(rows, text, label, where, wanted)
        notes.append(
            f"no header line: texts in column {t}" + (f", labels in column {y}" if y is not None else "") + ", from 0"
        )
    texts = [cells[t] for _, cells in rows]
    labels = None if y is None else [cells[y] for _, cells in rows]
    return _Found(texts, labels, [number for number, _ in rows], where, notes)


def _unnamed(
    rows: list[tuple[int, list[str]]], text: str | None, label: str | None, where: str, wanted: bool
) -> tuple[int, int | None]:
    """The places of texts and labels in rows without a header."""
    width = len(rows[0][1])
    y: int | None
    if text is None and label is None:
        if width == 1 and wanted:
            raise UserError(f"{where}: expected a text and a label in each row, got one value; separate them by a tab")
        kinds = [len({cells[i] for _, cells in rows}) for i in range(width)]
        few = 0 if kinds[0] < kinds[-1] else width - 1
        head, *others = [cells[few] for _, cells in rows]
        counts = Counter(others)
        if width == 2 and counts and head not in counts and min(counts.values()) > 1:
            names = ", ".join(name.strip()[:40] for name in rows[0][1])
            raise UserError(
                f"{where}: which columns hold texts and labels? the first row reads {names}; name them with text and "
                'label, or "0" and "1" if it is no header'
            )
        return width - 1 - few, few if wanted else None
    if width > 2 and wanted and (text is None or label is None):
        raise UserError(f"{where}: there are {width} columns and no header; give the places of text and label")
    other = (1 - int(text or label or 0)) % width
    t = int(text) if text is not None else other
    y = (int(label) if label is not None else other) if wanted else None
    if t == y:
        raise UserError(f"{where}: column {t} cannot be the texts and the labels; name both")
    return t, y


def _lines(content: str, where: str, wanted: bool, guessed: bool) -> _Found:
    """Lines end at "\\n" alone: others that Unicode knows stand within texts."""
    lines = content.split("\n")
    if not lines[-1]:
        lines.pop()
    marked = any(line.startswith(_FASTTEXT) for line in lines)
    texts: list[str] = []
    labels: list[str] = []
    rows: list[int] = []
    for row, line in enumerate(lines, 1):
        first, *rest = line.split(None, 1) or [""]
        rest = rest or [""]
        if not wanted:
            texts.append(rest[0] if first.startswith(_FASTTEXT) else line)
        elif not first:
            continue
        elif marked:
            if not first.startswith(_FASTTEXT):
                raise UserError(f"{where}: row {row}: expected {_FASTTEXT} first, got {first[:40]!r}")
            if rest[0].startswith(_FASTTEXT):
                raise UserError(f"{where}: row {row}: two labels; a text can have one")
            texts.append(rest[0])
            labels.append(first.removeprefix(_FASTTEXT))
        else:
            texts.append(rest[0])
            labels.append(first)
        rows.append(row)
    if not wanted:
        return _Found(texts, None, rows, where, [])
    kinds = len(set(labels))
    if guessed and not marked and kinds > max(20, min(len(labels) / 2, MANY)):
        raise UserError(
            f"{where}: the first word of each line, taken for its label, gives {kinds:,} classes in {len(labels):,} "
            'lines; expected lines of a label and a text (give the format "lines" if it is so), or a table with the '
            "suffix .csv, .tsv or .jsonl"
        )
    return _Found(texts, labels, rows, where, ["each line: the label, then the text"])


def _finished(found: _Found, keep_empty: bool, labelled: bool) -> Texts:
    where, notes = found.where, list(found.notes)
    texts = [_text(value, f"{where}: row {row}") for value, row in zip(found.texts, found.rows, strict=True)]
    kept = list(range(len(texts)))
    empty = [i for i in kept if not texts[i]]
    if empty:
        what = "kept" if keep_empty else "left out"
        notes.append(f"{_count(len(empty), 'text')} without a word, the first in row {found.rows[empty[0]]}: {what}")
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
    notes += _repeated(texts, labels, rows)
    lengths = [len(text) for text in texts]
    long = sum(length > LONG for length in lengths)
    if long:
        row = rows[lengths.index(max(lengths))]
        notes.append(
            f"{_count(long, 'text')} of over {LONG:,} characters, the longest, of {max(lengths):,}, in row {row}"
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


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def imbalance(labels: Sequence[str], what: str = "class") -> list[str]:
    """Notes on classes of very different sizes and on small ones."""
    counts = Counter(labels).most_common()
    notes = []
    if counts and counts[0][1] > UNEVEN * counts[-1][1]:
        (most, many), (least, few) = counts[0], counts[-1]
        notes.append(
            f"uneven: {what} {most} has {_count(many, 'example')}, {least} {few:,}; accuracy alone says little, see F1"
        )
    small = [f"{name} ({count})" for name, count in sorted(counts, key=lambda pair: (pair[1], pair[0])) if count < FEW]
    if small:
        more = f" and {len(small) - 5} more" if len(small) > 5 else ""
        notes.append(f"fewer than {FEW} examples of {what} {', '.join(small[:5])}{more}")
    return notes


def text_key(text: str) -> str:
    """What two texts have in common that are the same but for white space and how Unicode composes characters."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _repeated(texts: list[str], labels: list[str], rows: list[int]) -> list[str]:
    first: dict[str, int] = {}
    again: list[tuple[int, int]] = []
    kinds: dict[str, set[str]] = {}
    for i, key in enumerate(map(text_key, texts)):
        if not key:
            continue
        if key in first:
            again.append((first[key], i))
        else:
            first[key] = i
        if labels:
            kinds.setdefault(key, set()).add(labels[i])
    notes = []
    if again:
        a, b = again[0]
        verb = "repeat" if len(again) > 1 else "repeats"
        notes.append(f"{_count(len(again), 'text')} {verb} an earlier one, the first: row {rows[b]} is row {rows[a]}")
    other = [(a, b) for a, b in again if labels and labels[a] != labels[b]]
    if other:
        a, b = other[0]
        count = sum(len(kind) > 1 for kind in kinds.values())
        notes.append(
            f"{_count(count, 'text')} under more than one label: row {rows[a]} is {labels[a]}, "
            f"row {rows[b]} {labels[b]}"
        )
    return notes


def unseen(train: Texts, test: Texts) -> np.ndarray:
    """(N,) bool: which texts of test are not in train, be it with other white space or another Unicode composition."""
    known = {text_key(text) for text in train.texts}
    return np.array([text_key(text) not in known for text in test.texts], bool)


def check_split(train: Texts, test: Texts) -> list[str]:
    """Notes on what makes a score on test look better or worse than it is: its texts that stand in train, its labels
    that do not."""
    labels: dict[str, set[str]] = {}
    for i, text in enumerate(train.texts):
        labels.setdefault(text_key(text), set()).update(train.labels[i : i + 1])
    new = unseen(train, test)
    notes = []
    if not new.all():
        seen = np.flatnonzero(~new)
        other = 0
        if train.labels and test.labels:
            other = sum(test.labels[i] not in labels[text_key(test.texts[i])] for i in seen)
        under = f", {other:,} of them under another label" if other else ""
        notes.append(
            f"{len(seen):,} of {_count(len(test), 'test text')} {'stand' if len(seen) > 1 else 'stands'} in training "
            f"as well{under}; "
            f"look at the score on the other {int(new.sum()):,} too"
        )
    return notes + never_seen(train.labels, test.labels, "label")


def never_seen(train: Iterable[str], test: Sequence[str], what: str) -> list[str]:
    """A note on what occurs in test only; none where there is nothing to compare."""
    known = set(train)
    counts = Counter(one for one in test if one not in known) if known else Counter()
    if not counts:
        return []
    named = [f"{name} ({count:,})" for name, count in counts.most_common()]
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return [
        f"never seen in training: {what} {', '.join(named[:5])}{more}; "
        f"{sum(counts.values()):,} of test, which count as errors"
    ]
