"""What a cell of one's own costs: a peephole LSTM of fifteen lines beside the LSTM, training step.

python -m benchmarks.own_cell
"""

from __future__ import annotations

import torch

from benchmarks import timing
from throughtime.nn import Recurrent
from throughtime.recurrence import Cell, Matrix, Vector, sigmoid, tanh


class PeepholeLSTM(Cell):
    """An LSTM whose gates also see the cell state (Gers and Schmidhuber 2000, doi:10.1109/IJCNN.2000.861302)."""

    state = {"h": "H", "c": "H"}
    W_xi = W_xf = W_xo = W_xc = Matrix("H", "I")
    W_hi = W_hf = W_ho = W_hc = Matrix("H", "H")
    b_i = b_f = b_o = b_c = p_i = p_f = p_o = Vector("H")

    def step(self, x, h, c):
        i = sigmoid(self.W_xi @ x + self.W_hi @ h + self.p_i * c + self.b_i)
        f = sigmoid(self.W_xf @ x + self.W_hf @ h + self.p_f * c + self.b_f)
        c = f * c + i * tanh(self.W_xc @ x + self.W_hc @ h + self.b_c)
        o = sigmoid(self.W_xo @ x + self.W_ho @ h + self.p_o * c + self.b_o)
        return o * tanh(c), c


def main() -> None:
    torch.manual_seed(0)
    rows = []
    for steps, batch, width, hidden in [(100, 32, 128, 128), (100, 64, 256, 256), (35, 20, 200, 200), (24, 256, 1, 64)]:
        x = torch.randn(steps, batch, width, requires_grad=True)
        g = torch.randn(steps, batch, hidden)
        layers = {"peephole": Recurrent(PeepholeLSTM(), width, hidden), "lstm": Recurrent("lstm", width, hidden)}

        def train(layer: torch.nn.Module, x: torch.Tensor = x, g: torch.Tensor = g) -> None:
            y, _ = layer(x)
            y.backward(g)
            x.grad = None
            layer.zero_grad()

        times = timing.alternate({n: lambda layer=layer: train(layer) for n, layer in layers.items()}, repeats=15)
        rows.append(
            {
                "T B I H": f"{steps} {batch} {width} {hidden}",
                "peephole ms": timing.median(times["peephole"]) * 1e3,
                "LSTM ms": timing.median(times["lstm"]) * 1e3,
                "times the LSTM": timing.ratio(times["peephole"], times["lstm"]),
                "spread": timing.spread(times["peephole"]),
            }
        )
    timing.report("own_cell", rows, most=max(row["times the LSTM"] for row in rows))


if __name__ == "__main__":
    main()
