"""Nats per character after so many minutes of training: the first 90 % learned, all of the last 10 % scored.

    python -m benchmarks.text shakespeare 3       tinyshakespeare (THROUGHTIME_DATA), --minutes 3
    python -m benchmarks.text shakespeare 30
    python -m benchmarks.text demo 2              the demonstration's text

The 3-minute settings were chosen on the validation part (the last 5 % of the first 90 %); the 30-minute ones are a
larger, more regularised guess, run once. These runs learn all of the 90 %; the demonstration's
keeps 2 % of it for validation.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import timing
from throughtime.tasks.text import demo
from throughtime.tasks.train import train

DATA = Path(os.environ.get("THROUGHTIME_DATA", Path(__file__).parents[2] / "shared" / "data"))

SETTINGS: dict[tuple[str, float], dict[str, Any]] = {
    ("shakespeare", 3.0): {
        "hidden": 384,
        "dropout": 0.3,
        "learning_rate": 7e-3,
        "average": 0.998,
    },
    ("shakespeare", 30.0): {
        "hidden": 640,
        "dropout": 0.5,
        "weight_dropout": 0.3,
        "learning_rate": 5e-3,
        "weight_decay": 0.2,
        "average": 0.999,
    },
    ("demo", 2.0): dict(demo.OPTIONS),
}


def shakespeare() -> Path:
    """The text's file; the benchmark stops with the reason where it is absent."""
    folder = DATA / "tinyshakespeare"
    files = [f for f in sorted(folder.glob("*.txt")) if f.name != "SOURCE.txt"] if folder.is_dir() else []
    if not files:
        raise SystemExit(f"benchmarks.text: no tinyshakespeare in {DATA}; set THROUGHTIME_DATA")
    return files[0]


def main() -> None:
    name, minutes = sys.argv[1], float(sys.argv[2])
    settings = SETTINGS[name, minutes]
    with tempfile.TemporaryDirectory() as scratch:
        if name == "demo":
            file = Path(scratch) / "topics.txt"
            file.write_text(demo.text(), encoding="utf-8")
        else:
            file = shakespeare()
        out = Path(scratch) / "model"
        summary = train("text", str(file), out, minutes=minutes, **{"validation": 0.0, **settings})
    score = summary["evaluation"]
    row = {
        "text": name,
        "minutes": minutes,
        "seconds": summary["seconds"],
        "parameters": summary["parameters"],
        "steps": summary["steps"],
        "characters/s": summary["tokens_per_second"],
        "nats per character": round(score["nats_per_character"], 4),
    }
    shown = {k: v if isinstance(v, int | float | str) else str(v) for k, v in settings.items()}
    timing.report(f"text_{name}_{minutes:g}", [row], settings=shown, baselines=score["baselines"])


if __name__ == "__main__":
    main()
