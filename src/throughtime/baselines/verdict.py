"""Whether a model beats a baseline: a paired bootstrap, and a sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Verdict:
    """gain: by how much the model's mean loss is below the baseline's, as a share of it; low, high: its 95 % interval
    over resampled groups; groups: how many; sentence: in words. skill: True, False for worse, None for unproven."""

    baseline: str
    metric: str
    gain: float
    low: float
    high: float
    groups: int
    skill: bool | None
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def verdict(
    model: np.ndarray,
    baseline: np.ndarray,
    name: str,
    metric: str,
    unit: str,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> Verdict:
    """Compare losses (M,) of the same cases, lower is better; NaN in either is left out.

    model, baseline: (M,); or (M, 2), losses and what they are shares of, where the metric is the sum of the first by
    the sum of the second: with the wrong and missing spans of a text, and those plus twice the right ones, 1 - F1.
    groups: (M,) cases that belong together, such as windows that overlap in time, are drawn together. name, metric,
    unit: of the baseline, of what is measured, and of what a group is (plural), for the sentence.

    Source: the paired bootstrap, Efron and Tibshirani 1993, doi:10.1201/9780429246593, chapter 13 (percentiles).
    """
    both = [one if one.ndim == 2 else np.stack([one, np.ones(len(one))], 1) for one in (model, baseline)]
    known = np.isfinite(both[0]).all(1) & np.isfinite(both[1]).all(1)
    own, other = both[0][known], both[1][known]
    labels = np.arange(len(known))[known] if groups is None else np.asarray(groups)[known]
    if not len(own) or not other[:, 0].sum():
        same = bool(len(own)) and not own[:, 0].sum()
        perfect = f"{name} is without error, the model is not." if len(own) else "there is nothing to compare."
        sentence = f"No verdict on {metric}: " + ("both are without error." if same else perfect)
        return Verdict(name, metric, 0.0, 0.0, 0.0, 0, None, sentence)
    _, inverse = np.unique(labels, return_inverse=True)
    count = int(inverse.max()) + 1
    ours, theirs = (np.stack([np.bincount(inverse, part[:, k], count) for k in (0, 1)]) for part in (own, other))
    gain = _less(ours.sum(1), theirs.sum(1))
    if count < 5:
        sentence = (
            f"No proven skill: {metric} {_gain(gain)} that of {name}, the best baseline, but {count} {unit} are too "
            "few to tell."
        )
        return Verdict(name, metric, float(gain), float("-inf"), float("inf"), count, None, sentence)
    rng = np.random.default_rng(seed)
    gains = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        drawn = np.bincount(rng.integers(0, count, count), minlength=count)
        gains[i] = _less(ours @ drawn, theirs @ drawn)
    low, high = (float(v) for v in np.quantile(gains, [0.025, 0.975]))
    skill = True if low > 0 else False if high < 0 else None
    between = f"95 % interval {low:+.1%} to {high:+.1%} over {count:,} {unit}"
    if skill:
        sentence = f"The model beats the best baseline, {name}: {metric} {_gain(gain)} its own ({between})."
    elif skill is None:
        sentence = (
            f"No proven skill: {metric} {_gain(gain)} that of the best baseline, {name}, and the interval includes 0 "
            f"({between}). {name[0].upper()}{name[1:]} does as well."
        )
    else:
        sentence = f"The model is worse than {name}: {metric} {_gain(gain)} its own ({between}). Use {name} instead."
    return Verdict(name, metric, float(gain), low, high, count, skill, sentence)


def _less(ours: np.ndarray, theirs: np.ndarray) -> float:
    """By how much the share ours[0] / ours[1] is below the other, as a share of that; 0 where that is 0."""
    if not ours[1] or not theirs[0]:
        return 0.0
    return float(1 - ours[0] / ours[1] * theirs[1] / theirs[0])


def _gain(gain: float) -> str:
    return f"is {abs(gain):.1%} {'below' if gain >= 0 else 'above'}"
