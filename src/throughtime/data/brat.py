"""Texts with spans as brat writes them: NAME.txt, and NAME.ann with a line for each span.

T1	PER 0 7	Ann Lee
"""

from __future__ import annotations

import re
from pathlib import Path

from throughtime.data.label_notes import counted
from throughtime.data.spans import Marked, Spanned
from throughtime.data.text import read_text
from throughtime.errors import UserError

BRAT = ".ann"
"""The suffix of such a file."""

_SPAN = re.compile(r"T\S*\t(\S+) (\d+ \d+(?:;\d+ \d+)*)(?:\t(.*))?")


def brat(content: str, path: Path, encoding: str) -> Marked:
    """The lines of the text beside a file of spans, each with its spans; lines that one span goes over are one text.

    Raises UserError with the row for what is no span, and where the text is not there.
    """
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        raise UserError(f"{path}: expected the text of its spans in {beside}, there is no such file")
    text, odd = read_text(beside, encoding), 0
    found: list[tuple[int, int, str, str | None]] = []
    for row, line in enumerate(content.split("\n"), 1):
        if not line.startswith("T"):  # relations, events, notes
            continue
        match = _SPAN.fullmatch(line)
        if match is None:
            raise UserError(f"{path}: row {row}: expected T1, a tab, a kind and two places, got {line[:40]!r}")
        pieces = [tuple(map(int, piece.split(" "))) for piece in match[2].split(";")]
        start, end = pieces[0][0], pieces[-1][1]
        if not 0 <= start < end <= len(text):
            raise UserError(f"{path}: row {row}: {start} to {end} is none of a text of {len(text):,} characters")
        odd += len(pieces) > 1
        found.append((start, end, match[1] if len(pieces) == 1 else "", match[3]))
    notes = [f"{counted(odd, 'span')} in several pieces: the lines they stand in are left out"] if odd else []
    return Marked(_lines(text, sorted(found)), notes)


def _lines(text: str, spans: list[tuple[int, int, str, str | None]]) -> list[Spanned]:
    """Lines of a text with their spans; without a kind where a line is to be left out."""
    found: list[Spanned] = []
    first, row, place = 0, 1, 0
    while first < len(text):
        end = text.find("\n", first)
        end = len(text) if end < 0 else end
        own = []
        while place < len(spans) and spans[place][0] < end:
            own.append(spans[place])
            place += 1
            while own[-1][1] > end:
                end = text.find("\n", end + 1)
                end = len(text) if end < 0 else end
        if text[first:end].strip() and all(kind for _, _, kind, _ in own):
            one = Spanned(text[first:end], [(a - first, b - first, kind) for a, b, kind, _ in own], row)
            one.values = [None if said is None or "\n" in text[a:b] else said for a, b, _, said in own]
            found.append(one)
        row += text.count("\n", first, end + 1)
        first = end + 1
    return found
