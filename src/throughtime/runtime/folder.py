"""The folder a model lives in: config.json, model.safetensors, tokenizer.json, history.jsonl, checkpoints/.

Every file is replaced as a whole: a crash or a full disk at any moment leaves the last good one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from throughtime.errors import UserError

FORMAT_VERSION = 1
CONFIG, WEIGHTS, TOKENIZER, HISTORY = "config.json", "model.safetensors", "tokenizer.json", "history.jsonl"
CHECKPOINT = Path("checkpoints") / "last.safetensors"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that at any moment either the old or the new content is there; creates its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
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
        return json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise UserError(f"{path}: expected JSON, {error}; the file is damaged") from None


def read_config(directory: str | os.PathLike[str]) -> dict[str, Any]:
    """config.json of a model folder; UserError where it is no model folder of a format this version knows."""
    directory = Path(directory)
    if not (directory / CONFIG).is_file():
        raise UserError(f"{directory}: expected a model folder, there is no {CONFIG} in it; train one with --out")
    config = read_json(directory / CONFIG)
    version = config.get("format_version") if isinstance(config, dict) else None
    if version != FORMAT_VERSION:
        raise UserError(
            f"{directory / CONFIG}: expected format_version {FORMAT_VERSION}, got {version!r}; update throughtime"
        )
    assert isinstance(config, dict)
    return config


def write_weights(path: Path, parameters: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> None:
    """Write arrays by name as a safetensors file, atomically."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(value) for name, value in parameters.items()}
    write_atomically(path, save(arrays, metadata=dict(metadata) if metadata else None))


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file by name; UserError where it is missing or malformed."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(path.read_bytes()))
    except OSError as error:
        remedy = "training has not reached its first validation" if path.name == WEIGHTS else "check the path"
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); {remedy}") from None
    except SafetensorError as error:
        raise UserError(f"{path}: expected safetensors, {error}; the file is damaged") from None
