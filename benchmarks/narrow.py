"""What weights of 16 and 8 bits cost: bits per character of the same trained models, and microseconds a character.

python -m benchmarks.narrow [SECONDS]      trains an LSTM and a GRU so long each (default 25)
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import throughtime
from benchmarks import timing
from throughtime.tasks.text import demo
from throughtime.tasks.text.stream import WEIGHT_FORMS
from throughtime.tasks.train import train

HIDDEN = 384
SCORED = 20_000
"""Characters at the end of the text, which are not learned."""


def score(model: throughtime.tasks.text.stream.TextModel, text: str) -> tuple[float, float]:
    """Bits per character of a text, read token by token; microseconds for each."""
    tokens = model.tokenizer.encode(text).tolist()
    model.reset()
    total, began = 0.0, time.perf_counter()
    logits = model.step(tokens[0])
    for token in tokens[1:]:
        top = logits.max()
        total += float(top + np.log(np.exp(logits - top).sum()) - logits[token])
        logits = model.step(token)
    seconds = time.perf_counter() - began
    return total / (len(tokens) - 1) / np.log(2), seconds / len(tokens) * 1e6


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 25.0
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        text = demo.text()
        file = Path(scratch) / "topics.txt"
        file.write_text(text[:-SCORED], encoding="utf-8")
        for cell in ("lstm", "gru"):
            out = Path(scratch) / cell
            options = {"hidden": HIDDEN, "learning_rate": 5e-3, "cell": cell, "minutes": seconds / 60}
            train("text", str(file), out, evaluate=False, quiet=True, **options)
            known = set(throughtime.load(out).tokenizer.characters)
            unseen = "".join(c for c in text[-SCORED:] if c in known)
            scores = {form: score(throughtime.load(out, weights=form), unseen) for form in WEIGHT_FORMS}
            for form, (bits, us) in scores.items():
                more = round(bits - scores["float32"][0], 5)
                rows.append({"cell": cell, "weights": form, "bits": round(bits, 4), "more bits": more, "us": us})
    timing.report("narrow", rows, hidden=HIDDEN, seconds=seconds)


if __name__ == "__main__":
    main()
