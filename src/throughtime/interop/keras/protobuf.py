"""Messages of protocol buffers, read field by field: protobuf.dev/programming-guides/encoding."""

from __future__ import annotations

from collections.abc import Iterator

from throughtime.errors import UserError


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends; UserError where it does not."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise UserError("a number is cut off; the file is damaged")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and content of each field: a number, or bytes. UserError where the message is damaged."""
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise UserError("a field of no known kind; the file is damaged")
        if size > end - at:
            raise UserError("a field is cut off; the file is damaged")
        yield number, data[at : at + size]
        at += size


def parts(data: bytes, number: int) -> list[bytes]:
    """The contents of all fields of a number that are bytes."""
    return [value for n, value in fields(data) if n == number and isinstance(value, bytes)]


def number(data: bytes, wanted: int, otherwise: int = 0) -> int:
    """The last number in a field."""
    found = otherwise
    for n, value in fields(data):
        if n == wanted and isinstance(value, int):
            found = value
    return found


def text(data: bytes, wanted: int) -> str:
    """The last text in a field."""
    found = parts(data, wanted)
    try:
        return found[-1].decode("utf-8") if found else ""
    except UnicodeDecodeError:
        raise UserError("a text is no UTF-8; the file is damaged") from None
