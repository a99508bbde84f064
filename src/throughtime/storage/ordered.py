"""The same content, the same bytes: safetensors writes what is said beside the arrays in an order of chance."""

from __future__ import annotations

import json


def in_order(file: bytes) -> bytes:
    """A safetensors file with the entries of its header by name; what it holds stays, and where."""
    length = int.from_bytes(file[:8], "little")
    header = json.dumps(json.loads(file[8 : 8 + length]), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    text = header.encode()
    text += b" " * (-len(text) % 8)  # the arrays begin at a multiple of eight
    return len(text).to_bytes(8, "little") + text + file[8 + length :]
