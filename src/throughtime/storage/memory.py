"""How much memory there is, and how much of it what is read may take: to refuse in time what cannot fit.

A small file may stand for gigabytes: packed, sparse, or values said once and meant a billion times. What it would
become is counted before it is made.
"""

from __future__ import annotations

import math
import os
import sys
from contextlib import suppress
from pathlib import Path

from throughtime.errors import UserError

VARIABLE = "THROUGHTIME_MEMORY"
"""The environment variable that says how many GB a small file may become in memory."""

_USUAL = 1.0
_TIMES = 100
"""How many times its own size on the disk a file may become in memory, where that is more."""

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


def allowance(on_disk: int) -> int:
    """Bytes of memory that what is read of a file may take: a gigabyte, or as many as THROUGHTIME_MEMORY says, or a
    hundred times what the file takes on the disk, whichever is more; never more than there is."""
    said = os.environ.get(VARIABLE, "")
    try:
        usual = float(said) if said else _USUAL
    except ValueError:
        usual = math.nan
    if not 0 < usual < 1e9:
        raise UserError(f"{VARIABLE}: expected a number of GB, got {said[:40]!r}")
    found = max(int(usual * 1e9), _TIMES * on_disk)
    there = [limit for limit in (machine_memory(), _address_space()) if limit is not None]
    return min([found, *there])


def check_memory(name: str, needed: int, on_disk: int) -> None:
    """UserError where what is read of a file would take more memory than it may. needed, on_disk: bytes."""
    if needed > (most := allowance(on_disk)):
        raise UserError(
            f"{name}: it takes {readable(on_disk)} on the disk and would take {readable(needed)} of memory or more, at "
            f"most {readable(most)} are allowed; if that is right, set {VARIABLE} to the GB it may take"
        )


def give_back() -> None:
    """Let the system have what memory is free, where its C library keeps that for later: holes of what was freed count
    as memory that is taken, and large arrays find no room in them."""
    if sys.platform.startswith("linux"):
        import ctypes

        with suppress(OSError, AttributeError):  # a C library that has no such function
            ctypes.CDLL(None).malloc_trim(0)


def _address_space() -> int | None:
    """The limit that this process has, None for none."""
    try:
        import resource
    except ImportError:  # a system without such limits
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def readable(count: int) -> str:
    """Bytes in a unit that leaves a short number: "4.2 TB", "24 GB"."""
    units = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
    power = min(len(units) - 1, max(0, (len(str(count)) - 1) // 3))
    value = count / 1000**power
    return f"{value:,.0f} {units[power]}" if power == 0 or value >= 10 else f"{value:.1f} {units[power]}"
