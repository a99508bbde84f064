"""The index of a SavedModel's variables, from a stranger: few bytes that would be many, or take for ever."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from throughtime.errors import UserError
from throughtime.interop.keras.bundle import Bundle


def varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found, number = found + bytes([number & 127 | 128]), number >> 7
    return found + bytes([number])


def block(entries: list[tuple[int, bytes, bytes]]) -> bytes:
    """Of each entry how much it has in common with the key before, the rest of its key, and its value."""
    rows = (varint(n) + varint(len(key)) + varint(len(value)) + key + value for n, key, value in entries)
    return b"".join(rows) + struct.pack("<II", 0, 1)


def index(folder: Path, inner: bytes, times: int) -> Path:
    """An index that names one block so many times."""
    handle = varint(0) + varint(len(inner))
    outer = block([(0, str(n).encode(), handle) for n in range(times)])
    data = inner + bytes(5)
    footer = (varint(0) * 2 + varint(len(data)) + varint(len(outer))).ljust(40, b"\0")
    folder.mkdir()
    magic = 0xDB4775248B80FB57
    (folder / "variables.index").write_bytes(data + outer + bytes(5) + footer + magic.to_bytes(8, "little"))
    return folder


def test_keys_that_have_much_in_common_with_the_one_before(tmp_path: Path) -> None:
    inner = block([(0, b"k" * 200_000, b""), *((199_997, struct.pack("<I", n)[:3], b"") for n in range(1000))])
    with pytest.raises(UserError, match=r"variables.index: a key is damaged"):
        Bundle(index(tmp_path / "a", inner, 1))


def test_a_block_that_is_named_many_times(tmp_path: Path) -> None:
    inner = block([(0, f"{n:06}".encode(), b"") for n in range(1000)])
    with pytest.raises(UserError, match=r"variables.index: its blocks do not follow each other"):
        Bundle(index(tmp_path / "a", inner, 100_000))
