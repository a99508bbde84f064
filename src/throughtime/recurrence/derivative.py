"""The derivative of one step: from the adjoints of the new states to everything the step read.

Reverse accumulation over the step's graph. First `collect` turns every sum of products and biases into one
"affine" node, a gate's pre-activation: its adjoint is needed once, for the weights, the biases, the input and the
old state alike. Backpropagation through time is this step derivative run from the last step to the first.
"""

from __future__ import annotations

from dataclasses import dataclass

from throughtime.recurrence.graph import Graph
from throughtime.recurrence.trace import Trace


@dataclass(frozen=True)
class Collected:
    """A step whose products are gathered in affine nodes; numbers as in Trace, masks by number."""

    graph: Graph
    inputs: tuple[int, ...]
    states: dict[str, tuple[int, int]]
    output: str
    affines: tuple[int, ...]
    masks: frozenset[int]


@dataclass(frozen=True)
class Derivative:
    """The step's derivative, in the same graph as the step.

    Leaves: "adjoint" nodes named after each state (the adjoint of the new state that the later steps pass back)
    and "shown" nodes named after the states that are output at this step (what comes from there).

    graph: the step's nodes first (`forward` of them), the derivative's after.
    states: name -> (elementwise part or None, [(matrix, adjoint), ...] transposed products to be added).
    inputs: the same for each input, x first; nothing for a mask.
    products: (matrix, operand, adjoint) for each weight: its gradient is the sum of adjoint times operand.
    vectors: (vector, adjoint) likewise.
    affines: affine node -> its adjoint.
    """

    graph: Graph
    forward: int
    states: dict[str, tuple[int | None, list[tuple[int, int]]]]
    inputs: list[tuple[int | None, list[tuple[int, int]]]]
    products: list[tuple[int, int, int]]
    vectors: list[tuple[int, int]]
    affines: dict[int, int]


def collect(trace: Trace) -> Collected:
    """Gather each sum that contains matrix products, with its biases, into one affine node."""
    old = trace.graph
    needed = old.reachable([new for _, new in trace.states.values()])
    readers = old.readers(needed)
    roots = {new for _, new in trace.states.values()}

    def inner(number: int) -> bool:
        """Is this sum only a part of a larger sum?"""
        return number not in roots and len(readers[number]) == 1 and old[readers[number][0]].op == "add"

    graph = Graph()
    moved: dict[int, int] = {}
    affines: list[int] = []

    def leaves(number: int) -> list[int]:
        summands = []
        for argument in old[number].args:
            summands += leaves(argument) if old[argument].op == "add" and inner(argument) else [argument]
        return summands

    def affine(terms: list[int], vectors: list[int]) -> int:
        args: list[int] = []
        for term in terms:
            matrix, operand = old[term].args
            args += [moved[matrix], moved[operand]]
        args += [moved[v] for v in vectors]
        number = graph.add("affine", tuple(args), old[terms[0]].size, float(len(terms)))
        if number not in affines:
            affines.append(number)
        return number

    for number in needed:
        node = old[number]
        if node.op == "add" and inner(number):
            continue
        if node.op == "matmul":
            if not inner(number):
                moved[number] = affine([number], [])
            continue
        if node.op == "add":
            parts = leaves(number)
            terms = [p for p in parts if old[p].op == "matmul" and inner(p)]
            vectors = [p for p in parts if old[p].op == "vector"] if terms else []
            rest = [p for p in parts if p not in terms and p not in vectors]
            values = ([affine(terms, vectors)] if terms else []) + [moved[p] for p in rest]
            moved[number] = graph.total(values, node.size)
            continue
        moved[number] = graph.add(node.op, tuple(moved[a] for a in node.args), node.size, node.value, node.name)
    for name, (before, _) in trace.states.items():
        if before not in moved:
            moved[before] = graph.add("state", size=old[before].size, name=name)
    for number in trace.inputs.values():
        if number not in moved:
            moved[number] = graph.add("input", size=old[number].size, name=old[number].name)
    inputs = tuple(moved[number] for number in trace.inputs.values())
    states = {name: (moved[before], moved[after]) for name, (before, after) in trace.states.items()}
    masks = frozenset(moved[trace.further[name]] for name in trace.masks)
    return Collected(graph, inputs, states, trace.output, tuple(affines), masks)


