"""A few damages of every newer kind of folder: one line, or an answer. `python -m tests.fuzz.mutate` asks for more."""

from __future__ import annotations

import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.folders import KINDS
from tests.fuzz.mutate import asked, sound, wrong

_KEPT: list[Any] = []
"""A folder that lives as long as the process."""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it forks, and limits memory")


@cache
def _place() -> Path:
    _KEPT.append(tempfile.TemporaryDirectory())
    return Path(_KEPT[0].name)


@pytest.mark.parametrize("kind", ["chat", "imported", "imported-tokens"])
def test_damages_are_told_in_one_line(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sound(kind, _place())
    monkeypatch.chdir(folder)
    assert [asked(call) for call in KINDS[kind].asked] == [None] * len(KINDS[kind].asked)
    found = {number: wrong(kind, folder, number) for number in range(20)}
    assert not {number: said for number, said in found.items() if said[1]}
    assert wrong(kind, folder, 3)[0] == found[3][0]
