"""Texts as cells of CSV that a spreadsheet shows and does not run."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def cell(value: str, raw: bool = False) -> str:
    """A text as a cell of CSV that a spreadsheet shows and does not run: one that begins as a formula does, and is no
    number, has an apostrophe before it. raw: as it is."""
    formula = value[:1] in ("=", "+", "-", "@", "\t", "\r") and _NUMBER.fullmatch(value) is None
    return f"'{value}" if formula and value and not raw else value