def differentiate(step: Collected, every: bool = False) -> Derivative:
    """Build the derivative of a collected step; every: all its states are output, not one alone."""
    graph = step.graph.copy()
    forward = len(graph)
    pending: dict[int, list[int]] = {}
    transposed: dict[int, list[tuple[int, int]]] = {}
    products: list[tuple[int, int, int]] = []
    vectors: list[tuple[int, int]] = []
    affines: dict[int, int] = {}

    for name, (_, after) in step.states.items():
        size = graph[after].size
        pending.setdefault(after, []).append(graph.add("adjoint", size=size, name=name))
        if every or name == step.output:
            pending[after].append(graph.add("shown", size=size, name=name))

    def total(number: int) -> int | None:
        """The elementwise part of a node's adjoint."""
        return graph.total(pending[number], graph[number].size) if number in pending else None

    for number in range(forward - 1, -1, -1):
        node = graph[number]
        if node.op in ("input", "state", "matrix", "const"):
            continue
        adjoint = total(number)
        terms = transposed.get(number, [])
        if terms:
            args = tuple(a for pair in terms for a in pair)
            product = graph.add("affine_t", args, node.size, float(len(terms)))
            adjoint = product if adjoint is None else graph.add("add", (product, adjoint), node.size)
        if adjoint is None:
            continue
        if node.op == "vector":
            vectors.append((number, adjoint))
        elif node.op == "affine":
            affines[number] = adjoint
            for matrix, operand in graph.products(number):
                products.append((matrix, operand, adjoint))
                transposed.setdefault(operand, []).append((matrix, adjoint))
            vectors += [(vector, adjoint) for vector in graph.biases(number)]
        else:
            for argument, part in zip(node.args, _partials(graph, number, adjoint), strict=True):
                if part is not None and graph[argument].op != "const" and argument not in step.masks:
                    pending.setdefault(argument, []).append(part)

    states = {name: (total(old), transposed.get(old, [])) for name, (old, _) in step.states.items()}
    inputs = [(total(number), transposed.get(number, [])) for number in step.inputs]
    return Derivative(graph, forward, states, inputs, products, vectors, affines)


def _partials(graph: Graph, number: int, g: int) -> list[int | None]:
    """The adjoint each argument of an elementwise node receives, from the node's own adjoint g."""
    node = graph[number]
    size = node.size

    def make(op: str, *args: int) -> int:
        return graph.add(op, args, size)

    def wanted(index: int) -> bool:
        return graph[node.args[index]].op != "const"

    a = node.args[0]
    b = node.args[1] if len(node.args) > 1 else a
    one = graph.add("const", value=1.0)
    match node.op:
        case "sigmoid":
            return [make("dsigmoid", g, number)]
        case "tanh":
            return [make("dtanh", g, number)]
        case "relu":
            return [make("mul", g, make("positive", number))]
        case "exp":
            return [make("mul", g, number)]
        case "log":
            return [make("div", g, a)]
        case "sqrt":
            return [make("div", make("mul", g, graph.add("const", value=0.5)), number)]
        case "mean":  # a symmetric projection: it is its own transpose
            return [make("mean", g)]
        case "normalize":
            return [make("dnormalize", g, a)]
        case "greater":
            return [None, None]
        case "softplus":
            return [make("mul", g, make("sigmoid", a))]
        case "neg":
            return [make("neg", g)]
        case "add":
            return [g, g]
        case "sub":
            return [g, make("neg", g) if wanted(1) else None]
        case "mul":
            return [make("mul", g, b) if wanted(0) else None, make("mul", g, a) if wanted(1) else None]
        case "div":
            first = make("div", g, b)
            return [first, make("neg", make("mul", first, number)) if wanted(1) else None]
        case "maximum" | "minimum":
            second = make("greater", b, a) if node.op == "maximum" else make("greater", a, b)
            return [make("mul", g, make("sub", one, second)), make("mul", g, second)]
    raise AssertionError(f"no derivative for {node.op}")
