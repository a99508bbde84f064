"""One step of an LSTM, I = H, one row, called from Python: against ONNX Runtime, float32 and DynamicQuantizeLSTM.

python -m benchmarks.step
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from benchmarks import timing
from benchmarks.onnx_layers import bound, model, session
from throughtime import engine
from throughtime.cells import make
from throughtime.recurrence import Recurrence

STEPS = 200
FORMS = {"float32": 1e-5, "bfloat16": 0.02, "int8": 0.05}
"""Weights, and how far an output may lie from float32's."""


def best(graph: bytes, given: dict[str, np.ndarray]) -> Callable[[], None]:
    """ONNX Runtime at its best: one or two threads, inputs bound or passed, whichever is fastest here."""
    calls: dict[str, Callable[[], None]] = {}
    for threads in (1, 2):
        runtime = session(graph, threads)
        outputs = [o.name for o in runtime.get_outputs()]

        def passed(runtime=runtime, outputs=outputs) -> None:
            values = dict(given)
            for _ in range(STEPS):
                _, values["h0"], values["c0"] = runtime.run(outputs, values)

        call, _ = bound(runtime, {n: a.copy() for n, a in given.items()})

        def kept(call=call) -> None:
            for _ in range(STEPS):
                call()

        calls |= {f"{threads} passed": passed, f"{threads} bound": kept}
    times = timing.alternate(calls, repeats=5, warm=1, rest=0.1)
    return calls[min(calls, key=lambda name: timing.median(times[name]))]


def check(stepper: engine.Stepper, layer: torch.nn.LSTM, graph: bytes, limit: float, given: dict) -> None:
    """Nothing is timed before it is right: ten steps of ours, of torch and of ONNX Runtime with bound states."""
    runtime = session(graph, 1)
    arrays = {n: a.copy() for n, a in given.items()}
    call, output = bound(runtime, arrays)
    x, state = given["X"][0, 0], None
    for _ in range(10):
        call()
        with torch.inference_mode():
            y, state = layer(torch.from_numpy(given["X"]), state)
        for found in (stepper.step(x), output.numpy()[0, 0, 0]):
            np.testing.assert_allclose(found, y[0, 0].numpy(), rtol=0, atol=limit)
    stepper.set_state(None)


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rows = []
    for size in (64, 256, 512):
        layer = torch.nn.LSTM(size, size)
        w_x, w_h, b_x, b_h = (p.detach().numpy() for p in layer.parameters())
        sources = {f"{m}{g}": ((n, i * size),) for n, m in enumerate(("W_x", "W_h")) for i, g in enumerate("ifco")}
        sources |= {f"b_{g}": ((2, i * size), (3, i * size)) for i, g in enumerate("ifco")}
        program = engine.compile(Recurrence(make("lstm").trace(), {"I": size, "H": size}), sources=sources)
        x = np.random.default_rng(0).standard_normal(size).astype("float32")
        zero = np.zeros((1, 1, size), np.float32)
        given = {"X": x[None, None], "h0": zero, "c0": zero}
        graphs = {"float32": model(layer), "int8": model(layer, quantized=True)}
        calls = {"ort float32": best(graphs["float32"], given), "ort int8": best(graphs["int8"], given)}
        for form, limit in FORMS.items():
            stepper = program.stepper([w_x, w_h, b_x, b_h], weights=form)
            check(stepper, layer, graphs["int8" if form == "int8" else "float32"], max(limit, FORMS["float32"]), given)

            def ours(stepper=stepper, x=x) -> None:
                for _ in range(STEPS):
                    stepper.step(x)

            calls[form] = ours
        times = timing.alternate(calls, repeats=15, rest=0.1)
        us = {name: timing.median(t) / STEPS * 1e6 for name, t in times.items()}
        for form in FORMS:
            rows.append(
                {
                    "I = H": size,
                    "weights": form,
                    "ours us": us[form],
                    "ort float32 us": us["ort float32"],
                    "ort int8 us": us["ort int8"],
                    "times ort float32": timing.ratio(times["ort float32"], times[form]),
                    "times ort int8": timing.ratio(times["ort int8"], times[form]),
                    "spread": timing.spread(times[form]),
                }
            )
    timing.report("step", rows)


if __name__ == "__main__":
    main()
