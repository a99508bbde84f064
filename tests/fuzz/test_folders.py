"""A few damages of every newer kind of folder: one line, or an answer. `python -m tests.fuzz.mutate` asks for more."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz import mutate
from tests.fuzz.folders import KINDS, Kind
from tests.fuzz.mutate import Asker, asked, sound

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
    with Asker(kind, folder) as asker:
        found = {number: asker.wrong(number) for number in range(20)}
        assert not {number: said for number, said in found.items() if said[1]}
        assert asker.wrong(3)[0] == found[3][0]


def _endless(_: object) -> str:
    while True:
        pass


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_endless, "it hangs: [['run', 'm']]"),
        (lambda _: os._exit(3), "the process ended: 3"),
        (lambda _, done=[]: done.append(1) or ("odd" if len(done) == 4 else None), "only after 2 others: odd"),
    ],
)
def test_what_is_wrong_is_seen(answer: Any, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "one", Kind(lambda _: None, [["run", "m"]]))
    monkeypatch.setattr(mutate, "SECONDS", 0.05)
    monkeypatch.setattr(mutate, "asked", answer)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text("{}")
    with Asker("one", tmp_path) as asker:
        found = [asker.wrong(number)[1] for number in range(3)]
    assert found == [None if said.startswith("only") else said] * 2 + [said]
