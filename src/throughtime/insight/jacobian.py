"""The Jacobian of a recurrence's step, J_t = ds_t / ds_(t-1) with all states side by side, and of products of steps.

    P_k = J_T J_(T-1) ... J_(T-k+1) = ds_T / ds_(T-k)

Its largest singular value is the most that a change of the state can grow over k steps, its smallest the least. Where
the state is small J is formed, by vector-Jacobian products with the unit vectors, and so are the products, in float64.
Where it is large nothing is formed: Golub-Kahan-Lanczos bidiagonalisation asks for products with J and its transpose
only; the largest value has then converged, the smallest is an upper bound.

Sources: Pascanu et al. 2013, arXiv:1211.5063, eq. 5; bidiagonalisation: Golub and Kahan 1965, doi:10.1137/0702016.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from throughtime.insight.watch import Run
from throughtime.nn.reference import step

FORMED = 512
"""The largest state, all its parts together, whose Jacobian is formed."""

STEPS = 32
"""The most steps of a product; half as many where the state is larger than 256."""

_ITERATIONS = 24


@dataclass(frozen=True)
class Singular:
    """The largest and smallest singular value over so many steps; exact: whether the smallest is no mere upper bound.

    A smallest value under 1e-15 times the largest is below what float64 can tell from 0.
    """

    steps: int
    largest: float
    smallest: float
    exact: bool = True


def step_jacobians(run: Run, row: int, first: int, count: int) -> Tensor:
    """J of `count` steps from step `first` on, in one row of the batch: (count, S, S), S the states side by side."""
    part = slice(first, first + count)
    x = run.x[part, row].detach()
    before = [
        torch.stack([run.before(t)[j][row].detach() for t in range(first, first + count)]).requires_grad_()
        for j in range(len(run.trace.states))
    ]
    with torch.enable_grad():
        after = _after(run, x, before)
    size = after.shape[1]
    unit = torch.eye(size, dtype=after.dtype)
    rows = []
    chunk = max(1, _VALUES // (count * size))
    for begin in range(0, size, chunk):
        cotangents = unit[begin : begin + chunk, None, :].expand(-1, count, -1)
        found = torch.autograd.grad(
            after, before, cotangents, retain_graph=True, is_grads_batched=True, allow_unused=True
        )
        parts = [
            torch.zeros(len(cotangents), *state.shape, dtype=after.dtype) if part is None else part
            for part, state in zip(found, before, strict=True)
        ]
        rows.append(torch.cat(parts, -1))
    return torch.cat(rows).transpose(0, 1)


_VALUES = 1 << 22
"""Values of one tensor while Jacobians are formed."""


def _after(run: Run, x: Tensor, states: Sequence[Tensor]) -> Tensor:
    """The new states side by side, (N, S), of N independent steps."""
    parameters = {name: value.detach() for name, value in run.parameters.items()}
    values = step(run.trace, x, states, parameters)
    return torch.cat([values[after].expand(len(x), -1) for _, after in run.trace.states.values()], -1)


def singular_values(run: Run, row: int = 0, steps: int = STEPS) -> list[Singular]:
    """Of the last step, and of products over 2, 4, 8, ... steps up to its end, as many as there are and `steps` allow.

    run: over at least one step. row: of the batch.
    """
    size = sum(state.shape[-1] for state in run.initial)
    most = min(steps if size <= FORMED // 2 else max(1, steps // 2), run.steps)
    lags = sorted({1, most} | {1 << i for i in range(1, 20) if 1 << i <= most})
    if size > FORMED:
        return [_bounds(run, row, lag) for lag in lags]
    jacobians = step_jacobians(run, row, run.steps - most, most).double()
    product, found = torch.eye(size, dtype=torch.float64), []
    for k in range(1, most + 1):
        product = product @ jacobians[most - k]
        if k in lags:
            found.append(_of(product, k))
    return found


def _of(matrix: Tensor, steps: int) -> Singular:
    if not bool(torch.isfinite(matrix).all()):
        return Singular(steps, float("inf"), 0.0)
    values = torch.linalg.svdvals(matrix)
    return Singular(steps, float(values[0]), float(values[-1]))


def _bounds(run: Run, row: int, steps: int) -> Singular:
    """By products with vectors only."""
    forward, transposed, size = products(run, row, steps)
    largest, smallest = bidiagonal(forward, transposed, size, run.x.dtype)
    return Singular(steps, largest, smallest, exact=False)


Product = Callable[[Tensor], Tensor]


def products(run: Run, row: int, steps: int) -> tuple[Product, Product, int]:
    """v -> P v and u -> P^T u for the last `steps` steps in a row, vectors (S,); and S.

    P^T u is a vector-Jacobian product; it is linear in u, and its own derivative in u gives P v.
    """
    first = run.steps - steps
    states = [state[row : row + 1].detach().requires_grad_() for state in run.before(first)]
    widths = [state.shape[-1] for state in states]
    parameters = {name: value.detach() for name, value in run.parameters.items()}
    now: Sequence[Tensor] = states
    with torch.enable_grad():
        for t in range(first, run.steps):
            values = step(run.trace, run.x[t, row : row + 1].detach(), now, parameters)
            now = [values[after].expand(1, -1) for _, after in run.trace.states.values()]
        after = torch.cat(list(now), -1)[0]
        dummy = torch.zeros_like(after, requires_grad=True)
        pulled = _pull(after, states, dummy, create=True)

    def transposed(u: Tensor) -> Tensor:
        return _pull(after, states, u, create=False)

    def forward(v: Tensor) -> Tensor:
        (found,) = torch.autograd.grad(pulled, dummy, v, retain_graph=True, allow_unused=True)
        return torch.zeros_like(after) if found is None else found

    return forward, transposed, sum(widths)


def _pull(after: Tensor, states: Sequence[Tensor], u: Tensor, create: bool) -> Tensor:
    found = torch.autograd.grad(after, states, u, retain_graph=True, create_graph=create, allow_unused=True)
    parts = [torch.zeros_like(s) if part is None else part for part, s in zip(found, states, strict=True)]
    joined = torch.cat(parts, -1)[0]
    return joined + 0.0 * u.sum() if create and not joined.requires_grad else joined


def bidiagonal(
    forward: Product, transposed: Product, size: int, dtype: torch.dtype, most: int = _ITERATIONS
) -> tuple[float, float]:
    """The largest and smallest singular value that Golub-Kahan-Lanczos finds within so many iterations, with full
    reorthogonalisation. The largest is a lower bound that converges fast; the smallest is an upper bound."""
    v = torch.randn(size, generator=torch.Generator().manual_seed(0)).to(dtype)
    v = v / v.norm()
    right: list[Tensor] = [v]
    left: list[Tensor] = []
    alphas: list[float] = []
    betas: list[float] = []
    for _ in range(min(most, size)):
        u = forward(right[-1])
        u = _orthogonal(u, left)
        alpha = float(u.norm())
        if not np.isfinite(alpha):
            return float("inf"), 0.0
        alphas.append(alpha)
        if alpha <= 1e-30:
            break
        left.append(u / alpha)
        w = _orthogonal(transposed(left[-1]), right)
        beta = float(w.norm())
        if beta <= 1e-12 * max(alphas):
            break
        betas.append(beta)
        right.append(w / beta)
    small = np.diag(alphas) + np.diag(betas[: len(alphas) - 1], 1)
    values = np.linalg.svd(small, compute_uv=False)
    return float(values[0]), float(values[-1])


def _orthogonal(value: Tensor, basis: Sequence[Tensor]) -> Tensor:
    for _ in range(2):
        for each in basis:
            value = value - (value @ each) * each
    return value
