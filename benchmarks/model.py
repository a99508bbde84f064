"""The same character model and training step with torch.nn.LSTM inside, and with ours.

    python -m benchmarks.model

H 256, embedding 64, B 32, T 64, AdamW, clipping: the step the text task takes, and the same step written for
torch.nn.LSTM. "drop-in" is torch's model with only the layer's import changed.
"""

from __future__ import annotations

import numpy as np
import torch

import throughtime.nn
from benchmarks import timing
from throughtime.cells import make
from throughtime.models.ops_torch import TorchModel
from throughtime.tasks.text import model as language
from throughtime.tasks.text.model import LanguageConfig, initial_parameters

V, E, H, B, T = 65, 64, 256, 32, 64


class Plain(torch.nn.Module):
    """Embedding, LSTM, linear, as every tutorial writes it."""

    def __init__(self, layer: type[torch.nn.Module]) -> None:
        super().__init__()
        self.embedding, self.lstm, self.output = torch.nn.Embedding(V, E), layer(E, H), torch.nn.Linear(H, V)

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, object]:
        x, state = self.lstm(self.embedding(tokens))
        return self.output(x), state


def main() -> None:
    torch.manual_seed(0)
    config = LanguageConfig.stack(V, E, [make("lstm").trace()], H)
    models = {
        "ours": TorchModel(language, config, initial_parameters(config, np.random.default_rng(0))),
        "drop-in": Plain(throughtime.nn.LSTM),
        "torch": Plain(torch.nn.LSTM),
    }
    models["torch"].load_state_dict(models["drop-in"].state_dict())
    tokens, targets = torch.randint(0, V, (T, B)), torch.randint(0, V, (T * B,))
    torch.testing.assert_close(models["torch"](tokens)[0], models["drop-in"](tokens)[0], atol=1e-5, rtol=0)
    optimizers = {name: torch.optim.AdamW(m.parameters(), lr=1e-3, fused=True) for name, m in models.items()}

    def step(name: str) -> None:
        logits, _ = models[name](tokens)
        loss = torch.nn.functional.cross_entropy(logits.view(-1, V), targets)
        optimizers[name].zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(models[name].parameters(), 1.0)
        optimizers[name].step()

    times = timing.alternate({name: lambda name=name: step(name) for name in models}, repeats=31, warm=5)
    rows = [
        {
            "model": name,
            "ms a step": timing.median(t) * 1e3,
            "characters/s": B * T / timing.median(t),
            "times faster than torch": timing.ratio(times["torch"], t),
            "spread": timing.spread(t),
        }
        for name, t in times.items()
    ]
    timing.report("model", rows)


if __name__ == "__main__":
    main()
