"""What a plain torch.nn.LSTM reaches on the demonstration's text in the demonstration's time; for its table.

    python -m benchmarks.plain_torch [MINUTES]

Embedding 64, LSTM 256, linear; Adam 2e-3 with warm-up and cosine decay, clipping at 1, B 32, T 64, state carried,
no dropout: what a careful tutorial writes. The first 90 % is learned, all of the last 10 % scored with the state
carried on. Writes src/throughtime/tasks/text/plain_torch_lstm.json, which the demonstration shows.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from benchmarks import timing
from throughtime.tasks.text import demo


class Plain(torch.nn.Module):
    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding, self.lstm = torch.nn.Embedding(vocabulary, 64), torch.nn.LSTM(64, 256)
        self.output = torch.nn.Linear(256, vocabulary)

    def forward(self, tokens, state=None):
        x, state = self.lstm(self.embedding(tokens), state)
        return self.output(x), state


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    torch.manual_seed(0)
    text = demo.text()
    alphabet = sorted(set(text))
    number = {c: i for i, c in enumerate(alphabet)}
    ids = torch.tensor([number[c] for c in text])
    cut = len(ids) - round(0.1 * len(ids))
    batch, window, peak = 32, 64, 2e-3
    length = (cut - 1) // batch
    x = ids[: length * batch].view(batch, length).t().contiguous()
    y = ids[1 : length * batch + 1].view(batch, length).t().contiguous()
    model = Plain(len(alphabet))
    optimizer = torch.optim.Adam(model.parameters(), lr=peak, fused=True)
    started, step, state = time.perf_counter(), 0, None
    while (gone := (time.perf_counter() - started) / (60 * minutes)) < 1:
        at = step % (length // window)
        if at == 0:
            state = None
        for group in optimizer.param_groups:
            group["lr"] = peak * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * gone)))
        rows = slice(at * window, (at + 1) * window)
        logits, state = model(x[rows], state)
        state = tuple(s.detach() for s in state)
        loss = cross_entropy(logits.flatten(0, 1), y[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
    with torch.no_grad():
        logits, _ = model(ids[cut - 1 : -1, None])
        nats = float(cross_entropy(logits[:, 0], ids[cut:]))
    machine = timing.machine()
    record = {
        "nats_per_character": round(nats, 4),
        "minutes": minutes,
        "steps": step,
        "machine": f"{machine['processor']}, {machine['threads']} threads, torch {machine['torch']}",
        "command": "python -m benchmarks.plain_torch",
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    print(json.dumps(record))
    assert np.isfinite(nats)
    target = Path(demo.__file__).with_name("plain_torch_lstm.json")
    target.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
