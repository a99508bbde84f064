"""How long `throughtime --help` takes, as a whole process.

python -m benchmarks.startup
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks import timing


def main() -> None:
    command = [str(Path(sys.executable).parent / "throughtime"), "--help"]
    times = timing.alternate(
        {
            "throughtime --help": lambda: subprocess.run(command, check=True, capture_output=True),
            "python -c pass": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
        },
        repeats=15,
    )
    timing.report("startup", [{"command": n, "seconds": timing.median(t), "most": max(t)} for n, t in times.items()])


if __name__ == "__main__":
    main()
