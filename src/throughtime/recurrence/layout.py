"""Where the values of a program live: the places its passes read and write, by number."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from throughtime.recurrence.derivative import Collected
from throughtime.recurrence.graph import Graph
from throughtime.recurrence.program import SPACES, Place
from throughtime.recurrence.recurrence import Recurrence


class Layout:
    """The places of one program, and the lists its instructions count in: places, packed matrices, constants.

    step: the step with its products gathered. graph: its nodes, and after them its derivative's where there is one.
    every: the output is all states side by side.
    column: pre-activation -> its first column in the record, and its adjoint's in the adjoint; `preactivations` columns
    together. readers: node -> the nodes that read it. roots: the new states.
    """

    def __init__(self, recurrence: Recurrence, step: Collected, graph: Graph, every: bool) -> None:
        self.sizes, self.step, self.graph, self.every = recurrence.sizes, step, graph, every
        self.state_widths = list(recurrence.state_sizes)
        self._parameters = {name: i for i, name in enumerate(recurrence.shapes)}
        self._places: dict[Place, int] = {}
        self._packs: dict[tuple[tuple[int, ...], bool], int] = {}
        self._constants: dict[float, int] = {}
        self.roots = {new for _, new in step.states.values()}
        self.readers = graph.readers(graph.reachable(self.roots))
        self.input_columns, self.input_width = self._side_by_side(step.inputs)
        self.column, self.preactivations = self._side_by_side(self._order())

    @property
    def places(self) -> list[Place]:
        """Every place that has a number, in their order."""
        return list(self._places)

    @property
    def packs(self) -> list[tuple[list[int], bool]]:
        """Every packed matrix: the parameters stacked by rows, whether transposed."""
        return [(list(parameters), transposed) for parameters, transposed in self._packs]

    @property
    def constants(self) -> list[float]:
        """Every constant."""
        return list(self._constants)

    def width(self, number: int) -> int:
        """The width of a node's value."""
        return self.sizes[self.graph[number].size]

    def parameter(self, number: int) -> int:
        """The number of the parameter that a node is."""
        return self._parameters[self.graph[number].name or ""]

    def put(self, space: str, index: int, width: int) -> Place:
        """A place in a space."""
        return Place(SPACES.index(space), index, width)

    def number(self, place: Place) -> int:
        """The number of a place."""
        return self._places.setdefault(place, len(self._places))

    def pack(self, parameters: Iterable[int], transposed: bool) -> int:
        """The number of a packed matrix."""
        return self._packs.setdefault((tuple(parameters), transposed), len(self._packs))

    def leaf(self, number: int, width: int) -> Place | None:
        """The place of a value that needs no computing."""
        node = self.graph[number]
        if node.op == "const":
            value = float(node.value or 0.0)
            return self.put("const", self._constants.setdefault(value, len(self._constants)), width)
        if node.op == "vector":
            return self.put("vector", self.parameter(number), width)
        if node.op == "input":
            return self.put("input", self.input_columns[number], width)
        if node.op == "shown":
            before = self.state_widths[: self._state(node.name)] if self.every else []
            return self.put("doutput", sum(before), width)
        if node.op == "adjoint":
            return self.put("dstate", self._state(node.name), width)
        return None

    def old_states(self) -> dict[int, Place]:
        """Leaves that are overwritten at the end of a step, and their places."""
        places = {}
        for index, (name, (old, _)) in enumerate(self.step.states.items()):
            adjoint = self.graph.add("adjoint", size=self.graph[old].size, name=name)
            places[old] = self.put("state", index, self.width(old))
            places[adjoint] = self.put("dstate", index, self.width(old))
        return places

    def _state(self, name: str | None) -> int:
        return list(self.step.states).index(name or "")

    def follows(self, before: int, after: int) -> bool:
        """Whether a pre-activation's columns begin where another's end."""
        return self.column[before] + self.width(before) == self.column[after]

    def _side_by_side(self, numbers: Iterable[int]) -> tuple[dict[int, int], int]:
        """Node -> first column, and the columns of all."""
        first, column = 0, {}
        for number in numbers:
            column[number] = first
            first += self.width(number)
        return column, first

    def _order(self) -> list[int]:
        """Pre-activations in an order that makes the columns of each operand's products contiguous where possible."""
        operands_of = {
            affine: frozenset(operand for _, operand in self.graph.products(affine)) for affine in self.step.affines
        }
        kinds = list(dict.fromkeys(operands_of.values()))
        operands = sorted(frozenset().union(*kinds))

        def runs(arrangement: Iterable[frozenset[int]]) -> int:
            """Into how many runs of columns the operands' products fall."""
            arrangement = list(arrangement)
            return sum(
                sum(1 for member, _ in itertools.groupby(operand in kind for kind in arrangement) if member)
                for operand in operands
            )

        if len(kinds) <= 6:
            kinds = list(min(itertools.permutations(kinds), key=runs))
        # within one kind, gates with the same activation side by side
        activation = {a: self.graph[self.readers[a][0]].op for a in self.step.affines if a in self.readers}
        order: list[int] = []
        for kind in kinds:
            affines = [affine for affine in self.step.affines if operands_of[affine] == kind]
            order += sorted(affines, key=lambda affine: activation.get(affine, ""))
        return order
