"""Files of a token a line: CoNLL in its many forms, CoNLL-U, and tables with a word in each row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from throughtime.data.spacing import places
from throughtime.data.table import delimited
from throughtime.errors import UserError
from throughtime.tasks.tag.conll_columns import ID, Line, asked, names_of, numbered_by, places_of, upos
from throughtime.tasks.tag.found import Choices, Found, column_of

WORD = ("word", "words", "token", "tokens", "form")
TAG = ("tag", "tags", "ner_tag", "ner_tags", "ner", "bio", "label", "labels", "upos", "pos")
SENTENCE = ("sentence #", "sentence#", "sentence_id", "sentence id", "sentence", "sent_id", "sent", "sentence_number",
            "sentence number", "sentence_no", "sentence_idx", "doc_id", "id")  # fmt: skip
"""Names of the columns of a table with a word in each row."""

_SPAN = re.compile(r"[BIES]-.+")
_INTENT = re.compile(r"#\s*intent\s*[=:]\s*(.*)", re.IGNORECASE)
_COMMENT = re.compile(r"#\s*[\w.\-]+\s*[=:](\s|$)")
_TEXT = re.compile(r"#\s*text\s*=\s*(.*)")
_SPACES = re.compile(r"[ \t]+")  # others, such as the ideographic one, are tokens


def conll(content: str, where: str, choices: Choices) -> Found:
    """Sentences of a token a line; a line of white space ends one."""
    lines = [Line(row, line, _cells(line)) for row, line in enumerate(content.split("\n"), 1)]
    rows = [line for line in lines if line.cells and not line.marked and line.cells[0] != "-DOCSTART-"]
    names = names_of(lines, rows)
    numbered = names is not None or numbered_by(lines)
    found = Found(where, lines=[])
    width = max((len(line.cells) for line in rows), default=0)
    token, tag = places_of(names, choices, numbered, where, width)
    if names is not None:
        tag, told = upos(names, rows, tag, choices)
        found.notes.append(f"CoNLL-U: tokens are {names[token]}, tags {told}; --tag-column names another")
    else:
        token, tag, notes = asked(rows, token, tag, choices, where)
        found.notes += notes
    if names is None and numbered:
        tags = "the last" if tag < 0 else f"column {tag}"
        found.notes.append(f"the first column numbers tokens: those are column {token}, tags {tags}, from 0")
    tagset = {line.cells[tag] for line in rows if -len(line.cells) <= tag < len(line.cells)}
    tabbed = bool(rows) and all("\t" in line.text for line in rows)
    intents: list[str | None] = []
    said: str | None = None
    text: str | None = None
    begun = True
    for line in lines:
        cells = line.cells
        if not cells or cells[0] == "-DOCSTART-":
            begun = True
        elif begun and (match := _INTENT.fullmatch(line.text.strip())):
            said = match.group(1).strip()
            if not said:
                raise UserError(f"{where}: row {line.row}: the intent is missing")
        elif begun and line.marked and (names is not None or _is_comment(line, tagset, tabbed, width)):
            if match := _TEXT.fullmatch(line.text.strip()):
                text = match.group(1)
        elif len(cells) < 2:
            raise UserError(f"{where}: row {line.row}: expected a token and its tag, got {line.text.strip()[:40]!r}")
        elif numbered and not cells[0].isdecimal():
            if not ID.fullmatch(cells[0]):
                raise UserError(f"{where}: row {line.row}: expected a token's number first, got {cells[0][:40]!r}")
        elif max(token, tag) >= len(cells):
            raise UserError(
                f"{where}: row {line.row}: {len(cells)} columns, tokens and tags are in {token} and {tag}, from 0"
            )
        else:
            if begun:
                _begin(found, line.row, text)
                intents.append(said)
                begun, said, text = False, None, None
            found.tokens[-1].append(cells[token])
            found.tags[-1].append(cells[tag])
            assert found.lines is not None
            found.lines[-1].append(line.row)
    _checked_texts(found)
    if any(intents):
        for i, intent in enumerate(intents):
            if intent is None:
                raise UserError(f"{found.place(i)}: this sentence has no intent, others have; give each one or none")
        found.intents = [str(intent) for intent in intents]
    return found


def _begin(found: Found, row: int, text: str | None) -> None:
    assert found.lines is not None
    found.rows.append(row)
    found.texts.append(text)
    found.tokens.append([])
    found.tags.append([])
    found.lines.append([])


def _checked_texts(found: Found) -> None:
    """Only texts that hold their tokens; words that a text writes as one (French du: de, le) are in none."""
    found.texts = [
        text if text is not None and places(text, tokens) is not None else None
        for text, tokens in zip(found.texts, found.tokens, strict=True)
    ]


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


def _is_comment(line: Line, tagset: set[str], tabbed: bool, width: int) -> bool:
    """Whether a line that begins with # is none of a token #."""
    cells = line.cells
    if _COMMENT.match(line.text) or len(cells) == 1 or (tabbed and "\t" not in line.text):
        return True
    known = cells[-1] in tagset or cells[-1] == "O" or _SPAN.fullmatch(cells[-1]) is not None
    return not known or (len(cells) != width and width > 0)


