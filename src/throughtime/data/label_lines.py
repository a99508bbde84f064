"""Lines of a label and a text, as fastText has them and as others do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from throughtime.data.label_names import Columns, RawTexts
from throughtime.errors import UserError

FEW = 5
"""Classes beyond which they are none if a third of them stands there once."""

MANY = 500
"""Classes from which the first words of lines are not taken for labels without being told."""

FASTTEXT = "__label__"

SIGNS = ("|||", "||", "@@", "->", "=>", "\u2192", "##", "::", ";;", "\x1f", "\x01")
"""What stands between a text and its label in files of lines that are none of a label and a text."""

_OTHERS = {
    "@relation": "ARFF, which is not read; write it as CSV",
    "{'": "objects as Python writes them; write them with json.dumps",
    "[(": "tuples as Python writes them; write lists with json.dumps",
}
"""Other formats by how their first line begins, and what to do."""

_TAGGED = re.compile(r"<(?:\?xml|!doctype|html)\b.*|<\w[^>]*>.*</.*")

LINES = "each line: the label, then the text"

_PAIRS = (("pos", "positive", "neg", "negative", "neutral"), ("spam", "ham"), ("true", "fake"), ("yes", "no"))

_FEATURES = re.compile(r"(?:\d+:[-+.\deE]+(?:\s+|$))+")


def of_lines(content: str, where: str, meant: Columns, guessed: bool) -> RawTexts:
    """Lines end at "\n" alone: others that Unicode knows stand within texts."""
    lines = content.split("\n")
    if not lines[-1]:
        lines.pop()
    if any(line.startswith(FASTTEXT) for line in lines) or _ends_marked(lines):
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
    _check_shape(lines, texts, labels, where)
    if guessed:
        _check_signs(lines, labels, where)
        _check_tabs(lines, where)
    counts = Counter(labels)
    kinds, once = len(counts), sum(count == 1 for count in counts.values())
    if guessed and (kinds > max(20, min(len(labels) / 2, MANY)) or (kinds > FEW and 3 * once > kinds)):
        raise UserError(
            f"{where}: the first word of each line, taken for its label, gives {kinds:,} classes in {len(labels):,} "
            'lines; expected lines of a label and a text (give the format "lines" if it is so), or a table with the '
            "suffix .csv, .tsv or .jsonl"
        )
    return RawTexts(texts, labels, rows, where, [LINES], False)


def check_names(found: Sequence[RawTexts]) -> None:
    """UserError for several files of lines whose names are classes, as pos.txt and neg.txt, and whose first words are
    taken for labels."""
    names = [{*re.split(r"[\W_]+", Path(one.where).name.lower())} for one in found if one.notes == [LINES]]
    for pair in _PAIRS:
        own = [next((name for name in pair if name in parts), None) for parts in names]
        if len(own) == len(found) > 1 and all(own) and len({*own}) > 1:
            raise UserError(
                f"{found[0].where} and {len(found) - 1} more: the names of the files are classes, it seems, and their "
                "lines texts; write a table of texts and labels, or a folder of texts for each class"
            )


def unmarked(labels: Sequence[Any]) -> list[Any] | None:
    """Labels of a table without fastText's mark before them; None where they have none."""
    there = [label for label in labels if isinstance(label, str) and label.strip()]
    if not there or not all(part.startswith(FASTTEXT) for label in there for part in label.split()):
        return None
    sets = [label.split() if isinstance(label, str) else label for label in labels]
    parts = [[part.removeprefix(FASTTEXT) for part in own] if isinstance(own, list) else own for own in sets]
    single = all(not isinstance(own, list) or len(own) < 2 for own in parts)
    return [(own[0] if own else None) if single and isinstance(own, list) else own for own in parts]


def _ends_marked(lines: Sequence[str]) -> bool:
    """Whether all lines end with fastText's labels, which may stand anywhere."""
    ends = [line.split()[-1] for line in lines if line.strip()]
    return bool(ends) and all(end.startswith(FASTTEXT) for end in ends)


