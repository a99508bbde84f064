"""A loss that is no number any more: what broke first, what came before it, what to try."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from throughtime.options import Json

REMEMBERED = 8
"""How many steps before a failure are told about."""

_HUGE = 1e4
"""No weight of a model that learns comes near this."""


def diagnose(
    loss: float,
    step: int,
    rate: float,
    clip: float | None,
    parameters: Mapping[str, torch.Tensor],
    before: Sequence[tuple[float, float]],
) -> dict[str, Any]:
    """What is known about a step whose loss or gradient is not finite, as plain values for the history.

    parameters: after backward, before the optimizer's step, gradients not scaled. before: (loss, gradient norm) of
    the last steps. Returns step, what ("loss" or "gradient"), loss, learning_rate, clip, weights and gradients (the
    names of those not finite), largest_weight, losses, norms, cause and advice.
    """
    bad = [name for name, value in parameters.items() if not _finite(value.detach())]
    wrong = [name for name, value in parameters.items() if value.grad is not None and not _finite(value.grad)]
    losses, norms = [pair[0] for pair in before], [pair[1] for pair in before]
    sound = [
        float(value.detach().abs().max()) for name, value in parameters.items() if name not in bad and value.numel()
    ]
    largest = max(sound, default=0.0)
    cause, advice = _advise(step, rate, clip, bad, largest, norms)
    return {
        "step": step,
        "what": "gradient" if math.isfinite(loss) else "loss",
        "loss": loss,
        "learning_rate": rate,
        "clip": clip,
        "weights": bad,
        "gradients": wrong,
        "largest_weight": largest,
        "losses": losses,
        "norms": norms,
        "cause": cause,
        "advice": advice,
    }


def sentence(failure: Mapping[str, Json], kept: str) -> str:
    """The diagnosis on one line. kept: what there still is."""
    what = f"the loss became {failure['loss']}" if failure["what"] == "loss" else "the gradient became nan or infinite"
    norms = ", ".join(f"{norm:.3g}" for norm in failure["norms"][-4:])
    where = f"at step {failure['step']} (learning rate {failure['learning_rate']:.2g})"
    parts = [
        f"training: {what} {where}; {failure['cause']}",
        f"gradient norms before: {norms}" if norms else "",
        _first("not finite: weights", failure["weights"]) or _first("not finite: gradient of", failure["gradients"]),
        kept,
        failure["advice"],
    ]
    return "; ".join(part for part in parts if part)


def _advise(
    step: int, rate: float, clip: float | None, bad: list[str], largest: float, norms: list[float]
) -> tuple[str, str]:
    usual = sorted(norms)[len(norms) // 2] if norms else 0.0
    slower = f"--learning-rate {rate / 10:.1g}"
    clipped = slower if clip is not None and clip <= 1.0 else f"{slower} --clip 1"
    if step == 1:
        return (
            "it was so from the first step, before anything was learned",
            "check the cell's own arithmetic (log, sqrt or division of a value that can be 0) and its initial weights",
        )
    if bad:
        return "the step before it already broke the weights", f"try {clipped}"
    if largest > _HUGE:
        return f"the weights have grown to {largest:.2g}", f"try {slower}"
    if norms and norms[-1] > 10.0 * usual:
        return "the gradient exploded", f"try {clipped}, or a gated cell (lstm, gru)"
    return "the state or the loss overflowed", f"try {clipped}, or a cell whose state is bounded (lstm, gru)"


def _first(what: str, names: Sequence[str], shown: int = 3) -> str:
    if not names:
        return ""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{what} {', '.join(names[:shown])}{more}"


def _finite(value: torch.Tensor) -> bool:
    return bool(torch.isfinite(value).all())
