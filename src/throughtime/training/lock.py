"""One training at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from throughtime.errors import UserError
from throughtime.storage.folder import LOCK, check_no_link, make_folder


@contextmanager
def locked(folder: Path | None) -> Iterator[None]:
    """Inside, the folder is this process's to train in; UserError where another training has it.

    The operating system frees the lock where a process dies.

    None locks nothing.
    """
    if folder is None:
        yield
        return
    from filelock import FileLock, Timeout

    path = folder / LOCK
    check_no_link(path.parent)
    make_folder(path.parent)
    check_no_link(path)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"{folder}: another training is at work in this folder; wait for it, or choose another"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be locked ({error.strerror or error})") from None
    try:
        yield
    finally:
        lock.release()
