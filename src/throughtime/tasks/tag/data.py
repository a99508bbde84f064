"""Sentences with a tag for each token, and perhaps an intent, with a line for whatever is wrong in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.data.label_notes import imbalance, never_seen
from throughtime.data.labelled import check_text
from throughtime.data.table import JSON_LINES, PARQUET, read_table
from throughtime.data.tagged import Tagged
from throughtime.data.text import read_text
from throughtime.errors import UserError
from throughtime.options import Json
from throughtime.tasks.reading.data import Parts, TextsData, parts_of
from throughtime.tasks.tag.options import TaggerOptions

TOKENS, TAGS, INTENTS = ("tokens", "words"), ("tags", "slots", "ner_tags", "labels"), ("intent", "intents", "label")
"""Names by which the columns of a table are known."""

LANGUAGES = ("auto", "en", "zh")
PARTS = ("train", "valid", "validation", "dev", "test")

_SPAN = re.compile(r"[BIES]-.+")
_INTENT = re.compile(r"#\s*intent\s*[=:]\s*(.*)", re.IGNORECASE)
_COMMENT = re.compile(r"#\s*[\w.\-]+\s*[=:](\s|$)")
_SPACES = re.compile(r"[ \t]+")  # others, such as the ideographic one, are tokens


@dataclass(frozen=True)
class TaggedData(TextsData):
    """What config.json keeps of tagged texts. scheme: as Tagged has it."""

    scheme: str = "BIO"


def tagged(tokens: Any, tags: Any = None, intents: Any = None, encoding: str = "utf-8") -> Tagged:
    """Tagged texts, from themselves, from lists, or from what read_tagged takes."""
    if isinstance(tokens, Tagged):
        return tokens
    if tags is None:
        return read_tagged(tokens, encoding)
    return read_tagged((tokens, tags) if intents is None else (tokens, tags, intents))


def parts(source: Any, given: Tagged, beside: Tagged | None, options: TaggerOptions) -> Parts[Tagged]:
    """What is learned from, chosen by and scored, by the options. beside: texts to choose by that were handed over."""
    return parts_of(
        source, given, beside, options, lambda file: read_tagged(file, options.encoding), check_tagged_split
    )


@dataclass
class _Found:
    """rows: of each sentence; `stepped` where each token has a line of its own."""

    tokens: list[list[str]]
    tags: list[list[str]]
    intents: list[str] | None
    rows: list[int]
    where: str
    stepped: bool = False

    def place(self, sentence: int, token: int = 0) -> str:
        return f"{self.where}: row {self.rows[sentence] + (token if self.stepped else 0)}"


def read_tagged(source: Any, encoding: str = "utf-8", language: str = "auto") -> Tagged:
    """Sentences with their tags from files or lists.

    source: a file of a token a line, its tag in the last column, and an empty line between sentences, the intents in
    comments (# intent = X) or in a file beside it, FILE.intent, a line each; a folder with the parallel files seq.in,
    seq.out and perhaps label; JSON lines or Parquet with tokens, tags or slots, and perhaps intent; a mapping of those,
    or (tokens, tags) and (tokens, tags, intents) of lists. language: how sentences without marks between tokens are
    cut: zh by characters, en at spaces, auto by characters where the tags are as many as those and not as the words.

    Raises UserError with file and row for what cannot be.
    """
    if language not in LANGUAGES:
        raise UserError(f"language {language!r}: choose from {', '.join(LANGUAGES)}")
    if isinstance(source, str | Path):
        path = Path(source)
        if path.is_dir():
            found = _folder(path, encoding, language)
        elif path.suffix.lower() in (*JSON_LINES, *PARQUET):
            table = read_table(path, encoding, "labels")
            found = _columns(table.columns, table.where, table.first_row, language)
        else:
            found = _conll(path, encoding)
    elif isinstance(source, dict):
        found = _columns(source, "data", 0, language)
    elif isinstance(source, tuple) and len(source) in (2, 3):
        names = (TOKENS[0], TAGS[0], INTENTS[0])
        found = _columns(dict(zip(names, source, strict=False)), "data", 0, language)
    else:
        raise UserError(
            f"data: expected a file, a folder, a mapping or (tokens, tags) or (tokens, tags, intents), "
            f"got {type(source).__name__}"
        )
    return _finished(found)


def _conll(path: Path, encoding: str) -> _Found:
    where = "standard input" if str(path) == "-" else str(path)
    found = _Found([], [], None, [], where, True)
    intents: list[str | None] = []
    said: str | None = None
    begun = True
    for row, line in enumerate(read_text(path, encoding).split("\n"), 1):
        cells = _cells(line)
        if not cells or cells[0] == "-DOCSTART-":
            begun = True
        elif begun and (match := _INTENT.fullmatch(line.strip())):
            said = match.group(1).strip()
            if not said:
                raise UserError(f"{where}: row {row}: the intent is missing")
        elif begun and line.startswith("#") and _is_comment(line, cells):
            continue
        elif len(cells) < 2:
            raise UserError(f"{where}: row {row}: expected a token and its tag, got {line.strip()[:40]!r}")
        else:
            if begun:
                found.rows.append(row)
                found.tokens.append([])
                found.tags.append([])
                intents.append(said)
                begun, said = False, None
            found.tokens[-1].append(cells[0])
            found.tags[-1].append(cells[-1])
    beside = path.with_name(path.name + ".intent")
    if any(intents):
        for i, intent in enumerate(intents):
            if intent is None:
                raise UserError(f"{found.place(i)}: this sentence has no intent, others have; give each one or none")
        found.intents = [str(intent) for intent in intents]
    elif beside.is_file():
        found.intents = [line.strip() for line in _rows(beside, encoding)]
        _same(found.intents, beside, "intents", found.tokens, path)
    return found


def _cells(line: str) -> list[str]:
    """Columns between tabs or spaces; none of an empty line. A line that begins with two spaces has a space as token,
    and so has one that begins with a space and a tab."""
    if not line.strip(" \t"):
        return []
    if "\t" in line:
        return [cell if place == 0 and cell == " " else cell.strip(" ") for place, cell in enumerate(line.split("\t"))]
    if line.startswith("  "):
        return [" ", *_words(line[2:])]
    return _words(line)


def _is_comment(line: str, cells: list[str]) -> bool:
    """Whether a line that begins with # is none of a token #."""
    tagged = cells[-1] == "O" or _SPAN.fullmatch(cells[-1]) is not None
    return _COMMENT.match(line) is not None or len(cells) == 1 or (len(cells) > 2 and not tagged)


def _words(line: str) -> list[str]:
    return [word for word in _SPACES.split(line) if word]


def _rows(path: Path, encoding: str) -> list[str]:
    """The lines of a file without the empty ones at its end."""
    lines = read_text(path, encoding).split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _same(found: list[Any], path: Path, what: str, expected: list[Any], other: Path) -> None:
    if len(found) != len(expected):
        raise UserError(f"{path}: {len(found):,} {what}, {other} has {len(expected):,} sentences; each needs one")


def _folder(path: Path, encoding: str, language: str) -> _Found:
    words, tags, intents = path / "seq.in", path / "seq.out", path / "label"
    if not words.is_file() or not tags.is_file():
        names = sorted(child.name for child in path.iterdir())
        parts = [part for part in PARTS if (path / part).is_dir()]
        if parts:
            raise UserError(f"{path}: holds the parts {', '.join(parts)}; give one of them, such as {path / parts[0]}")
        there = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise UserError(f"{path}: expected the files seq.in, seq.out and perhaps label, there are {there or 'none'}")
    lines, marks = _rows(words, encoding), _rows(tags, encoding)
    _same(marks, tags, "lines of tags", lines, words)
    found = _Found([], [_words(mark) for mark in marks], None, list(range(1, len(lines) + 1)), str(words))
    found.tokens = [_tokens(line, len(own), language) for line, own in zip(lines, found.tags, strict=True)]
    if intents.is_file():
        found.intents = [line.strip() for line in _rows(intents, encoding)]
        _same(found.intents, intents, "intents", lines, words)
    return found


def _tokens(line: str, count: int, language: str) -> list[str]:
    words = _words(line)
    signs = [sign for word in words for sign in word]
    by_sign = language == "zh" or (language == "auto" and len(words) != count == len(signs))
    return signs if by_sign else words


def _columns(columns: Mapping[str, Json], where: str, first: int, language: str) -> _Found:
    def column(known: tuple[str, ...], what: str) -> list[Any]:
        for name in known:
            if name in columns:
                return list(columns[name])
        raise UserError(f"{where}: no {what}, expected {' or '.join(known)}; there are {', '.join(map(str, columns))}")

    tokens, tags = column(TOKENS, "tokens"), column(TAGS, "tags")
    intents = column(INTENTS, "intents") if any(name in columns for name in INTENTS) else None
    if len(tokens) != len(tags):
        raise UserError(f"{where}: {len(tokens):,} sentences of tokens and {len(tags):,} of tags; each needs both")
    if intents is not None and len(intents) != len(tokens):
        raise UserError(f"{where}: {len(tokens):,} sentences and {len(intents):,} intents; each needs one")
    found = _Found([], [], None, list(range(first, first + len(tokens))), where)
    for i, (one, own) in enumerate(zip(tokens, tags, strict=True)):
        place = found.place(i)
        given = _words(own) if isinstance(own, str) else _list(own, place, "tags")
        marks = ["" if mark is None else str(mark) for mark in given]
        words = _tokens(one, len(marks), language) if isinstance(one, str) else _list(one, place, "tokens")
        found.tokens.append(words)
        found.tags.append(marks)
    if intents is not None:
        found.intents = ["" if intent is None or intent != intent else str(intent).strip() for intent in intents]
    return found


def _list(value: Any, place: str, what: str) -> list[Any]:
    if not isinstance(value, list | tuple | np.ndarray):
        raise UserError(f"{place}: expected a list of {what}, got {type(value).__name__}")
    return list(value)


def _finished(found: _Found) -> Tagged:
    notes: list[str] = []
    for i, (tokens, tags) in enumerate(zip(found.tokens, found.tags, strict=True)):
        if len(tokens) != len(tags):
            raise UserError(
                f"{found.place(i)}: {_count(len(tokens), 'token')} and {_count(len(tags), 'tag')}; each token needs one"
            )
        for t, (token, tag) in enumerate(zip(tokens, tags, strict=True)):
            if not isinstance(token, str) or not token:
                raise UserError(f"{found.place(i, t)}: expected a token, got {token!r}")
            if not tag:
                raise UserError(f"{found.place(i, t)}: the tag of {token!r} is missing")
            check_text(token + tag, found.place(i, t))
    empty = [i for i, tokens in enumerate(found.tokens) if not tokens]
    if empty:
        word = "sentence" if len(empty) == 1 else "sentences"
        notes.append(f"{len(empty):,} {word} without a token, the first in row {found.rows[empty[0]]}: left out")
    kept = [i for i, tokens in enumerate(found.tokens) if tokens]
    if not kept:
        raise UserError(f"{found.where}: there are no sentences")
    found.tokens, found.tags = [found.tokens[i] for i in kept], [found.tags[i] for i in kept]
    found.rows = [found.rows[i] for i in kept]
    if found.intents is not None:
        found.intents = [found.intents[i] for i in kept]
        for i, intent in enumerate(found.intents):
            if not intent:
                raise UserError(f"{found.place(i)}: the intent is missing")
            check_text(intent, found.place(i))
    scheme = _scheme(found)
    if scheme != "none":
        notes += _unbegun(found)
        found.tags = [_begun(tags, scheme) for tags in found.tags]
    notes += imbalance(found.intents or [], "intent")
    notes += _repeated(found)
    return Tagged(found.tokens, found.tags, found.intents or [], found.where, notes, scheme)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def _scheme(found: _Found) -> str:
    """BIO or BIOES where most tags are such, UserError for one that is not then; "none" otherwise."""
    counts = Counter(tag for tags in found.tags for tag in tags)
    spans = {tag for tag in counts if _SPAN.fullmatch(tag)}
    other = sum(count for tag, count in counts.items() if tag not in spans and tag != "O")
    if (not spans and set(counts) != {"O"}) or 2 * other > sum(counts.values()):
        return "none"
    if other:
        for i, tags in enumerate(found.tags):
            for t, tag in enumerate(tags):
                if tag != "O" and tag not in spans:
                    raise UserError(
                        f"{found.place(i, t)}: expected O or a tag such as B-place or I-place as elsewhere, got {tag!r}"
                    )
    return "BIOES" if any(tag[0] in "ES" for tag in spans) else "BIO"


def _unbegun(found: _Found) -> list[str]:
    """A note on spans that go on without having begun."""
    places = []
    for i, tags in enumerate(found.tags):
        for t, tag in enumerate(tags):
            before = tags[t - 1] if t else "O"
            if tag[0] in "IE" and not (before[0] in "BI" and before[2:] == tag[2:]):
                places.append((i, t))
    if not places:
        return []
    i, t = places[0]
    row = found.place(i, t).rsplit(" ", 1)[1]
    return [
        f"{_count(len(places), 'tag')} inside a span that was not begun, the first {found.tags[i][t]} in row {row}: "
        "counted as a start, as seqeval does"
    ]


def _begun(tags: list[str], scheme: str) -> list[str]:
    """Tags whose spans all begin with a B, or are an S alone: the same spans, in a form that can be decoded."""
    found = []
    for t, tag in enumerate(tags):
        before = tags[t - 1] if t else "O"
        if tag[0] in "IE" and not (before[0] in "BI" and before[2:] == tag[2:]):
            tag = ("S" if tag[0] == "E" and scheme == "BIOES" else "B") + tag[1:]
        found.append(tag)
    return found


def _repeated(found: _Found) -> list[str]:
    first: dict[tuple[str, ...], int] = {}
    again, other = [], []
    for i, tokens in enumerate(found.tokens):
        a = first.setdefault(tuple(tokens), i)
        if a == i:
            continue
        again.append((a, i))
        if found.tags[a] != found.tags[i] or (found.intents and found.intents[a] != found.intents[i]):
            other.append((a, i))
    notes = []
    if again:
        a, b = again[0]
        verb = "repeat" if len(again) > 1 else "repeats"
        notes.append(
            f"{_count(len(again), 'sentence')} {verb} an earlier one, the first: row {found.rows[b]} is "
            f"row {found.rows[a]}"
        )
    if other:
        a, b = other[0]
        notes.append(
            f"{len(other):,} of them with other tags or another intent than at first: rows {found.rows[a]} and "
            f"{found.rows[b]}"
        )
    return notes


def check_tagged_split(train: Tagged, test: Tagged) -> list[str]:
    """Notes on what makes a score on test look better or worse than it is: its sentences that stand in train, its tags
    and intents that do not."""
    known: dict[tuple[str, ...], list[tuple[list[str], str]]] = {}
    for i, tokens in enumerate(train.tokens):
        known.setdefault(tuple(tokens), []).append((train.tags[i], train.intents[i] if train.intents else ""))
    both = train.intents and test.intents
    seen, other = 0, 0
    for i, tokens in enumerate(test.tokens):
        there = known.get(tuple(tokens), [])
        seen += bool(there)
        same = any(test.tags[i] == tags and (not both or test.intents[i] == intent) for tags, intent in there)
        other += bool(there) and not same
    notes = []
    if seen:
        under = f", {other:,} of them with other tags or another intent" if other else ""
        notes.append(
            f"{seen:,} of {_count(len(test), 'test sentence')} {'stand' if seen > 1 else 'stands'} in training as "
            f"well{under}; "
            f"look at the score on the other {len(test) - seen:,} too"
        )
    notes += never_seen(
        (tag for tags in train.tags for tag in tags), [tag for tags in test.tags for tag in tags], "tag"
    )
    return notes + never_seen(train.intents, test.intents, "intent")
