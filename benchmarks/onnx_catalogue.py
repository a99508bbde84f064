"""Every cell of the catalogue as ONNX, one and two directions, two layers, four shapes: the largest difference from our
own run, in ONNX Runtime and in onnx's ReferenceEvaluator.

python -m benchmarks.onnx_catalogue [CELL ...]
"""

from __future__ import annotations

import sys

import numpy as np

from throughtime.cells import CATALOGUE, make
from throughtime.interop.model import ImportedModel
from throughtime.interop.onnx.build import model_of
from throughtime.interop.onnx.check import by_reference, largest_error
from throughtime.interop.trained import stack_model
from throughtime.models.stack import Stack
from throughtime.recurrence import Recurrence

SHAPES = ((1, 1), (3, 5), (16, 16), (7, 33))
"""I and H."""


def layers(name: str, both: bool, width: int, hidden: int) -> ImportedModel:
    """Two layers (one of a cell that reads more than x) with random parameters."""
    trace = make(name).trace()
    rows, below = [], width
    for _ in range(1 if CATALOGUE[name].inputs else 2):
        one = Recurrence(trace, {"I": below, "H": hidden if "H" in trace.symbols else below, "P": max(1, hidden // 2)})
        rows.append((one, one) if both else (one,))
        below = one.output_size * (1 + both)
    stack = Stack(tuple(rows), directed=both)
    rng = np.random.default_rng(3)
    drawn = {  # so small that no layer magnifies what it is given, and with it the rounding
        key: (rng.standard_normal(shape) * 0.5 / np.sqrt(shape[-1] if len(shape) > 1 else 1)).astype("float32")
        for key, shape in stack.shapes.items()
    }
    return stack_model(stack, drawn)


def main() -> None:
    worst = {"ONNX Runtime": 0.0, "ReferenceEvaluator": 0.0}
    refused: list[str] = []
    for name in sys.argv[1:] or CATALOGUE:
        for both in (False, True):
            for width, hidden in SHAPES:
                model = layers(name, both, width, hidden)
                content = model_of(model).SerializeToString()
                where = f"{name}, {'two directions' if both else 'one direction'}, I {width}, H {hidden}"
                found = {"ONNX Runtime": largest_error(model, content, where)}
                try:
                    found["ReferenceEvaluator"] = by_reference(model, content, where)
                except Exception as error:  # what it raises at what it lacks is of many types
                    refused.append(f"{where}: {type(error).__name__} {str(error)[:100]}")
                for runner, value in found.items():
                    worst[runner] = max(worst[runner], value)
                    if not value <= 1e-5:
                        print(f"{where}: {runner} differs by {value:.2g}")
    print("largest difference", worst)
    print(f"not run by the ReferenceEvaluator: {len(refused)}", *refused[:10], sep="\n")


if __name__ == "__main__":
    main()
