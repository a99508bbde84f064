"""ONNX's Loop as a Scan, where it walks along a sequence step by step, as TensorFlow's exporters write their layers.

A number counts up from zero; the body takes that step of a sequence from around it (Gather), and what it gives at a
step is put side by side. Arrays that go round unchanged are what they were before. The loop must end with the sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from throughtime.errors import UserError
from throughtime.interop.onnx.importing import scan
from throughtime.interop.onnx.importing.call import Call
from throughtime.interop.onnx.importing.columns import Columns
from throughtime.interop.onnx.importing.fold import fold
from throughtime.interop.onnx.importing.recurrent import attributes_of
from throughtime.interop.onnx.importing.values import Fixed, Reversed, Steps

UNKNOWN = (
    "the operator is not known here; a loop of steps is known as RNN, LSTM, GRU or Scan, or where it goes along a"
    " sequence (of a Keras model, import the .keras or .h5 file)"
)


def check(node: Any) -> None:
    """UserError for a Loop that cannot be one along a sequence, told before the nodes that only reckon for it."""
    body = next((one.g for one in node.attribute if one.name == "body"), None)
    if node.op_type == "If" or body is None or len(node.input) < 3 or len(body.input) != len(node.input):
        raise UserError(UNKNOWN)
    if len(body.output) < len(body.input) - 1 or len(node.output) > len(body.output) - 1:
        raise UserError(UNKNOWN)
    given = {one.name for one in body.input}
    if not any(one.op_type == "Gather" and len(one.input) == 2 and one.input[1] in given for one in body.node):
        raise UserError(UNKNOWN)


def convert(call: Call) -> None:
    """A Loop along a sequence. UserError for any other."""
    try:
        _convert(call)
    except RecursionError:
        raise UserError("in its body, values wait for each other; the file is damaged") from None


def _convert(call: Call) -> None:
    from onnx import helper

    body = call.a["body"]
    taken = [one.name for one in body.input]
    given = [one.name for one in body.output]
    carried = len(taken) - 2
    names = _unchanged(call, taken, given)
    columns = Columns(body, names, call.build.values)
    counters = [k for k in range(carried) if taken[2 + k] not in names and _counts(call, columns, taken, given, k)]
    steps = {taken[0], *(taken[2 + k] for k in counters)}
    sequence, x = _sequence(call, columns, steps)
    states = [k for k in range(carried) if taken[2 + k] not in names and k not in counters]
    turns = _turns(call, columns, steps, given[0], _steps_of(call, sequence))
    if turns != _steps_of(call, sequence):
        raise UserError("it does not take as many turns as its sequence has steps")
    for k in counters:
        if call.build.uses[call.outputs[k]]:
            raise UserError("what it counts is read behind it, which is not known here")
    for k in range(carried):
        if taken[2 + k] in names:
            call.build.values[call.outputs[k]] = call.build.values[call.inputs[2 + k]]
    shown = range(carried, len(call.outputs))
    nodes, arrays = columns.needed([given[1 + k] for k in (*states, *shown)], {x, *(taken[2 + k] for k in states)})
    outer = [helper.make_empty_tensor_value_info(taken[2 + k]) for k in states]
    graph = helper.make_graph(
        nodes,
        "steps",
        [*outer, helper.make_empty_tensor_value_info(x)],
        [helper.make_empty_tensor_value_info(columns.plain(given[1 + k])) for k in (*states, *shown)],
        arrays,
    )
    attributes: dict[str, Any] = {"body": graph, "num_scan_inputs": 1}
    turned = call.build.values[sequence]
    if isinstance(turned, Reversed):
        if turned.time != turned.view.axes[0]:
            raise UserError("it goes along a sequence that is turned along another axis than time")
        sequence = f"{sequence} as it is"
        call.build.values[sequence] = turned.view
        attributes |= {"scan_input_directions": [1], "scan_output_directions": [1] * len(shown)}
    inputs = [*(call.inputs[2 + k] for k in states), sequence]
    outputs = [*(call.outputs[k] for k in states), *(call.outputs[k] for k in shown)]
    scan.convert(Call(call.build, "Scan", attributes, inputs, outputs, call.name, max(call.opset, 9)))
    if isinstance(turned, Reversed):
        for name in outputs[len(states) :]:
            call.build.turn(name, turned.time)


def _unchanged(call: Call, taken: list[str], given: list[str]) -> dict[str, str]:
    """The body's inputs that go round unchanged -> what they are around it."""
    same = {one.output[0]: one.input[0] for one in call.a["body"].node if one.op_type == "Identity"}
    found: dict[str, str] = {}
    for k, name in enumerate(taken[2:]):
        end = given[1 + k]
        while end in same:
            end = same[end]
        if end == name:
            found[name] = call.inputs[2 + k]
    return found


