"""TensorFlow's bundle of variables, in plain Python: variables.index and variables.data-00000-of-00001.

The index is a table of LevelDB's format (github.com/google/leveldb, doc/table_format.md) whose values are messages of
TensorFlow's tensor_bundle.proto; the object graph beside it is that of trackable_object_graph.proto.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from throughtime.errors import UserError
from throughtime.interop.keras.protobuf import number, parts, text, varint
from throughtime.storage.folder import read_file

_MAGIC = 0xDB4775248B80FB57
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2", 4: "|u1", 6: "|i1", 10: "|b1"}
_TEXT = 7
_LONGEST = 1 << 12
"""Bytes of a key: each says how many of them it has in common with the one before, so that few bytes could say many."""
OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"


@dataclass(frozen=True)
class Entry:
    """Where a variable lies. kind: its type as TensorFlow numbers it."""

    kind: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int


class Bundle:
    """The variables in a folder. UserError where a file is missing or damaged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        index = folder / "variables.index"
        data = _read(index)
        try:
            self.entries, self._shards = _index(data)
        except UserError as error:
            raise UserError(f"{index}: {error}") from None
        self._data: dict[int, bytes] = {}

    def array(self, key: str) -> np.ndarray:
        """A variable by its key."""
        entry = self.entries.get(key)
        if entry is None or entry.kind not in _TYPES:
            got = "no such variable" if entry is None else f"it has type {entry.kind}"
            raise UserError(f"{self._folder}: {key[:120]}: expected numbers, {got}")
        kind = np.dtype(_TYPES[entry.kind])
        count = math.prod(entry.shape)
        if entry.size != count * kind.itemsize:
            raise UserError(f"{self._folder}: {key}: {entry.size} bytes do not make {entry.shape}; damaged")
        values = np.frombuffer(self._bytes(key, entry), kind).reshape(entry.shape)
        return values.astype(np.float32) if kind.itemsize == 2 else values.copy()

    def text(self, key: str) -> bytes:
        """A variable that is one text; empty where it is not there."""
        entry = self.entries.get(key)
        if entry is None or entry.kind != _TEXT:
            return b""
        data = self._bytes(key, entry)
        length, at = varint(data, 0)
        return data[at + 4 : at + 4 + length]  # four bytes are a checksum

    def _bytes(self, key: str, entry: Entry) -> bytes:
        if entry.shard not in self._data:
            name = f"variables.data-{entry.shard:05d}-of-{self._shards:05d}"
            self._data[entry.shard] = _read(self._folder / name)
        data = self._data[entry.shard][entry.offset : entry.offset + entry.size]
        if len(data) != entry.size:
            raise UserError(f"{self._folder}: {key[:120]} is cut off; the file is damaged")
        return data


def _read(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); the SavedModel is incomplete") from None


def _index(data: bytes) -> tuple[dict[str, Entry], int]:
    if len(data) < 48 or int.from_bytes(data[-8:], "little") != _MAGIC:
        raise UserError("expected an index of variables; the file is damaged")
    footer = data[-48:]
    _, at = _handle(footer, 0)
    where, _ = _handle(footer, at)
    found: dict[str, Entry] = {}
    shards = 0
    begin = 0
    for _, value in _block(data, where):
        handle, _ = _handle(value, 0)
        if handle[0] < begin:
            raise UserError("its blocks do not follow each other; the file is damaged")
        begin = handle[0] + handle[1]
        for key, message in _block(data, handle):
            if not key:
                shards = number(message, 1)
                if number(message, 2):
                    raise UserError("its variables are big-endian; expected little-endian ones")
                continue
            name = key.decode("utf-8", "replace")
            shape = parts(message, 2)
            sizes = tuple(number(dim, 1) for dim in parts(shape[-1], 2)) if shape else ()
            if any(size >= 1 << 40 for size in sizes):
                raise UserError(f"{name[:120]} is too large; the file is damaged")
            found[name] = Entry(number(message, 1), sizes, number(message, 3), number(message, 4), number(message, 5))
    if not 1 <= shards <= 99_999:
        raise UserError("expected to be told how many files there are; the file is damaged")
    return found, shards


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return (offset, size), at


def _block(data: bytes, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block."""
    offset, size = handle
    if offset + size + 5 > len(data) or size < 4:
        raise UserError("a block is cut off; the file is damaged")
    if data[offset + size]:
        raise UserError("its blocks are compressed, which TensorFlow's own never are")
    block = data[offset : offset + size]
    restarts = int.from_bytes(block[-4:], "little")
    end = size - 4 - 4 * restarts
    if end < 0:
        raise UserError("a block is damaged")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or shared + own > _LONGEST or at + own + length > end:
            raise UserError("a key is damaged")
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + length]
        at += length


@dataclass(frozen=True)
class Object:
    """A node of the object graph. children: local name -> node; variable: key of its value, if it has one."""

    children: dict[str, int]
    variable: str


def objects(message: bytes) -> list[Object]:
    """The object graph, the root first."""
    found = []
    for node in parts(message, 1):
        children = {text(child, 2): number(child, 1) for child in parts(node, 1)}
        keys = [text(a, 3) for a in parts(node, 2) if text(a, 1) == "VARIABLE_VALUE"]
        found.append(Object(children, keys[0] if keys else ""))
    return found
