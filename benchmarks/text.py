"""Nats per character of a language model with nothing said but the text and the minutes; the last 10 % is scored once.

python -m benchmarks.text shakespeare 3       any name of benchmarks/corpora.py, and the minutes
python -m benchmarks.text songci 3
python -m benchmarks.text topics 2            the demonstration's text
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks import corpora, timing
from benchmarks.corpora import DATA, shakespeare
from throughtime.storage.record import read_task
from throughtime.tasks.train import train

__all__ = ["DATA", "shakespeare"]


def main() -> None:
    name, minutes = sys.argv[1], float(sys.argv[2])
    with tempfile.TemporaryDirectory() as scratch:
        file, out = Path(scratch) / "text.txt", Path(scratch) / "model"
        file.write_text(corpora.text(name), encoding="utf-8")
        summary = train("text", str(file), out, minutes=minutes)
        choices = read_task(out)[1]["choices"]
    score = summary["evaluation"]
    row = {
        "text": name,
        "minutes": minutes,
        "seconds": summary["seconds"],
        "parameters": summary["parameters"],
        "steps": summary["steps"],
        "characters/s": summary["tokens_per_second"],
        "nats per character": round(score["nats_per_character"], 4),
        "recurrence alone": round(score.get("recurrence", score)["nats_per_character"], 4),
    }
    chosen = {choice["name"]: choice["value"] for choice in choices}
    timing.report(f"text_{name}_{minutes:g}", [row], settings=chosen, baselines=score["baselines"])


if __name__ == "__main__":
    main()
