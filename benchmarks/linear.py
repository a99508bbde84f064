"""Cells without a product in the loop against torch's best forms, training step; T 4096, B 8, I = H = 128.

    python -m benchmarks.linear

minGRU: the parallel scan in log space of Feng et al. 2024 (arXiv:2410.01201, appendix B; their candidate is made
positive for it), and a loop over precomputed gates. SRU: a loop over precomputed gates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, softplus

from benchmarks import timing
from throughtime.nn import Recurrent

STEPS, BATCH, SIZE = 4096, 8, 128


def gru_loop(layer: Any, x: Tensor) -> Tensor:
    z = torch.sigmoid(linear(x, layer.W_xz, layer.b_z))
    keep, new = (1 - z).unbind(0), (z * linear(x, layer.W_xh, layer.b_h)).unbind(0)
    h, outputs = x.new_zeros(BATCH, SIZE), []
    for a, b in zip(keep, new, strict=True):
        h = torch.addcmul(b, a, h)
        outputs.append(h)
    return torch.stack(outputs)


def gru_scan(layer: Any, x: Tensor) -> Tensor:
    k = linear(x, layer.W_xz, layer.b_z)
    candidate = linear(x, layer.W_xh, layer.b_h)
    positive = torch.where(candidate >= 0, (torch.relu(candidate) + 0.5).log(), -softplus(-candidate))
    decay = torch.cumsum(-softplus(k), 0)
    return torch.exp(decay + torch.logcumsumexp(positive - softplus(-k) - decay, 0))


def sru_loop(layer: Any, x: Tensor) -> Tensor:
    f, r = linear(x, layer.W_xf, layer.b_f).unbind(0), linear(x, layer.W_xr, layer.b_r).unbind(0)
    proposed = linear(x, layer.W_xc).unbind(0)
    c, outputs = x.new_zeros(BATCH, SIZE), []
    for xt, ft, rt, new in zip(x.unbind(0), f, r, proposed, strict=True):
        reset = torch.sigmoid(rt + layer.v_r * c)
        c = torch.lerp(new, c, torch.sigmoid(ft + layer.v_f * c))
        outputs.append(torch.lerp(xt, c, reset))
    return torch.stack(outputs)


PEERS: dict[str, dict[str, Callable[[Any, Tensor], Tensor]]] = {
    "min_gru": {"log-space scan": gru_scan, "loop": gru_loop},
    "sru": {"loop": sru_loop},
}


def main() -> None:
    torch.manual_seed(0)
    rows = []
    for name, peers in PEERS.items():
        layer = Recurrent(name, SIZE, SIZE)
        x = torch.randn(STEPS, BATCH, SIZE, requires_grad=True)

        def train(run: Callable[[Any, Tensor], Tensor], layer: Any = layer, x: Tensor = x) -> Tensor:
            layer.zero_grad()
            x.grad = None
            run(layer, x).sum().backward()
            return x.grad.clone()

        def ours(layer: Any, x: Tensor) -> Tensor:
            return layer(x)[0]

        torch.testing.assert_close(train(ours), train(peers["loop"]), rtol=1e-3, atol=1e-3)
        calls = {"ours": lambda t=train: t(ours)}
        calls |= {n: lambda t=train, run=run: t(run) for n, run in peers.items()}
        times = timing.alternate(calls, repeats=5, warm=1, rest=0.1)
        for peer in peers:
            rows.append(
                {
                    "cell": name,
                    "ours ms": timing.median(times["ours"]) * 1e3,
                    "against": peer,
                    "its ms": timing.median(times[peer]) * 1e3,
                    "times faster": timing.ratio(times[peer], times["ours"]),
                    "spread": timing.spread(times["ours"]),
                }
            )
    timing.report("linear", rows)


if __name__ == "__main__":
    main()
