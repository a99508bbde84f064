"""Archives that say less than they hold, or are packed so that nobody can tell."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import pytest

from throughtime.errors import UserError
from throughtime.storage.archive import check_archive
from throughtime.storage.memory import VARIABLE

ZEROS = bytes(200_000)


def packed(path: Path, how: int = zipfile.ZIP_DEFLATED, said: int | None = None) -> Path:
    """An archive of zeros; said: how many it says there are."""
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("a", ZEROS)
        if said is not None:
            about = archive.getinfo("a")
            about.file_size, about.CRC = said, zlib.crc32(ZEROS[:said])
    return path


def checked(path: Path) -> None:
    with path.open("rb") as file:
        check_archive("it", file, path.stat().st_size)
        assert file.tell() == 0


def test_what_an_archive_says_of_itself_is_not_believed(tmp_path: Path) -> None:
    checked(packed(tmp_path / "right"))
    checked(packed(tmp_path / "stored", zipfile.ZIP_STORED))
    with pytest.raises(zipfile.BadZipFile, match="a is larger than it says"):
        checked(packed(tmp_path / "lies", said=100))
    for how in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with pytest.raises(zipfile.BadZipFile, match="a is packed neither as it is nor with deflate"):
            checked(packed(tmp_path / "other", how))


def test_what_is_damaged_is_no_archive(tmp_path: Path) -> None:
    path = packed(tmp_path / "right")
    content = path.read_bytes()
    for changed in (content[:40] + b"\xff" * 9 + content[49:], content[:30], content.replace(b"\x08\x00", b"\x63\x00")):
        path.write_bytes(changed)
        with pytest.raises(zipfile.BadZipFile):
            checked(path)


def test_what_would_be_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0.0001")
    with pytest.raises(UserError, match="would take 200 kB of memory"):
        checked(packed(tmp_path / "a"))
