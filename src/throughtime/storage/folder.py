"""The folder a model lives in: config.json, model.safetensors, tokenizer.json, history.jsonl, checkpoints/.

Every file is replaced as a whole: a crash or a full disk at any moment leaves the last good one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.storage.ordered import in_order

CONFIG, WEIGHTS, TOKENIZER, HISTORY = "config.json", "model.safetensors", "tokenizer.json", "history.jsonl"
CHECKPOINT = Path("checkpoints") / "last.safetensors"
_TEMPORARY = ".writing"


def make_folder(path: Path) -> None:
    """Create a folder and those above it; UserError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: cannot be made a folder ({reason}); choose another one") from None


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that at any moment either the old or the new content is there; creates its folder.

    Temporary file, fsync, rename, fsync of the folder. UserError where the disk is full or forbids it; the old
    content is still there then.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_TEMPORARY}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
        raise


def remove_temporaries(directory: Path) -> None:
    """Remove what writers that were killed left behind; only while nobody else writes into the folder."""
    for folder in (directory, directory / CHECKPOINT.parent):
        for left in folder.glob(f".*{_TEMPORARY}"):
            with suppress(OSError):
                left.unlink()


def _sync_folder(path: Path) -> None:
    """Make a rename last through a loss of power, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, atomically."""
    write_atomically(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


def read_json(path: Path) -> Any:
    """The value in a JSON file; UserError where it is missing or malformed."""
    try:
        return json.loads(path.read_bytes(), object_pairs_hook=_once, parse_constant=_no_number)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except RecursionError:
        raise UserError(f"{path}: expected JSON, it is nested too deeply; the file is damaged") from None
    except ValueError as error:
        raise UserError(f"{path}: expected JSON, {error}; the file is damaged") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key[:40]!r} stands twice in an object")
        found[key] = value
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def write_weights(path: Path, parameters: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> None:
    """Write arrays by name as a safetensors file, atomically; equal content, equal bytes."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(value) for name, value in parameters.items()}
    write_atomically(path, in_order(save(arrays, metadata=dict(metadata) if metadata else None)))


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file by name; UserError where it is missing or malformed."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(path.read_bytes()))
    except OSError as error:
        remedy = "training has not reached its first validation" if path.name == WEIGHTS else "check the path"
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); {remedy}") from None
    except KeyError as error:  # a type NumPy does not have
        raise UserError(f"{path}: expected values NumPy has, got {error}; convert them to float32") from None
    except (SafetensorError, ValueError, TypeError) as error:
        raise UserError(f"{path}: expected safetensors, {error}; the file is damaged") from None


File = Any
"""What a file holds, by its name: arrays by name (.safetensors), or what JSON can say (.json)."""


def write_files(folder: Path, files: Mapping[str, File]) -> None:
    """Write files of a model's folder, each atomically, in this order."""
    for name, content in files.items():
        if name.endswith(".safetensors"):
            write_weights(folder / name, content)
        else:
            write_json(folder / name, content)
