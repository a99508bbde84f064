"""Writes one tile of a program: a straight line of elementwise instructions over places.

Instructions are kept by node until the end, so the old and the new value of a state are never confused although
they share a place; `finish` then orders the writes and numbers the temporaries.
"""

from __future__ import annotations

from dataclasses import dataclass

from throughtime.recurrence.graph import Graph
from throughtime.recurrence.layout import Layout
from throughtime.recurrence.program import OPERATIONS, SPACES, Place, Tile

TEMPORARY = SPACES.index("temporary")
STATES = (SPACES.index("state"), SPACES.index("dstate"))

_FUSED = {
    "add": (("mul_add", 1), ("mul_add", 0)),
    "sub": (("sub_mul", 1), ("mul_sub", 0)),
    "dsigmoid": (("mul_dsigmoid", 0),),
    "dtanh": (("mul_dtanh", 0),),
}
"""Operation -> the operations that take in a product, and which argument that is; the first that fits."""


@dataclass
class _Line:
    """One instruction; sources by node. `node` is what it computes, -1 for a copy."""

    op: str
    target: Place
    sources: list[int]
    node: int = -1


class TileWriter:
    """Computes nodes into places, fusing multiply-adds.

    home: node -> place of everything known so far; new columns are entered, temporaries and states are not.
    space: "record" or "adjoint", where new columns go; width: its columns so far.
    """

    def __init__(self, layout: Layout, home: dict[int, Place], space: str, width: int) -> None:
        self.layout, self.home, self.space, self.width = layout, home, space, width
        self.front: list[_Line] = []
        self.lines: list[_Line] = []
        self.end: list[_Line] = []
        self.local: dict[int, Place] = {}  # what is known in this tile only

    def claim(self, width: int) -> Place:
        """New columns."""
        place = self.layout.put(self.space, self.width, width)
        self.width += width
        return place

    def first(self, target: Place, node: int) -> None:
        """Copy a value before anything is overwritten."""
        self.front.append(_Line("copy", target, [node]))

    def last(self, target: Place, node: int) -> None:
        """Have the value at `target` when the tile ends; nothing to do if it is computed there."""
        if self.place(node, target.width) != target or self.layout.leaf(node, target.width) is not None:
            self.end.append(_Line("copy", target, [node]))

    def place(self, node: int, width: int) -> Place:
        return self.local.get(node) or self.layout.leaf(node, width) or self.home[node]

    def compute(
        self, goals: list[int], keep: set[int], targets: dict[int, Place] | None = None, free: set[int] | None = None
    ) -> None:
        """Compute the goals and what they need.

        keep: nodes that get columns. targets: places given. The rest are temporaries, computed again by a later tile
        that needs them. free: pre-activations whose columns may be taken over once nothing, not even such a
        repetition, can read them; the taken ones are removed from the set.
        """
        graph = self.layout.graph
        targets, free = targets or {}, free if free is not None else set()
        needed = self._needed(goals)
        readers = graph.readers(needed)
        fixed = keep | set(goals) | set(targets)
        mergeable = {n for n in needed if graph[n].op == "mul" and len(readers.get(n, ())) == 1 and n not in fixed}
        plan = {number: _fuse(graph, number, mergeable) for number in needed}
        merged = {product for _, _, product in plan.values()}
        available: list[Place] = []
        for number, (op, args, _) in plan.items():
            if number in merged:
                continue
            width = self.layout.width(number)
            if number in keep:
                for a in sorted(free):
                    if self._settled(a, number):
                        free.discard(a)
                        available.append(self.home[a])
            if number in targets:
                place = targets[number]
                self.local[number] = place
                if place.space not in STATES:
                    self.home[number] = place
            elif number in keep:
                place = next((p for p in available if p.width == width), None) or self.claim(width)
                if place in available:
                    available.remove(place)
                self.home[number] = place
            else:
                place = Place(TEMPORARY, number, width)
                self.local[number] = place
            self.lines.append(_Line(op, place, args, number))

    def _settled(self, number: int, current: int) -> bool:
        """Is everything that reads a value kept, with `current` about to be?"""
        readers = self.layout.readers.get(number, [])
        if number in self.layout.roots or not readers:
            return False
        return all(
            self.layout.graph[r].op != "affine" and (r == current or r in self.home or self._settled(r, current))
            for r in readers
        )

    def _needed(self, goals: list[int]) -> list[int]:
        """Nodes to compute, arguments first."""
        graph = self.layout.graph
        order: list[int] = []
        seen: set[int] = set()

        def visit(number: int) -> None:
            if number in seen:
                return
            seen.add(number)
            if number in self.home or number in self.local or self.layout.leaf(number, 0) is not None:
                return
            assert graph[number].op not in ("affine", "affine_t", "state"), f"{graph[number]} is not ready"
            for argument in graph[number].args:
                visit(argument)
            order.append(number)

        for goal in goals:
            visit(goal)
        return order

    def finish(self) -> Tile:
        """Settle the writes to states and number the temporaries."""
        olds = self.layout.old_states()
        sequence = [*self.lines, *self.end]
        for position, line in enumerate(sequence):
            if line.target.space not in STATES:
                continue
            readers = [n for other in sequence[position + 1 :] for n in other.sources if olds.get(n) == line.target]
            if not readers:
                continue
            if line.node >= 0:  # the old value is read later: compute aside, copy when everything is read
                aside = Place(TEMPORARY, line.node, line.target.width)
                self.local[line.node] = aside
                self.end.append(_Line("copy", line.target, [line.node]))
                line.target = aside
            for old in set(readers) if line.node < 0 else ():
                self.front.append(_Line("copy", Place(TEMPORARY, old, line.target.width), [old]))
                self.local[old] = Place(TEMPORARY, old, line.target.width)
        code = []
        staged = {line.target: line for line in self.front if line.target.space == TEMPORARY}
        for line in [*self.front, *self.lines, *self.end]:
            sources = [
                (self.layout.leaf(n, line.target.width) or self.home[n]) if line in staged.values()
                else self.place(n, line.target.width)
                for n in line.sources
            ]  # fmt: skip
            code.append((line.op, line.target, sources))
        return self._allocate(code)

    def _allocate(self, code: list[tuple[str, Place, list[Place]]]) -> Tile:
        """Give temporaries registers by their last use."""
        end: dict[Place, int] = {}
        for position, (_, target, sources) in enumerate(code):
            for place in (target, *sources):
                end[place] = position
        registers: dict[Place, int] = {}
        unused: list[int] = []
        tile = Tile()

        def resolve(place: Place) -> int:
            if place.space == TEMPORARY:
                place = Place(TEMPORARY, registers[place], place.width)
            return self.layout.number(place)

        for position, (op, target, sources) in enumerate(code):
            numbers = [resolve(s) for s in sources]
            for s in set(sources):
                if s.space == TEMPORARY and end[s] == position and s != target:
                    unused.append(registers[s])
            if target.space == TEMPORARY and target not in registers:
                if unused:
                    registers[target] = unused.pop()
                else:
                    registers[target] = tile.temporaries
                    tile.temporaries += 1
            a, b, c = (*numbers, -1, -1, -1)[:3]
            tile.instructions.append((OPERATIONS.index(op), resolve(target), a, b, c))
        return tile


def _fuse(graph: Graph, number: int, mergeable: set[int]) -> tuple[str, list[int], int | None]:
    """An operation and its arguments, fused with a product nobody else needs where it can be; and that product."""
    node = graph[number]
    for fused, index in _FUSED.get(node.op, ()):
        product = node.args[index]
        if product in mergeable:
            return fused, [*graph[product].args, node.args[1 - index]], product
    return node.op, list(node.args), None
