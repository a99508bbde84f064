"""Zip archives that come from anybody: what they unpack to is counted, not believed."""

from __future__ import annotations

import copy
import sys
import zipfile
import zlib
from typing import BinaryIO

from throughtime.storage.memory import check_memory

_AT_ONCE = 1 << 16


def check_archive(where: str, file: BinaryIO, on_disk: int) -> None:
    """UserError where what a zip archive holds would take more memory than it may.

    Readers get whole members as large as they unpack to, whatever the archive says of their sizes; so each is unpacked
    once, in pieces that are forgotten. on_disk: bytes. Leaves the file at its start.
    Raises zipfile.BadZipFile for what is no archive, is damaged, or says less of a member than there is.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            check_memory(where, sum(one.file_size for one in members), on_disk)
            for one in members:
                check_packing(one)
                if one.compress_type == zipfile.ZIP_DEFLATED:
                    _check_size(archive, one)
    except (zlib.error, RuntimeError, EOFError, UnicodeError) as error:
        raise zipfile.BadZipFile(str(error)) from None
    finally:
        file.seek(0)


def check_packing(member: zipfile.ZipInfo) -> None:
    """zipfile.BadZipFile where a member is packed in a way whose unpacking knows no measure."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{member.filename[:80]} is packed neither as it is nor with deflate")


def _check_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    whole, count = copy.copy(member), 0
    whole.file_size = sys.maxsize
    with archive.open(whole) as file:
        while piece := file.read(_AT_ONCE):
            count += len(piece)
            if count > member.file_size:
                raise zipfile.BadZipFile(f"{member.filename[:80]} is larger than it says")
