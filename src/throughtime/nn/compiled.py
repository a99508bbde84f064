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


def _call(lengths: Tensor | None, batch_sizes: Tensor | None, layer: str, states: int, flags: Sequence[bool]) -> Call:
    return Call(from_key(layer), states, lengths, batch_sizes, *flags[:4])


def _owned(tensor: Tensor) -> Tensor:
    """A tensor with memory of its own: an operator must not return its arguments."""
    return tensor.detach().clone(memory_format=torch.contiguous_format)


@torch.library.custom_op("throughtime::run", mutates_args=())
def _run(
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    batch_sizes: Tensor | None,
    layer: str,
    states: int,
    flags: Sequence[bool],
) -> list[Tensor]:
    """[output, *final states, ticket of the tape] of a Call on (x, *initial, *arrays).

    layer: the key. flags: reverse, input_first, output_first, lead, training; training keeps a tape.
    """
    call, given = _call(lengths, batch_sizes, layer, states, flags), tuple(tensors)
    with torch.no_grad():
        if not engine_covers(given):  # an empty batch, no steps
            output, final = loop_forward(call, given)
            return [_owned(output), *map(_owned, final), _ticket(None)]
        results, tape = engine_forward(call, given, training=flags[4])
    return [*results, _ticket(tape)]


@_run.register_fake
def _(
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    batch_sizes: Tensor | None,
    layer: str,
    states: int,
    flags: Sequence[bool],
) -> list[Tensor]:
    x, made = tensors[0], from_key(layer)
    _, input_first, output_first, lead, _ = flags
    ticket = torch.empty(1, dtype=torch.int64)
    if batch_sizes is not None:
        rows: Any = tensors[1].shape[-2] if states else torch.library.get_ctx().new_dynamic_size()
        output = x.new_empty((x.shape[0], made.output_size))
    else:
        steps, rows = (x.shape[1], x.shape[0]) if input_first else (x.shape[0], x.shape[1])
        output = x.new_empty((*((rows, steps) if output_first else (steps, rows)), made.output_size))
    final = [x.new_empty((1, rows, size) if lead else (rows, size)) for size in made.recurrence.state_sizes]
    return [output, *final, ticket]


@torch.library.custom_op("throughtime::run_backward", mutates_args=())
def _run_backward(
    tensors: Sequence[Tensor],
    gradients: Sequence[Tensor | None],
    ticket: Tensor,
    lengths: Tensor | None,
    batch_sizes: Tensor | None,
    layer: str,
    states: int,
    flags: Sequence[bool],
    needs: Sequence[bool],
) -> list[Tensor]:
    """Gradients with respect to those of (x, *initial, *arrays) that `needs` names, contiguous.

    gradients: of [output, *final states]. ticket: as `run` returned it. A ticket that was copied, stored or sent
    elsewhere in between no longer finds its tape; then the forward pass is run once more.
    """
    call, given, asked = _call(lengths, batch_sizes, layer, states, flags), tuple(tensors), tuple(needs)
    known = [gradient for gradient in gradients if gradient is not None]
    with torch.no_grad():
        if not known:
            return [
                torch.zeros_like(t, memory_format=torch.contiguous_format)
                for t, n in zip(given, asked, strict=True)
                if n
            ]
        if not engine_covers((*given, *known)):
            found = loop_backward(call, given, asked, tuple(gradients))
        else:
            held = _TICKETS.get(int(ticket[0]))
            tape = held.tape if held is not None else engine_forward(call, given, training=True)[1]
            found = engine_backward(call, tape, given, asked, tuple(gradients))
    return [
        torch.zeros_like(tensor, memory_format=torch.contiguous_format) if d is None else d.contiguous()
        for tensor, d, need in zip(given, found, asked, strict=True)
        if need
    ]


@_run_backward.register_fake
def _(
    tensors: Sequence[Tensor],
    gradients: Sequence[Tensor | None],
    ticket: Tensor,
    lengths: Tensor | None,
    batch_sizes: Tensor | None,
    layer: str,
    states: int,
    flags: Sequence[bool],
    needs: Sequence[bool],
) -> list[Tensor]:
    return [tensor.new_empty(tensor.shape) for tensor, need in zip(tensors, needs, strict=True) if need]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    tensors, lengths, batch_sizes, *ctx.rest = inputs
    ctx.set_materialize_grads(False)
    ctx.count = len(tensors)
    ctx.save_for_backward(*tensors, output[-1], lengths, batch_sizes)


def _differentiate(ctx: Any, gradients: Sequence[Tensor | None]) -> tuple[Any, ...]:
    *tensors, ticket, lengths, batch_sizes = ctx.saved_tensors
    needs = [bool(need) for need in ctx.needs_input_grad[0]]
    found = iter(
        torch.ops.throughtime.run_backward(
            tensors, list(gradients[:-1]), ticket, lengths, batch_sizes, *ctx.rest, needs
        )
    )
    return [next(found) if need else None for need in needs], None, None, None, None, None


_run.register_autograd(_differentiate, setup_context=_keep)
