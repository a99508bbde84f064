"""What the verbs print."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from throughtime.report.console import coloured, harmless_terminal, print_coloured, print_json, say, table


class Terminal:
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_whose_owner_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    parts, weights = ["go", " ", "home"], [0.9, 0.0, -0.5]
    plain = "[go] [home]"
    assert coloured(parts, weights) == plain  # no terminal
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = coloured(parts, weights)
    assert shown.count("\x1b[") == 6
    assert "go" in shown
    monkeypatch.setenv("NO_COLOR", "")  # empty: not set, as no-color.org has it
    assert coloured(parts, weights) == shown
    for value in ("1", "0", "no"):
        monkeypatch.setenv("NO_COLOR", value)
        assert coloured(parts, weights) == plain


def test_one_object_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("nan"), "b": [1.0, float("inf"), {"c": (2,)}], "月": "\n"})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"a": None, "b": [1.0, None, {"c": [2]}], "月": "\n"}
    assert "月" in out


def test_what_is_no_result_goes_to_standard_error(capsys: Any) -> None:
    say("hello")
    assert capsys.readouterr() == ("", "hello\n")


def test_columns() -> None:
    assert (
        table([["", "a"], ["long name", "1.0"], ["x", "22.0"]]) == "              a\nlong name   1.0\nx          22.0"
    )


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


HARM = "\x1b]0;title\x07 \x9b31m \u202eabc\u2066 \x08\x7f\r"
SHOWN = r"\x1b]0;title\x07 \x9b31m \u202eabc\u2066 \x08\x7f\x0d"


def test_nothing_printed_steers_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, pipe = Screen(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    with harmless_terminal():
        print(f"{HARM}\tä 月\n", end="")
        monkeypatch.delenv("NO_COLOR", raising=False)
        print_coloured([HARM], [1.0])
    first, second = screen.getvalue().split("\n", 1)
    assert first == f"{SHOWN}\tä 月"
    assert SHOWN in second
    assert second.count("\x1b[") == 2  # our own colours
    monkeypatch.setattr(sys, "stdout", pipe)
    with harmless_terminal():
        print(HARM, end="")
    assert pipe.getvalue() == HARM


def test_nor_does_what_is_said_on_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, shown in ((Screen(), SHOWN), (io.StringIO(), HARM)):
        monkeypatch.setattr(sys, "stderr", stream)
        say(HARM)
        assert stream.getvalue() == f"{shown}\n"


def test_a_terminal_that_is_gone_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(Screen):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stderr", Gone())
    say("lost")
