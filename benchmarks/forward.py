"""The forward pass of RNN, LSTM, GRU against the faster of torch.nn and ONNX Runtime, two threads each.

python -m benchmarks.forward
"""

from __future__ import annotations

import math

import numpy as np
import torch

import throughtime.nn
from benchmarks import timing
from benchmarks.layers import GATES, SIZES
from benchmarks.onnx_layers import model, session


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(2)
    rows, ratios = [], []
    for steps, batch, width, hidden in SIZES:
        for kind, gates in GATES.items():
            ours = getattr(throughtime.nn, kind)(width, hidden)
            theirs = getattr(torch.nn, kind)(width, hidden)
            theirs.load_state_dict(ours.state_dict())
            x = torch.randn(steps, batch, width)
            zero = np.zeros((1, batch, hidden), np.float32)
            runtime = session(model(theirs), 2)
            given = {"X": x.numpy(), "h0": zero} | ({"c0": zero} if kind == "LSTM" else {})

            def pass_(layer: torch.nn.Module, x: torch.Tensor = x) -> torch.Tensor:
                with torch.inference_mode():
                    return layer(x)[0]

            def onnx(runtime=runtime, given=given) -> np.ndarray:
                return runtime.run(["Y"], given)[0]

            expected = pass_(theirs).numpy()
            for found in (pass_(ours).numpy(), onnx()[:, 0]):  # right, before it is timed
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
            calls = {
                "ours": lambda ours=ours, f=pass_: f(ours),
                "torch": lambda theirs=theirs, f=pass_: f(theirs),
                "onnx": onnx,
            }
            times = timing.alternate(calls, repeats=11, warm=1, rest=0.1)
            peer = min(("torch", "onnx"), key=lambda name: timing.median(times[name]))
            ratios.append(timing.ratio(times[peer], times["ours"]))
            work = 2 * steps * batch * hidden * gates * (width + hidden)
            rows.append(
                {
                    "T B I H": f"{steps} {batch} {width} {hidden}",
                    "layer": kind,
                    **{f"{name} ms": timing.median(t) * 1e3 for name, t in times.items()},
                    "times faster": ratios[-1],
                    "spread": timing.spread(times["ours"]),
                    "GFLOP/s": work / timing.median(times["ours"]) / 1e9,
                }
            )
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    timing.report("forward", rows, geometric_mean=mean, least=min(ratios))


if __name__ == "__main__":
    main()
