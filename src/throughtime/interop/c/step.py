"""A traced step as C: loops over units, each equation one line, derived from the step's graph.

A row of a product is computed where its gate is: no memory is needed for what a gate is made of. What a product reads
must be whole before the loop, so values are sorted into levels: a product of something computed in level L belongs to
level L + 1, as do means. A value is computed as late as its readers allow, and kept in memory only where a later level
reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from throughtime.interop.c.language import STEP, identifier, number
from throughtime.interop.c.source import Source
from throughtime.recurrence import Recurrence
from throughtime.recurrence.derivative import Collected, collect
from throughtime.recurrence.graph import Graph

EPSILON = 1e-5
"""What `normalize` adds to the variance."""

LEAVES = ("input", "state", "matrix", "vector", "const")
_REDUCED = ("mean", "normalize")


@dataclass(frozen=True)
class Plan:
    """When each value of a step is computed. level: node -> its level, leaves not in it. stored: nodes that need memory
    of their own. direct: states whose new value may overwrite the old one at once."""

    level: dict[int, int]
    stored: set[int]
    direct: set[str]


def _wholes(graph: Graph, n: int) -> list[int]:
    """What a node reads as a whole array."""
    node = graph[n]
    if node.op == "affine":
        return [operand for _, operand in graph.products(n)]
    return list(node.args) if node.op in _REDUCED else []


def _singles(graph: Graph, n: int) -> list[int]:
    """What a node reads unit by unit."""
    node = graph[n]
    if node.op == "affine":
        return list(graph.biases(n))
    return list(node.args)  # normalize reads its argument in both ways


def plan(step: Collected) -> Plan:
    """The levels of a step."""
    graph = step.graph
    news = {new for _, new in step.states.values()}
    nodes = [n for n in graph.reachable(news) if graph[n].op not in LEAVES]
    least: dict[int, int] = {}
    for n in nodes:
        below = [least.get(m, -1) + 1 for m in _wholes(graph, n)]
        least[n] = max([0, *below, *(least.get(m, 0) for m in _singles(graph, n))])
    level = {n: least[n] if n in news else len(nodes) for n in nodes}
    for n in reversed(nodes):
        for m in _wholes(graph, n):
            if m in level:
                level[m] = min(level[m], level[n] - 1)
        for m in _singles(graph, n):
            if m in level:
                level[m] = min(level[m], level[n])
    stored = {m for n in nodes for m in _wholes(graph, n) if m in level}
    stored |= {m for n in nodes for m in _singles(graph, n) if m in level and level[m] < level[n]}
    direct = set()
    for name, (old, new) in step.states.items():
        whole = max((level[n] for n in nodes if old in _wholes(graph, n)), default=-1)
        single = max((level[n] for n in nodes if old in _singles(graph, n)), default=-1)
        if new in level and whole < level[new] and single <= level[new]:
            direct.add(name)
    return Plan(level, stored, direct)


def emit(
    source: Source, cell: Recurrence, weights: Mapping[str, np.ndarray], x: str, states: Sequence[str], name: str
) -> None:
    """The lines of one step. x: the expression of its input's array; states: those of its states' arrays, which the
    lines replace. weights: by the cell's names. name: stands before the names of its arrays."""
    _Writer(source, cell, weights, x, states, name).write()