def _counts(call: Call, columns: Columns, taken: list[str], given: list[str], k: int) -> bool:
    """Whether a carried value is the number of the step: zero, then one more each time."""
    start = call.value(2 + k)
    maker = columns.makers.get(columns.plain(given[1 + k]))
    if not isinstance(start, Fixed) or start.array.size != 1 or start.array.any() or maker is None:
        return False
    if maker.op_type != "Add" or taken[2 + k] not in maker.input:
        return False
    other = next((one for one in maker.input if one != taken[2 + k]), "")
    one = columns.fixed(other)
    return one is not None and one.size == 1 and one.dtype.kind in "iu" and int(one.reshape(())) == 1


def _sequence(call: Call, columns: Columns, steps: set[str]) -> tuple[str, str]:
    """The sequence around the loop, and the name that its step has in the body."""
    found: dict[str, str] = {}
    for node in [*columns.makers.values()]:
        if node.op_type != "Gather" or node.input[1] not in steps:
            continue
        axis = next((one.i for one in node.attribute if one.name == "axis"), 0)
        if axis or node.input[0] not in call.build.values:
            raise UserError("in its body, a step is taken of what is no sequence around it")
        if isinstance(call.build.values[node.input[0]], Steps):
            raise UserError("in its body, steps are left out, which is not known here")
        first = found.setdefault(node.input[0], node.output[0])
        if first != node.output[0]:
            columns.names[node.output[0]] = first
    if len(found) != 1:
        raise UserError(f"it goes along {len(found)} sequences, expected one; masked steps are not known here")
    ((sequence, x),) = found.items()
    return sequence, x


def _steps_of(call: Call, sequence: str) -> int:
    value = call.build.values[sequence]
    return (value.view if isinstance(value, Reversed) else call.build.view(sequence)).shape[0]


def _turns(call: Call, columns: Columns, counters: set[str], end: str, most: int) -> int:
    """How many turns it takes, at most one more than so many: from how often it may turn, and from when its own
    condition ends it. counters: names of the number of the turn in the body. UserError where the model reckons it."""
    limit, begin = call.value(0), call.value(1)
    for one in (limit, begin):
        if one is not None and not isinstance(one, Fixed):
            raise UserError("how many turns it takes is reckoned by the model, which is not known here")
    if isinstance(begin, Fixed) and not begin.array.all():
        return 0
    known = dict.fromkeys((columns.plain(one) for one in counters), np.arange(most + 1))
    known[columns.going] = np.ones(most + 1, bool)
    going = np.broadcast_to(_over_turns(call, columns, end, known), (most + 1,))
    ended = np.flatnonzero(~going.astype(bool))
    turns = int(ended[0]) + 1 if len(ended) else most + 1
    return min(turns, int(limit.array.reshape(()))) if isinstance(limit, Fixed) else turns


def _over_turns(call: Call, columns: Columns, name: str, known: dict[str, np.ndarray]) -> np.ndarray:
    """A value of the body at each turn, where it depends on the turn alone. known: what was reckoned; it grows."""
    name = columns.plain(name)
    if name not in known:
        around, maker = call.build.values.get(name), columns.makers.get(name)
        if isinstance(around, Fixed):
            known[name] = around.array
        elif maker is not None and maker.op_type in _LOGIC:
            given = [_over_turns(call, columns, one, known) for one in maker.input]
            known[name] = fold(maker.op_type, attributes_of(maker), given)
        elif (own := columns.fixed(name)) is not None:
            known[name] = own
        else:
            raise UserError("when it ends is reckoned by the model, which is not known here")
    return known[name]


_LOGIC = ("Add", "Sub", "Cast", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Not", "Squeeze")
