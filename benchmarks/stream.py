"""One step at a time: a step from Python, and characters written per second, one thread.

python -m benchmarks.stream
"""

from __future__ import annotations

import time

import numpy as np
import torch

from benchmarks import timing
from throughtime import engine
from throughtime.cells import make
from throughtime.data import tokenizers
from throughtime.recurrence import Recurrence
from throughtime.tasks.text.model import LanguageConfig, initial_parameters
from throughtime.tasks.text.stream import TextModel


def steps() -> list[dict[str, object]]:
    """LSTM, I = H, one row: microseconds a step, against a torch.nn.LSTM called with one step."""
    rows = []
    for size in (64, 256):
        program = engine.compile(Recurrence(make("lstm").trace(), {"I": size, "H": size}))
        rng = np.random.default_rng(0)
        layer = torch.nn.LSTM(size, size)
        arrays = [(rng.standard_normal(s) * 0.1).astype("float32") for s in program.array_shapes]
        stepper = program.stepper(arrays)
        x = rng.standard_normal(size).astype("float32")
        given, state = torch.from_numpy(x)[None], [(torch.zeros(1, size), torch.zeros(1, size))]

        def ours(stepper=stepper, x=x) -> None:
            for _ in range(200):
                stepper.step(x)

        def theirs(layer=layer, given=given, state=state) -> None:
            with torch.inference_mode():
                for _ in range(200):
                    _, state[0] = layer(given, state[0])

        times = timing.alternate({"ours": ours, "torch": theirs}, repeats=31)
        rows.append(
            {
                "I = H": size,
                "ours us": timing.median(times["ours"]) / 200 * 1e6,
                "torch us": timing.median(times["torch"]) / 200 * 1e6,
                "times faster": timing.ratio(times["torch"], times["ours"]),
                "spread": timing.spread(times["ours"]),
            }
        )
    return rows


def writing() -> dict[str, float]:
    """Characters per second, LSTM 256, embedding 64, 65 characters, temperature 1; and a torch.nn.LSTM loop."""
    text = "".join(chr(33 + i) for i in range(65))
    config = LanguageConfig.stack(65, 64, [make("lstm").trace()], 256)
    model = TextModel(config, initial_parameters(config, np.random.default_rng(0)), tokenizers.fit("characters", text))
    embedding, layer, output = torch.nn.Embedding(65, 64), torch.nn.LSTM(64, 256), torch.nn.Linear(256, 65)

    def ours() -> None:
        for _ in model.write("A", length=2000, seed=1):
            pass

    def theirs() -> None:
        token, state = torch.zeros(1, dtype=torch.int64), (torch.zeros(1, 256), torch.zeros(1, 256))
        with torch.inference_mode():
            for _ in range(500):
                y, state = layer(embedding(token), state)
                token = torch.multinomial(torch.softmax(output(y[0]), -1), 1)

    times = timing.alternate({"ours": ours, "torch": theirs}, repeats=15)
    started = time.perf_counter()
    lengths = []
    for i, _ in enumerate(model.write("A", length=100_000, seed=1)):
        if i in (10_000, 90_000, 99_999):
            lengths.append(time.perf_counter() - started)
    return {
        "characters_per_second": 2000 / timing.median(times["ours"]),
        "torch_characters_per_second": 500 / timing.median(times["torch"]),
        "times_faster": timing.median(times["torch"]) / 500 / (timing.median(times["ours"]) / 2000),
        "first_10000_us": lengths[0] / 10_000 * 1e6,
        "last_10000_us": (lengths[2] - lengths[1]) / 10_000 * 1e6,
    }


def main() -> None:
    torch.set_num_threads(1)
    timing.report("stream", steps(), **writing())


if __name__ == "__main__":
    main()
