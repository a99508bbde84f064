"""What a model looked at: how much each part of its input did to its answer, and whether that is true of this model.

Two methods. Integrated gradients: the gradient along the way from a neutral input to the real one. Occlusion: what
changes when a part is made neutral. Beside each stands a deletion check: making the parts it ranks highest neutral must
change the answer more than doing so with parts drawn at random. A method that fails says so.

Sources: integrated gradients, Sundararajan et al. 2017, arXiv:1703.01365, eq. 1; occlusion, Zeiler and Fergus 2014,
arXiv:1311.2901, section 4.2; deletion: Samek et al. 2017, arXiv:1509.06321. Both methods are captum's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from throughtime.errors import UserError, needed

METHODS = ("occlusion", "integrated_gradients")
"""The first is the default: on the models of benchmarks/explain.py it passed the deletion check by more."""

_DRAWS, _STEPS, _ROWS = 50, 64, 64


@dataclass(frozen=True)
class Question:
    """An answer of a model as a function of its input.

    answer: (N, P, E) tensors of N versions of the input to (N, K) answers. x: (P, E) the input, P parts of E values.
    neutral: (P, E), what stands for a part that is not there. signed: whether a smaller answer is worse (a probability)
    or any change counts (a forecast).
    """

    answer: Callable[[Any], Any]
    x: Any
    neutral: Any
    signed: bool

    def score(self, x: Any) -> Any:
        """The mean answer, (N,), which attributions add up to."""
        return self.answer(x).mean(-1)

    def cost(self, x: Any) -> np.ndarray:
        """What the answer has lost in each of N versions, (N,): how far it fell, or how far it moved."""
        import torch

        with torch.no_grad():
            real, found = self.answer(self.x[None]), _in_parts(self.answer, x)
        lost: np.ndarray = ((real - found) if self.signed else (real - found).abs()).mean(-1).double().numpy()
        return lost


@dataclass(frozen=True)
class Check:
    """The deletion check: what making the top tenth neutral costs, what random tenths cost on average and in the 95 %
    quantile, and how many parts a tenth is."""

    top: float
    random: float
    high: float
    parts: int

    @property
    def holds(self) -> bool:
        """Whether the top costs more than random draws do on average, and about as much as the most costly of them:
        where one part decides, some random draws hold it too and can cost as much, but not more."""
        return self.top > self.random and self.top >= 0.9 * self.high

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "holds": self.holds}


def attribute(question: Question, method: str = METHODS[0]) -> np.ndarray:
    """How much each part did to the answer, (P,); positive where it raised it. UserError for an unknown method."""
    if method not in METHODS:
        raise UserError(f"method {method!r}: choose from {', '.join(METHODS)}")
    try:
        from captum.attr import IntegratedGradients, Occlusion
    except ImportError:
        raise UserError(f"explain needs captum: {needed('insight')}") from None
    x, neutral = question.x[None], question.neutral[None]
    if method == "integrated_gradients":
        found = IntegratedGradients(question.score).attribute(
            x, neutral, n_steps=_STEPS, internal_batch_size=max(1, min(_STEPS, _VALUES // x[0].numel()))
        )
    else:
        found = Occlusion(question.score).attribute(
            x, (1, x.shape[2]), baselines=neutral, perturbations_per_eval=max(1, min(_ROWS, _VALUES // x[0].numel()))
        )
        found = found / x.shape[2]  # captum gives every value of a part the part's effect
    values: np.ndarray = found.detach()[0].double().sum(-1).numpy()
    return values


_VALUES = 1 << 21
"""Values of the inputs that go through a model at once."""


def effects(question: Question) -> np.ndarray:
    """How far the answer moves when each part is made neutral, (P,): occlusion, over all K answers, without a sign."""
    import torch

    count = len(question.x)
    versions = question.x[None].repeat(count, 1, 1)
    versions[torch.arange(count), torch.arange(count)] = question.neutral
    with torch.no_grad():
        real = question.answer(question.x[None])
        return (real - _in_parts(question.answer, versions)).abs().mean(-1).double().numpy()  # type: ignore[no-any-return]


def ranking(question: Question, values: np.ndarray, method: str) -> np.ndarray:
    """The parts from the one that matters most: what raised the answer most, or, where any change counts, what moved it
    most."""
    if question.signed:
        return np.argsort(-values, kind="stable")
    return np.argsort(-(effects(question) if method == "occlusion" else np.abs(values)), kind="stable")


def check(question: Question, order: Sequence[int] | np.ndarray, seed: int = 0, part: float = 0.1) -> Check:
    """The deletion check of an order of the parts, the most important first."""
    count = len(question.x)
    size = max(1, round(part * count))
    rng = np.random.default_rng(seed)
    top = np.asarray(order)[:size]
    sets = [top]
    while len(sets) <= _DRAWS:
        drawn = rng.choice(count, size, replace=False)
        if size == count or set(drawn.tolist()) != set(top.tolist()):
            sets.append(drawn)
    versions = question.x[None].repeat(len(sets), 1, 1)
    for version, places in zip(versions, sets, strict=True):
        version[places] = question.neutral[places]
    cost = question.cost(versions)
    return Check(float(cost[0]), float(cost[1:].mean()), float(np.quantile(cost[1:], 0.95)), size)


def _in_parts(answer: Callable[[Any], Any], versions: Any) -> Any:
    import torch

    rows = max(1, min(_ROWS, _VALUES // max(1, versions[0].numel())))
    return torch.cat([answer(part) for part in versions.split(rows)])