class _Writer:
    def __init__(
        self,
        source: Source,
        cell: Recurrence,
        weights: Mapping[str, np.ndarray],
        x: str,
        states: Sequence[str],
        name: str,
    ) -> None:
        self.source, self.cell, self.weights, self.name = source, cell, weights, name
        self.step = collect(cell.trace)
        self.plan = plan(self.step)
        graph = self.step.graph
        self.graph = graph
        self.place: dict[int, str] = {}
        columns = [part.start for part in cell.trace.columns(cell.sizes).values()]
        for number_, first in zip(self.step.inputs, columns, strict=True):
            self.place[number_] = f"{x} + {first}" if first else x
        self.targets: dict[int, list[str]] = {}
        self.copies: list[tuple[str, str, int]] = []
        for (state, (old, new)), array in zip(self.step.states.items(), states, strict=True):
            self.place[old] = array
            if state in self.plan.direct and new not in self.place:
                self.place[new] = array
                self.targets.setdefault(new, []).append(array)
            else:
                aside = source.scratch(f"{name}_new_{identifier(state)}", self._size(old))
                self.targets.setdefault(new, []).append(aside)
                self.copies.append((array, aside, self._size(old)))
        for n in sorted(self.plan.stored):
            if n not in self.targets:
                self.place[n] = source.scratch(f"{name}_v{n}", self._size(n))
                self.targets[n] = [self.place[n]]
            elif n not in self.place:
                self.place[n] = self.targets[n][0]
        self.local: dict[int, str] = {}

    def _size(self, n: int) -> int:
        size = self.graph[n].size
        return int(self.cell.sizes[size])

    def write(self) -> None:
        levels = self.plan.level
        copied = [n for n in self.targets if n not in levels]
        for level in range(max(levels.values(), default=0) + 1):
            here = [n for n in sorted(levels) if levels[n] == level]
            for n in here:
                if self.graph[n].op in _REDUCED:
                    self._reduce(n)
            groups: dict[int, list[int]] = {}
            for n in [*here, *([] if level else copied)]:
                groups.setdefault(self._size(n), []).append(n)
            for size, nodes in groups.items():
                self._loop(size, nodes)
        for array, aside, size in self.copies:
            self.source.line(f"memcpy({array}, {aside}, {size} * sizeof(float));")

    def _reduce(self, n: int) -> None:
        """The numbers that a mean or a normalisation needs of the whole array."""
        (argument,) = self.graph[n].args
        array, size = self._whole(argument), self._size(n)
        self.source.use("mean")
        self.source.line(f"const float m{n} = tt_mean({array}, {size});")
        if self.graph[n].op == "normalize":
            self.source.use("spread")
            self.source.line(f"const float r{n} = tt_spread({array}, m{n}, {number(EPSILON)}, {size});")

    def _whole(self, n: int) -> str:
        if n in self.place:
            return self.place[n]
        node = self.graph[n]
        assert node.op == "vector", node.op
        return self._weight(node.name or "")

    def _weight(self, name: str) -> str:
        return self.source.array(f"{self.name}_{identifier(name)}", self.weights[name])

    def _loop(self, size: int, nodes: list[int]) -> None:
        self.local = {}
        self.source.line(f"for (i = 0; i < {size}; i++) {{")
        for n in nodes:
            if n in self.plan.level:
                self.local[n] = f"v{n}"
                self.source.line(f"const float v{n} = {self._expression(n)};", 2)
        for n in nodes:
            for target in self.targets.get(n, ()):
                self.source.line(f"{target}[i] = {self._value(n)};", 2)
        self.source.line("}")

    def _value(self, n: int) -> str:
        """The expression of a value of unit i."""
        node = self.graph[n]
        if n in self.local:
            return self.local[n]
        if node.op == "const":
            return number(node.value or 0.0)
        if node.op == "vector":
            return f"{self._weight(node.name or '')}[i]"
        place = self.place[n]
        return f"({place})[i]" if " " in place else f"{place}[i]"

    def _expression(self, n: int) -> str:
        node, graph = self.graph[n], self.graph
        if node.op == "affine":
            parts = []
            for matrix, operand in graph.products(n):
                name = graph[matrix].name or ""
                whole = self._whole(operand)
                parts.append(self.source.row(f"{self.name}_{identifier(name)}", self.weights[name], whole))
            return " + ".join([*parts, *(self._value(b) for b in graph.biases(n))])
        if node.op == "mean":
            return f"m{n}"
        if node.op == "normalize":
            return f"({self._value(node.args[0])} - m{n}) * r{n}"
        text, needed = STEP[node.op]
        self.source.use(*needed)
        return text.format(*(self._value(a) for a in node.args))