def _words(line: str) -> list[str]:
    return [word for word in _SPACES.split(line) if word]


def header_of(content: str, suffix: str) -> tuple[str, list[str]] | None:
    """The separator and the names of a table whose first line names a column of words and one of tags; else None."""
    first = content.lstrip("\n").split("\n", 1)[0]
    for separator in (",", "\t", ";"):
        if separator not in first:
            continue
        names = [name.strip().strip('"') for name in first.split(separator)]
        lower = {name.lower() for name in names}
        words, tags = lower & {*WORD, "text", "sentence"}, lower & {*TAG, "slots"}
        if words and tags and len(names) == len(set(names)) and (suffix in (".csv", ".tsv", ".tab") or len(names) > 2):
            return separator, names
    return None


def word_rows(content: str, where: str, separator: str, choices: Choices) -> Found | None:
    """Sentences of a table with a word in each row, and a column that tells the sentences apart (filled in each row, or
    in the first of each); None where the rows hold whole sentences."""
    rows = delimited(content, separator, where)
    names = [name.strip() for name in rows[0][1]]
    lower = [name.lower() for name in names]
    if choices.token_column is None and not set(lower) & set(WORD):
        return None
    token = column_of(names, choices.token_column, WORD, where, "words")
    tag = column_of(names, choices.tag_column, TAG, where, "tags")
    found = Found(where, lines=[])
    body = rows[1:]
    for number, cells in body:
        if len(cells) != len(names):
            raise UserError(f"{where}: row {number} has {len(cells)} values, the header {len(names)}")
    if any(cells[token].lstrip().startswith("[") and len(cells[token]) > 2 for _, cells in body):
        return None
    if all(cells[tag].lstrip().startswith("['") for _, cells in body):
        return None
    if any(" " in cells[tag].strip() for _, cells in body):
        return None
    place = _sentence_column(lower, body, token)
    before, ended = None, False
    blank = {number for number, line in enumerate(content.split("\n"), 1) if not line.strip()}
    ends = any(not cells[token].strip() and not cells[tag].strip() for _, cells in body)
    if place is None and not ends and not any(number - 1 in blank for number, _ in body[1:]):
        raise UserError(
            f"{where}: which rows are one sentence? there is no column such as {SENTENCE[0]!r} or 'sentence_id', and "
            "no empty line between sentences; add one"
        )
    for number, cells in body:
        mark = cells[place].strip() if place is not None else ("" if number - 1 not in blank else str(number))
        if not cells[token].strip() and not cells[tag].strip():
            before, ended = None, True
            continue
        if (mark and mark != before) or ended or not found.tokens:
            _begin(found, number, None)
            before, ended = mark, False
        found.tokens[-1].append(cells[token])
        found.tags[-1].append(cells[tag].strip())
        assert found.lines is not None
        found.lines[-1].append(number)
    found.notes.append(f"a word in each row: words are {names[token]}, tags {names[tag]}")
    return found


def _sentence_column(names: Sequence[str], body: Sequence[tuple[int, list[str]]], token: int) -> int | None:
    """The column that tells sentences apart: a known name, and not another value in every row."""
    for name in SENTENCE:
        place = names.index(name) if name in names else token
        if place != token and (len({cells[place] for _, cells in body}) < len(body) or len(body) == 1):
            return place
    return None


def intents_beside(path: Path) -> Path:
    """The file that may hold the intents of the sentences of another."""
    return path.with_name(path.name + ".intent")
