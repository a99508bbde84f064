"""The same content, the same bytes: safetensors writes what is said beside the arrays in an order of chance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

_KINDS = {"float32": "F32", "float64": "F64"}


def in_order(file: bytes) -> bytes:
    """A safetensors file with the entries of its header by name; what it holds stays, and where."""
    length = int.from_bytes(file[:8], "little")
    return _header(json.loads(file[8 : 8 + length])) + file[8 + length :]


def pieces(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> Iterator[Any]:
    """A safetensors file with its header in order, piece by piece, each a buffer: of arrays all of one type of floats
    without a copy, where safetensors itself makes two. arrays: contiguous."""
    kinds = {str(value.dtype) for value in arrays.values()}
    if len(kinds) != 1 or not kinds <= _KINDS.keys():
        from safetensors.numpy import save

        yield in_order(save(dict(arrays), metadata=dict(metadata) if metadata else None))
        return
    kind, end = _KINDS[kinds.pop()], 0
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    for name, value in sorted(arrays.items()):
        start, end = end, end + value.nbytes
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [start, end]}
    yield _header(header)
    for _, value in sorted(arrays.items()):
        yield value.astype(value.dtype.newbyteorder("<"), copy=False).reshape(-1).view(np.uint8)


def _header(entries: Mapping[str, object]) -> bytes:
    text = json.dumps(entries, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the arrays begin at a multiple of eight
    return len(text).to_bytes(8, "little") + text
