"""Reading a text file."""

from __future__ import annotations

import codecs
import os
import re
import sys
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any

from throughtime.errors import UserError
from throughtime.storage.folder import read_file
from throughtime.storage.memory import VARIABLE, allowance, machine_memory, readable

_HALF = re.compile("[\ud800-\udfff]")

_COPIES = 8
"""Bytes of memory that a byte of text takes: itself, decoded, its tokens."""


def check_text(text: str, where: str) -> None:
    """UserError for what is no text in any encoding, said where."""
    if "\0" in text:
        raise UserError(f"{where}: the text holds a NUL, it is no text; take it out")
    if _HALF.search(text):
        raise UserError(f"{where}: the text holds half of a surrogate pair, no character; take it out")


ARCHIVES = {
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"PK\x03\x04": "a zip archive or an office document",
    b"%PDF-": "a PDF",
    b"{\\rtf": "an RTF document",
    b"\xd0\xcf\x11\xe0": "an old office document",
    b"SQLite format 3": "a database",
    b"\x93NUMPY": "an array of NumPy",
    b"x\x9c": "compressed data, as spaCy's DocBin is",
    b"\xff\xff\xff\xff": "an Arrow stream, as of Hugging Face's data sets (their to_json writes lines)",
    b"ARROW1": "an Arrow (Feather) file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
"""Files taken for text by mistake, by their first bytes."""

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks that say which encoding a text has, the longer ones first."""


def read_text(path: str | PathLike[str], encoding: str = "utf-8") -> str:
    """The text of a file; "-" reads standard input.

    Line ends become "\\n" and a byte order mark is dropped, so that the same text gives the same tokens on every
    system; one of UTF-16 or UTF-32 says the encoding, where nobody says another than UTF-8. Raises UserError for a file
    that is missing, a folder, unreadable, empty or not in `encoding`.
    """
    name = "standard input" if str(path) == "-" else str(path)
    raw = read_bytes(path, name)
    if not raw:
        raise UserError(f"{name}: expected text, got an empty file")
    for mark, what in ARCHIVES.items():
        if raw.startswith(mark):
            raise UserError(f"{name}: expected text, got {what}; take the text out of it first")
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        encoding = next((name for mark, name in _MARKS.items() if raw.startswith(mark)), encoding)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        where = f"byte 0x{raw[error.start]:02x} at offset {error.start}"
        hint = "say which encoding it has, for example --encoding latin-1 or --encoding gb18030"
        if encoding in _MARKS.values():
            hint = f"it begins like {encoding.upper()}, and does not go on so"
        raise UserError(f"{name}: expected {encoding} text, got {where} ({error.reason}); {hint}") from None
    except (LookupError, ValueError) as error:
        raise UserError(f"{name}: cannot decode as {encoding!r} ({error}); name one such as utf-8") from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\n\ufeff", "\n")  # of files that were put together
    if not text:
        raise UserError(f"{name}: expected text, got only a byte order mark")
    if "\0" in text:
        hint = "it is no text, or text in another encoding such as --encoding utf-16-le"
        raise UserError(f"{name}: expected text, got a NUL at character {text.index(chr(0)) + 1}; {hint}")
    if found := _HALF.search(text):
        raise UserError(
            f"{name}: character {found.start() + 1} is half of a surrogate pair, no text; name its encoding"
        )
    return text


_SUFFIX = re.compile(
    r"\S.*\.(?:txt|text|md|csv|tsv|tab|jsonl?|ndjson|parquet|pq|conllu?|xml|html?|log|dat|iob2?|bio|ya?ml|gz|zip)",
    re.IGNORECASE,
)
_PATH = re.compile(r"(?:~|\.{1,2})?[\\/]\S*|[A-Za-z]:[\\/]\S*|\S+\.[A-Za-z]\w{0,7}|[\w.\-]+(?:[\\/][\w.\-]+)+")


def looks_like_path(text: str) -> bool:
    """Whether a string is more likely the name of a file than a text: one line that ends as files' names do."""
    if "\n" in text or not 0 < len(text) <= 1024:
        return False
    return bool(_SUFFIX.fullmatch(text) or _PATH.fullmatch(text))


def is_file(name: str) -> bool:
    """Whether a string names a file or folder that is there, or standard input."""
    if name == "-":
        return True
    if not name or "\n" in name or len(name) > 4096:
        return False
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False


def named(source: Any, instead: str = "lists, or a file as a pathlib.Path") -> Any:
    """A source as `fit` takes it, a string that names a file as a Path: where several texts are meant, a string is a
    file. UserError for a string that names none. instead: what to give."""
    if not isinstance(source, str):
        return source
    if is_file(source):
        return source if source == "-" else Path(source)
    if looks_like_path(source):
        raise UserError(f"{source[:60]}: no such file; check the path")
    raise UserError(f"data: expected several texts, got one; give {instead}")


def read_bytes(path: str | PathLike[str], name: str) -> bytes:
    """All of a file, "-" of standard input. name: for errors. UserError for what cannot be read."""
    if name == "standard input":
        return read_standard_input()
    _check_size(path, name)
    try:
        if is_stream(path):
            with open(path, "rb") as stream:
                return read_bounded(stream, name)
        return read_file(Path(path))
    except FileNotFoundError:
        raise UserError(f"{name}: no such file; check the path") from None
    except IsADirectoryError:
        raise UserError(f"{name}: expected a text file, got a folder; name a file inside it") from None
    except PermissionError:
        raise UserError(f"{name}: no permission to read it; check the file's rights") from None
    except UserError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{name}: cannot be read ({reason})") from None


def is_stream(path: str | PathLike[str]) -> bool:
    """Whether a name is what a shell gives for the output of another command, <(zcat book.gz). Any other pipe or device
    may be there for us to wait at for ever."""
    return str(path) == "/dev/stdin" or str(path).startswith(("/dev/fd/", "/proc/self/fd/"))


def read_standard_input() -> bytes:
    """All of standard input; UserError where there is none, or more than memory can hold."""
    if sys.stdin is None:
        raise UserError("standard input: there is none; name a file")
    return read_bounded(sys.stdin.buffer, "standard input")


_PIECE = 1 << 22


def read_bounded(stream: Any, name: str, most: int | None = None) -> bytes:
    """All that a stream of bytes gives. most: bytes beyond which it is too much; an eighth of memory if not given."""
    limit = most if most is not None else allowance(1 << 62) // _COPIES
    pieces, size = [], 0
    while piece := stream.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise UserError(
                f"{name}: more than {readable(limit)} came, which is more than memory is to hold; use a part of it, or "
                f"set {VARIABLE} to the GB it may take"
            )
    return b"".join(pieces)


def _check_size(path: str | PathLike[str], name: str) -> None:
    """UserError for a file that memory cannot hold; what is wrong with it otherwise, reading it tells."""
    size = 0
    with suppress(OSError, ValueError):
        size = os.stat(path).st_size
    check_size(size, name)


def check_size(size: int, name: str) -> None:
    """UserError for so many bytes of text that memory cannot hold them. name: of what has them."""
    memory = machine_memory()
    if memory is not None and size * _COPIES > memory:
        raise UserError(
            f"{name}: {readable(size)} of text need about {readable(size * _COPIES)}, this machine has "
            f"{readable(memory)}; use a part of it"
        )
