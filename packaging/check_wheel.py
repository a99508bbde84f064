"""Installs a wheel where no compiler can be reached and no torch is, and runs the smoke test there.

    python packaging/check_wheel.py WHEEL [MODEL WRITTEN]

MODEL and WRITTEN go to the smoke test. Exit status 0 if all is well.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

WHEEL_MB = 5
"""The most a wheel may take."""

ROOT = Path(__file__).resolve().parents[1]


def main(wheel: Path, *model: str) -> int:
    size = wheel.stat().st_size
    print(f"{wheel.name}: {size / 1e6:.2f} MB", flush=True)
    if size >= WHEEL_MB * 1e6:
        print(f"{wheel}: expected less than {WHEEL_MB} MB, got {size} bytes", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "venv"
        venv.create(place)  # without pip, whose own installation takes longer than all the rest
        scripts = place / ("Scripts" if os.name == "nt" else "bin")
        # whoever looks for a compiler finds nothing on the path, and a program that always fails under its names
        hidden = {"PATH": str(scripts), "CC": "false", "CXX": "false"}
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")} | hidden
        python = str(scripts / "python")
        pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
        install = [*pip, "install", "--quiet", "--only-binary", ":all:"]
        constraints = ["-c", str(ROOT / "constraints.txt")] if sys.version_info[:2] == (3, 11) else []
        subprocess.run([*install, *constraints, str(wheel.resolve())], env=kept, cwd=scratch, check=True)
        smoke = str(ROOT / "packaging" / "smoke_test.py")
        absolute = [str(Path(path).resolve()) for path in model]
        return subprocess.run([python, smoke, *absolute], env=kept, cwd=scratch).returncode


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4):
        raise SystemExit(f"usage: {Path(__file__).name} WHEEL [MODEL WRITTEN]")
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
