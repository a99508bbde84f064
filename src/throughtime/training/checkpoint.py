"""A run's whole state in one file: safetensors, with the numbers as JSON in its header. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from throughtime.errors import UserError
from throughtime.storage.folder import check_file, write_atomically

FORMAT_VERSION = 1
_KEY = "throughtime"


def save(path: Path, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> None:
    """Write tensors by name and JSON-able numbers, atomically."""
    from safetensors.torch import save as encode

    header = {_KEY: json.dumps({"format_version": FORMAT_VERSION, **numbers})}
    write_atomically(path, encode({name: t.detach().contiguous() for name, t in tensors.items()}, metadata=header))


def load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors and numbers of a checkpoint; UserError where it is missing, damaged or of another format."""
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        raise UserError(f"{path}: there is no checkpoint to go on from; train without --resume")
    try:
        check_file(path)
        with safe_open(path, framework="pt") as file:
            numbers = json.loads((file.metadata() or {})[_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, KeyError, ValueError, RecursionError, OSError) as error:
        raise UserError(f"{path}: expected a checkpoint, {error}; the file is damaged") from None
    if not isinstance(numbers, dict):
        raise UserError(f"{path}: expected a checkpoint, its numbers are no object; the file is damaged")
    if numbers.get("format_version") != FORMAT_VERSION:
        raise UserError(f"{path}: expected format_version {FORMAT_VERSION}, got {numbers.get('format_version')!r}")
    return tensors, numbers


def part(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose name starts with "prefix.", without it."""
    return {name[len(prefix) + 1 :]: value for name, value in tensors.items() if name.startswith(prefix + ".")}
