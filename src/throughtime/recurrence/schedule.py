"""From a step and its derivative to a program the engine runs.

The program alternates matrix products with elementwise "tiles". Where the values live is decided here:

    record   one row per (step, batch row); the pre-activations first, what the derivative reads after them. A gate
             takes the place of its pre-activation where nothing reads that any more.
    state    the current states, overwritten by each step.
    adjoint  one row per (step, batch row) of a block of steps in the backward pass: the pre-activations' adjoints in
             the same order, then what elementwise parameters need summed over rows, then intermediate values.

The derivative reads matrix products and transcendental functions from the record; the cheap rest is recomputed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from throughtime.recurrence.cell import Trace
from throughtime.recurrence.derivative import Collected, Derivative, collect, differentiate
from throughtime.recurrence.graph import Graph
from throughtime.recurrence.program import ACCUMULATE, BIAS, SPACES, ZERO, Pass, Place, Product, Program
from throughtime.recurrence.tile import TileWriter

SAVED = ("affine", "sigmoid", "tanh", "exp", "log", "sqrt", "softplus", "div")
"""Operations whose results are kept for the backward pass; others are recomputed."""
LIGHT = ("add", "sub", "mul", "neg")
"""Operations that are never worth keeping."""


def schedule(trace: Trace, sizes: dict[str, int], hoist: bool = False, every: bool = False) -> Program:
    """Lower a traced step at given sizes. ValueError where a size is missing.

    hoist: keep the products with the input out of the loop even where the input is narrow. every: output all states.
    """
    return Scheduler(trace, sizes, hoist, every).program()


class Scheduler:
    def __init__(self, trace: Trace, sizes: dict[str, int], hoist: bool, every: bool) -> None:
        shapes = trace.shapes(sizes)
        self.sizes, self.every = sizes, every
        self.step: Collected = collect(trace)
        self.derivative: Derivative = differentiate(self.step, every)
        self.graph: Graph = self.derivative.graph
        self.parameters = {name: i for i, name in enumerate(shapes)}
        self.shapes = [(s[0], s[1] if len(s) == 2 else 0) for s in shapes.values()]
        self.constants: list[float] = []
        self.places: list[Place] = []
        self.place_number: dict[Place, int] = {}
        self.packs: list[tuple[list[int], bool]] = []
        self.columns: dict[int, int] = {}
        self.input_width = 0
        for number in self.step.inputs:
            self.columns[number] = self.input_width
            self.input_width += self.width(number)
        multiplied = {v for a in self.step.affines for _, v in self.graph.products(a) if v in self.columns}
        self.narrow = max((self.width(v) for v in multiplied), default=0) <= 32 and not hoist
        self.roots = {new for _, new in self.step.states.values()}
        self.readers: dict[int, list[int]] = {}
        for number in self.graph.reachable(list(self.roots)):
            for argument in set(self.graph[number].args):
                self.readers.setdefault(argument, []).append(number)

    # values and places

    def width(self, number: int) -> int:
        return self.sizes[self.graph[number].size]

    def parameter(self, number: int) -> int:
        return self.parameters[self.graph[number].name or ""]

    def put(self, space: str, index: int, width: int) -> Place:
        return Place(SPACES.index(space), index, width)

    def number(self, place: Place) -> int:
        if place not in self.place_number:
            self.place_number[place] = len(self.places)
            self.places.append(place)
        return self.place_number[place]

    def pack(self, parameters: list[int], transposed: bool) -> int:
        entry = (parameters, transposed)
        if entry not in self.packs:
            self.packs.append(entry)
        return self.packs.index(entry)

    def leaf(self, number: int, width: int) -> Place | None:
        """The place of a value that needs no computing."""
        node = self.graph[number]
        if node.op == "const":
            if node.value not in self.constants:
                self.constants.append(float(node.value or 0.0))
            return self.put("const", self.constants.index(float(node.value or 0.0)), width)
        if node.op == "vector":
            return self.put("vector", self.parameter(number), width)
        if node.op == "input":
            return self.put("input", self.columns[number], width)
        if node.op == "shown":
            before = itertools.takewhile(lambda name: name != node.name, self.step.states)
            at = sum(self.width(self.step.states[name][0]) for name in before) if self.every else 0
            return self.put("doutput", at, width)
        if node.op == "adjoint":
            return self.put("dstate", list(self.step.states).index(node.name or ""), width)
        return None

    def old_states(self) -> dict[int, Place]:
        """Leaves that are overwritten at the end of a step, and their places."""
        found = {}
        for index, (name, (old, _)) in enumerate(self.step.states.items()):
            width = self.width(old)
            found[old] = self.put("state", index, width)
            found[self.graph.add("adjoint", size=self.graph[old].size, name=name)] = self.put("dstate", index, width)
        return found

    # the columns of pre-activations

    def order(self) -> list[int]:
        """Affine nodes in an order that makes the columns of each operand's products contiguous where possible."""
        signature: dict[int, frozenset[int]] = {}
        for affine in self.step.affines:
            signature[affine] = frozenset(operand for _, operand in self.graph.products(affine))
        kinds = list(dict.fromkeys(signature.values()))
        operands = sorted(set().union(*kinds)) if kinds else []

        def breaks(arrangement: Iterable[frozenset[int]]) -> int:
            arrangement = list(arrangement)
            return sum(
                sum(1 for member, _ in itertools.groupby(operand in kind for kind in arrangement) if member)
                for operand in operands
            )

        if len(kinds) <= 6:
            kinds = list(min(itertools.permutations(kinds), key=breaks))
        users = {a: self.graph[self.readers[a][0]].op for a in self.step.affines if a in self.readers}
        # within one kind, gates with the same activation side by side
        return [a for kind in kinds for a in sorted(
            (a for a in self.step.affines if signature[a] == kind), key=lambda a: users.get(a, "")
        )]  # fmt: skip

    def program(self) -> Program:
        column = 0
        self.column: dict[int, int] = {}
        for affine in self.order():
            self.column[affine] = column
            column += self.width(affine)
        self.preactivations = column
        biases = [(self.column[a], self.parameter(v)) for a in self.step.affines for v in self.graph.biases(a)]
        saved = self.saved()
        training, record = self.forward(saved)
        inference, _ = self.forward(set())
        backward = self.backward(record)
        return Program(
            self.input_width,
            [self.width(old) for old, _ in self.step.states.values()],
            list(self.step.states).index(self.step.output),
            self.every,
            self.shapes,
            self.constants,
            self.places,
            self.packs,
            biases,
            inference,
            training,
            *backward,
        )

    def saved(self) -> set[int]:
        """Forward nodes the backward pass reads from the record."""
        found: set[int] = set()
        seen: set[int] = set()
        derivative = self.derivative
        stack = list(derivative.affines.values()) + [a for _, a in derivative.vectors]
        for elementwise, terms in [*derivative.states.values(), *derivative.inputs]:
            stack += [] if elementwise is None else [elementwise]
            stack += [adjoint for _, adjoint in terms]
        while stack:
            number = stack.pop()
            if number in seen:
                continue
            seen.add(number)
            node = self.graph[number]
            if number < derivative.forward and node.op in (*SAVED, "state") and not self.light(number):
                found.add(number)
            elif node.op == "affine_t":
                stack += [adjoint for _, adjoint in self.graph.products(number)]
            else:
                stack += list(node.args)
        # operands of the weights' products
        for _, operand, _ in derivative.products:
            if self.graph[operand].op != "input":
                found.add(operand)
        return found

    def light(self, number: int) -> bool:
        """Is this an activation of what the record has anyway, a few multiply-adds away? An LSTM's tanh(c) is.

        To compute it once more costs less than to write it, and to read it when it has left the caches.
        """
        node = self.graph[number]
        if node.op not in ("sigmoid", "tanh"):
            return False

        def near(number: int) -> bool:
            node = self.graph[number]
            if node.op in LIGHT:
                return all(near(argument) for argument in node.args)
            return node.op in ("state", "vector", "const") or (node.op in SAVED[1:] and not self.light(number))

        return near(node.args[0])

    # the forward pass

    def forward(self, saved: set[int]) -> tuple[Pass, dict[int, Place]]:
        """The loop over steps; with `saved`, also where the record keeps each saved node."""
        graph, step = self.graph, self.step
        width = self.preactivations
        home: dict[int, Place] = {a: self.put("record", c, self.width(a)) for a, c in self.column.items()}
        for index, (old, _) in enumerate(step.states.values()):
            home[old] = self.put("state", index, self.width(old))
        kept: dict[int, Place] = {a: home[a] for a in step.affines if a in saved}
        free = {a for a in step.affines if a not in saved}
        remaining = {a: [(m, v) for m, v in graph.products(a)] for a in step.affines}
        started: set[int] = set()
        pass_ = Pass(0, [], [])

        def run(operands: list[int], into: list[Product]) -> None:
            """All outstanding products with these operands, columns with the same terms together."""
            runs: list[tuple[list[int], list[int], int]] = []  # affines, operands, start
            for affine in sorted(self.column, key=self.column.__getitem__):
                terms = [v for v in operands if any(v == o for _, o in remaining[affine])]
                if not terms:
                    continue
                start = ACCUMULATE if affine in started else BIAS
                if runs and runs[-1][1:] == (terms, start) and self.follows(runs[-1][0][-1], affine):
                    runs[-1][0].append(affine)
                else:
                    runs.append(([affine], terms, start))
            for affines, terms, start in runs:
                segments = []
                for operand in terms:
                    # a matrix per affine; an affine with two matrices on one operand takes a second round
                    parameters = []
                    for affine in affines:
                        matrix = next(m for m, v in remaining[affine] if v == operand)
                        remaining[affine].remove((matrix, operand))
                        parameters.append(self.parameter(matrix))
                    place = self.leaf(operand, self.width(operand)) or home[operand]
                    segments.append((place, self.pack(parameters, False)))
                started.update(affines)
                span = sum(self.width(a) for a in affines)
                into.append(Product(self.put("record", self.column[affines[0]], span), start, segments))

        def outstanding(ready: list[int]) -> list[int]:
            return [v for v in ready if any(v == o for terms in remaining.values() for _, o in terms)]

        if not self.narrow:
            while ready := outstanding(list(step.inputs)):
                run(ready, pass_.hoisted)
        known = {*step.inputs, *(old for old, _ in step.states.values())}
        while True:
            ready = outstanding(sorted(known))
            while ready:
                run(ready, pass_.phases)  # type: ignore[arg-type]
                ready = outstanding(sorted(known))
            complete = {a for a, terms in remaining.items() if not terms}
            if len(complete) == len(remaining):
                break
            waiting = {v for terms in remaining.values() for _, v in terms}
            goals = [v for v in sorted(waiting) if self.computable(v, complete)]
            assert goals, "a step's products wait for each other"
            tile = TileWriter(self, home, "record", width)
            usable = free & complete
            free -= usable
            tile.compute(goals, keep=saved | set(goals), free=usable)
            free |= usable
            width = tile.width
            pass_.phases.append(tile.finish())
            known.update(goals)
        tile = TileWriter(self, home, "record", width)
        targets: dict[int, Place] = {}
        for index, (old, new) in enumerate(step.states.values()):
            if old in saved:
                kept[old] = tile.claim(self.width(old))
                tile.first(kept[old], old)
            targets.setdefault(new, self.put("state", index, self.width(new)))
        goals = [new for _, new in step.states.values()]
        tile.compute([*goals, *sorted(saved)], keep=saved, targets=targets, free=free)
        for node in saved - kept.keys():
            if node in targets:  # a new state that the derivative reads
                kept[node] = tile.claim(self.width(node))
                tile.last(kept[node], node)
            else:
                kept[node] = home[node]
        for index, new in enumerate(goals):
            tile.last(self.put("state", index, self.width(new)), new)
        pass_.phases.append(tile.finish())
        pass_.width = tile.width
        return pass_, kept

    def follows(self, before: int, after: int) -> bool:
        return self.column[before] + self.width(before) == self.column[after]

    def computable(self, number: int, complete: set[int]) -> bool:
        node = self.graph[number]
        if node.op == "affine":
            return number in complete
        return all(self.computable(a, complete) for a in node.args)

    # the backward pass

    def backward(self, record: dict[int, Place]) -> tuple[
        Pass, int, list[tuple[int, int, int]], list[tuple[int, int]], list[Product], int
    ]:  # fmt: skip
        graph, derivative = self.graph, self.derivative
        home = dict(record)
        pass_ = Pass(0, [], [])
        owner: dict[int, int] = {}
        for affine, adjoint in derivative.affines.items():
            owner.setdefault(adjoint, affine)
        columns_of = {adjoint: self.put("adjoint", self.column[a], self.width(a)) for adjoint, a in owner.items()}
        width = self.preactivations
        for _, adjoint in derivative.vectors:
            if adjoint not in columns_of:
                columns_of[adjoint] = self.put("adjoint", width, self.width(adjoint))
                width += self.width(adjoint)
        summed = width

        def transposed(terms: list[tuple[int, int]]) -> list[tuple[Place, int]]:
            """Segments for a sum of transposed products, neighbouring columns in one segment."""
            found: list[tuple[int, int, list[int]]] = []
            for place, matrix in sorted(((columns_of[a], m) for m, a in terms), key=lambda pair: pair[0].index):
                parameter = self.parameter(matrix)
                if found and found[-1][0] + found[-1][1] == place.index:
                    found[-1] = (found[-1][0], found[-1][1] + place.width, [*found[-1][2], parameter])
                else:
                    found.append((place.index, place.width, [parameter]))
            return [(self.put("adjoint", start, span), self.pack(p, True)) for start, span, p in found]

        widths = self.state_widths()
        elementwise = [(number, e) for number, (e, _) in zip(self.step.inputs, derivative.inputs, strict=True)]
        given = [e for _, e in elementwise if e is not None]
        # an adjoint that is nothing but products starts at their sum; one that is nothing at all is zero
        finals = [
            (index, self.zero if e is None else e)
            for index, (e, terms) in enumerate(derivative.states.values())
            if e is not None or not terms
        ]
        goals = list(dict.fromkeys([*columns_of, *(e for _, e in finals), *given]))
        products = [n for n in graph.reachable(goals) if graph[n].op == "affine_t"]
        done: set[int] = set()
        while len(done) < len(products):
            ready = [
                p for p in products
                if p not in done and all(q in done or q == p for q in graph.reachable([p]) if graph[q].op == "affine_t")
            ]  # fmt: skip
            assert ready, "a derivative's products wait for each other"
            needed = list(dict.fromkeys(a for p in ready for _, a in graph.products(p) if home.get(a) != columns_of[a]))
            tile = TileWriter(self, home, "adjoint", width)
            tile.compute(needed, keep=set(), targets=columns_of)
            for adjoint in needed:
                tile.last(columns_of[adjoint], adjoint)
            width = tile.width
            pass_.phases.append(tile.finish())
            for p in ready:
                home[p] = self.put("adjoint", width, self.width(p))
                width += self.width(p)
                pass_.phases.append(Product(home[p], ZERO, transposed(graph.products(p))))
            done.update(ready)
        tile = TileWriter(self, home, "adjoint", width)
        targets = dict(columns_of)
        for index, e in finals:
            targets.setdefault(e, self.put("dstate", index, widths[index]))
        tile.compute(goals, keep=set(given), targets=targets)
        for adjoint, place in columns_of.items():
            tile.last(place, adjoint)
        for index, e in finals:
            tile.last(self.put("dstate", index, widths[index]), e)
        input_elementwise = -1
        if given:  # those of all inputs side by side, zero where there is none
            moved = home.get(given[0])
            if len(elementwise) > 1 or moved is None or moved.space != SPACES.index("adjoint"):
                moved = tile.claim(self.input_width)
                for number, value in elementwise:
                    place = self.put("adjoint", moved.index + self.columns[number], self.width(number))
                    tile.last(place, self.zero if value is None else value)
            input_elementwise = moved.index
        pass_.phases.append(tile.finish())
        pass_.width = tile.width
        for index, (part, terms) in enumerate(derivative.states.values()):
            if terms:
                target = self.put("dstate", index, widths[index])
                pass_.phases.append(Product(target, ZERO if part is None else ACCUMULATE, transposed(terms)))
        weights = [
            (self.number(self.leaf(v, self.width(v)) or record[v]), self.parameter(m), columns_of[a].index)
            for m, v, a in derivative.products
        ]
        vectors = [(self.parameter(v), columns_of[a].index) for v, a in derivative.vectors]
        dx = [
            Product(self.put("output", self.columns[number], self.width(number)), ZERO, transposed(terms))
            for number, (_, terms) in zip(self.step.inputs, derivative.inputs, strict=True)
            if terms
        ]
        return pass_, summed, weights, vectors, dx, input_elementwise

    def state_widths(self) -> list[int]:
        return [self.width(old) for old, _ in self.step.states.values()]

    @property
    def zero(self) -> int:
        """The node of the number 0."""
        return self.graph.add("const", value=0.0)
