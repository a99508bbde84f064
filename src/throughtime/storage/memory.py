"""How much memory there is, to refuse in time what cannot fit."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux keeps a container's limit (cgroup version 2 and 1: docs.kernel.org/admin-guide/cgroup-v2.html)."""


def machine_memory() -> int | None:
    """Bytes of memory of this machine, or of the container it runs in; None where the system does not say."""
    found = []
    with suppress(AttributeError, ValueError, OSError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for place in _LIMITS:
        with suppress(ValueError, OSError):
            found.append(int(Path(place).read_text()))
    return min((value for value in found if value > 0), default=None)


def readable(count: int) -> str:
    """Bytes in a unit that leaves a short number: "4.2 TB", "24 GB"."""
    units = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
    power = min(len(units) - 1, max(0, (len(str(count)) - 1) // 3))
    value = count / 1000**power
    return f"{value:,.0f} {units[power]}" if power == 0 or value >= 10 else f"{value:.1f} {units[power]}"
