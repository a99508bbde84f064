"""What is written down of the place a run was made at."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from throughtime import engine
from throughtime.storage import environment as where


def test_it_names_versions_machine_threads_and_date() -> None:
    found = where.environment(3)
    assert json.loads(json.dumps(found)) == found
    names = {"throughtime", "python", "numpy", "torch", "safetensors", "platform", "cpu", "cores", "threads", "date"}
    assert names <= found.keys()
    assert found["instruction_set"] == engine.instruction_set()
    assert found["threads"] == 3
    assert found["cpu"]
    assert datetime.fromisoformat(found["date"]).tzinfo is not None


def test_what_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, "PACKAGES", ("numpy", "no-such-package-of-that-name"))
    assert "no-such-package-of-that-name" not in where.environment(1)


def test_a_system_that_tells_nothing_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError

    class Nothing:
        def __init__(self, path: str) -> None:
            self.read_text = refuse

    monkeypatch.setattr(where, "Path", Nothing)
    monkeypatch.setattr(where, "machine_memory", lambda: None)
    monkeypatch.delattr(where.os, "sched_getaffinity", raising=False)
    found = where.environment(1)
    assert "memory_gb" not in found
    assert found["cpu"]
    assert found["cores"] >= 1
