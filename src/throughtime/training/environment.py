"""Where and with what a run was made, for config.json."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import throughtime


def environment(threads: int) -> dict[str, Any]:
    """Versions, machine, threads and date, as plain values."""
    found: dict[str, Any] = {"throughtime": throughtime.__version__, "python": sys.version.split()[0]}
    for package in ("numpy", "torch", "safetensors"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    found |= {"platform": platform.platform(), "cpu": _cpu(), "cores": cores(), "threads": threads}
    return found | {"date": datetime.now(UTC).isoformat(timespec="seconds")}


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
