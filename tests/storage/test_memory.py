"""How much memory there is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from throughtime.errors import UserError
from throughtime.storage import memory
from throughtime.storage.environment import environment


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="asks as POSIX does")
def test_memory_is_the_containers_where_that_is_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "_LIMITS", (str(tmp_path / "gone"), str(limit)))
    for written, expected in (("max\n", machine), ("4096\n", 4096), (f"{machine * 8}\n", machine), ("0\n", machine)):
        limit.write_text(written)
        assert memory.machine_memory() == expected
    limit.write_text("12000000000\n")
    assert environment(1)["memory_gb"] == min(12.0, round(machine / 1e9, 1))


def test_a_system_that_tells_nothing_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_LIMITS", ())
    monkeypatch.delattr(os, "sysconf")
    assert memory.machine_memory() is None
    assert "memory_gb" not in environment(1)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (24 * 10**9, "24 GB"), (4_200 * 10**9, "4.2 TB")],
)
def test_bytes_in_a_unit_that_leaves_a_short_number(count: int, text: str) -> None:
    assert memory.readable(count) == text


def test_what_a_small_file_may_become_can_be_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "machine_memory", lambda: 64 * 10**9)
    monkeypatch.delenv(memory.VARIABLE, raising=False)
    assert memory.allowance(1000) == 10**9
    assert memory.allowance(10**8) == 10**10
    assert memory.allowance(10**10) == 64 * 10**9
    memory.check_memory("x", 10**9, 1000)
    with pytest.raises(UserError, match=r"x: it takes 1.0 kB on the disk .* 2.0 GB .* 1.0 GB .* THROUGHTIME_MEMORY"):
        memory.check_memory("x", 2 * 10**9, 1000)
    monkeypatch.setenv(memory.VARIABLE, "2.5")
    memory.check_memory("x", 2 * 10**9, 1000)
    for wrong in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv(memory.VARIABLE, wrong)
        with pytest.raises(UserError, match="expected a number of GB"):
            memory.allowance(1)
