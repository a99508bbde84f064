"""A model's operations that remember: every state, product and gate of every step, for any model and cell.

A model is written once over `ops`; given these, its `forward` runs each recurrence as the plain loop over the cell's
trace and leaves behind what happened inside. Nothing of the model changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from throughtime.models.ops_torch import TorchOps
from throughtime.nn.reference import step
from throughtime.recurrence import Recurrence, Trace


@dataclass
class Run:
    """One recurrence over a sequence, as it was run.

    x: (T, B, I), further inputs beside it. initial: states (B, S_j) before the first step. states: per step, the states
    (B, S_j) in the trace's order. products: per step, matrix product's node -> (B, N). gates: per step, name -> (B, N).
    """

    trace: Trace
    sizes: dict[str, int]
    parameters: dict[str, Tensor]
    x: Tensor
    initial: tuple[Tensor, ...]
    states: list[tuple[Tensor, ...]] = field(default_factory=list)
    products: list[dict[int, Tensor]] = field(default_factory=list)
    operands: list[dict[int, Tensor]] = field(default_factory=list)
    gates: list[dict[str, Tensor]] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """T."""
        return len(self.states)

    def before(self, t: int) -> tuple[Tensor, ...]:
        """The states that step t began with."""
        return self.states[t - 1] if t else self.initial

    def gate(self, name: str) -> Tensor:
        """A gate at all steps, (T, B, N), without its derivative."""
        return torch.stack([each[name].detach().expand(self.x.shape[1], -1) for each in self.gates])

    def state(self, name: str) -> Tensor:
        """A state after all steps, (T, B, S_j), without its derivative."""
        place = list(self.trace.states).index(name)
        return torch.stack([each[place].detach() for each in self.states])


class WatchedOps(TorchOps):
    """The operations for torch, with every recurrence run step by step and kept in `runs`, in the order of the calls.

    looked: what `lookup` returned, (T, B, E), a leaf if `free`: what a derivative with respect to the input is taken
    of. replace: (T, B, E) in place of it, for attributions.
    """

    def __init__(self, free: bool = False, replace: Tensor | None = None) -> None:
        super().__init__(training=False)
        self.runs: list[Run] = []
        self.looked: list[Tensor] = []
        self._free, self._replace = free, replace

    def lookup(self, table: Tensor, tokens: Tensor) -> Tensor:
        found = self._replace if self._replace is not None else super().lookup(table, tokens)
        if self._free and not found.requires_grad:
            found = found.detach().requires_grad_()
        self.looked.append(found)
        return found

    def recurrence(
        self,
        layer: Recurrence,
        x: Tensor,
        initial: Sequence[Tensor] | None,
        parameters: Mapping[str, Tensor],
        lengths: Tensor | None = None,
        reverse: bool = False,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        if lengths is not None and bool((lengths < len(x)).any()):
            raise ValueError("a look inside takes rows of one length")
        if reverse:
            turned, last = self.recurrence(layer, x.flip(0), initial, parameters)
            return turned.flip(0), last
        rows, trace = x.shape[1], layer.trace
        if initial is None:
            initial = [x.new_zeros(rows, size) for size in layer.state_sizes]
        run = Run(trace, dict(layer.sizes), dict(parameters), x, tuple(initial))
        states, output = run.initial, list(trace.states).index(trace.output)
        matmuls = [(n, node.args[1]) for n, node in enumerate(trace.graph.nodes) if node.op == "matmul"]
        outputs = []
        for t in range(len(x)):
            values = step(trace, x[t], states, parameters)
            states = tuple(values[after].expand(rows, -1) for _, after in trace.states.values())
            states = tuple(_own(state) for state in states)
            run.states.append(states)
            run.products.append({n: values[n] for n, _ in matmuls})
            run.operands.append({n: values[operand] for n, operand in matmuls})
            run.gates.append({name: values[number] for name, number in trace.gates.items()})
            outputs.append(states[output])
        self.runs.append(run)
        return torch.stack(outputs), states

    def embedded(
        self,
        layer: Recurrence,
        tokens: Tensor,
        table: Tensor,
        initial: Sequence[Tensor] | None,
        parameters: Mapping[str, Tensor],
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        return self.recurrence(layer, self.lookup(table, tokens), initial, parameters)


def _own(state: Tensor) -> Tensor:
    """The state as a node of its own; one that only copies what was given becomes a leaf, so that it has a gradient."""
    if state.requires_grad or not torch.is_grad_enabled():
        return state.view_as(state)
    return state.detach().clone().requires_grad_()


def sequences(runs: Sequence[Run]) -> list[Run]:
    """The runs over more than one step: what a diagnosis of gradients through time is about."""
    return [run for run in runs if run.steps > 1]


def names(runs: Sequence[Run]) -> list[str]:
    """A name for each run: its layer, and its cell."""
    return [f"layer {i} ({run.trace.name})" for i, run in enumerate(runs)]
