"""Writes the loop from the last step to the first: adjoints of a step, and what is summed over all of them."""

from __future__ import annotations

from throughtime.recurrence.derivative import Derivative
from throughtime.recurrence.layout import Layout
from throughtime.recurrence.program import ACCUMULATE, SPACES, ZERO, Backward, Place, Product, Tile
from throughtime.recurrence.tile import TileWriter


def write_backward(layout: Layout, derivative: Derivative, record: dict[int, Place]) -> Backward:
    """The loop. record: where the forward pass has saved nodes."""
    return _Writer(layout, derivative, record).write()


class _Writer:
    """The pass in the making.

    home: node -> place of everything known so far. column: adjoint -> its columns, of all whose sums over rows or
    products with an operand are wanted; `summed` columns together.
    """

    def __init__(self, layout: Layout, derivative: Derivative, record: dict[int, Place]) -> None:
        self.layout, self.derivative, self.record = layout, derivative, record
        self.home = dict(record)
        self.phases: list[Product | Tile] = []
        self.column: dict[int, Place] = {}
        for affine, adjoint in derivative.affines.items():
            place = layout.put("adjoint", layout.column[affine], layout.width(affine))
            self.column.setdefault(adjoint, place)
        self.width = layout.preactivations
        for _, adjoint in derivative.vectors:
            if adjoint not in self.column:
                self.column[adjoint] = self._claim(layout.width(adjoint))
        self.summed = self.width
        self.zero = layout.graph.add("const", value=0.0)

    def write(self) -> Backward:
        layout, derivative = self.layout, self.derivative
        input_adjoints = [elementwise for elementwise, _ in derivative.inputs if elementwise is not None]
        # an adjoint that is nothing but products starts at their sum; one that is nothing at all is zero
        finals = [
            (index, self.zero if elementwise is None else elementwise)
            for index, (elementwise, terms) in enumerate(derivative.states.values())
            if elementwise is not None or not terms
        ]
        goals = list(dict.fromkeys([*self.column, *(adjoint for _, adjoint in finals), *input_adjoints]))
        self._product_levels(goals)
        input_elementwise = self._last_tile(goals, finals, input_adjoints)
        for index, (elementwise, terms) in enumerate(derivative.states.values()):
            if terms:
                target = layout.put("dstate", index, layout.state_widths[index])
                start = ZERO if elementwise is None else ACCUMULATE
                self.phases.append(Product(target, start, self._transposed(terms)))
        return Backward(
            self.width,
            [],
            self.phases,
            summed=self.summed,
            weights=[
                (
                    layout.number(layout.leaf(operand, layout.width(operand)) or self.record[operand]),
                    layout.parameter(matrix),
                    self.column[adjoint].index,
                )
                for matrix, operand, adjoint in derivative.products
            ],
            vectors=[(layout.parameter(vector), self.column[adjoint].index) for vector, adjoint in derivative.vectors],
            input_products=[
                Product(
                    layout.put("output", layout.input_columns[number], layout.width(number)),
                    ZERO,
                    self._transposed(terms),
                )
                for number, (_, terms) in zip(layout.step.inputs, derivative.inputs, strict=True)
                if terms
            ],
            input_elementwise=input_elementwise,
        )

    def _claim(self, width: int) -> Place:
        """New columns of the adjoint."""
        place = self.layout.put("adjoint", self.width, width)
        self.width += width
        return place

    def _transposed(self, terms: list[tuple[int, int]]) -> list[tuple[Place, int]]:
        """Segments for a sum of transposed products, neighbouring columns in one segment."""
        spans: list[tuple[int, int, list[int]]] = []  # first column, columns, parameters
        for place, matrix in sorted(((self.column[a], m) for m, a in terms), key=lambda pair: pair[0].index):
            parameter = self.layout.parameter(matrix)
            if spans and spans[-1][0] + spans[-1][1] == place.index:
                spans[-1] = (spans[-1][0], spans[-1][1] + place.width, [*spans[-1][2], parameter])
            else:
                spans.append((place.index, place.width, [parameter]))
        return [
            (self.layout.put("adjoint", first, width), self.layout.pack(parameters, transposed=True))
            for first, width, parameters in spans
        ]

    def _product_levels(self, goals: list[int]) -> None:
        """The transposed products under the goals, each after the adjoints it multiplies."""
        graph = self.layout.graph
        products = [number for number in graph.reachable(goals) if graph[number].op == "affine_t"]
        done: set[int] = set()
        while len(done) < len(products):
            ready = [
                p for p in products
                if p not in done and all(q in done or q == p for q in graph.reachable([p]) if graph[q].op == "affine_t")
            ]  # fmt: skip
            assert ready, "a derivative's products wait for each other"
            needed = list(
                dict.fromkeys(a for p in ready for _, a in graph.products(p) if self.home.get(a) != self.column[a])
            )
            tile = TileWriter(self.layout, self.home, "adjoint", self.width)
            tile.compute(needed, keep=set(), targets=self.column)
            for adjoint in needed:
                tile.last(self.column[adjoint], adjoint)
            self._finish(tile)
            for p in ready:
                self.home[p] = self._claim(self.layout.width(p))
                self.phases.append(Product(self.home[p], ZERO, self._transposed(graph.products(p))))
            done.update(ready)

    def _last_tile(self, goals: list[int], finals: list[tuple[int, int]], input_adjoints: list[int]) -> int:
        """The elementwise rest; the first column of what is added to all of d_x, -1 for nothing.

        finals: the states that have an elementwise part, by index, and that part.
        """
        layout, widths = self.layout, self.layout.state_widths
        tile = TileWriter(layout, self.home, "adjoint", self.width)
        targets = dict(self.column)
        for index, adjoint in finals:
            targets.setdefault(adjoint, layout.put("dstate", index, widths[index]))
        tile.compute(goals, keep=set(input_adjoints), targets=targets)
        for adjoint, place in self.column.items():
            tile.last(place, adjoint)
        for index, adjoint in finals:
            tile.last(layout.put("dstate", index, widths[index]), adjoint)
        first = -1
        if input_adjoints:  # those of all inputs side by side, zero where there is none
            place_of_first = self.home.get(input_adjoints[0])
            inputs = layout.step.inputs
            if len(inputs) > 1 or place_of_first is None or place_of_first.space != SPACES.index("adjoint"):
                place_of_first = tile.claim(layout.input_width)
                for number, (elementwise, _) in zip(inputs, self.derivative.inputs, strict=True):
                    column = place_of_first.index + layout.input_columns[number]
                    place = layout.put("adjoint", column, layout.width(number))
                    tile.last(place, self.zero if elementwise is None else elementwise)
            first = place_of_first.index
        self._finish(tile)
        return first

    def _finish(self, tile: TileWriter) -> None:
        self.phases.append(tile.finish())
        self.width = tile.width
