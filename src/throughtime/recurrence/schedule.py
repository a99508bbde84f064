"""From a step and its derivative to a program the engine runs.

The program alternates matrix products with elementwise "tiles". Its values live in

    record   one row per (step, batch row); the pre-activations first, what the derivative reads after them. A gate
             takes the place of its pre-activation where nothing reads that any more.
    state    the current states, overwritten by each step.
    adjoint  one row per (step, batch row) of a block of steps in the backward pass: the pre-activations' adjoints in
             the same order, then what elementwise parameters need summed over rows, then intermediate values.

The derivative reads matrix products and transcendental functions from the record; the cheap rest is recomputed.
"""

from __future__ import annotations

from throughtime.recurrence.derivative import Derivative, collect, differentiate
from throughtime.recurrence.forward import write_forward
from throughtime.recurrence.graph import Graph
from throughtime.recurrence.layout import Layout
from throughtime.recurrence.program import Backward, Pass, Program
from throughtime.recurrence.recurrence import Recurrence

SAVED = ("affine", "sigmoid", "tanh", "exp", "log", "sqrt", "softplus", "div")
"""Operations whose results are kept for the backward pass; others are recomputed."""
LIGHT = ("add", "sub", "mul", "neg")
"""Operations that are never worth keeping."""
NARROW = 32
"""The widest input whose products stay in the loop."""


def schedule(recurrence: Recurrence, hoist: bool = False, every: bool = False, training: bool = True) -> Program:
    """Lower a recurrence.

    hoist: keep the products with the input out of the loop even where the input is narrow. every: output all states.
    training: with the passes that gradients take; they are most of the work.
    """
    step = collect(recurrence.trace)
    derivative = differentiate(step, every) if training else None
    graph = step.graph if derivative is None else derivative.graph
    layout = Layout(recurrence, step, graph, every)
    multiplied = {operand for affine in step.affines for _, operand in graph.products(affine)}
    widths = [layout.width(number) for number in multiplied & layout.input_columns.keys()]
    hoist = hoist or max(widths, default=0) > NARROW
    inference, _ = write_forward(layout, set(), hoist)
    forward: Pass | None = None
    backward: Backward | None = None
    if derivative is not None:
        from throughtime.recurrence.backward import write_backward

        forward, record = write_forward(layout, _saved(derivative), hoist)
        backward = write_backward(layout, derivative, record)
    return Program(
        input_width=layout.input_width,
        state_widths=layout.state_widths,
        output_state=list(step.states).index(step.output),
        every=every,
        parameters=[(shape[0], shape[1] if len(shape) == 2 else 0) for shape in recurrence.shapes.values()],
        constants=layout.constants,
        places=layout.places,
        packs=layout.packs,
        biases=[
            (layout.column[affine], layout.parameter(vector))
            for affine in step.affines
            for vector in graph.biases(affine)
        ],
        inference=inference,
        training=forward,
        backward=backward,
    )


def _saved(derivative: Derivative) -> set[int]:
    """Forward nodes the backward pass reads from the record."""
    graph = derivative.graph
    saved: set[int] = set()
    seen: set[int] = set()
    stack = list(derivative.affines.values()) + [adjoint for _, adjoint in derivative.vectors]
    for elementwise, terms in [*derivative.states.values(), *derivative.inputs]:
        stack += [] if elementwise is None else [elementwise]
        stack += [adjoint for _, adjoint in terms]
    while stack:
        number = stack.pop()
        if number in seen:
            continue
        seen.add(number)
        node = graph[number]
        if number < derivative.forward and node.op in (*SAVED, "state") and not _light(graph, number):
            saved.add(number)
        elif node.op == "affine_t":
            stack += [adjoint for _, adjoint in graph.products(number)]
        else:
            stack += list(node.args)
    # operands of the weights' products
    return saved | {operand for _, operand, _ in derivative.products if graph[operand].op != "input"}


def _light(graph: Graph, number: int) -> bool:
    """Is this an activation of what the record has anyway, a few multiply-adds away? An LSTM's tanh(c) is.

    To compute it once more costs less than to write it, and to read it when it has left the caches.
    """

    def near(number: int) -> bool:
        node = graph[number]
        if node.op in LIGHT:
            return all(near(argument) for argument in node.args)
        return node.op in ("state", "vector", "const") or (node.op in SAVED[1:] and not _light(graph, number))

    node = graph[number]
    return node.op in ("sigmoid", "tanh") and near(node.args[0])
