"""Training throughput of models that read texts, texts per second, against the same model on torch.nn.

    python -m benchmarks.reading_speed

The peer has the same sizes, data, batches, loss and optimizer; its recurrence is torch.nn.LSTM over a PackedSequence,
its embedding torch.nn.Embedding; denormals are flushed, which it gains from. Two threads, in alternation. Texts are
drawn so that lengths and frequencies of words are those of reviews: lengths log-normal, words by Zipf's law.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks import timing
from throughtime.data.columns import Encoded
from throughtime.models.examples import Examples
from throughtime.models.ops_torch import TorchModel
from throughtime.models.reader import ReaderConfig, Tokens
from throughtime.models.resolve import trace_of
from throughtime.models.stack import Dropout
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify.model import ClassifierConfig
from throughtime.tasks.reading.job import Member, ReadingJob
from throughtime.tasks.reading.options import ReaderOptions

ROUNDS, STEPS = 7, 5


class Plain(torch.nn.Module):
    """The classifier of one layer, written with torch.nn."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        (_, rows, width), hidden = config.reader.columns[0], config.reader.layers[0][0].output_size
        self.config, self.generator = config, torch.Generator()
        self.embedding = torch.nn.Embedding(rows, width)
        self.lstm = torch.nn.LSTM(width, hidden, bidirectional=True)
        self.score = torch.nn.Linear(2 * hidden, 1, bias=False)
        self.output = torch.nn.Linear(6 * hidden, config.classes)
        self.first, self.last = (
            torch.nn.Dropout(config.reader.dropout.input),
            torch.nn.Dropout(config.reader.dropout.output),
        )

    def forward(self, tokens: Tokens) -> torch.Tensor:
        x = self.first(self.embedding(tokens.ids[0]))
        packed = pack_padded_sequence(x, tokens.lengths, enforce_sorted=False)
        h, _ = pad_packed_sequence(self.lstm(packed)[0])
        mask = (torch.arange(len(h))[:, None] < tokens.lengths)[..., None]
        most = h.masked_fill(~mask, -1e4).amax(0)
        mean = h.sum(0) / tokens.lengths[:, None]
        attended = (torch.softmax(self.score(h).masked_fill(~mask, -1e4), 0) * h).sum(0)
        found: torch.Tensor = self.output(self.last(torch.cat([most, mean, attended], -1)))
        return found


def texts(rng: np.random.Generator, count: int, vocabulary: int, mean: float, most: int) -> Examples:
    """Texts with lengths and words as reviews have them."""
    lengths = np.clip(np.exp(rng.normal(np.log(mean) - 0.18, 0.6, count)), 2, most).astype(np.int64)
    starts = np.concatenate([[0], lengths.cumsum()])
    weights = 1.0 / np.arange(1, vocabulary + 1)
    ids = rng.choice(vocabulary, starts[-1], p=weights / weights.sum()).astype(np.int32)[:, None]
    return Examples(Encoded(ids, starts, np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(1, np.int64)))


class TimedJob(ReadingJob):
    """Learns two classes. truth: (N,)."""

    truth: torch.Tensor

    def losses(self, model: TorchModel, output: Any, tokens: Tokens, rows: np.ndarray) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(output, self.truth[torch.from_numpy(rows)], reduction="none")

    def judge(self, outputs: Any) -> float:
        return 0.0


def main() -> None:
    torch.set_num_threads(2)
    torch.set_flush_denormal(True)  # the engine does so by itself; without it torch takes up to ten times as long here
    rng = np.random.default_rng(0)
    rows = []
    for name, vocabulary, mean, most, width, hidden, batch in (
        ("sentences in words (SST-2)", 13_000, 19, 60, 64, 64, 64),
        ("reviews in characters (ChnSentiCorp)", 4_500, 110, 600, 64, 64, 64),
    ):
        examples = texts(rng, 4000, vocabulary, mean, most)
        dropout = Dropout(input=0.5, output=0.5)
        reader = ReaderConfig.stack(
            "speed", [("word", vocabulary, width)], [trace_of("lstm")], hidden, True, pieces=(0, 0), dropout=dropout
        )
        config, truth = ClassifierConfig(reader, 2), torch.from_numpy(rng.integers(0, 2, len(examples)))
        ours = TorchModel(classifier, config, classifier.initial_parameters(config, rng))
        models: dict[str, Any] = {"ours": ours, "torch.nn": Plain(config)}
        runs = {}
        for key, model in models.items():
            counts = [np.ones(vocabulary, np.int64)]
            member = Member(model, examples, None, counts, "")
            job = TimedJob([member], ReaderOptions(batch=batch), lambda *_: None)
            job.truth = truth
            runs[key] = (job, torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True), job.epoch(0))
        times: dict[str, list[float]] = {key: [] for key in runs}
        for number in range(ROUNDS + 2):
            for key, (job, optimizer, epoch) in runs.items():
                time.sleep(0.1)  # threads of the other one spin for a while
                for uncounted in (True, False):
                    began = time.perf_counter()
                    for step in range(2 if uncounted else STEPS):
                        value, _ = job.loss(epoch[(number * STEPS + step) % len(epoch)])
                        optimizer.zero_grad()
                        value.backward()
                        optimizer.step()
                if number >= 2:
                    times[key].append((time.perf_counter() - began) / STEPS)
        median = {key: float(np.median(values)) for key, values in times.items()}
        ratios = sorted(b / a for a, b in zip(times["ours"], times["torch.nn"], strict=True))
        entry = {"what": name, **{f"{key}, texts/s": batch / value for key, value in median.items()}}
        rows.append({**entry, "ratio": ratios[len(ratios) // 2], "least": ratios[0], "most": ratios[-1]})
    timing.report("reading_speed", rows)


if __name__ == "__main__":
    main()
