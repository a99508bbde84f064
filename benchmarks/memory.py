"""Peak memory of a training step, T 100, B 256, I = H = 256: MB above the level before, ours and torch.nn's.

python -m benchmarks.memory
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from benchmarks import timing

STEPS, BATCH, SIZE = 100, 256, 256
KINDS = ("RNN", "LSTM", "GRU")


def resident(field: str) -> float:
    """MB of VmRSS, what is resident now, or VmHWM, the most so far (of this program: getrusage knows its parent's)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024 / 1e6


def measure(library: str, kind: str) -> float:
    """In a process of its own: a small step first, so that code and threads are loaded; then the one that counts."""
    import throughtime.nn

    torch.manual_seed(0)
    layer = getattr(throughtime.nn if library == "ours" else torch.nn, kind)(SIZE, SIZE)

    def train(x: torch.Tensor) -> None:
        layer.zero_grad()
        y, _ = layer(x)
        y.sum().backward()

    train(torch.randn(2, 2, SIZE, requires_grad=True))
    x = torch.randn(STEPS, BATCH, SIZE, requires_grad=True)
    before = resident("VmRSS")
    train(x)
    return resident("VmHWM") - before


def main() -> None:
    if len(sys.argv) == 3:
        print(measure(*sys.argv[1:]))
        return
    rows = []
    for kind in KINDS:
        found = {}
        for library in ("ours", "torch"):
            command = [sys.executable, "-m", "benchmarks.memory", library, kind]
            found[library] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        ratio = found["torch"] / found["ours"]
        rows.append({"layer": kind, "ours MB": found["ours"], "torch MB": found["torch"], "times less": ratio})
    timing.report("memory", rows)


if __name__ == "__main__":
    main()
