"""The cross-entropy of an output layer over many classes, without ever holding all its logits.

Rows are taken in chunks: logits, probabilities and all gradients of a chunk are made while it lies in the cache, so
that nothing of size rows x classes is kept. Where the machine multiplies bfloat16 in hardware, products take their
factors in it. Over very many classes a step can look at some of them alone: the targets of the batch and others drawn
evenly, each weighted by the inverse of its chance to be among them, which keeps the estimate of the denominator
unbiased (Jean et al. 2015, arXiv:1412.2007, section 3; Horvitz and Thompson 1952,
doi:10.1080/01621459.1952.10483446).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch

_CHUNK = 3 << 20
"""Logits of a chunk: about what a core's second-level cache holds in bfloat16."""


_SMALLEST = 1e-30
"""The least probability of a target."""


@cache
def fast_bfloat16() -> bool:
    """Whether this machine multiplies matrices of bfloat16 much faster than those of float32 (AMX)."""
    probe = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(probe and probe())


@dataclass(frozen=True)
class Candidates:
    """Some of the classes. ids: (C,) int64, ascending, every target among them. weight: (C,) float32, minus the
    logarithm of the chance of each to be here if it is not a row's own target."""

    ids: torch.Tensor
    weight: torch.Tensor


class Sampler:
    """Draws candidates for batches of targets.

    counts: (V,) how often each class occurs in what is learned. drawn: how many are drawn evenly, beside the targets.
    """

    def __init__(self, counts: np.ndarray, drawn: int) -> None:
        self._share = counts / max(1, counts.sum())
        self._classes, self._drawn = len(counts), min(drawn, len(counts))
        self._log_absent = np.log1p(-np.minimum(self._share, 1 - 1e-7))

    def draw(self, targets: torch.Tensor, generator: torch.Generator) -> Candidates:
        """The candidates of a batch. targets: (R,) int64."""
        even = torch.randint(0, self._classes, (self._drawn,), generator=generator)
        ids = torch.unique(torch.cat([targets, even]))
        absent = len(targets) * self._log_absent + self._drawn * np.log1p(-1.0 / self._classes)
        weight = -np.log(-np.expm1(absent))  # minus log of 1 - (1 - share)^R (1 - 1/V)^drawn
        return Candidates(ids, torch.from_numpy(weight.astype(np.float32))[ids])


def cross_entropy(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    targets: torch.Tensor,
    candidates: Candidates | None = None,
) -> torch.Tensor:
    """The mean over rows of -log softmax(weight x + bias)[target], differentiable in x, weight and bias.

    x: (R, K) float32. weight: (V, K). bias: (V,). targets: (R,) int64. candidates: None for the exact loss; else the
    estimate over these classes.
    """
    if candidates is None:
        loss: torch.Tensor = _Fused.apply(x, weight, bias, targets, None)  # type: ignore[no-untyped-call]
        return loss
    some = weight.index_select(0, candidates.ids), bias.index_select(0, candidates.ids)
    own = torch.searchsorted(candidates.ids, targets)
    loss = _Fused.apply(x, *some, own, candidates.weight)  # type: ignore[no-untyped-call]
    return loss


