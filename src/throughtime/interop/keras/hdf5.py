"""An HDF5 file of a stranger: only groups and arrays that lie in the file itself, and no more of them than fit."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from throughtime.errors import UserError, needed
from throughtime.storage.folder import check_file, on_disk
from throughtime.storage.memory import check_memory

_DEEPEST = 32
_MOST_NAMES = 100_000


class Store:
    """An open HDF5 file. who: its name in errors; size: the bytes it takes on the disk."""

    def __init__(self, file: Any, who: str, size: int) -> None:
        self._file, self.who, self._size = file, who, size
        self._taken = 0

    def attribute(self, path: str, name: str) -> Any:
        """An attribute of a group, None where it is not there; long lists are stored in pieces, name0, name1, ..."""
        group = self._at(path)
        if group is None:
            return None
        try:
            if name in group.attrs:
                return group.attrs[name]
            parts: list[Any] = []
            while f"{name}{len(parts)}" in group.attrs and len(parts) < _MOST_NAMES:
                parts.append(np.atleast_1d(group.attrs[f"{name}{len(parts)}"]))
        except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"{self.who}: attribute {name} of {path} cannot be read ({_line(error)}); damaged"
            ) from None
        return np.concatenate(parts) if parts else None

    def text(self, path: str, name: str) -> str | None:
        """An attribute that is a text."""
        value = self.attribute(path, name)
        if value is None:
            return None
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.reshape(-1)[0]
        return _text(value, f"{self.who}: attribute {name} of {path}")

    def texts(self, path: str, name: str) -> list[str] | None:
        """An attribute that is a list of texts."""
        value = self.attribute(path, name)
        if value is None:
            return None
        if np.size(value) > _MOST_NAMES:
            raise UserError(f"{self.who}: attribute {name} of {path} has more than {_MOST_NAMES:,} names; damaged")
        return [_text(one, f"{self.who}: attribute {name} of {path}") for one in np.atleast_1d(value).tolist()]

    def has(self, path: str) -> bool:
        """Whether there is something at a path."""
        return self._at(path) is not None

    def names(self, path: str) -> list[str]:
        """What lies in a group, by name."""
        group = self._at(path)
        if group is None or not hasattr(group, "keys"):
            return []
        if len(group) > _MOST_NAMES:
            raise UserError(f"{self.who}: {path} holds more than {_MOST_NAMES:,} entries; damaged")
        return [str(name) for name in group]

    def array(self, path: str) -> np.ndarray:
        """An array of numbers as float32 or float64, or integers; UserError where it is missing or too large."""
        found = self._at(path)
        if found is None or not hasattr(found, "shape"):
            raise UserError(f"{self.who}: there is no array {path}; the file is incomplete")
        kind = found.dtype
        if kind.kind not in "fiub" or kind.itemsize > 8:
            raise UserError(f"{self.who}: {path} is {kind}, expected numbers")
        if getattr(found, "external", None) or getattr(found, "is_virtual", False):
            raise UserError(f"{self.who}: {path} lies in another file; store it in this one")
        self._taken += math.prod(found.shape) * kind.itemsize
        check_memory(self.who, self._taken, self._size)
        try:
            values = np.asarray(found[()])
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise UserError(f"{self.who}: {path} cannot be read ({_line(error)}); the file is damaged") from None
        return values.astype(np.float32) if kind == np.float16 else values

    def _at(self, path: str) -> Any:
        """What is at a path, None for nothing; UserError where a link leads elsewhere."""
        import h5py

        here, parts = self._file, [part for part in path.split("/") if part]
        if len(parts) > _DEEPEST or ".." in parts:
            raise UserError(f"{self.who}: {path[:80]} is nested too deeply; damaged")
        for part in parts:
            if not isinstance(here, h5py.Group):
                return None
            try:
                link = here.get(part, getlink=True)
                if link is None:
                    return None
                if not isinstance(link, h5py.HardLink):
                    raise UserError(f"{self.who}: {path} is a link that leads elsewhere; store the array in its place")
                here = here[part]
            except (OSError, RuntimeError, KeyError, ValueError) as error:
                if isinstance(error, UserError):
                    raise
                raise UserError(f"{self.who}: {path} cannot be read ({_line(error)}); the file is damaged") from None
        return here


def _text(value: Any, who: str) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    if not isinstance(value, str):
        raise UserError(f"{who}: expected a text, got {type(value).__name__}; damaged")
    return value


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


@contextmanager
def opened(file: Path | BinaryIO, who: str) -> Iterator[Store]:
    """An HDF5 file, open to be read. UserError where h5py is missing, or where it is no such file."""
    try:
        import h5py
    except ImportError:
        raise UserError(f"{who}: reading HDF5 needs h5py: {needed('interop')}") from None
    size = on_disk(check_file(file)) if isinstance(file, Path) else file.seek(0, os.SEEK_END)
    if not isinstance(file, Path):
        file.seek(0)
    try:
        handle = h5py.File(file, "r")
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"{who}: expected an HDF5 file ({_line(error)}); it is damaged or of another kind") from None
    try:
        yield Store(handle, who, size)
    finally:
        handle.close()
