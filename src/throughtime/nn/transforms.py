"""The engine under torch.func: vmap over inputs, states and parameters, and derivatives per sample.

A batch of inputs that share their parameters becomes one run with as many rows more: rows are independent. Parameters
that differ, and gradients of parameters per sample, take one run of the engine each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from throughtime.nn.call import Call
from throughtime.nn.choice import engine_covers
from throughtime.nn.passes import engine_backward, engine_forward, loop_forward

Tensors = tuple[Tensor, ...]


def run_transformed(call: Call, tensors: Tensors) -> tuple[Tensor, Tensors]:
    """As `run`, inside torch.func's grad, vjp, jacrev and vmap, in any order."""
    output, *final = _Run.apply(call, *tensors)  # type: ignore[no-untyped-call]
    return output, tuple(final)


class _Run(torch.autograd.Function):
    """(call, x, *initial, *arrays) -> (output, *final)."""

    @staticmethod
    def forward(call: Call, *tensors: Tensor) -> Tensors:
        if engine_covers(tensors):
            return engine_forward(call, tensors, training=False)[0]
        output, final = loop_forward(call, tensors)
        return tuple([tensor.clone() for tensor in (output, *final)])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.call = inputs[0]
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        needs = ctx.needs_input_grad[1:]
        results = iter(_Gradient.apply(ctx.call, needs, *ctx.saved_tensors, *gradients))  # type: ignore[no-untyped-call]
        return (None, *[next(results) if need else None for need in needs])

    @staticmethod
    def vmap(info: Any, places: tuple[Any, ...], call: Call, *tensors: Tensor) -> tuple[Tensors, tuple[int, ...]]:
        where, size, first = places[1:], info.batch_size, 1 + call.states
        if any(place is not None for place in where[first:]):
            return _one_by_one(lambda *some: _Run.apply(call, *some), size, where, tensors)  # type: ignore
        axes = _input_axes(call)
        folded = [_fold(t, place, size, axis) for t, place, axis in zip(tensors, where, axes, strict=False)]
        results = _Run.apply(_widened(call, size), *folded, *tensors[first:])  # type: ignore[no-untyped-call]
        return _unfold(results, _output_axes(call, len(results)), size)


class _Gradient(torch.autograd.Function):
    """(call, needs, x, *initial, *arrays, *gradients) -> the gradients that are needed, in order.

    The forward pass is run again: what it keeps for the engine cannot pass through torch.func.
    """

    @staticmethod
    def forward(call: Call, needs: tuple[bool, ...], *values: Tensor) -> Tensors:
        tensors, gradients = values[: len(needs)], values[len(needs) :]
        if not engine_covers(values):
            return _loop_gradient(call, needs, values)
        _, tape = engine_forward(call, tensors, training=True)
        return tuple([d for d in engine_backward(call, tape, tensors, needs, gradients) if d is not None])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.call, ctx.needs = inputs[:2]
        ctx.save_for_backward(*inputs[2:])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        values, asked = ctx.saved_tensors, ctx.needs_input_grad[2:]
        pull = torch.func.vjp(lambda *some: _loop_gradient(ctx.call, ctx.needs, some), *values)[1]
        return (None, None, *[d if need else None for d, need in zip(pull(gradients), asked, strict=True)])

    @staticmethod
    def vmap(
        info: Any, places: tuple[Any, ...], call: Call, needs: tuple[bool, ...], *values: Tensor
    ) -> tuple[Tensors, tuple[int, ...]]:
        where, size, first, count = places[2:], info.batch_size, 1 + call.states, len(needs)
        if any(needs[first:]) or any(place is not None for place in where[first:count]):
            return _one_by_one(lambda *some: _Gradient.apply(call, needs, *some), size, where, values)  # type: ignore
        axes = (*_input_axes(call), *_output_axes(call, len(values) - count))
        rows = (*range(first), *range(count, len(values)))
        folded = [_fold(values[i], where[i], size, axis) for i, axis in zip(rows, axes, strict=True)]
        results = _Gradient.apply(  # type: ignore[no-untyped-call]
            _widened(call, size), needs, *folded[:first], *values[first:count], *folded[first:]
        )
        return _unfold(results, [axis for axis, need in zip(axes, needs, strict=False) if need], size)


def _loop_gradient(call: Call, needs: Sequence[bool], values: Tensors) -> Tensors:
    """What `_Gradient` returns, by the loop: differentiable in every way."""
    tensors, gradients = values[: len(needs)], values[len(needs) :]

    def run(*wanted: Tensor) -> Tensors:
        rest = iter(wanted)
        inputs = tuple([next(rest) if need else tensor for tensor, need in zip(tensors, needs, strict=True)])
        output, final = loop_forward(call, inputs)
        return output, *final

    pull: Any = torch.func.vjp(run, *[tensor for tensor, need in zip(tensors, needs, strict=True) if need])[1]
    return tuple(pull(tuple(gradients)))


def _input_axes(call: Call) -> tuple[int, ...]:
    """Where the rows are in x and the initial states."""
    return (0 if call.input_first or call.batch_sizes is not None else 1, *[int(call.lead)] * call.states)


def _output_axes(call: Call, count: int) -> tuple[int, ...]:
    """Where the rows are in the output and the final states, `count` tensors together."""
    return (0 if call.output_first or call.batch_sizes is not None else 1, *[int(call.lead)] * (count - 1))


def _widened(call: Call, size: int) -> Call:
    """The call with `size` rows for each, side by side; packed rows stay sorted by length so."""
    return replace(
        call,
        lengths=None if call.lengths is None else call.lengths.repeat_interleave(size),
        batch_sizes=None if call.batch_sizes is None else call.batch_sizes * size,
    )


def _fold(tensor: Tensor, place: int | None, size: int, axis: int) -> Tensor:
    """The vmapped axis, at `place`, into the rows at `axis`; copies where the tensor is the same for all."""
    if place is None:
        tensor = tensor.unsqueeze(axis + 1).expand((*tensor.shape[: axis + 1], size, *tensor.shape[axis + 1 :]))
    else:
        tensor = tensor.movedim(place, axis + 1)
    return tensor.flatten(axis, axis + 1)


def _unfold(tensors: Sequence[Tensor], axes: Sequence[int], size: int) -> tuple[Tensors, tuple[int, ...]]:
    """Take the rows apart again; the tensors and where the vmapped axis is in each."""
    apart = [
        t.reshape((*t.shape[:axis], t.shape[axis] // size, size, *t.shape[axis + 1 :]))
        for t, axis in zip(tensors, axes, strict=True)
    ]
    return tuple(apart), tuple([axis + 1 for axis in axes])


def _one_by_one(
    function: Callable[..., Tensors], size: int, where: Sequence[Any], values: Tensors
) -> tuple[Tensors, tuple[int, ...]]:
    """The function for each of the vmapped by itself, stacked."""
    parts = [
        function(*[v if place is None else v.select(place, i) for v, place in zip(values, where, strict=True)])
        for i in range(size)
    ]
    stacked = tuple([torch.stack(part) for part in zip(*parts, strict=True)])
    return stacked, (0,) * len(stacked)
