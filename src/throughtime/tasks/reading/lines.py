"""Texts that come line by line, answered as they come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from queue import Empty, Queue
from threading import Thread
from typing import Any, TypeVar

from throughtime.data.text import check_text
from throughtime.errors import UserError

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

_TOGETHER = 4096
"""Texts that are answered at once where so many wait."""

_END = object()


def lines(stream: Iterable[str], where: str, encoding: str) -> Iterator[str]:
    """The lines of a stream without their ends; UserError with the row for what is no text."""
    row = 0
    try:
        for row, line in enumerate(stream, 1):
            text = line.rstrip("\r\n")
            check_text(text, f"{where}: row {row}")
            yield text.removeprefix("\ufeff") if row == 1 else text
    except UnicodeDecodeError as error:
        raise UserError(
            f"{where}: expected {encoding} text, got byte 0x{error.object[error.start]:02x} somewhere behind row {row} "
            f"({error.reason}); give --encoding"
        ) from None


def standard_input(encoding: str) -> Iterator[str]:
    """The lines of standard input."""
    if sys.stdin is None:
        raise UserError("standard input: there is none; give a text")
    if hasattr(sys.stdin, "reconfigure"):
        try:
            sys.stdin.reconfigure(encoding=encoding, errors="strict")
        except LookupError:
            raise UserError(f"standard input: unknown encoding {encoding!r}") from None
    return lines(iter(sys.stdin.readline, ""), "standard input", encoding)  # a line as soon as it is there


def answered(texts: Iterable[Asked], answer: Callable[[Sequence[Asked]], Iterable[Answer]]) -> Iterator[Answer]:
    """The answers to texts as they come: a line that somebody types at once, lines that wait together.

    A thread reads; what it fails with is raised here, behind the answers to what came before.
    """
    waiting: Queue[Any] = Queue(2 * _TOGETHER)

    def read() -> None:
        try:
            for text in texts:
                waiting.put((text, None))
        except BaseException as error:
            waiting.put((_END, error))
        else:
            waiting.put((_END, None))

    Thread(target=read, daemon=True).start()
    while True:
        items = [waiting.get(), *islice(_there(waiting), _TOGETHER - 1)]
        asked = [text for text, _ in items if text is not _END]
        if asked:
            yield from answer(asked)
        if items[-1][0] is _END:
            if items[-1][1] is not None:
                raise items[-1][1]
            return


def _there(waiting: Queue[Any]) -> Iterator[Any]:
    """What waits already; nothing comes behind the end."""
    try:
        while True:
            yield waiting.get_nowait()
    except Empty:
        return
