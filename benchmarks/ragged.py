"""A ragged batch against torch.nn.LSTM over a PackedSequence; lengths 10 to 100, B 64, I = H = 256, training step.

python -m benchmarks.ragged
"""

from __future__ import annotations

import torch
from torch.nn.utils.rnn import pack_padded_sequence

import throughtime.nn
from benchmarks import timing


def main() -> None:
    torch.manual_seed(0)
    rows = []
    for kind in ("LSTM", "GRU"):
        ours = getattr(throughtime.nn, kind)(256, 256)
        theirs = getattr(torch.nn, kind)(256, 256)
        theirs.load_state_dict(ours.state_dict())
        x = torch.randn(100, 64, 256, requires_grad=True)
        lengths = torch.randint(10, 101, (64,))

        def train(layer: torch.nn.Module, x: torch.Tensor = x, lengths: torch.Tensor = lengths) -> torch.Tensor:
            layer.zero_grad()
            x.grad = None
            packed, _ = layer(pack_padded_sequence(x, lengths, enforce_sorted=False))
            packed.data.sum().backward()
            return x.grad.clone()

        torch.testing.assert_close(train(ours), train(theirs), rtol=1e-3, atol=1e-3)
        times = timing.alternate(
            {"ours": lambda ours=ours, t=train: t(ours), "torch": lambda theirs=theirs, t=train: t(theirs)}, repeats=9
        )
        rows.append(
            {
                "layer": kind,
                "ours ms": timing.median(times["ours"]) * 1e3,
                "torch ms": timing.median(times["torch"]) * 1e3,
                "times faster": timing.ratio(times["torch"], times["ours"]),
                "spread": timing.spread(times["ours"]),
            }
        )
    timing.report("ragged", rows)


if __name__ == "__main__":
    main()
