"""Where and with what something was run: for config.json, the report and `throughtime doctor`. Needs no torch."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import throughtime
from throughtime.storage.memory import machine_memory

PACKAGES = ("numpy", "torch", "safetensors")
"""What results depend on besides Python and throughtime itself."""


def environment(threads: int) -> dict[str, Any]:
    """Versions, machine, threads and date, as plain values. A package that is not installed is left out."""
    import platform

    from throughtime import engine

    found: dict[str, Any] = {"throughtime": throughtime.__version__, "python": sys.version.split()[0]}
    found |= {package: version for package in PACKAGES if (version := installed(package))}
    found |= {"platform": platform.platform(), "cpu": cpu(), "instruction_set": engine.instruction_set()}
    found |= {"cores": cores(), "threads": threads}
    if (size := machine_memory()) is not None:
        found["memory_gb"] = round(size / 1e9, 1)
    return found | {"date": datetime.now(UTC).isoformat(timespec="seconds")}


def installed(package: str) -> str | None:
    """The version of an installed package, found without importing it; None where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu() -> str:
    """The processor's name, as far as the system tells."""
    import platform
    import subprocess

    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        try:
            told = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
        except (OSError, subprocess.SubprocessError):
            pass
        else:
            return told.stdout.strip()
    return platform.processor() or platform.machine()
