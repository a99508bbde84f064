"""ONNX's Scan as a recurrent layer, where its body is a step of the recurrence language."""

from __future__ import annotations

from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop import layers as kinds
from throughtime.interop.onnx.importing.body import Body, Chosen, Mask, Mixed, cut
from throughtime.interop.onnx.importing.call import Call
from throughtime.interop.onnx.importing.read import array
from throughtime.interop.onnx.importing.recurrent import masked, unmasked
from throughtime.interop.onnx.importing.values import Fixed, Part, Steps, View, size
from throughtime.recurrence import Recurrence, Trace
from throughtime.recurrence.symbols import Symbol


def convert(call: Call) -> None:
    """A Scan over one sequence, perhaps with which steps there are beside it."""
    body = call.a.get("body")
    count = int(call.a.get("num_scan_inputs", 0))
    if call.opset < 9 or body is None or not 1 <= count <= 2 or len(body.input) != len(call.inputs):
        raise UserError("expected a Scan of opset 9 or later over one sequence, and perhaps which steps there are")
    states = len(call.inputs) - count
    ways = {*call.a.get("scan_input_directions", [0]), *call.a.get("scan_output_directions", [0])}
    axes = {*call.a.get("scan_input_axes", [0]), *call.a.get("scan_output_axes", [0])}
    if len(ways) > 1 or axes != {0}:
        raise UserError("it reads and writes in different directions, or along another axis than the first")
    scanned = {k: call.value(states + k) for k in range(count)}
    sequence = [k for k, one in scanned.items() if isinstance(one, View)]
    steps = [one for one in scanned.values() if isinstance(one, Steps)]
    if len(sequence) != 1 or len(steps) != count - 1 or any(one.time for one in steps):
        raise UserError("expected one sequence, and beside it only which steps there are")
    x = call.view(states + sequence[0])
    if len(x.axes) != 3:
        raise UserError(f"its sequence has {len(x.axes)} axes, expected 3")
    call.build.batch_is(x.axes[1])
    x = call.build.settled(x, (x.axes[1], x.axes[0], x.axes[2]), call.name)
    starts = [_start(call, k) for k in range(states)]
    try:
        step = _step(call, body, states, states + sequence[0], starts, size(x.axes[2]), False)
    except Mixed:
        try:
            step = _step(call, body, states, states + sequence[0], starts, size(x.axes[2]), True)
        except Mixed as error:
            raise UserError(str(error)) from None
    _put(call, step, x, starts, steps, ways == {1})


def _start(call: Call, number: int) -> View | int:
    """An initial state, or its width where it is zero."""
    value = call.value(number)
    if isinstance(value, Fixed):
        if not value.zero or value.array.ndim != 2:
            raise UserError("its initial state is a fixed array that is not zero, which is not known here")
        return int(value.array.shape[1])
    view = call.view(number)
    if len(view.axes) != 2:
        raise UserError(f"its initial state has {len(view.axes)} axes, expected 2")
    call.build.batch_is(view.axes[0])
    return call.build.settled(view, view.axes, f"{call.name}.state")


class _Step:
    """What a body is. kept: which of its states are the recurrence's; output: which output of the Scan shows one."""

    def __init__(self, cell: Recurrence, weights: dict[str, np.ndarray], kept: list[int], output: int | None) -> None:
        self.cell, self.weights, self.kept, self.output = cell, weights, kept, output


def _step(call: Call, inner: Any, states: int, place: int, starts: list[View | int], width: int, same: bool) -> _Step:
    body = Body(call.build.values, width, same, call.build.reckoner)
    x = body.x = inner.input[place].name
    pieces = cut(inner, x, call.build.values, width)
    body.sizes["I"] = pieces[0][1]
    further: dict[str, int] = {}
    for start, end in pieces:
        name = "x" if start == 0 else f"x{start}"
        piece = body.leaf("input", "I" if start == 0 else body.size(end - start), name)
        body.pieces[start, end] = piece
        if start:
            further[name] = piece.number
    body.values[x] = body.pieces[0, width] if len(pieces) == 1 else Mask  # several pieces are never read as one
    for tensor in inner.initializer:
        body.values[tensor.name] = array(tensor)
    olds = []
    for k in range(states):
        start_of = starts[k]
        n = start_of if isinstance(start_of, int) else start_of.shape[1]
        olds.append(body.leaf("state", body.size(n), f"s{k}"))
        body.values[inner.input[k].name] = olds[-1]
    for k in range(states, len(inner.input)):
        if k != place:
            body.values[inner.input[k].name] = Mask()
    body.run(inner.node)
    given = [body.value(one.name) for one in inner.output]
    news = [_held(one, olds[k]) for k, one in enumerate(given[:states])]
    return _traced(call, body, olds, news, given[states:], further)


