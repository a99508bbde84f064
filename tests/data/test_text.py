"""Reading text files."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path

import pytest

from throughtime.data.text import read_text
from throughtime.errors import UserError


def test_reads_text_with_any_line_end(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n\xe6\x9c\x88")
    assert read_text(file) == "one\ntwo\nthree\n月"
    assert read_text(str(file)) == read_text(file)


def test_reads_other_encodings(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("明月".encode("gb18030"))
    assert read_text(file, encoding="gb18030") == "明月"


def test_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("piped 月".encode()), encoding="ascii"))
    assert read_text("-") == "piped 月"


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (b"", "utf-8", "empty"),
        (b"\xef\xbb\xbf", "utf-8", "byte order mark"),
        (b"abc\xff", "utf-8", "byte 0xff at offset 3.*--encoding"),
        (gzip.compress(b"abc", mtime=0), "utf-8", "gzip"),
        (b"abc", "no-such-code", "no-such-code"),
        (b"abc", "base64", "base64"),
    ],
)
def test_content_that_is_no_text(tmp_path: Path, content: bytes, encoding: str, message: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_text(file, encoding)
    assert "\n" not in str(caught.value)
    assert "a.txt" in str(caught.value)


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_text(tmp_path / "missing.txt")
    with pytest.raises(UserError, match="folder"):
        read_text(tmp_path)


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: int) -> int:
        raise PermissionError

    (tmp_path / "a.txt").write_text("a")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UserError, match="no permission"):
        read_text(tmp_path / "a.txt")
