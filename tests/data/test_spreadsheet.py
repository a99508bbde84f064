"""Cells of CSV that a spreadsheet shows and does not run."""

from __future__ import annotations

import pytest

from throughtime.data.spreadsheet import cell


@pytest.mark.parametrize(
    "text", ["=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+1+1", "-2+3", "-x", "\t=1", "\r=1", "+", "-1e"]
)
def test_what_a_spreadsheet_would_run(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(text, raw=True) == text


@pytest.mark.parametrize("text", ["", "a", "-1", "+1.5", "-1.5e-3", "-.5", "1=1", "a@b.c", "\u6708", "x-1"])
def test_what_it_shows_as_it_is(text: str) -> None:
    assert cell(text) == text
