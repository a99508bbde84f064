"""Compiles cells for the C++ tests: `python programs.py FOLDER` writes one NAME.program each (format.h says how)."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from throughtime.cells import CATALOGUE, make
from throughtime.engine.spec import spec
from throughtime.recurrence import (
    Cell,
    Matrix,
    Recurrence,
    Vector,
    exp,
    log,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
    sqrt,
    tanh,
)
from throughtime.recurrence.schedule import schedule

MAGIC = 0x31505454


class Everything(Cell):
    """Every operation, three states of different sizes, the input used elementwise, products on several levels."""

    state = {"h": "H", "m": "P", "u": "I"}
    W_a = W_b = Matrix("H", "I")
    R_a = R_b = Matrix("H", "H")
    M_a = Matrix("H", "P")
    Q = Matrix("P", "H")
    b, s = Vector("H"), Vector("H", init=0.5)
    k = Vector("I", init=0.3)

    def step(self, x: Any, h: Any, m: Any, u: Any) -> Any:
        a = sigmoid(self.W_a @ x + self.R_a @ h + self.b + self.M_a @ m)
        e = exp(-softplus(self.W_b @ x)) * self.s
        g = tanh(self.R_b @ (a * h) + e) / (1.5 + a)
        q = maximum(minimum(g, 0.7 * a), h - 1.0) + relu(g - 0.1)
        new = q * sqrt(1.0 + a * a) - log(1.0 + e * e)
        return new, self.Q @ (new * a) + 0.5 * m, self.k * x + u / 2 - x * u


def stacked(hidden: int) -> dict[str, tuple[tuple[int, int], ...]]:
    """Gates of one kind in one array, biases as the sum of two arrays."""
    where: dict[str, tuple[tuple[int, int], ...]] = {}
    for row, gate in enumerate("ifco"):
        first = row * hidden
        where |= {f"W_x{gate}": ((0, first),), f"W_h{gate}": ((1, first),), f"b_{gate}": ((2, first), (3, first))}
    return where


def programs() -> Iterator[tuple[str, Cell, dict[str, int], Any, dict[str, bool]]]:
    """Name, cell, sizes, sources, options of the schedule. Narrow: the input is inside the loop."""
    for name, cell in [*((name, make(name)) for name in CATALOGUE), ("everything", Everything())]:
        others = dict.fromkeys(cell.trace().symbols, 2)
        yield f"{name}_narrow", cell, others | {"I": 3, "H": 5}, None, {}
        yield f"{name}_wide", cell, others | {"I": 34, "H": 37}, None, {}
    yield "lstm_large", make("lstm"), {"I": 50, "H": 67}, None, {}
    yield "lstm_stacked", make("lstm"), {"I": 3, "H": 5}, stacked(5), {}
    yield "gru_lookup", make("gru"), {"I": 4, "H": 9}, None, {"hoist": True}
    yield "lstm_lookup", make("lstm"), {"I": 7, "H": 6}, None, {"hoist": True}
    yield "lstm_every", make("lstm"), {"I": 3, "H": 5}, None, {"every": True}
    yield "everything_every", Everything(), {"I": 3, "H": 5, "P": 2}, None, {"every": True}


def words(value: Any) -> Iterator[int]:
    """Numbers as they are, lists after their length, tuples without one."""
    if isinstance(value, float):
        yield from struct.unpack("<2i", struct.pack("<d", value))
    elif isinstance(value, int):
        yield int(value)
    else:
        if isinstance(value, list):
            yield len(value)
        for item in value:
            yield from words(item)


def product(spec: tuple[Any, ...]) -> tuple[Any, ...]:
    """A product without its tag."""
    return spec[1:]


def sweep(spec: tuple[Any, ...]) -> tuple[Any, ...]:
    """A pass; phases are tagged 0 for a product and 1 for a tile."""
    width, hoisted, phases = spec
    tagged = [(0, product(p)) if p[0] == "product" else (1, (list(p[1]), p[2])) for p in phases]
    return width, [product(h) for h in hoisted], tagged


def encoded(spec: dict[str, Any]) -> bytes:
    """A program as the engine's bindings take it, in the words of format.h."""
    fields: list[Any] = [
        MAGIC,
        *(spec[n] for n in ("input_width", "state_widths", "output_state", "every", "parameters")),
    ]
    fields += [spec["arrays"], [float(c) for c in spec["constants"]], spec["places"], spec["packs"], spec["biases"]]
    fields += [sweep(spec[n]) for n in ("inference", "training", "backward")]
    fields += [spec["summed"], spec["weights"], spec["vectors"], [product(p) for p in spec["input_products"]]]
    numbers = [*words(tuple(fields)), spec["input_elementwise"]]
    return struct.pack(f"<{len(numbers)}i", *numbers)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    stale = {file.name for file in folder.glob("*.program")}
    for name, cell, sizes, sources, options in programs():
        recurrence = Recurrence(cell.trace(), sizes)
        where = sources or {parameter: ((i, 0),) for i, parameter in enumerate(recurrence.shapes)}
        program = spec(recurrence, schedule(recurrence, **options), where)
        (folder / f"{name}.program").write_bytes(encoded(program))
        stale.discard(f"{name}.program")
    for old in stale:
        (folder / old).unlink()


if __name__ == "__main__":
    main()