class _Fused(torch.autograd.Function):
    """Loss and gradients in one go: the gradients are made forward, and only scaled backward."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        targets: torch.Tensor,
        correction: torch.Tensor | None,
    ) -> torch.Tensor:
        rows, classes = len(x), len(weight)
        dtype = torch.bfloat16 if x.dtype == torch.float32 and fast_bfloat16() else x.dtype
        inputs, factors = x.detach().to(dtype), weight.detach().to(dtype)
        shift = bias if correction is None else bias + correction
        d_x, d_bias = torch.empty_like(x), torch.zeros_like(bias)
        d_weight = torch.zeros_like(weight)
        total = torch.zeros((), dtype=torch.float64)
        chunk = max(16, _CHUNK // classes // 16 * 16)
        for first in range(0, rows, chunk):
            part, own = inputs[first : first + chunk], targets[first : first + chunk, None]
            logits = (part @ factors.T).to(x.dtype).add_(shift)
            if correction is not None:
                logits.scatter_add_(1, own, -correction[own])
            mine = logits.gather(1, own)
            largest = logits.amax(1, keepdim=True)
            logits.sub_(largest).exp_()
            sums = logits.sum(1, keepdim=True)
            total += (sums.log() + largest - mine).sum(dtype=torch.float64)
            logits.div_(sums * rows)
            logits.scatter_add_(1, own, torch.full_like(mine, -1.0 / rows))
            d_bias += logits.sum(0)
            steps = logits.to(dtype)
            d_x[first : first + chunk] = steps @ factors
            d_weight += steps.T @ part
        ctx.save_for_backward(d_x, d_weight, d_bias)
        return (total / rows).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        d_x, d_weight, d_bias = ctx.saved_tensors
        (scale,) = gradients
        return d_x * scale, d_weight * scale, d_bias * scale, None, None


class Copied(NamedTuple):
    """How a row's target can be copied. gate: (R,), the logit of g, the share of the softmax. mass: (R,), what
    attention gives to places where the target stands."""

    gate: torch.Tensor
    mass: torch.Tensor


def smoothed_cross_entropy(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    targets: torch.Tensor,
    smoothing: float = 0.0,
    copied: Copied | None = None,
) -> torch.Tensor:
    """The mean over rows of (1 - s) (-log p[target]) + s mean over classes of -log p_v, differentiable in all but
    targets; p = g p_v + (1 - g) mass, p_v = softmax(weight x + bias), and p = p_v where nothing is copied.

    x: (R, K) float32. weight: (V, K). bias: (V,). targets: (R,) int64. smoothing: s.
    Sources: label smoothing, Szegedy et al. 2016, arXiv:1512.00567, section 7; copying, See et al. 2017,
    arXiv:1704.04368, equation 9.
    """
    gate, mass = (None, None) if copied is None else copied
    loss: torch.Tensor = _Smoothed.apply(x, weight, bias, targets, smoothing, gate, mass)  # type: ignore[no-untyped-call]
    return loss


class _Smoothed(torch.autograd.Function):
    """As _Fused, for a target that may be copied and is not believed entirely.

    With w = (1 - s) g p_v[target] / p the gradient of the logits is (w + s) p_v - w e_target - s / V; its last part is
    the same for every class, and taken in where products are summed.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        targets: torch.Tensor,
        smoothing: float,
        gate: torch.Tensor | None,
        mass: torch.Tensor | None,
    ) -> torch.Tensor:
        rows, classes = len(x), len(weight)
        dtype = torch.bfloat16 if x.dtype == torch.float32 and fast_bfloat16() else x.dtype
        inputs, factors = x.detach().to(dtype), weight.detach().to(dtype)
        d_x, d_bias, d_weight = torch.empty_like(x), torch.zeros_like(bias), torch.zeros_like(weight)
        kept = None if gate is None or mass is None else (torch.sigmoid(gate.detach()), mass.detach())
        d_gate, d_mass = (None, None) if kept is None else (torch.empty_like(kept[0]), torch.empty_like(kept[1]))
        total = torch.zeros((), dtype=torch.float64)
        even = smoothing / (classes * rows)
        chunk = max(16, _CHUNK // classes // 16 * 16)
        for first in range(0, rows, chunk):
            some = slice(first, first + chunk)
            part, own = inputs[some], targets[some, None]
            logits = (part @ factors.T).to(x.dtype).add_(bias)
            mine = logits.gather(1, own)
            mean = logits.mean(1, keepdim=True) if smoothing else mine
            largest = logits.amax(1, keepdim=True)
            logits.sub_(largest).exp_()
            sums = logits.sum(1, keepdim=True)
            normal = sums.log() + largest
            logarithm, share = mine - normal, torch.full_like(mine, 1.0 - smoothing)
            if kept is not None:
                assert d_gate is not None
                assert d_mass is not None
                g, m = kept[0][some, None], kept[1][some, None]
                chosen = logarithm.exp()
                p = (g * chosen + (1 - g) * m).clamp_min(_SMALLEST)
                slope = share / (p * rows)
                d_gate[some] = (slope * (m - chosen) * g * (1 - g))[:, 0]
                d_mass[some] = (slope * (g - 1))[:, 0]
                logarithm, share = p.log(), share * g * chosen / p
            total += ((smoothing - 1.0) * logarithm + smoothing * (normal - mean)).sum(dtype=torch.float64)
            logits.mul_((share + smoothing) / (sums * rows))
            logits.scatter_add_(1, own, share / -rows)
            d_bias += logits.sum(0)
            steps = logits.to(dtype)
            d_x[some] = steps @ factors
            d_weight += steps.T @ part
        if smoothing:
            d_bias -= smoothing / classes
            d_x -= even * weight.detach().sum(0)
            d_weight -= even * x.detach().sum(0)
        ctx.save_for_backward(d_x, d_weight, d_bias, d_gate, d_mass)
        return (total / rows).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (scale,) = gradients
        d_x, d_weight, d_bias, d_gate, d_mass = (None if one is None else one * scale for one in ctx.saved_tensors)
        return d_x, d_weight, d_bias, None, None, d_gate, d_mass
