"""The passes of a call over plain tensors: by the engine, and by the loop that it is tested against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from throughtime.engine import Program
from throughtime.nn import reference
from throughtime.nn.call import Call


def _numpy(tensor: Tensor) -> np.ndarray:
    """The tensor's memory as an array with a contiguous last axis; copied only where it is not."""
    if tensor.stride(-1) != 1:
        tensor = tensor.contiguous()
    return tensor.numpy(force=True)


def _whole(tensor: Tensor) -> np.ndarray:
    """The tensor as a C-contiguous array; copied only where it is not."""
    return (tensor if tensor.is_contiguous() else tensor.contiguous()).numpy(force=True)


def _input(call: Call, x: Tensor) -> np.ndarray:
    array = _numpy(x) if call.ids is None else _whole(x)
    return array.swapaxes(0, 1) if call.input_first else array


def _program(call: Call, x: Tensor) -> Program:
    return call.layer.program(x.dtype, lookup=call.ids is not None)  # type: ignore[no-any-return]


def _state(call: Call, tensor: Tensor) -> np.ndarray:
    """One state, or its gradient, as (B, S_j)."""
    array = _whole(tensor)
    return array[0] if call.lead else array


def engine_forward(call: Call, tensors: tuple[Tensor, ...], training: bool) -> tuple[tuple[Tensor, ...], Any]:
    """Run the engine; (output, *final) and the tape, which is None unless training."""
    program, data, first = _program(call, tensors[0]), _input(call, tensors[0]), 1 + call.states
    arrays = tuple([_whole(tensor) for tensor in tensors[first:]])
    initial = tuple([_state(call, tensor) for tensor in tensors[1:first]]) or None
    options: dict[str, Any] = {"training": training, "threads": torch.get_num_threads()}
    if call.ids is not None:
        output, final, tape = program.forward_ids(call.ids.numpy(), data, initial, arrays, **options)
    elif call.batch_sizes is not None:
        sizes = call.batch_sizes.numpy()
        output, final, tape = program.forward_packed(data, sizes, initial, arrays, reverse=call.reverse, **options)
    else:
        options |= {"reverse": call.reverse, "batch_first": call.output_first}
        lengths = None if call.lengths is None else call.lengths.numpy(force=True)
        output, final, tape = program.forward(data, initial, arrays, lengths=lengths, **options)
        if call.output_first:
            output = output.swapaxes(0, 1)
    states = [state[None] for state in final] if call.lead else final
    return (torch.from_numpy(output), *map(torch.from_numpy, states)), tape


def engine_backward(
    call: Call, tape: Any, tensors: tuple[Tensor, ...], needs: tuple[bool, ...], gradients: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    """The engine's gradients with respect to (x, *initial, *arrays), None where not needed."""
    x, first = tensors[0], 1 + call.states
    d_output = None
    if gradients[0] is not None:  # that of a sum or a mean is one value with strides of 0
        d_output = gradients[0].numpy(force=True) if gradients[0].stride(-1) == 0 else _numpy(gradients[0])
    if d_output is not None and call.output_first:
        d_output = d_output.swapaxes(0, 1)
    d_final: tuple[np.ndarray | None, ...] | None = None
    if any(gradient is not None for gradient in gradients[1:]):
        d_final = tuple([None if gradient is None else _state(call, gradient) for gradient in gradients[1:]])
    d_x, d_initial, d_arrays = _program(call, x).backward(
        tape,
        _input(call, x),
        tuple([_whole(tensor) for tensor in tensors[first:]]),
        d_output,
        d_final,
        needs_x=needs[0],
        needs_arrays=needs[first:],
        threads=torch.get_num_threads(),
    )
    if d_x is not None and call.input_first:
        d_x = d_x.swapaxes(0, 1)
    d_states = [d[None] if call.lead else d for d in d_initial[: call.states]]
    return [
        torch.from_numpy(d) if need and d is not None else None
        for d, need in zip((d_x, *d_states, *d_arrays), needs, strict=True)
    ]


def loop_forward(call: Call, tensors: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same passes by the reference loop; the output and the final states."""
    x, states = tensors[0], tensors[1 : 1 + call.states]
    ends: Any = call.lengths
    parameters = call.layer.parameters(tensors[1 + call.states :])
    if call.ids is not None:
        x = embedding(call.ids, x)
    elif call.batch_sizes is not None:
        x, ends = pad_packed_sequence(PackedSequence(x, call.batch_sizes))
    elif call.input_first:
        x = x.transpose(0, 1)
    initial = [state[0] for state in states] if call.lead else states
    output, final = reference.recurrence(
        call.layer.trace, x, initial or None, parameters, ends, call.reverse, call.layer.every
    )
    if call.batch_sizes is not None:
        output = pack_padded_sequence(output, ends).data
    elif call.output_first:
        output = output.transpose(0, 1)
    return output, tuple(state[None] for state in final) if call.lead else final


def loop_backward(
    call: Call, tensors: tuple[Tensor, ...], needs: tuple[bool, ...], gradients: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    """The same gradients by differentiating the reference, so that they can be differentiated again."""
    return differentiate(lambda leaves: loop_forward(call, leaves), tensors, needs, gradients)


def differentiate(
    run: Callable[[tuple[Tensor, ...]], tuple[Tensor, tuple[Tensor, ...]]],
    tensors: Sequence[Tensor],
    needs: Sequence[bool],
    gradients: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Gradients of `run(tensors)`, (output, final states), for the tensors that `needs` names; differentiable again.

    Views stand between the caller's tensors and the run: an initial state made from x must not carry its share of
    the gradient to x here, the caller's graph does that.
    """
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        leaves = tuple(tensor.view_as(tensor) for tensor in tensors)
        output, final = run(leaves)
        pairs = [(v, d) for v, d in zip((output, *final), gradients, strict=True) if d is not None and v.requires_grad]
        if not pairs:
            return [None] * len(tensors)
        results = iter(
            torch.autograd.grad(
                [value for value, _ in pairs],
                [leaf for leaf, need in zip(leaves, needs, strict=True) if need],
                [d for _, d in pairs],
                create_graph=again,
                allow_unused=True,
            )
        )
    return [next(results) if need else None for need in needs]
