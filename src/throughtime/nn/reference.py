"""The reference: a recurrence as a plain PyTorch loop over its trace.

Every fast path is tested against it, second derivatives are taken through it, and it runs wherever the engine
does not: any device, any floating dtype, under torch.compile, torch.func and forward-mode differentiation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, linear, softplus

from throughtime.recurrence import Trace
from throughtime.recurrence.evaluate import interpret


def _maximum(a: Tensor, b: Tensor) -> Tensor:
    """The larger value; NaN passes through; where equal the derivative goes to the first."""
    return torch.where((b > a) | b.isnan(), b, a)


def _minimum(a: Tensor, b: Tensor) -> Tensor:
    """The smaller value; NaN passes through; where equal the derivative goes to the first."""
    return torch.where((b < a) | b.isnan(), b, a)


OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "softplus": lambda a: softplus(a, threshold=40.0),  # log(1 + exp(a)) equals a in float64 from there on
    "neg": torch.neg,
    "normalize": lambda a: layer_norm(a, a.shape[-1:]),
    "mean": lambda a: a.mean(-1, keepdim=True).expand_as(a),
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "maximum": _maximum,
    "minimum": _minimum,
    "greater": lambda a, b: (a > b).to(a.dtype),
    "matmul": lambda matrix, operand: linear(operand, matrix),
}
"""What each operation of a step means, over tensors (B, size)."""


def step(trace: Trace, x: Tensor, states: Sequence[Tensor], parameters: Mapping[str, Tensor]) -> dict[int, Tensor]:
    """One step: x (B, I), further inputs beside it, states (B, S_j) in order.

    Returns node number -> value, for every node of the step.
    """

    def constant(value: float) -> Tensor:
        return torch.full((), value, dtype=x.dtype, device=x.device)

    return interpret(trace, parameters, x, states, OPERATIONS, constant)


def recurrence(
    trace: Trace,
    x: Tensor,
    initial: Sequence[Tensor] | None,
    parameters: Mapping[str, Tensor],
    lengths: Tensor | None = None,
    reverse: bool = False,
    every: bool = False,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run a recurrence over whole sequences, step by step.

    x: (T, B, I), any floating dtype and device. initial: states (B, S_j) in the trace's order; None is zeros.
    parameters: name -> tensor of the trace's shape. lengths: (B,) integers with 0 <= length <= T, or None for T;
    what lies behind a row's length is not read. reverse: each row from its own end to its start. every: the output is
    all states side by side.

    Returns the output (T, B, S), zero behind each row's length, and the final states (B, S_j); a row of length 0
    ends in its initial state. Differentiable any number of times.
    """
    steps, batch = x.shape[0], x.shape[1]
    if initial is None:
        initial = _zeros(trace, x, parameters)
    states = tuple(initial)
    which = list(trace.states).index(trace.output)

    def shown(states: Sequence[Tensor]) -> Tensor:
        return torch.cat(tuple(states), -1) if every else states[which]

    valid = None
    if lengths is not None:
        ends = lengths.to(x.device)
        valid = (torch.arange(steps, device=x.device)[:, None] < ends)[:, :, None]
        x = torch.where(valid, x, 0.0)  # a NaN in the padding would reach the weights' gradients
    outputs: list[Tensor] = [shown(states)[:0]] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        values = step(trace, x[t], states, parameters)
        new = tuple(values[after].expand(batch, -1) for _, after in trace.states.values())
        if valid is None:
            outputs[t] = shown(new)
        else:
            outputs[t] = torch.where(valid[t], shown(new), 0.0)
            new = tuple(torch.where(valid[t], after, before) for after, before in zip(new, states, strict=True))
        states = new
    if not outputs:
        return x.new_zeros((0, *shown(states).shape)), states
    return torch.stack(outputs), states


def _zeros(trace: Trace, x: Tensor, parameters: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """States of zeros, their sizes read off the parameters (and the input, for a state of size I)."""
    sizes = trace.sizes_of(parameters, width=x.shape[2])
    missing = [size for size in trace.state_sizes.values() if size not in sizes]
    if missing:
        raise ValueError(f"{trace.name}: no parameter tells the size {missing[0]}, give the initial states")
    return tuple(x.new_zeros((x.shape[1], sizes[size])) for size in trace.state_sizes.values())
