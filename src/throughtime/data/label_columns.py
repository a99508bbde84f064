"""Which columns of a table are the texts and which their labels; and lines of a label and a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from throughtime.data.json_rows import KNOWN, SHORT
from throughtime.data.label_sets import of_columns_of_truths
from throughtime.data.table import TableData, each_line, each_row, objects, read_table
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


MANY = 500
"""Classes from which the first words of lines are not taken for labels without being told."""

_FASTTEXT = "__label__"


@dataclass
class RawTexts:
    """Texts and labels, None where there are none, as they stand in a source; rows: how an editor counts each."""

    texts: list[Any]
    labels: list[Any] | None
    rows: list[int]
    where: str
    notes: list[str]
    typed: bool = True
    columns: tuple[str | None, str | None] = (None, None)
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """Which columns are meant. text, label: as somebody said, None for nothing said; known: those that training read,
    which count where they are there. wanted: whether labels are. several: whether a text has several labels,
    None: as found."""

    text: str | None
    label: str | None
    wanted: bool
    known: tuple[str | None, str | None] = (None, None)
    several: bool | None = None

    def among(self, names: Sequence[str]) -> Columns:
        """The same, with the columns that training read where nothing was said and a table has them."""
        text, label = self.known
        chosen = self.text if self.text is not None or text not in names else text
        there = label in names or bool(label_columns(names, label))
        other = self.label if self.label is not None or not there else label
        return replace(self, text=chosen, label=other)


def of_columns(source: Any, meant: Columns, encoding: str) -> RawTexts:
    if isinstance(source, dict):  # arrays of mixed values would turn a missing one into text
        source = {name: objects(list(values)) for name, values in source.items()}
    table = source if isinstance(source, TableData) else read_table(source, encoding, "labels", typed=True)
    names = list(table.columns)
    notes: list[str] = []
    meant = meant.among(names)
    some = label_columns(names, meant.label) if meant.wanted else []
    t, y = _chosen(names, meant.text, meant.label, table.where, meant.wanted and not some, notes)
    texts = list(table.columns[names[t]])
    labels = None if y is None else list(table.columns[names[y]])
    rows = list(range(table.first_row, table.first_row + len(texts)))
    if some:
        columns = [(name, list(table.columns[name])) for name in some]
        return _of_truths(texts, columns, rows, table.where, notes, (names[t], meant.label))
    return RawTexts(texts, labels, rows, table.where, notes, True, (names[t], None if y is None else names[y]))


def label_columns(names: Sequence[str], label: str | None) -> list[str]:
    """The columns of 0 and 1 that a name with commas means, none where it is one column's."""
    parts = [] if label is None or label in names else [part.strip() for part in label.split(",")]
    return parts if len(parts) > 1 and all(part in names for part in parts) else []


def _of_truths(
    texts: list[Any],
    columns: Sequence[tuple[str, Sequence[Any]]],
    rows: list[int],
    where: str,
    notes: list[str],
    chosen: tuple[str | None, str | None],
) -> RawTexts:
    """Texts whose labels are several columns of 0 and 1."""
    labels = of_columns_of_truths(columns, rows, where)
    return RawTexts(texts, labels, rows, where, notes, True, chosen, tuple(name for name, _ in columns))


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


def tabbed(content: str) -> bool:
    """Whether all lines have equally many tabs, at least one."""
    counts = {line.count("\t") for line in each_line(content) if line}
    return len(counts) == 1 and counts != {0}


@dataclass(frozen=True)
class _Rows:
    """The rows of a delimited text, which are gone through as often as asked for: all of them take many times the
    memory of the text. first: cells of the first row. count: rows."""

    content: str
    separator: str
    where: str
    first: list[str]
    count: int

    @classmethod
    def of(cls, content: str, separator: str, where: str) -> _Rows:
        """UserError where a row is of another width than the first."""
        count, first = 0, list[str]()
        odd: tuple[int, int] | None = None
        for number, cells in each_row(content, separator, where):
            count += 1
            if count == 1:
                first = cells
            elif len(cells) != len(first) and odd is None:
                odd = number, len(cells)
        if not count:
            raise UserError(f"{where}: the file is empty")
        if odd is not None:
            sign = {",": "comma", ";": "semicolon", "\t": "tab"}[separator]
            raise UserError(
                f"{where}: row {odd[0]} has {odd[1]} values, the first row {len(first)}; put texts that hold a {sign} "
                "in quotes"
            )
        return cls(content, separator, where, first, count)

    def column(self, place: int) -> Iterator[str]:
        """The cells of a column, from the first row on."""
        return (cells[place] for _, cells in each_row(self.content, self.separator, self.where))

    def columns(self, places: Sequence[int], above: int) -> tuple[list[int], list[list[str]]]:
        """The numbers of the rows, and some columns, without so many rows above; the same short cells are kept once."""
        numbers: list[int] = []
        columns: list[list[str]] = [[] for _ in places]
        known: dict[str, str] = {}
        for number, cells in islice(each_row(self.content, self.separator, self.where), above, None):
            numbers.append(number)
            for column, place in zip(columns, places, strict=True):
                cell = cells[place]
                column.append(cell if len(cell) > SHORT else known.setdefault(cell, cell))
            if len(known) > KNOWN:
                known.clear()
        return numbers, columns


