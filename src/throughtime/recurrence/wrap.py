"""Regularisers that wrap any cell: a step rewritten so that it reads masks beside its input.

What is drawn, and when, is the caller's; here a mask is one more input of the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from throughtime.recurrence.graph import Graph
from throughtime.recurrence.trace import Trace

ZONEOUT, DROPOUT = "zoneout_", "dropout_"
"""What the names of the masks begin with; the state's name follows."""


def zoneout(trace: Trace, rates: Mapping[str, float | None]) -> Trace:
    """Units of a state that keep their old value for a step: s = d * s' + (1 - d) * s_step.

    s_step is what the cell's own step makes; the other states see that, not s, as in the paper: an LSTM's h is
    o * tanh(c) of the c before zoneout. d is an input `zoneout_<state>` of the state's size, 1 where the old value
    stays, or a number.

    rates: state -> None for a mask, to train with, or its expectation, to use the model with. Raises ValueError for an
    unknown state.

    Source: Krueger et al. 2017, arXiv:1606.01305, eq. 2 (any cell) and 5-6 (LSTM).
    """
    graph, states = trace.graph.copy(), dict(trace.states)
    further, masks = dict(trace.further), list(trace.masks)
    for name, rate in rates.items():
        if name not in states:
            raise ValueError(f"{trace.name}: no state {name!r}, its states are {', '.join(states)}")
        old, new = states[name]
        size = graph[old].size
        if rate is None:
            mask = graph.add("input", size=size, name=f"{ZONEOUT}{name}")
            further[f"{ZONEOUT}{name}"] = mask
            masks.append(f"{ZONEOUT}{name}")
        else:
            mask = graph.add("const", value=float(rate))
        taken = graph.add("sub", (graph.add("const", value=1.0), mask), size)
        parts = (graph.add("mul", (mask, old), size), graph.add("mul", (taken, new), size))
        states[name] = (old, graph.add("add", parts, size))
    return replace(trace, graph=graph, states=states, further=further, masks=tuple(masks))


def recurrent_dropout(trace: Trace) -> Trace:
    """The old states masked on their way into the step's matrix products: W_h h' becomes W_h (m * h').

    A state under a gate is masked too (W_h (r * h') becomes W_h (r * (m * h'))); where a step reads its state without a
    product, (1 - z) * h' or f * c', it stays whole. m is an input `dropout_<state>` of the state's size; one mask for
    all steps of a row makes it variational dropout.

    Raises ValueError where no product reads a state.

    Source: Gal and Ghahramani 2016, arXiv:1512.05287, eq. 7 (tied masks).
    """
    old, graph, moved = trace.graph, Graph(), dict[int, int]()
    masks: dict[str, int] = {}

    def masked(number: int) -> int:
        node = old[number]
        if node.op == "state":
            name = f"{DROPOUT}{node.name}"
            masks[name] = graph.add("input", size=node.size, name=name)
            return graph.add("mul", (masks[name], moved[number]), node.size)
        if node.op == "mul":
            return graph.add("mul", (masked(node.args[0]), masked(node.args[1])), node.size)
        return moved[number]

    for number, node in enumerate(old.nodes):
        arguments = tuple(moved[argument] for argument in node.args)
        if node.op == "matmul":
            arguments = (arguments[0], masked(node.args[1]))
        moved[number] = graph.add(node.op, arguments, node.size, node.value, node.name)
    if not masks:
        raise ValueError(f"{trace.name}: recurrent dropout needs a matrix product with a state, there is none")
    return replace(
        trace,
        graph=graph,
        input=moved[trace.input],
        states={name: (moved[a], moved[b]) for name, (a, b) in trace.states.items()},
        gates={name: moved[number] for name, number in trace.gates.items()},
        further={name: moved[number] for name, number in trace.further.items()} | masks,
        masks=(*trace.masks, *masks),
    )


def recurrent_matrices(trace: Trace) -> list[str]:
    """The names of the matrices that multiply what the step has kept or made of its old states, not its input.

    These are what weight dropout drops. Source: Merity et al. 2018, arXiv:1708.02182, section 2.
    """
    graph, recurrent = trace.graph, set[str | None]()
    for node in graph.nodes:
        if node.op == "matmul":
            matrix, operand = node.args
            on_state = any(graph[number].op == "state" for number in graph.reachable([operand]))
            if on_state and graph[matrix].size[1] != "I":
                recurrent.add(graph[matrix].name)
    return [name for name in trace.parameters if name in recurrent]
