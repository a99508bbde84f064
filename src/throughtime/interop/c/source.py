"""What a generated file holds so far: constant arrays, the fields of state and work memory, the lines of a step."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from throughtime.interop.c.language import HELPERS, number

LEVELS = 127
"""The largest weight of eight bits."""


def narrow(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A matrix (rows, columns) as int8 and one float32 scale a row: the row's largest value is 127 of them."""
    largest = np.abs(matrix).max(1)
    scale = (largest / LEVELS).astype(np.float32)
    step = np.where(scale > 0, scale, 1)[:, None]
    return np.clip(np.rint(matrix / step), -LEVELS, LEVELS).astype(np.int8), scale


def widened(matrix: np.ndarray) -> np.ndarray:
    """The float32 matrix that the eight bits of a matrix stand for."""
    values, scale = narrow(matrix)
    return np.asarray(values.astype(np.float32) * scale[:, None])


@dataclass
class Source:
    """A file so far. int8: whether matrices are kept so. inside: how many blocks the next line stands in."""

    int8: bool = False
    inside: int = 0
    lines: list[str] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=dict)
    work: dict[str, int] = field(default_factory=dict)
    helpers: set[str] = field(default_factory=set)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    _known: dict[tuple[str, bytes], str] = field(default_factory=dict)

    def line(self, text: str, depth: int = 1) -> None:
        """A line of the step."""
        self.lines.append("    " * (depth + self.inside) + text)

    def use(self, *names: str) -> None:
        """Functions that the code calls."""
        assert HELPERS.keys() >= set(names)
        self.helpers.update(names)

    def array(self, name: str, values: np.ndarray) -> str:
        """The name of a constant array; equal ones are kept once."""
        values = np.ascontiguousarray(values, values.dtype if values.dtype == np.int8 else np.float32)
        key = (str(values.dtype), values.tobytes())
        if key not in self._known:
            self._known[key] = self._new(name, self.arrays)
            self.arrays[self._known[key]] = values
        return self._known[key]

    def row(self, name: str, matrix: np.ndarray, operand: str, i: str = "i") -> str:
        """The expression of one row of a matrix times an array."""
        columns = matrix.shape[1]
        if not self.int8:
            self.use("dot")
            return f"tt_dot({self.array(name, matrix)} + {i} * {columns}, {operand}, {columns})"
        values, scale = narrow(matrix)
        self.use("dot8")
        short = self.array(name, values)
        return f"{self.array(f'{name}_scale', scale)}[{i}] * tt_dot8({short} + {i} * {columns}, {operand}, {columns})"

    def state(self, name: str, size: int) -> str:
        """The expression of a new field of what is carried from step to step."""
        new = self._new(name, {**self.states, **self.work})
        self.states[new] = size
        return f"s->{new}"

    def scratch(self, name: str, size: int) -> str:
        """The expression of a new field of work memory."""
        new = self._new(name, {**self.states, **self.work})
        self.work[new] = size
        return f"s->{new}"

    @staticmethod
    def _new(name: str, taken: dict[str, object] | dict[str, int] | dict[str, np.ndarray]) -> str:
        base = name
        count = 1
        while name in taken:
            count += 1
            name = f"{base}_{count}"
        return name

    @property
    def weight_bytes(self) -> int:
        """Of all constant arrays."""
        return sum(one.nbytes for one in self.arrays.values())


def array_text(name: str, values: np.ndarray) -> str:
    """The definition of a constant array."""
    if values.dtype == np.int8:
        kind, texts = "int8_t", [str(one) for one in values.ravel().tolist()]
    else:
        kind, texts = "float", [number(one) for one in values.ravel().tolist()]
    per = 20 if kind == "int8_t" else 8
    rows = [", ".join(texts[k : k + per]) for k in range(0, len(texts), per)]
    body = ",\n    ".join(rows)
    return f"static const {kind} {name}[{len(texts)}] = {{\n    {body}\n}};"
