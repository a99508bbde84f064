"""Which columns of a file of a token a line are the tokens and the tags; where that is not clear, it is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from throughtime.data.tag_schemes import marks_spans
from throughtime.errors import UserError
from throughtime.tasks.tag.found import Choices, column_of

CONLLU = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
"""The columns of CoNLL-U."""

_GLOBAL = re.compile(r"#\s*global\.columns\s*=\s*(.+)")
ID = re.compile(r"\d+(?:[-.]\d+)?")
_NUMBERS = re.compile(r"\W{0,2}[A-Za-z]{0,2}\d+(?:[-.:_]\d+)*")
_REAL = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")


@dataclass
class Line:
    row: int
    text: str
    cells: list[str]

    @property
    def marked(self) -> bool:
        return self.text.startswith("#")


def names_of(lines: Sequence[Line], rows: Sequence[Line]) -> tuple[str, ...] | None:
    """The columns of CoNLL-U and of its kin, which names its columns itself; None of other files."""
    for line in lines[:20]:
        if match := _GLOBAL.fullmatch(line.text.strip()):
            return tuple(match.group(1).split())
    sound = all(len(line.cells) == len(CONLLU) and ID.fullmatch(line.cells[0]) for line in rows)
    spaced = any("\t" not in line.text for line in rows)
    sound = sound and not (spaced and any(ID.fullmatch(line.cells[1]) or line.cells[2] == "0" for line in rows))
    return CONLLU if rows and sound else None


def numbered_by(lines: Sequence[Line]) -> bool:
    """Whether the first of three or more columns counts the tokens of every sentence, from wherever."""
    number: int | None = None
    some = False
    for line in lines:
        if not line.cells:
            number = None
        elif not line.marked and line.cells[0] != "-DOCSTART-":
            own = line.cells[0]
            if len(line.cells) < 3 or not own.isdecimal() or (number is not None and int(own) != number + 1):
                return False
            number, some = int(own), True
    return some


def places_of(
    names: tuple[str, ...] | None, choices: Choices, numbered: bool, where: str, width: int
) -> tuple[int, int]:
    """The places of tokens and tags; -1 for the last."""
    if names is not None:
        token = column_of(names, choices.token_column, ("form",), where, "tokens")
        usual = ("upos", "ner", "deprel", names[-1].lower())
        return token, column_of(names, choices.tag_column, usual, where, "tags")
    places = [str(place) for place in range(width)]
    token = 1 if numbered else 0
    if choices.token_column is not None:
        token = column_of(places, choices.token_column, (), where, "tokens")
    return token, -1 if choices.tag_column is None else column_of(places, choices.tag_column, (), where, "tags")


def upos(names: tuple[str, ...], rows: Sequence[Line], tag: int, choices: Choices) -> tuple[int, str]:
    """The place and name of the tags; XPOS where UPOS is empty."""
    usual = choices.tag_column is None and names[tag].upper() == "UPOS" and "XPOS" in names
    if usual and all(len(line.cells) > tag and line.cells[tag] == "_" for line in rows):
        return names.index("XPOS"), "XPOS"
    return tag, names[tag]


def asked(rows: Sequence[Line], token: int, tag: int, choices: Choices, where: str) -> tuple[int, int, list[str]]:
    """The columns of tokens and tags of a file that does not name them, and notes; UserError where the usual ones are
    none.

    Of two columns of which the first alone marks spans, the first are the tags.
    """
    width = min((len(line.cells) for line in rows), default=0)
    first = 1 if token == 1 and choices.token_column is None else 0
    if width < 2 or not rows:
        return token, tag, []
    columns = [[line.cells[place] for line in rows] for place in range(width)]
    last = [line.cells[tag] for line in rows if -len(line.cells) <= tag < len(line.cells)]
    notes = []
    if choices.tag_column is None and not marks_spans(set(last)):
        others = [place for place in range(first, width - 1) if marks_spans(set(columns[place]))]
        if others == [first] and width == first + 2 and choices.token_column is None:
            token, tag = width - 1, first
            notes.append(f"tags are column {tag}, tokens column {token}, from 0: the other one marks no spans")
        elif others and set(last) == {"O"}:
            notes.append(
                f"the last column is O throughout; column {others[0]}, from 0, marks spans: --tag-column reads it"
            )
        elif others:
            raise UserError(
                f"{where}: which column holds the tags? the last, with {last[0]!r}, marks no spans, column "
                f"{others[0]} does, from 0; say it with --tag-column"
            )
        else:
            _check_plain(rows, last, where)
    if choices.token_column is None:
        _check_tokens(columns, token, tag % width, where)
    return token, tag, notes


def _check_plain(rows: Sequence[Line], tags: Sequence[str], where: str) -> None:
    """UserError for plain tags that are none: real numbers, several in one, or the rest of a line."""
    if all(_REAL.fullmatch(tag) for tag in tags):
        raise UserError(
            f"{where}: the last column holds numbers such as {tags[0]}, no tags; say with --tag-column which one does"
        )
    spaced = next((line for line in rows if " " in line.cells[-1]), None)
    if spaced is not None:
        raise UserError(
            f"{where}: row {spaced.row}: expected a token and its tag in each line, got the tag "
            f"{spaced.cells[-1][:40]!r}"
        )
    for before, line in pairwise(rows):
        if line.row == before.row + 1 and len(line.cells) != len(before.cells):
            raise UserError(
                f"{where}: row {line.row} has {len(line.cells)} columns, the one before {len(before.cells)}; expected "
                "as many columns in each line of a sentence, a token and its tag among them"
            )


def _check_tokens(columns: Sequence[Sequence[str]], token: int, tag: int, where: str) -> None:
    """UserError where the column taken for the tokens numbers them, or names their text, and another may hold them."""
    others = [column for place, column in enumerate(columns) if place not in (token, tag)]
    own = columns[token]
    letters = [any(sign.isalpha() for cell in column for sign in cell) for column in [own, *others]]
    numbered = all(_NUMBERS.fullmatch(cell) for cell in own)
    same = len(own) > 2 and len(set(own)) == 1 and any(len(set(column)) > 1 for column in others)
    if any(letters[1:]) and (not letters[0] or numbered or same):
        raise UserError(
            f"{where}: which column holds the tokens? column {token}, from 0, has {own[0][:40]!r}; say it with "
            "--token-column"
        )
