"""A recurrence over PyTorch tensors, differentiable: the engine where it can, the reference loop elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from throughtime import engine
from throughtime.nn import reference
from throughtime.nn.choice import engine_covers, engine_dtype
from throughtime.recurrence import Trace

Sources = Mapping[str, tuple[tuple[int, int], ...]]


@dataclass(frozen=True, eq=False)
class Recurrence:
    """A traced cell with its sizes and the place of its parameters; compiled once per dtype.

    sources: parameter name -> ((array, first row), ...) as `engine.compile` takes it; None: one array per
    parameter, in the trace's order.
    """

    trace: Trace
    sizes: dict[str, int]
    sources: Sources | None = None
    programs: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "programs": {}}  # a program is compiled again where it is needed

    def program(self, dtype: torch.dtype) -> Any:
        """The compiled program for float32 or float64."""
        program = self.programs.get(dtype)
        if program is None:
            program = engine.compile(self.trace, self.sizes, engine_dtype(dtype), self.sources)
            self.programs[dtype] = program
        return program

    def lookup_program(self, dtype: torch.dtype) -> Any:
        """The same for ids into a table in place of x."""
        program = self.programs.get((dtype, "lookup"))
        if program is None:
            program = engine.compile(self.trace, self.sizes, engine_dtype(dtype), self.sources, lookup=True)
            self.programs[(dtype, "lookup")] = program
        return program

    def parameters(self, arrays: Sequence[Tensor]) -> dict[str, Tensor]:
        """The cell's parameters by name, cut out of the arrays, differentiably."""
        if self.sources is None:
            return dict(zip(self.trace.parameters, arrays, strict=True))
        values = {}
        for name, shape in self.trace.shapes(self.sizes).items():
            parts = [arrays[array][first : first + shape[0]] for array, first in self.sources.get(name, ())]
            values[name] = sum(parts[1:], start=parts[0]) if parts else arrays[0].new_zeros(shape)
        return values


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """Everything of one run that is no tensor to differentiate.

    states: how many initial states are given, 0 or all. lengths: (B,) or None. batch_sizes: of packed data, or None.
    input_first, output_first: the batch axis comes first in the input, in the output.
    lead: initial and final states are (1, B, S_j) instead of (B, S_j), as torch.nn's are for one layer.
    """

    layer: Recurrence
    states: int
    lengths: Tensor | None = None
    batch_sizes: Tensor | None = None
    reverse: bool = False
    input_first: bool = False
    output_first: bool = False
    lead: bool = False


