"""Texts that come line by line are answered as they come."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from queue import Queue

import pytest

from throughtime.errors import UserError
from throughtime.tasks.reading.lines import answered, lines, standard_input


def test_an_answer_comes_before_the_next_text_is_there() -> None:
    typed: Queue[str | None] = Queue()

    def texts() -> Iterator[str]:
        while (text := typed.get()) is not None:
            yield text

    answers = answered(texts(), lambda some: (text.upper() for text in some))
    for text in ("a", "b", "c"):
        typed.put(text)
        assert next(answers) == text.upper()
    typed.put(None)
    assert list(answers) == []


def test_texts_that_wait_are_answered_together() -> None:
    asked: list[int] = []

    def answer(some: Sequence[str]) -> Sequence[str]:
        asked.append(len(some))
        return some

    assert list(answered((str(i) for i in range(10_000)), answer)) == [str(i) for i in range(10_000)]
    assert sum(asked) == 10_000
    assert len(asked) < 5_000
    assert list(answered([], answer)) == []


def test_what_reading_fails_with_comes_behind_the_answers() -> None:
    def texts() -> Iterator[str]:
        yield "a"
        raise UserError("row 2: no")

    answers = answered(texts(), lambda some: some)
    assert next(answers) == "a"
    with pytest.raises(UserError, match="row 2: no"):
        next(answers)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfa\r\n\nb")))
    assert list(standard_input("utf-8")) == ["a", "", "b"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n\xff\n")))
    with pytest.raises(UserError, match="standard input: expected utf-8 text, got byte 0xff"):
        list(standard_input("utf-8"))
    with pytest.raises(UserError, match="unknown encoding 'klingon'"):
        standard_input("klingon")
    with pytest.raises(UserError, match="x: row 2: the text holds a NUL"):
        list(lines(["a", "b\0"], "x", "utf-8"))
