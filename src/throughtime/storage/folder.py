"""The folder a model lives in: config.json, model.safetensors, tokenizer.json, history.jsonl, checkpoints/.

Every file is replaced as a whole: a crash or a full disk at any moment leaves the last good one. A folder may come from
anybody: nothing is written or removed through a link that lies in it, and only regular files are read.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from throughtime.errors import UserError
from throughtime.storage.int8 import unpacked
from throughtime.storage.memory import check_memory
from throughtime.storage.ordered import pieces

CONFIG, WEIGHTS, TOKENIZER, HISTORY = "config.json", "model.safetensors", "tokenizer.json", "history.jsonl"
CHECKPOINT = Path("checkpoints") / "last.safetensors"
LOCK = CHECKPOINT.with_name(".lock")
"""The file whose lock says that a training is at work in the folder."""

_TEMPORARY = re.compile(r"\.(.{1,60})\.[0-9a-f]{16}\.writing")
"""Names of files that are being written."""

_INLINE = 1 << 16
"""Bytes up to which some file systems keep a file's content beside its name, in no block."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def passing_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, also where a signal comes while it is being removed."""
    path = tempfile.mkdtemp()
    try:
        yield Path(path)
    finally:
        try:
            shutil.rmtree(path)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise


def make_folder(path: Path) -> None:
    """Create a folder and those above it; UserError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: cannot be made a folder ({reason}); choose another one") from None


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that at any moment either the old or the new content is there; creates its folder.

    UserError where the disk is full or forbids it; the old content is still there then.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes a file's place where the block ends without an error; creates its folder.

    A temporary file of a name nobody can know, fsync, rename, fsync of the folder, which is opened once. A link of the
    file's name is replaced, not followed. UserError where the disk is full or forbids it.
    """
    make_folder(path.parent)
    temporary = f".{path.name[:40]}.{os.urandom(8).hex()}.writing"
    try:
        with _opened(path) as folder:
            try:
                with open(os.open(temporary, _NEW, 0o666, dir_fd=folder), "wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
                os.fsync(folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=folder)
                raise
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None


def remove(path: Path) -> None:
    """Remove a file, if it is there; a link of its name, not what it leads to. UserError where that cannot be."""
    try:
        with _opened(path) as folder:
            os.unlink(path.name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UserError(f"{path}: cannot be removed ({error.strerror or error})") from None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The folder of a file, opened. That of the checkpoints lies in a model's: a link in its place is refused."""
    own = path.parent.name == CHECKPOINT.parent.name and path.name in (CHECKPOINT.name, LOCK.name)
    if own:
        check_no_link(path.parent)
    outer = os.open(path.parent.parent if own else path.parent, _FOLDER)
    try:
        folder = os.open(path.parent.name, _FOLDER | os.O_NOFOLLOW, dir_fd=outer) if own else os.dup(outer)
    finally:
        os.close(outer)
    try:
        yield folder
    finally:
        os.close(folder)


def check_no_link(path: Path) -> None:
    """UserError where a link stands in the place of a file or folder that we make."""
    if path.is_symlink():
        raise UserError(f"{path}: it is a link, and nothing is written where it leads; remove it")


def remove_temporaries(directory: Path) -> None:
    """Remove what writers that were killed left behind; only while nobody else writes into the folder."""
    for name in (CONFIG, CHECKPOINT):
        with suppress(OSError, UserError), _opened(directory / name) as folder:
            for left in os.listdir(folder):
                if not _TEMPORARY.fullmatch(left):
                    continue
                about = os.stat(left, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISREG(about.st_mode) and about.st_uid == os.getuid():
                    os.unlink(left, dir_fd=folder)


def read_file(path: Path) -> bytes:
    """All of a regular file. OSError where it cannot be read; UserError where it is no such file, or where it is sparse
    and would take more memory than allowed."""
    with opened_file(path) as file:
        return file.read()


@contextmanager
def opened_file(path: Path, whole: bool = True) -> Iterator[BinaryIO]:
    """A regular file, open to be read; see read_file. whole: whether memory is to hold all of it at once."""
    check_file(path, whole)  # a device is not even opened: that alone may do something
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        _check_regular(path, os.fstat(file.fileno()), whole)
        yield file


def check_file(path: Path, whole: bool = True) -> os.stat_result:
    """What the system says of a regular file that memory can hold; arguments and errors as opened_file's."""
    about = os.stat(path)
    _check_regular(path, about, whole)
    return about


def _check_regular(path: Path, about: os.stat_result, whole: bool) -> None:
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(21, os.strerror(21))
    if not stat.S_ISREG(about.st_mode):
        kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        raise UserError(f"{path}: expected a file, got {kinds.get(stat.S_IFMT(about.st_mode), 'a device')}")
    if whole:
        check_memory(str(path), about.st_size, on_disk(about))


def on_disk(about: os.stat_result) -> int:
    """Bytes that a file takes on its disk: less than it has where it is sparse. Small files may be kept where no blocks
    are counted."""
    if not hasattr(about, "st_blocks") or (not about.st_blocks and about.st_size <= _INLINE):
        return about.st_size
    return min(512 * about.st_blocks, about.st_size)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, atomically."""
    write_atomically(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


_HALF_PAIRS = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
"""Where JSON may say half of a surrogate pair, which could be written nowhere afterwards."""


def read_json(path: Path) -> Any:
    """The value in a JSON file; UserError where it is missing or malformed."""
    try:
        content = read_file(path)
        value = json.loads(content, object_pairs_hook=_once, parse_constant=_no_number)
        if _HALF_PAIRS.search(content):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except RecursionError:
        raise UserError(f"{path}: expected JSON, it is nested too deeply; the file is damaged") from None
    except UnicodeEncodeError:
        raise UserError(f"{path}: half of a surrogate pair is no text; the file is damaged") from None
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
    arrays = {name: np.asarray(value, order="C") for name, value in parameters.items()}
    with replacing(path) as file:
        for part in pieces(arrays, metadata):
            file.write(part)


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file by name, matrices of eight bits as float32; UserError where it is missing or
    malformed."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content = read_file(path)
        found = dict(load(content))
        if any(value.dtype == np.int8 for value in found.values()):
            check_memory(str(path), 5 * len(content), len(content))
            return unpacked(found, str(path))
        return found
    except UserError:
        raise
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
