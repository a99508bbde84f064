"""A recurrence over PyTorch tensors, differentiable: the engine where it can, the reference loop elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from throughtime import engine
from throughtime.nn.call import Call, Layer
from throughtime.nn.choice import Path, choose, engine_covers, lower_dtype
from throughtime.nn.compiled import run_operator
from throughtime.nn.passes import engine_backward, engine_forward, loop_backward, loop_forward
from throughtime.nn.resets import check_resets, run_with_resets
from throughtime.nn.transforms import run_transformed
from throughtime.recurrence import Recurrence

Result = tuple[Tensor, tuple[Tensor, ...]]


def recurrence(
    layer: Layer | Recurrence | engine.Program,
    x: Tensor,
    initial: Sequence[Tensor] | None,
    arrays: Sequence[Tensor],
    lengths: Tensor | Sequence[int] | None = None,
    reverse: bool = False,
    resets: Tensor | None = None,
    restart: Sequence[Tensor] | None = None,
) -> Result:
    """Run a recurrence over whole sequences.

    layer: what to run; of a program that `throughtime.engine.compile` has made, with its sources and what it shows.
    x: (T, B, I). initial: states (B, S_j) in the cell's order, None for zeros. arrays: the parameter arrays. lengths:
    (B,), 0 <= length <= T, in any order; padding is not read and its output is zero. reverse: each row from its own end
    to its start. resets: (T, B) bool: before a flagged step a row's state becomes `restart`, (S_j,) each, None for
    zeros.

    Returns the output (T, B, S) and the final states (B, S_j), each at its row's true end. Differentiable with
    respect to x, initial and arrays, also twice. Under torch.autocast the output has autocast's dtype and the states
    float32. ValueError where a shape does not fit.
    """
    layer = as_layer(layer)
    states = tuple(initial or ())
    if lengths is not None:
        lengths = torch.as_tensor(lengths)
    call = Call(layer, len(states), lengths, None, reverse)
    if resets is None:
        return run(call, (x, *states, *arrays))
    steps, batch = x.shape[:2]
    mask = check_resets(layer.trace.name, resets, (steps, batch), f"(T={steps}, B={batch})")
    return run_with_resets(run, call, x, states, restart or (), arrays, mask)


def as_layer(layer: Layer | Recurrence | engine.Program) -> Layer:
    """What is run, with everything that decides about its shapes."""
    if isinstance(layer, engine.Program):
        return Layer(layer.recurrence, layer.sources, layer.every)
    return Layer(layer) if isinstance(layer, Recurrence) else layer


def run(call: Call, tensors: tuple[Tensor, ...]) -> Result:
    """Run a call on (x, *initial, *arrays); the output and the final states, shaped as the call says."""
    return run_by(choose(tensors, call.lengths), call, tensors)


def run_by(path: Path, call: Call, tensors: tuple[Tensor, ...]) -> Result:
    """`run` by the path that `choose` chose for these tensors."""
    if path is Path.ENGINE:
        return run_engine(call, tensors)
    if path is Path.OPERATOR:
        return run_operator(call, tensors)
    if path is Path.TRANSFORM:
        return run_transformed(call, tensors)
    if path is Path.LOWER:
        return run_lower(call, tensors)
    return loop_forward(call, tensors)


def run_engine(call: Call, tensors: tuple[Tensor, ...]) -> Result:
    """As `run`, for tensors that `engine_covers`.

    x: (T, B, I), (B, T, I) if call.input_first, (N, I) if packed, a table if call.ids; the output likewise.
    """
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        output, *final = _Engine.apply(call, *tensors)  # type: ignore[no-untyped-call]
        return output, tuple(final)
    results, _ = engine_forward(call, tensors, training=False)
    return results[0], results[1:]


def run_lower(call: Call, tensors: tuple[Tensor, ...]) -> Result:
    """As `run`, under autocast: computed in float32; the output in autocast's dtype, the states in float32."""
    with torch.autocast("cpu", enabled=False):
        output, final = run(call, tuple([tensor.float() for tensor in tensors]))
    return output.to(lower_dtype()), final


class _Engine(torch.autograd.Function):
    """One run of the engine as a node of PyTorch's graph: (call, x, *initial, *arrays) -> (output, *final)."""

    @staticmethod
    def forward(ctx: Any, call: Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        results, tape = engine_forward(call, tensors, training=True)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, call.ids)
        ctx.call, ctx.tape = call, tape
        return results

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        tensors, needs = ctx.saved_tensors[:-1], ctx.needs_input_grad[1:]
        known = [gradient for gradient in gradients if gradient is not None]
        if not known:
            return (None,) * (1 + len(needs))
        if torch.is_grad_enabled() or not engine_covers(known):
            return (None, *loop_backward(ctx.call, tensors, needs, gradients))
        call, tape = ctx.call, ctx.tape
        if not torch._C._autograd._get_current_graph_task_keep_graph():  # type: ignore[attr-defined]
            ctx.tape = None  # its memory serves the next forward pass, also while the loss is still referred to
        return (None, *engine_backward(call, tape, tensors, needs, gradients))
