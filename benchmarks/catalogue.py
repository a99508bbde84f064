"""Cells torch has no layer for, against the best loop one writes in torch, eager and with torch.compile of its step.

    python -m benchmarks.catalogue [--compile]

The loops hoist the product with the input and stack the four gates in one product. Training step, gradient of x too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, linear

from benchmarks import timing
from benchmarks.layers import SIZES
from throughtime.nn import Recurrent

Step = Callable[..., tuple[Tensor, Tensor]]


def peephole(a: Tensor, h: Tensor, c: Tensor, w_h: Tensor, p_if: Tensor, p_o: Tensor) -> tuple[Tensor, Tensor]:
    """a: the input's part of all gates (i, f, c, o), bias included."""
    i, f, g, o = (a + linear(h, w_h)).chunk(4, 1)
    p_i, p_f = p_if.chunk(2)
    c = torch.sigmoid(f + p_f * c) * c + torch.sigmoid(i + p_i * c) * torch.tanh(g)
    return torch.sigmoid(o + p_o * c) * torch.tanh(c), c


def layer_norm_lstm(
    a: Tensor, h: Tensor, c: Tensor, w_h: Tensor, gain: Tensor, gain_c: Tensor, bias_c: Tensor
) -> tuple[Tensor, Tensor]:
    """a: the normalised input's part of all gates (i, f, o, c), bias included."""
    size = h.shape[1]
    gates = layer_norm(linear(h, w_h).view(-1, 4, size), (size,)) * gain + a.view(-1, 4, size)
    i, f, o, g = gates.unbind(1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(layer_norm(c, (size,), gain_c, bias_c)), c


def stacked(layer: Recurrent, prefix: str, gates: str) -> Tensor:
    return torch.cat([getattr(layer, f"{prefix}{gate}") for gate in gates]).detach().requires_grad_()


class Loop:
    """The same cell as a torch loop over stacked copies of a layer's parameters."""

    def __init__(self, name: str, layer: Recurrent, step: Step) -> None:
        gates = "ifco" if name == "peephole_lstm" else "ifoc"
        self.name, self.step, self.size = name, step, layer.W_hi.shape[0]
        self.w_x, self.w_h = stacked(layer, "W_x", gates), stacked(layer, "W_h", gates)
        self.bias = stacked(layer, "b_", gates)
        if name == "peephole_lstm":
            self.rest = [stacked(layer, "p_", "if"), stacked(layer, "p_", "o")]
        else:
            self.gain_x = stacked(layer, "a_x", gates)
            self.rest = [stacked(layer, "a_h", gates).detach().view(4, -1).requires_grad_()]
            self.rest += [layer.a_c.detach().requires_grad_(), layer.b_n.detach().requires_grad_()]

    def __call__(self, x: Tensor) -> Tensor:
        a = linear(x, self.w_x)
        if self.name == "peephole_lstm":
            a = a + self.bias
        else:
            shape = a.shape
            normed = layer_norm(a.view(*shape[:2], 4, self.size), (self.size,)).reshape(shape)
            a = normed * self.gain_x + self.bias
        h = c = x.new_zeros(x.shape[1], self.size)
        outputs = []
        for at in a.unbind(0):
            h, c = self.step(at, h, c, self.w_h, *self.rest)
            outputs.append(h)
        return torch.stack(outputs)


STEPS: dict[str, Any] = {"peephole_lstm": peephole, "layer_norm_lstm": layer_norm_lstm}


def main() -> None:
    torch.manual_seed(0)
    rows = []
    for name, step in STEPS.items():
        for steps, batch, width, hidden in sorted(SIZES, key=lambda size: size[3]):
            ours = Recurrent(name, width, hidden)
            peers = {"torch loop": Loop(name, ours, step)}
            if "--compile" in sys.argv:
                peers["torch.compile"] = Loop(name, ours, torch.compile(step))
            x = torch.randn(steps, batch, width, requires_grad=True)
            g = torch.randn(steps, batch, hidden)

            def train(run: Any, x: Tensor = x, g: Tensor = g, ours: Recurrent = ours) -> tuple[Tensor, Tensor]:
                x.grad = None
                ours.zero_grad()
                y = run(x)
                y.backward(g)
                return y.detach(), x.grad.clone()

            runs: dict[str, Any] = {"ours": lambda x, ours=ours: ours(x)[0], **peers}
            # right on ten steps; normalised recurrences let rounding grow over a hundred
            short = x[:10].detach().requires_grad_()
            expected = train(runs["ours"], short, g[:10])
            for peer in peers:
                for mine, theirs in zip(expected, train(peers[peer], short, g[:10]), strict=True):
                    torch.testing.assert_close(mine, theirs, rtol=1e-2, atol=1e-3 * float(theirs.abs().max()))
            calls = {n: lambda run=run, train=train: train(run) for n, run in runs.items()}
            times = timing.alternate(calls, repeats=7, warm=1, rest=0.1)
            row: dict[str, Any] = {"cell": name, "T B I H": f"{steps} {batch} {width} {hidden}"}
            row["ours ms"] = timing.median(times["ours"]) * 1e3
            row |= {f"times {peer}": timing.ratio(times[peer], times["ours"]) for peer in peers}
            rows.append(row | {"spread": timing.spread(times["ours"])})
    timing.report("catalogue", rows)


if __name__ == "__main__":
    main()
