"""Reading a text file."""

from __future__ import annotations

import sys
from os import PathLike
from pathlib import Path

from throughtime.errors import UserError


def read_text(path: str | PathLike[str], encoding: str = "utf-8") -> str:
    """The text of a file; "-" reads standard input.

    Line ends become "\\n" and a byte order mark is dropped, so that the same text gives the same tokens on every
    system. Raises UserError for a file that is missing, a folder, unreadable, empty or not in `encoding`.
    """
    name = "standard input" if str(path) == "-" else str(path)
    raw = _read(path, name)
    if not raw:
        raise UserError(f"{name}: expected text, got an empty file")
    if raw[:2] == b"\x1f\x8b":
        raise UserError(f"{name}: expected text, got a gzip archive; unpack it first")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        where = f"byte 0x{raw[error.start]:02x} at offset {error.start}"
        hint = "say which encoding it has, for example --encoding latin-1 or --encoding gb18030"
        raise UserError(f"{name}: expected {encoding} text, got {where} ({error.reason}); {hint}") from None
    except (LookupError, UnicodeError) as error:
        raise UserError(f"{name}: cannot decode as {encoding!r} ({error}); name one such as utf-8") from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        raise UserError(f"{name}: expected text, got only a byte order mark")
    return text


def _read(path: str | PathLike[str], name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "standard input" else Path(path).read_bytes()
    except FileNotFoundError:
        raise UserError(f"{name}: no such file; check the path") from None
    except IsADirectoryError:
        raise UserError(f"{name}: expected a text file, got a folder; name a file inside it") from None
    except PermissionError:
        raise UserError(f"{name}: no permission to read it; check the file's rights") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{name}: cannot be read ({reason})") from None