def _held(value: Any, old: Symbol) -> Symbol:
    """A new state; where it is held at steps that are not there, what it is at the others."""
    if isinstance(value, Chosen):
        if not isinstance(value.otherwise, Symbol) or value.otherwise.number != old.number:
            raise UserError("in its body, a state does not stay what it was at steps that are not there")
        value = value.then
    value = value.then if isinstance(value, Chosen) else value
    if not isinstance(value, Symbol):
        raise UserError("in its body, a state becomes a fixed array")
    return value


def _traced(
    call: Call, body: Body, olds: list[Symbol], news: list[Symbol], shown: list[Any], further: dict[str, int]
) -> _Step:
    states, uses = len(olds), call.build.uses
    read = [set(body.graph.reachable([new.number for m, new in enumerate(news) if m != k])) for k in range(states)]
    kept = [k for k in range(states) if olds[k].number in read[k] or uses[call.outputs[k]]]
    used = [k for k in range(len(shown)) if uses[call.outputs[states + k]]]
    if len(used) > 1:
        raise UserError("several sequences that it gives are read; only one is known here")
    output = None
    for k in used:
        value, output = shown[k], k
        if isinstance(value, Chosen):
            if not isinstance(value.otherwise, np.ndarray) or value.otherwise.any():
                raise UserError("in its body, what it gives at steps that are not there is not zero")
            value = value.then
        while isinstance(value, Chosen):
            value = value.then
        same = [m for m in range(states) if isinstance(value, Symbol) and news[m].number == value.number]
        if not same:
            raise UserError("in its body, what it gives at a step is none of its states, which is not known here")
        first = next((m for m in same if m in kept), same[0])
        kept = sorted({*kept, first})
    if not kept:
        kept = [0]
    top = first if output is not None else kept[0]
    names = {f"s{k}": (olds[k].number, news[k].number) for k in kept}
    shapes = {
        node.name: node.size if node.op == "matrix" else (node.size,)
        for node in body.graph.nodes
        if node.op in ("matrix", "vector") and node.name
    }
    if any(node.op == "state" and node.name not in names for node in body.graph.nodes):
        body.graph, names, further = _without(body.graph, names, further)
    data = {
        "name": "Scan",
        "nodes": body.graph.to_json(),
        "input": next(n for n, node in enumerate(body.graph.nodes) if node.op == "input" and node.name == "x"),
        "states": {name: list(pair) for name, pair in names.items()},
        "output": f"s{top}",
        "parameters": {name: list(shape) for name, shape in shapes.items()},
        **({"further": further} if further else {}),
    }
    try:
        cell = Recurrence(Trace.from_json(data), body.sizes)
    except ValueError as error:
        raise Mixed(f"its body is no step of a recurrence: {str(error)[:200]}") from None
    return _Step(cell, body.parameters, kept, output)


def _without(
    graph: Any, names: dict[str, tuple[int, int]], further: dict[str, int]
) -> tuple[Any, dict[str, tuple[int, int]], dict[str, int]]:
    """The same graph without the states that are not among these names."""
    from throughtime.recurrence.graph import Graph

    found = Graph()
    places: dict[int, int] = {}
    wanted = {n for n, node in enumerate(graph.nodes) if node.op in ("input", "matrix", "vector")}
    wanted |= set(graph.reachable([number for pair in names.values() for number in pair]))
    for number in sorted(wanted):
        node = graph[number]
        places[number] = found.add(node.op, tuple(places[a] for a in node.args), node.size, node.value, node.name)
    return found, {n: (places[a], places[b]) for n, (a, b) in names.items()}, {n: places[a] for n, a in further.items()}


def _put(call: Call, step: _Step, x: View, starts: list[View | int], steps: list[Steps], back: bool) -> None:
    build, states = call.build, len(starts)
    begins = [starts[k] for k in step.kept]
    inputs = [one.place for one in begins if isinstance(one, View)]
    if inputs and len(inputs) < len(begins):
        raise UserError("it is given some of its initial states, which is not known here")
    finals = any(build.uses[call.outputs[k]] for k in step.kept)
    layer = kinds.Recurrent(cells=(step.cell,), back=back, sequences=True, states=finals, zero=bool(steps))
    weights = {f"0.{name}": step.weights[name] for name in step.cell.trace.parameters}
    place = masked(build, call.name, x.place, steps[0].lengths) if steps else x.place
    places = build.placed(layer, call.name, [place, *inputs], weights)
    if steps:
        places = unmasked(build, call.name, places)
    batch, time = x.stored[:2]
    if step.output is not None:
        n = layer.size
        units = (Part(build.key(), n),) if n > 1 else ()
        call.give(View(places[0], (batch, time, units), (time, batch, units)), states + step.output)
    for number, k in enumerate(step.kept if finals else []):
        n = step.cell.state_sizes[number]
        units = (Part(build.key(), n),) if n > 1 else ()
        call.give(View(places[1 + number], (batch, units), (batch, units)), k)
