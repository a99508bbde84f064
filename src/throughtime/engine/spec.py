"""A program as the plain lists the bindings read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from throughtime.recurrence import Recurrence
from throughtime.recurrence.program import Backward, Pass, Place, Product, Program

Sources = Mapping[str, tuple[tuple[int, int], ...]]
"""Parameter name -> ((array number, first row), ...): where the parameter lies in the arrays given to each call."""

FrozenSources = frozenset[tuple[str, tuple[tuple[int, int], ...]]]
"""The items of Sources."""


def array_shapes(shapes: Mapping[str, tuple[int, ...]], sources: Sources) -> list[tuple[int, ...]]:
    """The shapes of the arrays that hold the parameters; ValueError where sources do not fit them."""
    arrays: dict[int, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        if name not in sources:
            raise ValueError(f"no source for parameter {name}")
        for array, first in sources[name]:
            rows = max(first + shape[0], arrays.get(array, (0,))[0])
            if array in arrays and arrays[array][1:] != shape[1:]:
                raise ValueError(f"array {array} is given two widths, by {name} and before")
            arrays[array] = (rows, *shape[1:])
    if sorted(arrays) != list(range(len(arrays))):
        raise ValueError(f"sources must number the arrays 0, 1, ..., got {sorted(arrays)}")
    return [arrays[i] for i in range(len(arrays))]


def spec(recurrence: Recurrence, program: Program, sources: Sources) -> dict[str, Any]:
    """The program of a recurrence. A program for inference alone has its inference pass for training, too."""
    backward = program.backward or Backward(0, [], [])
    shapes = recurrence.shapes
    return {
        "name": recurrence.name,
        "input_width": program.input_width,
        "state_widths": program.state_widths,
        "output_state": program.output_state,
        "every": program.every,
        "parameters": [
            (rows, columns, list(sources[n])) for n, (rows, columns) in zip(shapes, program.parameters, strict=True)
        ],
        "arrays": [(shape[0], shape[1] if len(shape) == 2 else 0) for shape in array_shapes(shapes, sources)],
        "constants": program.constants,
        "places": [_place(p) for p in program.places],
        "packs": program.packs,
        "biases": program.biases,
        "inference": _pass(program.inference),
        "training": _pass(program.training or program.inference),
        "backward": _pass(backward),
        "summed": backward.summed,
        "weights": backward.weights,
        "vectors": backward.vectors,
        "input_products": [_product(p) for p in backward.input_products],
        "input_elementwise": backward.input_elementwise,
    }


def _place(place: Place) -> tuple[int, int, int]:
    return (place.space, place.index, place.width)


def _product(product: Product) -> tuple[Any, ...]:
    segments = [(_place(operand), pack) for operand, pack in product.segments]
    return ("product", _place(product.target), product.start, segments)


def _pass(loop: Pass) -> tuple[Any, ...]:
    phases = [
        _product(phase) if isinstance(phase, Product) else ("tile", phase.instructions, phase.temporaries)
        for phase in loop.phases
    ]
    return (loop.width, [_product(product) for product in loop.hoisted], phases)
