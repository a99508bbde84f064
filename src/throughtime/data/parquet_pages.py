"""What the pages of a Parquet file unpack to, read from the headers of the pages, which a reader goes by: the file's
footer may say anything.

Source: the format's thrift definition (apache/parquet-format, parquet.thrift: PageHeader) in thrift's compact protocol.
"""

from __future__ import annotations

from typing import Any, BinaryIO

_BYTE, _DOUBLE, _BINARY, _STRUCT = 3, 7, 8, 12
_WHOLE = (4, 5, 6)
_DEEPEST = 16
_UNPACKED, _PACKED = 2, 3
"""Numbers of the fields of a page's header that say how many bytes follow it, and what they unpack to."""


def unpacked_bytes(file: BinaryIO, chunk: Any) -> tuple[int, int]:
    """Bytes that the pages of a column's chunk unpack to, and the largest of them.

    chunk: pyarrow's ColumnChunkMetaData. Raises ValueError where what lies there is no page.
    """
    starts = [chunk.data_page_offset]
    if chunk.has_dictionary_page and chunk.dictionary_page_offset:
        starts.append(chunk.dictionary_page_offset)
    file.seek(min(starts))
    end, total, largest = min(starts) + chunk.total_compressed_size, 0, 0
    while file.tell() < end:
        header = _struct(file, 0)
        packed, unpacked = header.get(_PACKED, -1), header.get(_UNPACKED, -1)
        if packed < 0 or unpacked < 0:
            raise ValueError("a page without a size")
        total, largest = total + unpacked, max(largest, unpacked)
        file.seek(packed, 1)
    return total, largest


def _struct(file: BinaryIO, depth: int) -> dict[int, int]:
    """The whole numbers of a structure by their fields; all else is passed over."""
    if depth > _DEEPEST:
        raise ValueError("the header of a page is nested too deeply")
    found: dict[int, int] = {}
    field = 0
    while head := _byte(file):
        kind, step = head & 15, head >> 4
        field = field + step if step else _signed(file)
        value = _value(file, kind, depth)
        if value is not None:
            found[field] = value
    return found


def _value(file: BinaryIO, kind: int, depth: int) -> int | None:
    """A whole number; None for another value, which is passed over."""
    if kind in _WHOLE:
        return _signed(file)
    if kind == _STRUCT:
        _struct(file, depth + 1)
    elif kind in (_BYTE, _DOUBLE):
        file.seek(1 if kind == _BYTE else 8, 1)
    elif kind == _BINARY:
        file.seek(_unsigned(file), 1)
    elif kind not in (1, 2):  # those are true and false, which the kind itself says; no page's header holds a list
        raise ValueError("no header of a page")
    return None


def _byte(file: BinaryIO) -> int:
    if not (read := file.read(1)):
        raise ValueError("a page's header is cut off")
    return read[0]


def _unsigned(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = _byte(file)
        value |= (byte & 127) << shift
        if byte < 128:
            return value
    raise ValueError("a number without an end in a page's header")


def _signed(file: BinaryIO) -> int:
    value = _unsigned(file)
    return (value >> 1) ^ -(value & 1)
