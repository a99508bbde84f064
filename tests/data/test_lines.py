"""Lines end at "\\n" alone, and what other programs take for an end is named with its place."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from throughtime.data.lines import NAMES, read_lines, tidy
from throughtime.errors import UserError


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_lines_end_at_newlines_alone(tmp_path: Path) -> None:
    found = read_lines(write(tmp_path / "a.txt", "\ufeffone\r\ntwo\x85half\u2028three\n\n four"))
    assert found.lines == ["one", "two\x85half\u2028three", "", " four"]
    assert [(odd.line, odd.character, odd.sign) for odd in found.odd] == [(2, 4, "\x85"), (2, 9, "\u2028")]
    assert str(found.odd[1]) == f"{tmp_path / 'a.txt'}: line 2, character 9: U+2028 (line separator)"


@pytest.mark.parametrize("sign", [sign for sign in NAMES if sign != "\0"])
def test_what_looks_like_an_end_is_named(tmp_path: Path, sign: str) -> None:
    found = read_lines(write(tmp_path / "a.txt", f"x\nab{sign}c\ny\n"))
    assert len(found.lines) == 3
    assert [(odd.line, odd.character, odd.sign) for odd in found.odd] == [(2, 3, sign)]


def test_packed_and_utf_16_files(tmp_path: Path) -> None:
    assert read_lines(write(tmp_path / "a.gz", gzip.compress("ä\nö\n".encode()))).lines == ["ä", "ö"]
    assert read_lines(write(tmp_path / "b.txt", "ä\nö\n".encode("utf-16"))).lines == ["ä", "ö"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a\nb\0c\n", "line 2, character 2: a NUL"),
        (b"a\nb\xe4c\n", "line 2: byte 0xe4 is no utf-8 text"),
        ("a\rb\rc", "its lines end at a carriage return alone"),
        (b"", "expected text, got an empty file"),
        (gzip.compress(b"a\n" * 99, mtime=0)[:-9], "cannot be unpacked"),
        (b"PK\x03\x04", "a zip archive"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_lines(write(tmp_path / "a.txt", content))


def test_tidy_keeps_case_accents_and_punctuation() -> None:
    assert tidy('  "Élan" -- naïve!\u3000') == '"Élan" -- naïve!'
    assert tidy("E\u0301t\x85a\x0cb\r\nc") == "Ét a b c"
