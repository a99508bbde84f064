"""Fair timing: in one process, in alternation, medians; what machine and versions a figure belongs to."""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def alternate(
    candidates: Mapping[str, Callable[[], Any]], repeats: int = 15, warm: int = 3, rest: float = 0.0
) -> dict[str, list[float]]:
    """Seconds of each call, the candidates taking turns; the first `warm` rounds are not counted.

    rest: seconds of sleep before each candidate's turn, so that the threads the one before left spinning are asleep
    (libgomp's spin for about 10 ms, ONNX Runtime's for 40); calls of a third of that time, uncounted, follow the sleep,
    so that the scheduler has spread the candidate's own threads over the cores.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for round_ in range(repeats + warm):
        for name, call in candidates.items():
            if rest:
                time.sleep(rest)
                ready = time.perf_counter() + rest / 3
                while time.perf_counter() < ready:
                    call()
            start = time.perf_counter()
            call()
            if round_ >= warm:
                times[name].append(time.perf_counter() - start)
    return times


def median(times: list[float]) -> float:
    return statistics.median(times)


def spread(times: list[float]) -> float:
    """Half the distance of the quartiles, relative to the median."""
    low, middle, high = statistics.quantiles(times, n=4)
    return (high - low) / 2 / middle


def ratio(slow: list[float], fast: list[float]) -> float:
    """How many times faster: the median of the ratios of neighbouring runs, which share the machine's mood."""
    return statistics.median(s / f for s, f in zip(slow, fast, strict=True))


def machine() -> dict[str, Any]:
    """Processor, versions and threads, for the record."""
    import numpy
    import torch

    from throughtime import engine

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return {
        "processor": name,
        "instruction_set": engine.instruction_set(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }


def report(name: str, rows: list[dict[str, Any]], **summary: Any) -> None:
    """Print rows as a table and keep them in benchmarks/results/NAME.json."""
    print(f"\n{name}: {json.dumps(machine())}")
    if rows:
        columns = list(rows[0])
        texts = [[_text(row.get(c, "")) for c in columns] for row in rows]
        widths = [max(len(c), *(len(t[i]) for t in texts)) for i, c in enumerate(columns)]
        print("  ".join(c.rjust(w) for c, w in zip(columns, widths, strict=True)))
        for line in texts:
            print("  ".join(t.rjust(w) for t, w in zip(line, widths, strict=True)))
    for key, value in summary.items():
        print(f"{key}: {_text(value)}")
    RESULTS.mkdir(exist_ok=True)
    record = {"machine": machine(), "rows": rows, **summary}
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def _text(value: Any) -> str:
    return (
        f"{value:.4g}"
        if isinstance(value, float) and abs(value) < 100
        else f"{value:.0f}"
        if isinstance(value, float)
        else str(value)
    )