def of_table(content: str, where: str, suffix: str, meant: Columns) -> RawTexts:
    wanted = meant.wanted
    first = next((line for line in each_line(content) if line), "")
    tabs = suffix in (".tsv", ".tab") or tabbed(content)
    separator = "\t" if tabs else max(",;\t", key=first.count)
    rows = _Rows.of(content, separator, where)
    width = len(rows.first)
    names = [name.strip() for name in rows.first]
    meant = meant.among(names)
    text, label = meant.text, meant.label
    given = [name for name in (text, label) if name is not None]
    some = [name for name in names if name]
    numbered = some == [str(i) for i in range(len(some))]  # pandas writes such a header; else "1" may be a first label
    some_labels = label_columns(names, label) if wanted else []
    named = bool(some_labels) or any(name in names and (numbered or not name.isdecimal()) for name in given)
    known = any(name.lower() in (*TEXTS, *LABELS) for name in names)
    places = bool(given) and all(name.isdecimal() and int(name) < width for name in given)
    notes: list[str] = []
    remembered = meant.known[0] is not None and not meant.known[0].isdecimal()
    header = named or known or bool(given and not places)
    header = header or (not given and (width > 2 or (width > 1 and remembered)))
    if header:
        twice = [name for name in names if name and names.count(name) > 1] if width < 5000 else []
        if twice:
            raise UserError(f"{where}: two columns are named {twice[0]!r}")
        t, y = _chosen(names, text, label, where, wanted and not some_labels, notes)
        if rows.count == 1:
            raise UserError(f"{where}: there are no rows below the header")
        columns = (names[t], None if y is None else names[y])
        if some_labels:
            numbers, (texts, *truths) = rows.columns([t, *map(names.index, some_labels)], 1)
            both = list(zip(some_labels, truths, strict=True))
            return _of_truths(texts, both, numbers, where, notes, (names[t], label))
    else:
        place = meant.known[0]
        if text is None and not wanted and place is not None and place.isdecimal() and 1 < width > int(place):
            text = place
        t, y = _unnamed(rows, text, label, where, wanted)
        columns = (str(t), None if y is None else str(y))
        notes.append(
            f"no header line: texts in column {t}" + (f", labels in column {y}" if y is not None else "") + ", from 0"
        )
    numbers, (texts, *labels) = rows.columns([t] if y is None else [t, y], int(header))
    return RawTexts(texts, labels[0] if labels else None, numbers, where, notes, False, columns)


def _unnamed(rows: _Rows, text: str | None, label: str | None, where: str, wanted: bool) -> tuple[int, int | None]:
    """The places of texts and labels in rows without a header."""
    width = len(rows.first)
    y: int | None
    if text is None and label is None:
        if width == 1 and wanted:
            raise UserError(f"{where}: expected a text and a label in each row, got one value; separate them by a tab")
        kinds = [len(set(map(hash, rows.column(i)))) for i in (0, width - 1)]
        few = 0 if kinds[0] < kinds[-1] else width - 1
        if width == 2 and kinds[few] <= rows.count / 2 + 1:
            head, *others = rows.columns([few], 0)[1][0]
            counts = Counter(others)
            if counts and head not in counts and min(counts.values()) > 1:
                names = ", ".join(name.strip()[:40] for name in rows.first)
                raise UserError(
                    f"{where}: which columns hold texts and labels? the first row reads {names}; name them with text "
                    'and label, or "0" and "1" if it is no header'
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


def of_lines(content: str, where: str, meant: Columns, guessed: bool) -> RawTexts:
    """Lines end at "\n" alone: others that Unicode knows stand within texts."""
    lines = content.split("\n")
    if not lines[-1]:
        lines.pop()
    if any(line.startswith(_FASTTEXT) for line in lines):
        return _of_marked(lines, where, meant)
    texts: list[str] = []
    labels: list[str] = []
    rows: list[int] = []
    for row, line in enumerate(lines, 1):
        first, *rest = line.split(None, 1) or [""]
        rest = rest or [""]
        if not meant.wanted:
            texts.append(line)
        elif not first:
            continue
        else:
            texts.append(rest[0])
            labels.append(first)
        rows.append(row)
    if not meant.wanted:
        return RawTexts(texts, None, rows, where, [], False)
    kinds = len(set(labels))
    if guessed and kinds > max(20, min(len(labels) / 2, MANY)):
        raise UserError(
            f"{where}: the first word of each line, taken for its label, gives {kinds:,} classes in {len(labels):,} "
            'lines; expected lines of a label and a text (give the format "lines" if it is so), or a table with the '
            "suffix .csv, .tsv or .jsonl"
        )
    return RawTexts(texts, labels, rows, where, ["each line: the label, then the text"], False)


def _of_marked(lines: Sequence[str], where: str, meant: Columns) -> RawTexts:
    """Lines as fastText has them: __label__a, perhaps more of them, then the text."""
    texts: list[str] = []
    labels: list[list[str]] = []
    rows: list[int] = []
    for row, line in enumerate(lines, 1):
        own, rest = [], line.lstrip()
        while rest.startswith(_FASTTEXT):
            first, *behind = rest.split(None, 1)
            own.append(first.removeprefix(_FASTTEXT))
            rest = behind[0] if behind else ""
        if meant.wanted and not rest and not own:
            continue
        if meant.wanted and not own and meant.several is not True:
            got = repr(line.split()[0][:40])
            raise UserError(
                f"{where}: row {row}: expected {_FASTTEXT} first, got {got}; --multi-label takes texts without a label"
            )
        if len(own) > 1 and meant.wanted and meant.several is False:
            raise UserError(f"{where}: row {row}: two labels; a text can have one where multi_label is off")
        texts.append(rest if meant.wanted or own else line)
        labels.append(own)
        rows.append(row)
    if not meant.wanted:
        return RawTexts(texts, None, rows, where, [], False)
    single = meant.several is not True and all(len(own) == 1 for own in labels)
    found: list[object] = [own[0] for own in labels] if single else list(labels)
    return RawTexts(texts, found, rows, where, ["each line: the label, then the text"], False)
