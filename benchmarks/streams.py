"""1,000 independent LSTM streams, I = H = 128: one step of all, against one step of a torch.nn.LSTM batch.

python -m benchmarks.streams
"""

from __future__ import annotations

import numpy as np
import torch

from benchmarks import timing
from throughtime import engine
from throughtime.cells import make
from throughtime.nn import LSTM
from throughtime.recurrence import Recurrence

COUNT, SIZE, STEPS = 1000, 128, 10
FORMS = {"float32": 2e-6, "bfloat16": 0.01, "int8": 0.03}
"""Weights, and how far an output may lie from torch's."""


def main() -> None:
    torch.manual_seed(0)
    rows = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        ours, theirs = LSTM(SIZE, SIZE), torch.nn.LSTM(SIZE, SIZE)
        theirs.load_state_dict(ours.state_dict())
        w_x, w_h, b_x, b_h = (p.detach().numpy() for p in theirs.parameters())
        sources = {f"{m}{g}": ((n, i * SIZE),) for n, m in enumerate(("W_x", "W_h")) for i, g in enumerate("ifco")}
        sources |= {f"b_{g}": ((2, i * SIZE), (3, i * SIZE)) for i, g in enumerate("ifco")}
        program = engine.compile(Recurrence(make("lstm").trace(), {"I": SIZE, "H": SIZE}), sources=sources)
        made = {form: program.streams([w_x, w_h, b_x, b_h], threads, form) for form in FORMS}
        ids = np.array([[streams.join() for _ in range(COUNT)] for streams in made.values()])[0]
        shuffled = np.random.default_rng(0).permutation(ids)
        x = torch.randn(1, COUNT, SIZE)
        given = x[0].numpy()
        with torch.inference_mode():
            state = None
            for _ in range(STEPS):  # right, before it is timed
                y, state = theirs(x, state)
                for form, limit in FORMS.items():
                    np.testing.assert_allclose(made[form].step(ids, given), y[0].numpy(), rtol=0, atol=limit)
        kept = [state]

        def batch(theirs=theirs, x=x, kept=kept) -> None:
            with torch.inference_mode():
                for _ in range(STEPS):
                    _, kept[0] = theirs(x, kept[0])

        calls = {"torch": batch}
        for form, streams in made.items():
            for order, chosen in (("in order", ids), ("shuffled", shuffled)):

                def steps(streams=streams, chosen=chosen, given=given) -> None:
                    for _ in range(STEPS):
                        streams.step(chosen, given)

                calls[f"{form}, {order}"] = steps
        times = timing.alternate(calls, repeats=15, rest=0.1)
        for name in list(calls)[1:]:
            rows.append(
                {
                    "threads": threads,
                    "weights, ids": name,
                    "ours us": timing.median(times[name]) / STEPS * 1e6,
                    "torch us": timing.median(times["torch"]) / STEPS * 1e6,
                    "stream steps/s": COUNT * STEPS / timing.median(times[name]),
                    "times faster": timing.ratio(times["torch"], times[name]),
                    "spread": timing.spread(times[name]),
                }
            )
    timing.report("streams", rows)


if __name__ == "__main__":
    main()
