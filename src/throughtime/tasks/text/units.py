"""What a corpus is put together from: files, texts, lines; and parts of it that tear none of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np

from throughtime.data.text import check_size, is_file, looks_like_path, read_text
from throughtime.errors import UserError

UNITS = ("characters", "text", "line")
"""What parts of a corpus keep whole: nothing, each file or text of a list, or each line."""

FEW = 20
"""Of so many equal texts each is a small enough share for parts to be made of whole ones, where nobody said so."""

LEAST = 3
"""Units that there must be, one for each part."""

_SHOWN = 60
_BLOCK = 1 << 20
"""Characters that are looked at at once, so that no second copy of a long text is made."""


@dataclass(frozen=True)
class Corpus:
    """text: all of it. starts: where each file or text of a list begins. file: the name of a file or folder, None where
    there is none or several. files: the names of several. notes: what was found on reading."""

    text: str
    starts: tuple[int, ...] = (0,)
    file: str | None = None
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def unit(self, asked: str | None) -> str:
        """What parts keep whole, of UNITS: what was asked for, or else texts where each is a small share of all."""
        if asked is not None:
            return asked
        sizes = np.diff([*self.starts, len(self.text)])
        return "text" if len(sizes) >= FEW and FEW * int(sizes.max()) <= len(self.text) else "characters"

    def units(self, unit: str) -> np.ndarray:
        """Where units begin, in order, from 0."""
        if unit == "text":
            return np.array(self.starts, np.int64)
        ends = [match.end() for match in re.finditer("\n", self.text)]
        return np.array([0, *(end for end in ends if end < len(self.text))], np.int64)


def read(source: Any, encoding: str, form: str) -> Corpus:
    """A string, a Path, a folder, or several texts or Paths; UserError names the file that cannot be read.

    A string is the name of a file that exists, or else a text; one that looks like the name of a file that is not there
    is refused. Files are read in the order of their names, those of a folder and of the folders in it too. form: "NFC"
    where characters are composed.
    """
    if isinstance(source, str) and not is_file(source):
        if not source:
            raise UserError("text: expected a text or a file, got an empty string")
        if looks_like_path(source):
            raise UserError(
                f"{source[:_SHOWN]}: no such file; check the path, or end the text with a line end if it is a text"
            )
        return Corpus(_composed(source, form))
    if isinstance(source, str | Path):
        path = Path(source)
        if str(source) == "-" or not path.is_dir():
            return Corpus(_composed(read_text(source, encoding), form), file=str(source))
        return _files(_inside(path), encoding, form, str(source))
    if isinstance(source, np.ndarray) or hasattr(source, "to_list"):
        source = source.tolist()
    if not isinstance(source, list | tuple) or not source:
        raise UserError(f"text: expected a text, a Path, or a list of either, got {type(source).__name__}")
    if all(isinstance(one, Path) or (isinstance(one, str) and one != "-" and is_file(one)) for one in source):
        paths = [Path(one) for one in source]
        if len(paths) == 1:
            return read(paths[0], encoding, form)
        return _files([file for one in paths for file in (_inside(one) if one.is_dir() else [one])], encoding, form)
    if all(isinstance(one, str) and looks_like_path(one) for one in source):
        missing = next(one for one in source if not is_file(one))
        raise UserError(f"{missing[:_SHOWN]}: no such file; check the path")
    for row, one in enumerate(source):
        if not isinstance(one, str):
            raise UserError(f"text: row {row}: expected texts, or Paths, got {type(one).__name__}")
    return _joined([one for one in source if one], form)


def _inside(folder: Path) -> list[Path]:
    """The files of a folder and of those in it, in order; hidden ones are none."""
    found = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") for part in parts):
            found.append(path)
    if not found:
        raise UserError(f"{folder}: expected a text file, got a folder without one; name a file")
    return found


def _files(paths: Sequence[Path], encoding: str, form: str, folder: str | None = None) -> Corpus:
    paths = sorted(set(paths), key=lambda path: path.parts)
    total, empty = 0, 0
    for path in paths:
        with suppress(OSError, ValueError):  # what is wrong with it, reading it tells
            total += os.stat(path).st_size
    check_size(total, folder or f"{len(paths):,} files")
    texts = []
    for path in paths:
        if len(paths) > 1 and path.is_file() and not path.stat().st_size:
            empty += 1
            continue
        texts.append(read_text(path, encoding))
    if not texts:
        raise UserError(f"{folder or paths[0]}: expected text, got empty files")
    names = [str(path) for path in paths]
    told = f"{len(paths):,} files in the order of their names, from {names[0]} to {names[-1]}"
    if empty:
        told += f"; {empty:,} of them empty"
    joined = _joined(texts, form)
    notes = (told,) if len(paths) > 1 else ()
    return Corpus(joined.text, joined.starts, folder, () if folder else tuple(names), notes)


def _joined(texts: Sequence[str], form: str) -> Corpus:
    """Texts with a line end behind each."""
    if not texts:
        raise UserError("text: expected a text, got empty ones")
    composed = [_composed(text if text.endswith("\n") else text + "\n", form) for text in texts]
    starts = np.cumsum([0, *map(len, composed)])[:-1]
    return Corpus("".join(composed), tuple(starts.tolist()))


def _composed(text: str, form: str) -> str:
    """A text in a form of Unicode, composed a few lines at a time: nothing is composed over a line's end."""
    if not form or text.isascii():
        return text
    pieces, first = [], 0
    while first < len(text):
        end = text.find("\n", first + _BLOCK) + 1 or len(text)
        pieces.append(normalize("NFC", text[first:end]))
        first = end
    return "".join(pieces)


def edges(starts: np.ndarray, length: int, shares: tuple[float, float], blocks: int) -> tuple[int, ...]:
    """Where parts begin and end that tear no unit: first and end of each stretch of the validation part, then the
    beginning of the test part.

    starts: where units begin. length: of the text. shares: of the learning part that is validation, of all that is
    test. blocks: stretches of the validation part, each near the middle of an equal part of the learning part. Raises
    UserError where there are too few units.
    """
    validation, holdout = shares
    if len(starts) < LEAST:
        raise UserError(
            f"text: expected at least {LEAST} pieces that the parts keep whole, got {len(starts)}; give more, or leave "
            "--unit out"
        )
    bounds = np.array([*starts.tolist(), length], np.int64)
    last = len(bounds) - 1
    test = _nearest(bounds, length * (1.0 - holdout), 2, last - 1) if holdout else last
    found = [bound for pair in _held(bounds, test, validation, blocks) for bound in pair] if validation else []
    return (*found, int(bounds[test]))


def _held(bounds: np.ndarray, test: int, share: float, blocks: int) -> Iterator[tuple[int, int]]:
    """First and end of each stretch of the validation part, whole units of those before the test part."""
    total = float(bounds[test])
    before, room = 0, test - 1  # at least one unit is learned
    for i in range(min(blocks, room)):
        middle = total * (2 * i + 1) / (2 * blocks) if blocks > 1 else total * (1.0 - share / 2)
        each = total * share / blocks
        first = _nearest(bounds, middle - each / 2, before, test - 1)
        end = _nearest(bounds, middle + each / 2, first + 1, test)
        end = min(end, first + room)
        if end <= first:
            return
        yield int(bounds[first]), int(bounds[end])
        before, room = end, room - (end - first)
        if before >= test or not room:
            return


def _nearest(bounds: np.ndarray, place: float, least: int, most: int) -> int:
    """Of the bounds from one number to another the nearest to a place."""
    most = max(least, most)
    return least + int(np.abs(bounds[least : most + 1] - place).argmin())
