"""Writes the loop over steps: matrix products and tiles in turn, until every new state is there."""

from __future__ import annotations

from collections.abc import Iterable

from throughtime.recurrence.layout import Layout
from throughtime.recurrence.program import ACCUMULATE, BIAS, Pass, Place, Product, Tile
from throughtime.recurrence.tile import TileWriter


def write_forward(layout: Layout, saved: set[int], hoist: bool) -> tuple[Pass, dict[int, Place]]:
    """The loop, and where its record has the saved nodes.

    saved: what the backward pass reads. hoist: take the products with the input out of the loop.
    """
    return _Writer(layout, saved).write(hoist)


class _Writer:
    """One pass in the making.

    home: node -> place of everything known so far. free: pre-activations that nobody will read from the record.
    missing: pre-activation -> its products that are still to be added. started: those that have one already.
    """

    def __init__(self, layout: Layout, saved: set[int]) -> None:
        self.layout, self.saved = layout, saved
        affines = layout.step.affines
        self.home = {
            affine: layout.put("record", column, layout.width(affine)) for affine, column in layout.column.items()
        }
        for index, (old, _) in enumerate(layout.step.states.values()):
            self.home[old] = layout.put("state", index, layout.width(old))
        self.record = {affine: self.home[affine] for affine in affines if affine in saved}
        self.free = {affine for affine in affines if affine not in saved}
        self.missing = {affine: layout.graph.products(affine) for affine in affines}
        self.started: set[int] = set()
        self.width = layout.preactivations
        self.phases: list[Product | Tile] = []

    def write(self, hoist: bool) -> tuple[Pass, dict[int, Place]]:
        step = self.layout.step
        hoisted: list[Product] = []
        while hoist and (ready := self._wanted(step.inputs)):
            hoisted += self._products(ready)
        known = {*step.inputs, *(old for old, _ in step.states.values())}
        while True:
            while ready := self._wanted(sorted(known)):
                self.phases += self._products(ready)
            complete = {affine for affine, products in self.missing.items() if not products}
            if len(complete) == len(self.missing):
                break
            operands = {operand for products in self.missing.values() for _, operand in products}
            goals = [operand for operand in sorted(operands) if self._computable(operand, complete)]
            assert goals, "a step's products wait for each other"
            usable = self.free & complete
            self.free -= usable
            tile = TileWriter(self.layout, self.home, "record", self.width)
            tile.compute(goals, keep=self.saved | set(goals), free=usable)
            self.free |= usable
            self._finish(tile)
            known.update(goals)
        self._last_tile()
        return Pass(self.width, hoisted, self.phases), self.record

    def _wanted(self, known: Iterable[int]) -> list[int]:
        """Known values that a missing product multiplies."""
        operands = {operand for products in self.missing.values() for _, operand in products}
        return [number for number in known if number in operands]

    def _computable(self, number: int, complete: set[int]) -> bool:
        node = self.layout.graph[number]
        if node.op == "affine":
            return number in complete
        return all(self._computable(argument, complete) for argument in node.args)

    def _products(self, operands: list[int]) -> list[Product]:
        """All missing products with these operands, columns with the same terms together."""
        layout = self.layout
        runs: list[tuple[list[int], list[int], int]] = []  # pre-activations, operands, start
        for affine in layout.column:
            terms = [operand for operand in operands if any(operand == o for _, o in self.missing[affine])]
            if not terms:
                continue
            start = ACCUMULATE if affine in self.started else BIAS
            if runs and runs[-1][1:] == (terms, start) and layout.follows(runs[-1][0][-1], affine):
                runs[-1][0].append(affine)
            else:
                runs.append(([affine], terms, start))
        products = []
        for affines, terms, start in runs:
            segments = []
            for operand in terms:
                # a matrix per pre-activation; one with two matrices on one operand takes a second round
                parameters = []
                for affine in affines:
                    matrix = next(m for m, o in self.missing[affine] if o == operand)
                    self.missing[affine].remove((matrix, operand))
                    parameters.append(layout.parameter(matrix))
                place = layout.leaf(operand, layout.width(operand)) or self.home[operand]
                segments.append((place, layout.pack(parameters, transposed=False)))
            self.started.update(affines)
            span = sum(layout.width(affine) for affine in affines)
            products.append(Product(layout.put("record", layout.column[affines[0]], span), start, segments))
        return products

    def _last_tile(self) -> None:
        """Compute the new states, and save what the derivative reads of them and of the old ones."""
        layout, states = self.layout, self.layout.step.states.values()
        tile = TileWriter(layout, self.home, "record", self.width)
        targets: dict[int, Place] = {}
        for index, (old, new) in enumerate(states):
            if old in self.saved:
                self.record[old] = tile.claim(layout.width(old))
                tile.first(self.record[old], old)
            targets.setdefault(new, layout.put("state", index, layout.width(new)))
        goals = [new for _, new in states]
        tile.compute([*goals, *sorted(self.saved)], keep=self.saved, targets=targets, free=self.free)
        for node in sorted(self.saved - self.record.keys()):
            if node in targets:  # a new state that the derivative reads
                self.record[node] = tile.claim(layout.width(node))
                tile.last(self.record[node], node)
            else:
                self.record[node] = self.home[node]
        for index, new in enumerate(goals):
            tile.last(layout.put("state", index, layout.width(new)), new)
        self._finish(tile)

    def _finish(self, tile: TileWriter) -> None:
        self.phases.append(tile.finish())
        self.width = tile.width
