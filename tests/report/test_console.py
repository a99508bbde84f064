"""What the verbs print."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from throughtime.report.console import coloured, print_json, say, table


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