def _check_shape(lines: Sequence[str], texts: Sequence[str], labels: Sequence[str], where: str) -> None:
    """UserError for what is no lines of texts at all."""
    first = next((line.strip() for line in lines if line.strip() and line[0] != "%"), "").lower()
    what = next((what for begin, what in _OTHERS.items() if first.startswith(begin)), None)
    if _TAGGED.fullmatch(first):
        what = "XML or HTML, which is not read; take the texts out of it, as CSV"
    if what is not None:
        raise UserError(f"{where}: expected lines of a label and a text, got {what}")
    if Path(where).suffix.lower() in (".yml", ".yaml"):
        raise UserError(f"{where}: expected intents and examples as Rasa has them; write other YAML as JSON or CSV")
    if texts and all(_FEATURES.fullmatch(text.strip()) for text in texts) and len(set(labels)) > 1:
        raise UserError(f"{where}: row 1: expected a label and a text, got numbered features (LIBSVM), which are none")


def _check_signs(lines: Sequence[str], labels: Sequence[str], where: str) -> None:
    """UserError where something else than white space stands between labels and texts."""
    there = [line for line in lines if line.strip()]
    sign = next((sign for sign in SIGNS if all(line.count(sign) == 1 for line in there)), None)
    if len(there) > 1 and sign is not None:
        raise UserError(
            f"{where}: every line has one {sign!r}; if that stands between text and label put a tab there, if the "
            'first word is the label give the format "lines"'
        )
    listed = sum("," in label or ";" in label for label in labels)
    if len(labels) > 1 and 2 * listed > len(labels):
        raise UserError(
            f"{where}: the first words, taken for labels, hold commas, as {labels[0][:40]!r}; put texts that hold some "
            'in quotes and name the file .csv, or give the format "lines"'
        )


def _check_tabs(lines: Sequence[str], where: str) -> None:
    """UserError where most lines have tabs, which then stand between columns, and not all have as many."""
    counts = [line.count("\t") for line in lines if line]
    if 2 * sum(map(bool, counts)) <= len(counts):
        return
    usual = Counter(counts).most_common(1)[0][0]
    row = next((row for row, line in enumerate(lines, 1) if line and line.count("\t") != usual), None)
    if row is not None:
        got = lines[row - 1].count("\t")
        raise UserError(
            f"{where}: row {row} has {got} tabs, most others {usual}; take the tabs out of the texts, or give the "
            'format "lines" if each line is a label, white space and a text'
        )


def _at_end(line: str) -> tuple[list[str], str]:
    """fastText's labels at the end of a line, and what stands before them."""
    own: list[str] = []
    rest = line.rstrip()
    while rest:
        *before, last = rest.rsplit(None, 1)
        if not last.startswith(FASTTEXT):
            break
        own.insert(0, last.removeprefix(FASTTEXT))
        rest = before[0] if before else ""
    return (own, rest) if own else ([], line)


def _of_marked(lines: Sequence[str], where: str, meant: Columns) -> RawTexts:
    """Lines as fastText has them: __label__a, perhaps more of them, then the text."""
    texts: list[str] = []
    labels: list[list[str]] = []
    rows: list[int] = []
    for row, line in enumerate(lines, 1):
        own, rest = [], line.lstrip()
        while rest.startswith(FASTTEXT):
            first, *behind = rest.split(None, 1)
            own.append(first.removeprefix(FASTTEXT))
            rest = behind[0] if behind else ""
        if not own:
            own, rest = _at_end(rest)
        if meant.wanted and not rest and not own:
            continue
        if meant.wanted and not own and meant.several is not True:
            got = repr(line.split()[0][:40])
            raise UserError(
                f"{where}: row {row}: expected {FASTTEXT} first, got {got}; --multi-label takes texts without a label"
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
    return RawTexts(texts, found, rows, where, [LINES], False)