def recurrence(
    program: Any,
    x: Tensor,
    initial: Sequence[Tensor] | None,
    arrays: Sequence[Tensor],
    lengths: Tensor | Sequence[int] | None = None,
    reverse: bool = False,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run a compiled program over whole sequences.

    program: from `throughtime.engine.compile`, or a Recurrence. x: (T, B, I). initial: states (B, S_j) in the cell's
    order, None for zeros. arrays: the program's parameter arrays. lengths: (B,), 0 <= length <= T, in any order;
    padding is not read and its output is zero. reverse: each row from its own end to its start.

    Returns the output (T, B, S) and the final states (B, S_j), each at its row's true end. Differentiable with
    respect to x, initial and arrays, also twice. ValueError where a shape does not fit.
    """
    layer = program
    if not isinstance(layer, Recurrence):
        layer = Recurrence(program.trace, program.sizes, getattr(program, "sources", None))
        name = {"float32": torch.float32, "float64": torch.float64}[np.dtype(program.dtype).name]
        layer.programs[name] = program
    states = tuple(initial or ())
    if lengths is not None:
        lengths = torch.as_tensor(lengths)
    return run(Call(layer, len(states), lengths, None, reverse), (x, *states, *arrays))


def run(call: Call, tensors: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run a call on (x, *initial, *arrays); the output and the final states, shaped as the call says."""
    if engine_covers(tensors):
        return run_engine(call, tensors)
    return _run_reference(call, tensors)


def run_engine(call: Call, tensors: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """As `run`, for tensors that `engine_covers`.

    x: (T, B, I), (B, T, I) if call.input_first, (N, I) if packed; the output likewise.
    """
    if torch.is_grad_enabled() and _differentiable(tensors):
        output, *final = _Engine.apply(call, *tensors)  # type: ignore[no-untyped-call]
        return output, tuple(final)
    results, _ = _forward(call, tensors, training=False)
    return results[0], results[1:]


def _differentiable(tensors: tuple[Tensor, ...]) -> bool:
    return any(tensor.requires_grad for tensor in tensors)


def _run_reference(call: Call, tensors: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    x, states = tensors[0], tensors[1 : 1 + call.states]
    ends: Any = call.lengths
    parameters = call.layer.parameters(tensors[1 + call.states :])
    if call.batch_sizes is not None:
        x, ends = pad_packed_sequence(PackedSequence(x, call.batch_sizes))
    elif call.input_first:
        x = x.transpose(0, 1)
    initial = [state[0] for state in states] if call.lead else states
    output, final = reference.recurrence(call.layer.trace, x, initial or None, parameters, ends, call.reverse)
    if call.batch_sizes is not None:
        output = pack_padded_sequence(output, ends).data
    elif call.output_first:
        output = output.transpose(0, 1)
    return output, tuple(state[None] for state in final) if call.lead else final


def _numpy(tensor: Tensor) -> np.ndarray:
    """The tensor's memory as an array with a contiguous last axis; copied only where it is not."""
    if tensor.stride(-1) != 1:
        tensor = tensor.contiguous()
    return tensor.numpy(force=True)


def _whole(tensor: Tensor) -> np.ndarray:
    """The tensor as a C-contiguous array; copied only where it is not."""
    return (tensor if tensor.is_contiguous() else tensor.contiguous()).numpy(force=True)


def _input(call: Call, x: Tensor) -> np.ndarray:
    array = _numpy(x)
    return array.swapaxes(0, 1) if call.input_first else array


def _state(call: Call, tensor: Tensor) -> np.ndarray:
    """One state, or its gradient, as (B, S_j)."""
    array = _whole(tensor)
    return array[0] if call.lead else array


def _forward(call: Call, tensors: tuple[Tensor, ...], training: bool) -> tuple[tuple[Tensor, ...], Any]:
    """Run the engine; (output, *final) and the tape, which is None unless training."""
    x = tensors[0]
    program = call.layer.program(x.dtype)
    first = 1 + call.states
    data = _input(call, x)
    arrays = tuple([_whole(tensor) for tensor in tensors[first:]])
    initial = tuple([_state(call, tensor) for tensor in tensors[1:first]]) or None
    threads = torch.get_num_threads()
    if call.batch_sizes is not None:
        output, final, tape = program.forward_packed(
            data, call.batch_sizes.numpy(), initial, arrays, reverse=call.reverse, training=training, threads=threads
        )
    else:
        output, final, tape = program.forward(
            data,
            initial,
            arrays,
            lengths=None if call.lengths is None else call.lengths.numpy(force=True),
            reverse=call.reverse,
            training=training,
            threads=threads,
            batch_first=call.output_first,
        )
        if call.output_first:
            output = output.swapaxes(0, 1)
    if call.lead:
        final = [state[None] for state in final]
    return (torch.from_numpy(output), *map(torch.from_numpy, final)), tape


class _Engine(torch.autograd.Function):
    """One run of the engine as a node of PyTorch's graph: (call, x, *initial, *arrays) -> (output, *final)."""

    @staticmethod
    def forward(ctx: Any, call: Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        results, tape = _forward(call, tensors, training=True)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors)
        ctx.call, ctx.tape = call, tape
        return results

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        tensors = ctx.saved_tensors
        needs = ctx.needs_input_grad[1:]
        given = [gradient for gradient in gradients if gradient is not None]
        if not given:
            return (None,) * (1 + len(needs))
        if torch.is_grad_enabled() or not engine_covers(given):
            return (None, *_through_reference(ctx.call, tensors, needs, gradients))
        call, tape = ctx.call, ctx.tape
        if not torch._C._autograd._get_current_graph_task_keep_graph():  # type: ignore[attr-defined]
            ctx.tape = None  # its memory serves the next forward pass, also while the loss is still referred to
        return (None, *_backward(call, tape, tensors, needs, gradients))


def _backward(
    call: Call, tape: Any, tensors: tuple[Tensor, ...], needs: tuple[bool, ...], gradients: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    """The engine's gradients with respect to (x, *initial, *arrays), None where not needed."""
    x, first = tensors[0], 1 + call.states
    d_output = None if gradients[0] is None else _numpy(gradients[0])
    if d_output is not None and call.output_first:
        d_output = d_output.swapaxes(0, 1)
    d_final: tuple[np.ndarray | None, ...] | None = None
    if any(gradient is not None for gradient in gradients[1:]):
        d_final = tuple([None if gradient is None else _state(call, gradient) for gradient in gradients[1:]])
    d_x, d_initial, d_arrays = call.layer.program(x.dtype).backward(
        tape,
        _input(call, x),
        tuple([_whole(tensor) for tensor in tensors[first:]]),
        d_output,
        d_final,
        needs_x=needs[0],
        needs_arrays=needs[first:],
        threads=torch.get_num_threads(),
    )
    results: list[Tensor | None] = [None] * len(tensors)
    if needs[0]:
        results[0] = torch.from_numpy(d_x.swapaxes(0, 1) if call.input_first else d_x)
    for i in range(call.states):
        if needs[1 + i]:
            results[1 + i] = torch.from_numpy(d_initial[i][None] if call.lead else d_initial[i])
    for i, d_array in enumerate(d_arrays):
        if needs[first + i]:
            results[first + i] = torch.from_numpy(d_array)
    return results


def _through_reference(
    call: Call, tensors: tuple[Tensor, ...], needs: tuple[bool, ...], gradients: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    """The same gradients by differentiating the reference, so that they can be differentiated again.

    Views stand between the caller's tensors and the loop: an initial state made from x must not carry its share of
    the gradient to x here, the caller's graph does that.
    """
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        leaves = tuple(tensor.view_as(tensor) for tensor in tensors)
        output, final = _run_reference(call, leaves)
        pairs = [
            (value, d)
            for value, d in zip((output, *final), gradients, strict=True)
            if d is not None and value.requires_grad
        ]
        if not pairs:
            return [None] * len(tensors)
        found = iter(
            torch.autograd.grad(
                [value for value, _ in pairs],
                [leaf for leaf, need in zip(leaves, needs, strict=True) if need],
                [d for _, d in pairs],
                create_graph=again,
                allow_unused=True,
            )
        )
    return [next(found) if need else None for need in needs]
