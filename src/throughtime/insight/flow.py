"""How a loss's gradient flows back through time: by time, by lag, and the share of each lag.

With L the loss, s_t the state after step t (h_t, c_t, ...) and W a matrix of the cell, used at every step:

    by time   |dL/ds_t|                     L: the loss of all steps
    by lag    |dL_T/ds_(T-k)|               L_T: the loss of the last step alone, k = 0 ... T-1
    share     |dL_T/dW at step T-k| / sum over k of the same

dL/dW is a sum over steps, one term for each use of W; the share of a lag is the size of its term. All norms are of one
sequence, then averaged over the batch.

Source: Pascanu et al. 2013, arXiv:1211.5063, eq. 3-5: the terms are the temporal contributions dE_t/dtheta.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from throughtime.errors import UserError
from throughtime.insight.watch import Run, WatchedOps, sequences

Losses = Callable[[WatchedOps], Tensor]
"""Runs a model and returns its losses: (T, B), one of each step and row, or (B,), of each row at its end."""


@dataclass(frozen=True)
class Flow:
    """The gradient of one layer through time; T steps.

    by_time, by_lag: state -> (T,) mean norms, see above; by_lag[k] belongs to the state k steps before the end. share:
    (T,) by lag, adds up to 1, or zeros where no gradient arrives at all or none that is a finite number.
    """

    by_time: dict[str, np.ndarray]
    by_lag: dict[str, np.ndarray]
    share: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """The norm by lag over all states together, (T,)."""
        found: np.ndarray = np.sqrt(np.sum(np.square(list(self.by_lag.values())), axis=0))
        return found

    def horizon(self, part: float = 0.95) -> int:
        """The least number of steps back by which this part of the gradient has come: 1 if the last step gives it."""
        if not self.share.any():
            return 0
        return int(np.searchsorted(np.cumsum(self.share), part * self.share.sum()) + 1)

    @property
    def factor(self) -> float:
        """By what the gradient is multiplied for each step back: the geometric mean over the first 32 lags.

        A state that a loss does not reach at all (0 at every lag) gives 0.
        """
        norms = self.total[:33]
        peak = float(norms.max())
        if peak == 0.0 or not np.isfinite(peak):
            return 0.0 if peak == 0.0 else float("inf")
        norms = np.maximum(norms, _FLOOR * peak)
        return float((norms[-1] / norms[0]) ** (1 / (len(norms) - 1))) if norms[0] > _FLOOR * peak else 1.0


_FLOOR = 1e-30
"""Relative to the largest norm, what is below counts as this."""


def flow(losses: Losses, ops: WatchedOps | None = None) -> tuple[list[Flow], list[Run], Tensor]:
    """The flow of each recurrence of a model that runs over more than one step, bottom first.

    losses: runs the model over watched operations. Returns the flows, the runs they belong to, and the losses. Raises
    UserError where the model has no recurrence, or one over fewer than two steps only.
    """
    ops = ops or WatchedOps()
    found = losses(ops)
    if not ops.runs:
        raise UserError("diagnose: the model has no recurrence, there is no gradient through time to look at")
    runs = sequences(ops.runs)
    if not runs:
        raise UserError("diagnose: expected a batch of at least two steps, got one; give longer sequences")
    per_step = found.dim() == 2
    last = found[-1] if per_step else found
    end = _gradients(last.sum(), runs, products=True)
    all_steps = _gradients(found.sum(), runs, products=False) if per_step else end
    flows = []
    for run, at_end, at_all in zip(runs, end, all_steps, strict=True):
        rows = run.x.shape[1]  # the rows of a lower recurrence may be sentences, those of the losses whole texts
        weight = 1.0 / (len(found) if per_step else 1)
        by_time = {name: _norms(at_all.states[j], rows) * weight for j, name in enumerate(run.trace.states)}
        by_lag = {name: _norms(at_end.states[j], rows)[::-1].copy() for j, name in enumerate(run.trace.states)}
        size = _contributions(run, at_end, rows)[::-1].copy()
        total = size.sum()
        share = size / total if 0 < total < np.inf else np.zeros_like(size)
        flows.append(Flow(by_time, by_lag, share))
    return flows, runs, found.detach()


@dataclass(frozen=True)
class _Gradients:
    """Of one run: states[j], (T, B, S_j); products[node], (T, B, N)."""

    states: list[Tensor]
    products: dict[int, Tensor]


def _gradients(loss: Tensor, runs: Sequence[Run], products: bool) -> list[_Gradients]:
    wanted: list[Tensor] = []
    for run in runs:
        for t in range(run.steps):
            wanted += run.states[t]
            if products:
                wanted += run.products[t].values()
    # a product of the input with a matrix that is not learned has none
    leaves = [value for value in wanted if value.requires_grad]
    known = torch.autograd.grad(loss, leaves, allow_unused=True, retain_graph=True) if loss.requires_grad else ()
    by_value = {id(value): gradient for value, gradient in zip(leaves, known or [None] * len(leaves), strict=True)}
    given = iter([by_value.get(id(value)) for value in wanted])
    found = []
    for run in runs:
        states: list[list[Tensor]] = [[] for _ in run.trace.states]
        nodes: dict[int, list[Tensor]] = {}
        for t in range(run.steps):
            for j, state in enumerate(run.states[t]):
                states[j].append(_or_zeros(next(given), state))
            if products:
                for number, value in run.products[t].items():
                    nodes.setdefault(number, []).append(_or_zeros(next(given), value))
        stacked = [torch.stack(each) for each in states]
        found.append(_Gradients(stacked, {number: torch.stack(each) for number, each in nodes.items()}))
    return found


def _or_zeros(gradient: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if gradient is None else gradient


def _norms(values: Tensor, rows: int) -> np.ndarray:
    """(T, B, N) to the norm of each row, averaged over the rows: (T,) float64. Overflow-safe: in float64."""
    found: np.ndarray = values.double().norm(dim=-1).mean(-1).numpy()
    return found


def _contributions(run: Run, gradients: _Gradients, rows: int) -> np.ndarray:
    """(T,) the norm of each step's term of the gradient of all matrices, of one row, averaged over rows.

    A matrix's term in a row is the sum over its uses of (gradient of the product) x (operand); its squared norm needs
    inner products only.
    """
    uses: dict[str, list[int]] = {}
    for number in gradients.products:
        matrix = run.trace.graph[run.trace.graph[number].args[0]].name
        uses.setdefault(str(matrix), []).append(number)
    operands = {
        number: torch.stack([each[number].detach().expand(rows, -1) for each in run.operands]).double()
        for number in gradients.products
    }
    products = {number: value.expand(-1, rows, -1).double() for number, value in gradients.products.items()}
    total = torch.zeros(run.steps, rows, dtype=torch.float64)
    for numbers in uses.values():
        for a in numbers:
            for b in numbers:
                total += (products[a] * products[b]).sum(-1) * (operands[a] * operands[b]).sum(-1)
    found: np.ndarray = total.clamp(min=0).sqrt().mean(-1).numpy()
    return found
