"""The engine as one operator of a compiled graph: torch.compile sees neither the steps nor what is inside.

The operator finds its layer by text: the trace, the sizes and the place of the parameters as JSON, or the name and
sizes of a layer of torch.nn. A place in a registry would mean nothing to another process; a text is a constant of the
graph, hashed into the keys of PyTorch's caches, and all that a process that loads a compiled graph needs is this module
imported.

Eager mode does not come here: the dispatcher costs more than a small layer (docs.pytorch.org, torch.library).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from throughtime.nn.call import Call
from throughtime.nn.choice import engine_covers
from throughtime.nn.layout import from_key
from throughtime.nn.passes import engine_backward, engine_forward, loop_backward, loop_forward


class _Ticket(np.ndarray[Any, Any]):
    """One number as an array. The tensor made of it keeps it alive, and so the tape that it bears."""

    tape: Any


_NUMBERS = count(1)
_TICKETS: WeakValueDictionary[int, _Ticket] = WeakValueDictionary()


def _ticket(tape: Any) -> Tensor:
    """A tensor that stands for a tape: as long as its memory lives, so does the tape. Zero where there is none."""
    number = 0 if tape is None else next(_NUMBERS)
    array = np.array([number], np.int64).view(_Ticket)
    if number:
        array.tape = tape
        _TICKETS[number] = array
    return torch.from_numpy(array)


def run_operator(call: Call, tensors: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """As `run`, as one operator in the graph under construction."""
    layer = call.layer
    training = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    flags = [call.reverse, call.input_first, call.output_first, call.lead, training]
    key = layer if isinstance(layer, str) else layer.key
    results = torch.ops.throughtime.run(list(tensors), call.lengths, call.batch_sizes, key, call.states, flags)
    return results[0], tuple(results[1:-1])


_DESCRIBED = "Tensor? lengths, Tensor? batch_sizes, str layer, SymInt states, bool[] flags"
"""A Call. layer: the key. flags: reverse, input_first, output_first, lead, training; training keeps a tape."""


def _call(lengths: Tensor | None, batch_sizes: Tensor | None, layer: str, states: int, flags: Sequence[bool]) -> Call:
    reverse, input_first, output_first, lead, _ = flags
    return Call(from_key(layer), states, lengths, batch_sizes, reverse, input_first, output_first, lead)


def _owned(tensor: Tensor) -> Tensor:
    """A tensor with memory of its own: an operator must not return its arguments."""
    return tensor.detach().clone(memory_format=torch.contiguous_format)


@torch.library.custom_op("throughtime::run", mutates_args=(), schema=f"(Tensor[] tensors, {_DESCRIBED}) -> Tensor[]")
def _run(tensors: Sequence[Tensor], *described: Any) -> list[Tensor]:
    """[output, *final states, ticket of the tape] of a Call on (x, *initial, *arrays)."""
    call, inputs, training = _call(*described), tuple(tensors), described[-1][4]
    with torch.no_grad():
        if not engine_covers(inputs):  # an empty batch, no steps
            output, final = loop_forward(call, inputs)
            return [_owned(output), *map(_owned, final), _ticket(None)]
        results, tape = engine_forward(call, inputs, training=training)
    return [*results, _ticket(tape)]


@_run.register_fake
def _(tensors: Sequence[Tensor], *described: Any) -> list[Tensor]:
    x, call = tensors[0], _call(*described)
    width = call.layer.output_size
    if call.batch_sizes is not None:
        rows: Any = tensors[1].shape[-2] if call.states else torch.library.get_ctx().new_dynamic_size()
        output = x.new_empty((x.shape[0], width))
    else:
        steps, rows = (x.shape[1], x.shape[0]) if call.input_first else (x.shape[0], x.shape[1])
        output = x.new_empty((rows, steps, width) if call.output_first else (steps, rows, width))
    sizes = call.layer.recurrence.state_sizes
    final = [x.new_empty((1, rows, size) if call.lead else (rows, size)) for size in sizes]
    return [output, *final, torch.empty(1, dtype=torch.int64)]


@torch.library.custom_op(
    "throughtime::run_backward",
    mutates_args=(),
    schema=f"(Tensor[] tensors, Tensor?[] gradients, Tensor ticket, {_DESCRIBED}, bool[] needs) -> Tensor[]",
)
def _run_backward(
    tensors: Sequence[Tensor], gradients: Sequence[Tensor | None], ticket: Tensor, *rest: Any
) -> list[Tensor]:
    """Gradients with respect to those of (x, *initial, *arrays) that `needs` names, contiguous.

    gradients: of [output, *final states]. ticket: as `run` returned it. A ticket that was copied, stored or sent
    elsewhere in between no longer finds its tape; then the forward pass is run once more.
    """
    call, inputs, needs = _call(*rest[:-1]), tuple(tensors), tuple(rest[-1])
    known = [gradient for gradient in gradients if gradient is not None]
    results: list[Tensor | None] = [None] * len(inputs)
    with torch.no_grad():
        if known and engine_covers((*inputs, *known)):
            held = _TICKETS.get(int(ticket[0]))
            tape = held.tape if held is not None else engine_forward(call, inputs, training=True)[1]
            results = engine_backward(call, tape, inputs, needs, tuple(gradients))
        elif known:
            results = loop_backward(call, inputs, needs, tuple(gradients))
    return [
        torch.zeros_like(tensor, memory_format=torch.contiguous_format) if d is None else d.contiguous()
        for tensor, d, need in zip(inputs, results, needs, strict=True)
        if need
    ]


@_run_backward.register_fake
def _(tensors: Sequence[Tensor], *rest: Any) -> list[Tensor]:
    return [tensor.new_empty(tensor.shape) for tensor, need in zip(tensors, rest[-1], strict=True) if need]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    tensors, lengths, batch_sizes, *ctx.rest = inputs
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(*tensors, output[-1], lengths, batch_sizes)


def _differentiate(ctx: Any, gradients: Sequence[Tensor | None]) -> tuple[Any, ...]:
    *tensors, ticket, lengths, batch_sizes = ctx.saved_tensors
    needs = [bool(need) for need in ctx.needs_input_grad[0]]
    results = iter(
        torch.ops.throughtime.run_backward(
            tensors, list(gradients[:-1]), ticket, lengths, batch_sizes, *ctx.rest, needs
        )
    )
    return [next(results) if need else None for need in needs], None, None, None, None, None


_run.register_autograd(_differentiate, setup_context=_keep)
