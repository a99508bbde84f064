"""A training step of throughtime.nn against torch.nn: RNN, LSTM, GRU at four sizes, gradient of x included.

"at the peak": how many times faster than torch a layer would be whose products run at the processor's multiply-add
peak, measured in the same rounds, and whose everything else takes no time.

python -m benchmarks.layers
"""

from __future__ import annotations

import math

import torch

import throughtime.nn
from benchmarks import timing
from throughtime import engine

SIZES = [(100, 32, 128, 128), (100, 64, 256, 256), (35, 20, 200, 200), (24, 256, 1, 64)]
"""T, B, I, H."""
ROUNDS = 1_000_000
"""Of multiply-adds on registers alone, whose speed is the peak: a few milliseconds."""
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def check(ours: torch.nn.Module, theirs: torch.nn.Module, x: torch.Tensor, g: torch.Tensor) -> None:
    """Nothing is timed before it is right."""
    grads = []
    for layer in (ours, theirs):
        layer.zero_grad()
        x.grad = None
        y, _ = layer(x)
        y.backward(g)
        grads.append([y.detach(), x.grad.clone(), *(p.grad.clone() for p in layer.parameters())])
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=2e-3 * float(b.abs().max()))


def main() -> None:
    torch.manual_seed(0)
    rows, ratios = [], []
    for steps, batch, width, hidden in SIZES:
        for kind, gates in GATES.items():
            ours = getattr(throughtime.nn, kind)(width, hidden)
            theirs = getattr(torch.nn, kind)(width, hidden)
            theirs.load_state_dict(ours.state_dict())
            x = torch.randn(steps, batch, width, requires_grad=True)
            g = torch.randn(steps, batch, hidden)
            check(ours, theirs, x, g)

            def train(layer: torch.nn.Module, x: torch.Tensor = x, g: torch.Tensor = g) -> None:
                y, _ = layer(x)
                y.backward(g)
                x.grad = None
                layer.zero_grad()

            layers = {"ours": ours, "torch": theirs}
            calls = {n: lambda layer=layer: train(layer) for n, layer in layers.items()}
            calls["peak"] = lambda: engine.multiply_adds(ROUNDS, torch.get_num_threads())
            times = timing.alternate(calls, repeats=11, warm=1, rest=0.1)
            peak = 2 * calls["peak"]() / timing.median(times["peak"])
            found = timing.ratio(times["torch"], times["ours"])
            ratios.append(found)
            work = 6 * steps * batch * hidden * gates * (width + hidden)
            rows.append(
                {
                    "T B I H": f"{steps} {batch} {width} {hidden}",
                    "layer": kind,
                    "ours ms": timing.median(times["ours"]) * 1e3,
                    "torch ms": timing.median(times["torch"]) * 1e3,
                    "times faster": found,
                    "spread": timing.spread(times["ours"]),
                    "GFLOP/s": work / timing.median(times["ours"]) / 1e9,
                    "share of peak": work / timing.median(times["ours"]) / peak,
                    "at the peak": timing.median(times["torch"]) / (work / peak),
                }
            )
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    timing.report("layers", rows, geometric_mean=mean, least=min(ratios))


if __name__ == "__main__":
    main()
