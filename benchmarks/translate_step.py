"""A training step of an encoder-decoder against the same model on torch.nn: multi30k's pairs, GRU, 256 units.

    python -m benchmarks.translate_step [PIECES ...]        (default 4000 8000)

torch.nn has nn.GRU over packed sequences for the encoder, and over padded targets, which batches of about equal lengths
leave almost without padding, for the decoder; functional.cross_entropy with label smoothing; both have torch's fused
Adam. No dropout, no copying. The recurrences alone: forward and backward of encoder and decoder over the same batches,
attention and softmax left out, torch's all packed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks import timing
from benchmarks.translate import lines
from throughtime.data.pairs import Pairs
from throughtime.data.shared_bpe import SharedBPE
from throughtime.models import encoder_decoder
from throughtime.models.encoder_decoder import EncoderDecoderConfig
from throughtime.models.ops_torch import TorchModel, TorchOps
from throughtime.models.resolve import trace_of
from throughtime.models.stack import Dropout
from throughtime.tasks.sequence.data import Coded
from throughtime.tasks.sequence.job import batches_of, loss_of, tensors

WIDTH, BATCH, SMOOTHING = 256, 1600, 0.1


class Plain(nn.Module):
    """The model of models/encoder_decoder.py, as one writes it with torch.nn."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(pieces, WIDTH)
        nn.init.normal_(self.embedding.weight, std=WIDTH**-0.5)
        self.encoder = nn.GRU(WIDTH, WIDTH, bidirectional=True)
        self.lower, self.upper = nn.GRU(WIDTH, WIDTH), nn.GRU(2 * WIDTH, WIDTH)
        self.bridges = nn.ModuleList(nn.Linear(2 * WIDTH, WIDTH) for _ in range(2))
        self.query = nn.Linear(WIDTH, WIDTH, bias=False)
        self.key, self.value = (nn.Linear(2 * WIDTH, WIDTH, bias=False) for _ in range(2))
        self.readout = nn.Linear(2 * WIDTH, WIDTH)
        self.bias = nn.Parameter(torch.zeros(pieces))

    def forward(self, sources: Any, targets: Any, wanted: torch.Tensor) -> torch.Tensor:
        scale = WIDTH**0.5
        packed = pack_padded_sequence(
            self.embedding(sources.tokens) * scale, torch.as_tensor(sources.lengths), enforce_sorted=False
        )
        h, _ = pad_packed_sequence(self.encoder(packed)[0])
        lengths = torch.as_tensor(sources.lengths)
        mean = h.sum(0) / lengths[:, None]
        first, second = (torch.tanh(bridge(mean))[None] for bridge in self.bridges)
        s, _ = self.lower(self.embedding(targets.tokens) * scale, first)
        keys, values, query = (one.transpose(0, 1) for one in (self.key(h), self.value(h), self.query(s)))
        inside = torch.arange(h.shape[0]) < lengths[:, None]
        c = functional.scaled_dot_product_attention(query, keys, values, attn_mask=inside[:, None]).transpose(0, 1)
        u, _ = self.upper(torch.cat([s, c], -1), second)
        r = torch.tanh(self.readout(torch.cat([u, c], -1)))
        own = (torch.arange(len(wanted))[:, None] < torch.as_tensor(targets.lengths)).flatten().nonzero()[:, 0]
        logits = functional.linear(r.flatten(0, 1)[own], self.embedding.weight, self.bias)
        return functional.cross_entropy(logits, wanted.flatten()[own], label_smoothing=SMOOTHING)


def step(parameters: Any, loss: Callable[[], torch.Tensor]) -> Callable[[], float]:
    """A training step."""
    optimizer = torch.optim.Adam(parameters, 1e-3, fused=True)

    def run() -> float:
        optimizer.zero_grad()
        found = loss()
        found.backward()
        optimizer.step()
        return float(found.detach())

    return run


def recurrences(model: TorchModel, plain: Plain, coded: Coded, rows: list[np.ndarray]) -> dict[str, Any]:
    """Encoder and both recurrences of the decoder, forward and backward, of ours and of torch's."""
    config: EncoderDecoderConfig = model.config
    made = [tensors(coded, some, config.edge) for some in rows]
    inputs = [
        (
            torch.randn(*source.tokens.shape, WIDTH),
            torch.randn(*target.tokens.shape, WIDTH),
            torch.randn(*target.tokens.shape, 2 * WIDTH),
            torch.as_tensor(source.lengths),
            torch.as_tensor(target.lengths),
        )
        for source, target, _ in made
    ]
    turns = {name: cycle(inputs) for name in ("ours", "torch")}

    def ours() -> None:
        x, y, z, sources, targets = next(turns["ours"])
        model.zero_grad()
        total = torch.zeros(())
        for stack, read, lengths in (
            (config.encoder, x, sources),
            (config.lower, y, targets),
            (config.upper, z, targets),
        ):
            out, _ = stack.run(TorchOps(), model.flat, read, None, lengths, config.dropout)
            total = total + out.sum()
        total.backward()

    def theirs() -> None:
        x, y, z, sources, targets = next(turns["torch"])
        plain.zero_grad()
        total = torch.zeros(())
        for layer, read, lengths in ((plain.encoder, x, sources), (plain.lower, y, targets), (plain.upper, z, targets)):
            out, _ = layer(pack_padded_sequence(read, lengths, enforce_sorted=False))
            total = total + out.data.sum()
        total.backward()

    return {"ours": ours, "torch": theirs}


def row(what: str, times: dict[str, list[float]]) -> dict[str, Any]:
    """A line of the table."""
    return {
        "what": what,
        "ours ms": timing.median(times["ours"]) * 1e3,
        "torch ms": timing.median(times["torch"]) * 1e3,
        "times faster": timing.ratio(times["torch"], times["ours"]),
        "spread": timing.spread(times["ours"]),
    }


def main() -> None:
    torch.manual_seed(0)
    pairs = Pairs(lines("train", "de")[:8000], lines("train", "en")[:8000])
    found = []
    for size in [int(one) for one in sys.argv[1:]] or [4000, 8000]:
        pieces = SharedBPE.fit((pairs.sources, pairs.targets), size)
        coded = Coded.of(pairs, pieces)
        config = EncoderDecoderConfig.stack(
            pieces.size, WIDTH, [trace_of("gru_reset_after")], WIDTH, copying=False, dropout=Dropout()
        )
        drawn = encoder_decoder.draw(config, np.random.default_rng(0))
        model, plain = TorchModel(encoder_decoder, config, drawn, 0), Plain(pieces.size)
        counts = [sum(one.numel() for one in own.parameters()) for own in (model, plain)]
        if counts[0] != counts[1]:
            raise SystemExit(f"the models are not the same: {counts[0]:,} and {counts[1]:,} parameters")
        rows = batches_of(coded, BATCH, np.random.default_rng(0))[:12]
        turns = {name: cycle(rows) for name in ("ours", "torch")}
        ours = step(model.parameters(), lambda m=model, c=coded, t=turns: loss_of(m, c, next(t["ours"]), SMOOTHING)[0])
        theirs = step(
            plain.parameters(), lambda m=plain, c=coded, t=turns, e=config.edge: m(*tensors(c, next(t["torch"]), e))
        )
        found.append(row(f"step, V {pieces.size:,}", timing.alternate({"ours": ours, "torch": theirs}, 24, 6)))
    found.append(row("recurrences alone", timing.alternate(recurrences(model, plain, coded, rows), 24, 6)))
    timing.report("translate_step", found)


if __name__ == "__main__":
    main()
