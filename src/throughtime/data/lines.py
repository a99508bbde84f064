"""Lines of a text file: they end at "\\n" alone, and what looks like an end of a line and is none is named."""

from __future__ import annotations

import gzip
import io
import re
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike

from throughtime.data.text import ARCHIVES, read_bounded, read_bytes
from throughtime.errors import UserError
from throughtime.storage.memory import allowance

_ODD = re.compile("[\\r\\x0b\\x0c\\x1c-\\x1e\\x85\\u2028\\u2029]")

NAMES = {
    "\0": "a NUL",
    "\r": "a carriage return",
    "\x0b": "a vertical tab",
    "\x0c": "a form feed",
    "\x1c": "U+001C",
    "\x1d": "U+001D",
    "\x1e": "U+001E",
    "\x85": "U+0085 (next line)",
    "\u2028": "U+2028 (line separator)",
    "\u2029": "U+2029 (paragraph separator)",
}
"""What some programs take for the end of a line, and a NUL."""

_HALF = re.compile("[\ud800-\udfff]")

_COPIES = 9
"""Bytes of memory that a byte of text takes: itself, decoded, its lines."""


@dataclass(frozen=True)
class Odd:
    """A character inside a line where some programs end one. line, character: counted from 1."""

    where: str
    line: int
    character: int
    sign: str

    def __str__(self) -> str:
        return f"{self.where}: line {self.line:,}, character {self.character:,}: {NAMES[self.sign]}"


@dataclass(frozen=True)
class Lines:
    """Lines without their ends. where: the file, for errors. odd: what looks like an end of a line and is none."""

    lines: list[str]
    where: str
    odd: list[Odd]


def read_lines(path: str | PathLike[str], encoding: str = "utf-8") -> Lines:
    """The lines of a text file, packed by gzip or not; "-" reads standard input.

    A line ends at "\\n", also at "\\r\\n"; the last one needs no end. Raises UserError for what cannot be read, for a
    NUL or a byte that is none of the encoding, with line and character, and for a file whose lines end at "\\r".
    """
    where = "standard input" if str(path) == "-" else str(path)
    return lines_of(decoded(read_bytes(path, where), where, encoding), where)


def decoded(raw: bytes, where: str, encoding: str) -> str:
    """The text in the bytes of a file, packed by gzip or not, without a byte order mark. UserError as read_lines'."""
    size = len(raw)
    if raw[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
                raw = read_bounded(packed, where, allowance(size) // _COPIES)
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"{where}: cannot be unpacked ({error})") from None
    for mark, what in ARCHIVES.items():
        if raw.startswith(mark):
            raise UserError(f"{where}: expected text, got {what}; take the text out of it first")
    if encoding == "utf-8" and raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UserError(
            f"{where}: line {line:,}: byte 0x{raw[error.start]:02x} is no {encoding} text ({error.reason}); say which "
            "encoding it has, for example --encoding latin-1 or --encoding gb18030"
        ) from None
    except (LookupError, ValueError) as error:
        raise UserError(f"{where}: cannot decode as {encoding!r} ({error}); name one such as utf-8") from None
    text = text.removeprefix("\ufeff")
    if not text:
        raise UserError(f"{where}: expected text, got an empty file")
    for sign, what in (("\0", "a NUL"), (None, "half of a surrogate pair")):
        found = _HALF.search(text) if sign is None else re.search(sign, text)
        if found:
            line, character = _place(text, found.start())
            raise UserError(
                f"{where}: line {line:,}, character {character:,}: {what}, which is no text; take it out, or name the "
                "encoding"
            )
    return text


def lines_of(text: str, where: str) -> Lines:
    """A text's lines; UserError where they end at "\\r" alone."""
    text = text.replace("\r\n", "\n")
    if "\n" not in text and text.count("\r") > 1:
        raise UserError(f"{where}: its lines end at a carriage return alone; convert them to \\n")
    odd = list(each_odd(text, where))
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return Lines(lines, where, odd)


def each_odd(text: str, where: str) -> Iterator[Odd]:
    """What looks like an end of a line and is none, in a text whose lines end at "\\n"."""
    line, begin = 1, 0
    for found in _ODD.finditer(text):
        at = found.start()
        line += text.count("\n", begin, at)
        begin = at
        yield Odd(where, line, at - text.rfind("\n", 0, at), found.group())


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def tidy(text: str) -> str:
    """A text without white space around it, composed (NFC), with a space for what looks like the end of a line."""
    text = text.strip()
    if text.isascii() and not _ODD.search(text) and "\n" not in text:
        return text
    return unicodedata.normalize("NFC", _ODD.sub(" ", text.replace("\r\n", "\n")).replace("\n", " "))
