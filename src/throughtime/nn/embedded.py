"""A recurrence right behind an embedding: the products with the input are made once per symbol, not once per step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as torch_functional

from throughtime import engine
from throughtime.nn.call import Layer
from throughtime.nn.choice import engine_covers
from throughtime.nn.functional import as_layer, recurrence
from throughtime.nn.passes import differentiate
from throughtime.recurrence import Recurrence


def embedded_recurrence(
    layer: Layer | Recurrence, ids: Tensor, table: Tensor, initial: Sequence[Tensor] | None, arrays: Sequence[Tensor]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """`recurrence` with x = table[ids], bit for bit the same output.

    ids: (T, B) int64. table: (V, I). initial: states (B, S_j), None for zeros. arrays: the layer's parameter arrays.
    The engine folds table and input weights into one table of gate values where the vocabulary is smaller than the
    batch and the cell allows it. Differentiable as `recurrence` is. IndexError where an id is not in the table.
    """
    layer, states = as_layer(layer), tuple(initial or ())
    tensors = (table, *states, *arrays)
    if ids.numel() >= 2 * table.shape[0] and layer.sources is None and ids.is_cpu and engine_covers(tensors):
        program = layer.program(table.dtype, lookup=True)
        if program.takes_ids:
            output, *final = _Embedded.apply(  # type: ignore[no-untyped-call]
                layer, program, ids, len(states), *tensors
            )
            return output, tuple(final)
    return recurrence(layer, torch_functional.embedding(ids, table), initial, arrays)


class _Embedded(torch.autograd.Function):
    """(layer, program, ids, number of states, table, *initial, *arrays) -> (output, *final)."""

    @staticmethod
    def forward(ctx: Any, layer: Layer, program: engine.Program, ids: Tensor, states: int, *tensors: Tensor) -> Any:
        values = [tensor.detach().contiguous().numpy() for tensor in tensors]
        training = any(ctx.needs_input_grad)
        try:
            output, final, tape = program.forward_ids(
                ids.numpy(),
                values[0],
                values[1 : 1 + states] or None,
                values[1 + states :],
                training=training,
                threads=torch.get_num_threads(),
            )
        except ValueError as error:
            raise (IndexError(str(error)) if "not in the table" in str(error) else error) from None
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(ids, *tensors)
        ctx.layer, ctx.program, ctx.states, ctx.tape = layer, program, states, tape
        return (torch.from_numpy(output), *map(torch.from_numpy, final))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        ids, *tensors = ctx.saved_tensors
        needs = ctx.needs_input_grad[4:]
        none: tuple[Tensor | None, ...] = (None, None, None, None)
        given = [gradient for gradient in gradients if gradient is not None]
        if not given:
            return (*none, *(None for _ in needs))
        if torch.is_grad_enabled() or not engine_covers(given):
            return (*none, *_again(ctx.layer, ids, ctx.states, tensors, needs, gradients))
        first, tape = 1 + ctx.states, ctx.tape
        if not torch._C._autograd._get_current_graph_task_keep_graph():  # type: ignore[attr-defined]
            ctx.tape = None  # its memory serves the next forward pass, also while the loss is still referred to
        d_output, *d_final = [None if d is None else d.contiguous().numpy() for d in gradients]
        d_table, d_initial, d_arrays = ctx.program.backward(
            tape,
            tensors[0].detach().contiguous().numpy(),
            [tensor.detach().contiguous().numpy() for tensor in tensors[first:]],
            d_output,
            d_final,
            needs_x=needs[0],
            needs_arrays=needs[first:],
            threads=torch.get_num_threads(),
        )
        found = [d_table, *d_initial[: ctx.states], *d_arrays]
        return (
            *none,
            *(torch.from_numpy(d) if need and d is not None else None for d, need in zip(found, needs, strict=True)),
        )


def _again(
    layer: Layer, ids: Tensor, states: int, tensors: Sequence[Tensor], needs: Sequence[bool], gradients: Any
) -> list[Tensor | None]:
    """The gradients by way of the unfolded recurrence, which can be differentiated again."""

    def run(leaves: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        x = torch_functional.embedding(ids, leaves[0])
        return recurrence(layer, x, leaves[1 : 1 + states] or None, leaves[1 + states :])

    return differentiate(run, tensors, needs, gradients)
